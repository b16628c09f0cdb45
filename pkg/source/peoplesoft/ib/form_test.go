package ib

import (
	"encoding/binary"
	"strings"
	"testing"
)

func TestEveryMessageInEveryForm(t *testing.T) {
	for name, g := range goldens() {
		for form, s := range forms(name, g.body) {
			for packing, pack := range packings() {
				if strings.HasPrefix(form, "F8") && packing != "as it is" || strings.HasPrefix(form, "F6") && packing != "as it is" && testing.Short() {
					continue
				}
				t.Run(name+"/"+form+"/"+packing, func(t *testing.T) {
					s := s
					s.body = pack(s.body)
					m, lines, _, err := read(s.delivery(), Options{})
					if err != nil {
						t.Fatal(err)
					}
					same(t, lines, g.lines)
					if m.Name != name || m.Root != name || m.From != "PSFT_HR" || m.To != "ML_CONNECTOR" || m.Transaction != "tx-1" || m.Sent != stamp || m.Version != "VERSION_9" || m.Ping || m.Sync {
						t.Errorf("%+v", m)
					}
					if form[0] == 'F' && m.Format.String() != form[:2] {
						t.Errorf("%s, want %s", m.Format, form[:2])
					}
					if packing != "as it is" && !m.Packed {
						t.Error("not noticed as packed")
					}
				})
			}
		}
	}
}

func TestWhatCannotBeDoneInEveryForm(t *testing.T) {
	g := goldens()["PERSON_BASIC_SYNC"]
	for form, s := range forms("PERSON_BASIC_SYNC", g.body) {
		if s.method != "" {
			continue
		}
		s.body = packGzip(pack64(packZlib(packGzip(s.body))))
		if _, _, _, err := read(s.delivery(), Options{}); err == nil {
			t.Errorf("%s: packed four times was read", form)
		}
	}
}

func TestEveryCutIsNoticed(t *testing.T) {
	for _, name := range []string{"PERSON_BASIC_SYNC", "WORKFORCE_FULLSYNC", "VENDOR_SYNC", "DEPT_SYNC"} {
		g := goldens()[name]
		for form, s := range forms(name, g.body) {
			for packing, pack := range packings() {
				if quick := testing.Short() || raceEnabled; s.method != "" || packing != "as it is" && (quick || name != "DEPT_SYNC") || quick && name != "DEPT_SYNC" {
					continue
				}
				t.Run(name+"/"+form+"/"+packing, func(t *testing.T) {
					s, whole := s, pack(strings.TrimRight(s.body, "\r\n"))
					end := len(whole)
					if packing == "as it is" {
						end = len(strings.TrimRight(whole, "\r\n"))
					}
					for n := range end {
						s.body = whole[:n]
						if _, _, _, err := read(s.delivery(), Options{}); err == nil {
							t.Fatalf("%d of %d bytes were accepted: ...%q", n, len(whole), s.body[max(0, n-30):])
						}
					}
				})
			}
		}
	}
}

func TestCharacterSets(t *testing.T) {
	latin := func(s string) string { return strings.NewReplacer("ö", "\xf6").Replace(s) }
	declared := func(label string) string {
		return strings.Replace(person, `"1.0"?>`, `"1.0" encoding="`+label+`"?>`, 1)
	}
	for name, c := range map[string]struct {
		kind, body string
		notes      int
	}{
		"UTF-8 by nobody's word":                        {"text/xml", person, 0},
		"a byte order mark":                             {"text/xml", "\ufeff" + person, 0},
		"a byte order mark against the header":          {"text/xml; charset=iso-8859-1", "\ufeff" + person, 1},
		"ISO-8859-1 by the header":                      {"text/xml; charset=ISO-8859-1", latin(person), 0},
		"ISO-8859-1 by the declaration":                 {"text/xml", latin(declared("ISO-8859-1")), 0},
		"windows-1252 by the declaration":               {"text/xml", latin(declared("windows-1252")), 0},
		"the header counts more than the declaration":   {"text/xml; charset=utf-8", declared("ISO-8859-1"), 1},
		"UTF-16 with a mark, little end first":          {"text/xml", wide(declared("UTF-16"), binary.LittleEndian, true), 0},
		"UTF-16 with a mark, big end first":             {"text/xml; charset=utf-16", wide(person, binary.BigEndian, true), 0},
		"UTF-16 without a mark":                         {"text/xml", wide(person, binary.LittleEndian, false), 0},
		"UTF-16 without a mark, big end first":          {"text/xml", wide(person, binary.BigEndian, false), 0},
		"an inner declaration says nothing":             {"text/xml", request("PERSON_BASIC_SYNC", "async", cdata(declared("ISO-8859-1"))), 0},
		"a packed ISO-8859-1 keeps its own declaration": {"text/xml", packGzip(latin(declared("ISO-8859-1"))), 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := sent{header: routed("PERSON_BASIC_SYNC", c.kind), body: c.body}
			m, lines, _, err := read(s.delivery(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, lines, personLines)
			if len(m.Notes) != c.notes {
				t.Errorf("notes %v", m.Notes)
			}
		})
	}
}
