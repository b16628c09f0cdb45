package guard

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// events writes what the Reader sees: one line a token, texts of space only left out.
func events(r *Reader) (string, error) {
	var b strings.Builder
	for {
		t, err := r.Next()
		if err != nil {
			return b.String(), err
		}
		switch t {
		case Done:
			return b.String(), nil
		case Start:
			fmt.Fprintf(&b, "<%s", r.Name())
			for _, a := range r.Attrs() {
				fmt.Fprintf(&b, " %s=%q", a.Name, a.Value)
			}
			b.WriteString(">\n")
		case End:
			fmt.Fprintf(&b, "</%s>\n", r.Name())
		case Text:
			if len(bytes.TrimSpace(r.Text())) > 0 {
				fmt.Fprintf(&b, "%q\n", r.Text())
			}
		}
	}
}

// reference is the same by encoding/xml.
func standardEvents(doc string) (string, error) {
	var b strings.Builder
	var text []byte
	d := xml.NewDecoder(strings.NewReader(doc))
	flush := func() {
		if len(bytes.TrimSpace(text)) > 0 {
			fmt.Fprintf(&b, "%q\n", text)
		}
		text = text[:0]
	}
	for depth := 0; ; {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) && depth == 0 {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			flush()
			fmt.Fprintf(&b, "<%s", t.Name.Local)
			for _, a := range t.Attr {
				name := a.Name.Local
				if a.Name.Space != "" {
					name = a.Name.Space + ":" + name
				}
				fmt.Fprintf(&b, " %s=%q", name, a.Value)
			}
			b.WriteString(">\n")
		case xml.EndElement:
			depth--
			flush()
			fmt.Fprintf(&b, "</%s>\n", t.Name.Local)
		case xml.CharData:
			text = append(text, t...)
		}
	}
}

const document = `<?xml version="1.0" encoding="UTF-8"?>
<!-- c --><p:a xmlns:p="urn:x" b='1 &lt; 2' c="ü"><d>x &amp; y</d><e/><f><![CDATA[<raw> ]] ]]]]><![CDATA[> & ]]></f>
 <g z="&#x41;&quot;">  süß &#8364; 漢字 😀 &apos; </g><?pi x?><h  i = "j"  ></h></p:a>
<!-- end -->`

func TestReaderSeesWhatTheStandardDecoderSees(t *testing.T) {
	want, err := standardEvents(document)
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]io.Reader{
		"at once": strings.NewReader(document), "byte by byte": iotest.OneByteReader(strings.NewReader(document)),
		"in halves": iotest.HalfReader(strings.NewReader(document)), "with the end in the last piece": iotest.DataErrReader(strings.NewReader(document)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := events(NewReader(in, Limits{}))
			if err != nil || got != want {
				t.Fatalf("%v\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

// TestReaderAgainstTheStandardDecoder changes documents at random: where both accept, both see the same.
func TestReaderAgainstTheStandardDecoder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"<", ">", "/", "&", ";", "]]>", "<![CDATA[", "<!--", "-->", "<?", "?>", "\"", "'", " ", "=", "a", "ü", "\r\n", "\r", "&#10;", "<x>", "</x>", "<y/>", "\x01", "&#1;"}
	both, rounds := 0, 40_000
	if testing.Short() {
		rounds = 10_000
	}
	for range rounds {
		doc := document
		for range 1 + rnd.IntN(3) {
			at := rnd.IntN(len(doc))
			doc = doc[:at] + pieces[rnd.IntN(len(pieces))] + doc[at+rnd.IntN(min(4, len(doc)-at)):]
		}
		want, wrong := standardEvents(doc)
		r := NewReader(strings.NewReader(doc), Limits{})
		got, err := events(r)
		if wrong != nil || err != nil {
			continue
		}
		if both++; got != want && r.Stripped() == 0 {
			t.Fatalf("%q\n%s\nwant\n%s", doc, got, want)
		}
	}
	if both < rounds/20 {
		t.Fatalf("only %d documents were accepted by both", both)
	}
}

func TestReaderRefuses(t *testing.T) {
	for name, c := range map[string]struct{ doc, why string }{
		"DOCTYPE":                         {"<!DOCTYPE a><a/>", "DOCTYPE"},
		"DOCTYPE inside":                  {"<a><!ENTITY b></a>", "DOCTYPE"},
		"65 levels":                       {strings.Repeat("<a>", 65), "deeper than 64"},
		"two million levels":              {strings.Repeat("<a>", 2_000_000), "deeper than 64"},
		"attributes without number":       {"<a " + strings.Repeat(`b="c" `, 2), "ends early"},
		"65 attributes":                   {"<a" + manyAttributes(65) + "/>", "more than 64 attributes"},
		"500,000 attributes":              {"<a" + manyAttributes(500_000) + "/>", "longer"},
		"an attribute twice":              {`<a b="1" b="1"/>`, "twice"},
		"an attribute with a tag":         {`<a b="<"/>`, "not one"},
		"an attribute without a value":    {`<a b/>`, "not one"},
		"an attribute without quotes":     {`<a b=c/>`, "not one"},
		"a text of 64 KiB and a byte":     {"<a>" + strings.Repeat("x", 64<<10+1) + "</a>", "text longer"},
		"the same in CDATA pieces":        {"<a>" + strings.Repeat("<![CDATA[xxxxxxxx]]>", 9000) + "</a>", "text longer"},
		"the same in references":          {"<a>" + strings.Repeat("&#65;", 70_000) + "</a>", "text longer"},
		"an end tag of another":           {"<a><b></a></b>", "does not match"},
		"an end tag too many":             {"<a/></a>", "does not match"},
		"an end tag of another prefix":    {"<p:a></q:a>", "does not match"},
		"a second root":                   {"<a/><b/>", "second root"},
		"text before":                     {"x<a/>", "outside"},
		"text behind":                     {"<a/>x", "outside"},
		"CDATA behind":                    {"<a/><![CDATA[ ]]>", "outside"},
		"a comment in a value":            {"<a>x<!-- -->y</a>", "comment inside"},
		"a comment behind a value":        {"<a>x<!-- --></a>", "comment inside"},
		"an unknown entity":               {"<a>&nbsp;</a>", "entity"},
		"a reference without digits":      {"<a>&#;</a>", "entity"},
		"a reference to half a character": {"<a>&#xd800;</a>", "reference"},
		"an ampersand alone":              {"<a>R & D stays here</a>", "entity"},
		"half a character":                {"<a>\xc3</a>", "UTF-8"},
		"a character too long":            {"<a>\xc0\x80</a>", "UTF-8"},
		"a surrogate in UTF-8":            {"<a>\xed\xa0\x80</a>", "UTF-8"},
		"half a character in a name":      {"<a\xff/>", "name"},
		"a name of digits":                {"<1/>", "name"},
		"a tag without a name":            {"< a/>", "name"},
		"a tag in a tag":                  {"<a <b/>", "tag inside"},
		"a very long name":                {"<" + strings.Repeat("a", 300) + "/>", "name longer"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := events(NewReader(strings.NewReader(c.doc), Limits{})); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Fatal(err)
			}
		})
	}
	if _, err := events(NewReader(strings.NewReader("<a>"+strings.Repeat("<b/>", 100)+"</a>"), Limits{Items: 50})); err == nil || !strings.Contains(err.Error(), "more than 50") {
		t.Fatal(err)
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` a%d="1"`, i)
	}
	return b.String()
}

func TestReaderNoticesEveryCut(t *testing.T) {
	whole := strings.TrimSuffix(document, "\n<!-- end -->")
	for n := range whole {
		if _, err := events(NewReader(strings.NewReader(whole[:n]), Limits{})); !errors.Is(err, ErrCut) {
			t.Fatalf("%d bytes: %v ...%q", n, err, whole[max(0, n-20):n])
		}
		r := NewReader(strings.NewReader(whole[:n]), Limits{})
		var err error
		for range 3 { // up to the root
			var tok Token
			if tok, err = r.Next(); tok == Start || err != nil {
				break
			}
		}
		if err == nil {
			err = r.Skip()
		}
		if err == nil {
			_, err = r.Next()
		}
		if err == nil {
			t.Fatalf("%d bytes were skipped as complete: ...%q", n, whole[max(0, n-20):n])
		}
	}
}

func TestReaderSkips(t *testing.T) {
	for name, skipped := range map[string]string{
		"nothing": "<s></s>", "an empty element": "<s/>", "elements": `<s><a b="c/>"><d/></a>text</s>`, "its own name inside": "<s><s/><s></s></s>",
		"CDATA and comments": "<s><![CDATA[</s>]]><!-- </s> --><?x </s>?></s>", "an attribute of any length": `<s><a b="` + strings.Repeat("<x>", 0) + strings.Repeat("y", 1<<20) + `"/></s>`,
		"much": "<s>" + strings.Repeat("<f type='CHAR'/>", 10_000) + "</s>",
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(iotest.HalfReader(strings.NewReader("<a>"+skipped+"<b>x</b></a>")), Limits{})
			for range 2 {
				if tok, err := r.Next(); tok != Start || err != nil {
					t.Fatal(tok, err)
				}
			}
			if err := r.Skip(); err != nil {
				t.Fatal(err)
			}
			got, err := events(r)
			if err != nil || got != "<b>\n\"x\"\n</b>\n</a>\n" {
				t.Fatalf("%v %s", err, got)
			}
		})
	}
}

func TestCharactersOfAnyLength(t *testing.T) {
	long := strings.Repeat("ü&amp;<![CDATA[<&]]>\r\n", 50_000)
	r := NewReader(iotest.HalfReader(strings.NewReader("<a>\n "+long+"</a>")), Limits{Text: 100})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	text, err := r.Characters()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(text)
	if want := strings.Repeat("ü&<&\n", 50_000); err != nil || string(got) != want {
		t.Fatalf("%v, %d bytes, want %d", err, len(got), len(want))
	}
	if tok, err := r.Next(); tok != End || err != nil {
		t.Fatal(tok, err)
	}
}

func TestFragmentIsTextAlone(t *testing.T) {
	for doc, want := range map[string]string{
		"<?xml version='1.0'?><![CDATA[a<b]]>\n": "a<b\n", "<![CDATA[a]]]]><![CDATA[>]]>": "a]]>",
	} {
		f := Fragment(strings.NewReader(doc), Limits{})
		text, err := f.Characters()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(text)
		if err != nil || string(got) != want {
			t.Fatalf("%q %v", got, err)
		}
		if tok, err := f.Next(); tok != Done || err != nil {
			t.Fatal(tok, err)
		}
	}
}

// TestReaderNeedsLittle reads 50 MB from a source that does not exist in memory.
func TestReaderNeedsLittle(t *testing.T) {
	rows := int64(1_200_000)
	if testing.Short() {
		rows = 100_000
	}
	n := testing.AllocsPerRun(1, func() {
		row := "<row class='R'><f>value &amp; more</f></row>\n"
		in := io.MultiReader(strings.NewReader("<a>"), io.LimitReader(&repeat{text: []byte(row)}, int64(len(row))*rows), strings.NewReader("</a>"))
		r := NewReader(in, Limits{Items: 1 << 30})
		for {
			if tok, err := r.Next(); err != nil {
				t.Fatal(err)
			} else if tok == Done {
				return
			}
		}
	})
	if n > 100 {
		t.Fatalf("%v allocations for 50 MB", n)
	}
}

// repeat gives its text for ever.
type repeat struct {
	text []byte
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		if r.at++; r.at == len(r.text) {
			r.at = 0
		}
	}
	return len(p), nil
}

func FuzzReader(f *testing.F) {
	for _, seed := range []string{document, "<a><!-- --></a>", "<a b='&#1;'/>", "<a>]]></a>", "<a>&#x;</a>", "\ufeff<a/>"} {
		f.Add(seed, 7)
	}
	f.Fuzz(func(t *testing.T, doc string, cut int) {
		r := NewReader(strings.NewReader(doc), Limits{})
		got, err := events(r)
		again, err2 := events(NewReader(iotest.OneByteReader(strings.NewReader(doc)), Limits{}))
		if got != again || (err == nil) != (err2 == nil) {
			t.Fatalf("in one piece %v, byte by byte %v\n%s\n%s", err, err2, got, again)
		}
		if want, wrong := standardEvents(doc); err == nil && wrong == nil && got != want && r.Stripped() == 0 {
			t.Fatalf("%s\nwant\n%s", got, want)
		}
	})
}
