package ib

import (
	"flag"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

var badInputs = flag.Int("bad", 200_000, "number of inputs in TestBadInputs")

// seeds are deliveries of every form, from which bad ones are made.
func seeds() []sent {
	var list []sent
	all := goldens()
	for _, name := range []string{"PERSON_BASIC_SYNC", "WORKFORCE_SYNC", "VENDOR_SYNC", "DEPT_FULLSYNC"} {
		f := forms(name, all[name].body)
		for _, form := range slices.Sorted(mapKeys(f)) {
			list = append(list, f[form])
			for _, packing := range []string{"gzip", "zlib", "base64 of gzip", "base64"} {
				s := f[form]
				if s.method == "" && name == "DEPT_FULLSYNC" {
					s.body = packings()[packing](s.body)
					list = append(list, s)
				}
			}
		}
	}
	return append(list, sent{body: `{"PERSON_BASIC_SYNC":{"MsgData":{"Transaction":[{"PERSON":{"EMPLID":"0004711","NAMES":[{"NAME_TYPE":"PRI","NAME_DISPLAY":"Dana"}]}}]}}}`},
		sent{body: request("PING", "ping", "")})
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// mutate damages a delivery in one to five places: bytes, pieces of markup, cuts, copies, headers.
func mutate(rnd *rand.Rand, s sent) sent {
	pieces := []string{"<", ">", "&", "]]>", "<![CDATA[", "<!--", "-->", "<?", "?>", "<!DOCTYPE a>", "\"", "'", "=", "\x00", "\xff", "\xef\xbb\xbf", "\xfe\xff", "%", "%3C", "\x1f\x8b", "\x78\x9c", "--B_1", "--B_1--\r\n",
		"<Transaction>", "</Transaction>", "<MsgData>", "</MsgData>", "<FieldTypes>", "<PSCAMA>", "</PSCAMA>", `<PSCAMA class="R">`, ` class="R"`, "<AUDIT_ACTN>D</AUDIT_ACTN>", "<MSG_SEQ_FLG>H</MSG_SEQ_FLG>", "<EMPLID>", "</EMPLID>",
		"<Data>", "</Data>", "<IBRequest>", "<Envelope><Body>", "{", "}", "[", "]", ",", ":", "&#0;", "&#xd800;", "&x;", "\r", "\n", " ", "99999999999999999999", strings.Repeat("<a>", 80), strings.Repeat("x", 5000)}
	body := s.body
	for range 1 + rnd.IntN(5) {
		if body == "" {
			break
		}
		at := rnd.IntN(len(body))
		to := at + rnd.IntN(min(len(body)-at, 40)+1)
		switch rnd.IntN(8) {
		case 0:
			body = body[:at] // a cut
		case 1:
			body = body[:at] + body[to:] // a hole
		case 2:
			body = body[:to] + body[at:] // said twice
		case 3:
			body = body[:at] + string(byte(rnd.IntN(256))) + body[at+1:]
		case 4:
			other := rnd.IntN(len(body))
			body = body[:at] + body[other:min(len(body), other+200)] + body[at:]
		default:
			body = body[:at] + pieces[rnd.IntN(len(pieces))] + body[at:]
		}
	}
	s.body = body
	switch rnd.IntN(12) {
	case 0:
		s = s.with("Content-Type", []string{"", "text/xml; charset=utf-16", "application/json", mimeType, "multipart/related", "application/x-www-form-urlencoded", "text/xml; charset=klingon", ";;"}[rnd.IntN(8)])
	case 1:
		s = s.with("Content-Encoding", []string{"gzip", "deflate", "br", "gzip, gzip", "identity"}[rnd.IntN(5)])
	case 2:
		s = s.with("ExternalOperationName", []string{"", "WORKFORCE_SYNC", "..", "\"#", "VENDOR_SYNC.v1"}[rnd.IntN(5)])
	}
	if s.method == http.MethodGet {
		s.query = url.Values{"xml": {body}}
	}
	return s
}

// slowest is the longest an input may take (failures.md 4.6 asks for a bound; the inputs here are of a few KB).
const slowest = 250 * time.Millisecond

// TestBadInputs sends -bad damaged deliveries: no panic, no input without facts or a reason, little time and memory.
func TestBadInputs(t *testing.T) {
	n := *badInputs
	if testing.Short() || raceEnabled {
		n = min(n, 20_000)
	}
	list := seeds()
	peak := watchHeap(t)
	var wait sync.WaitGroup
	for worker := range 2 {
		wait.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(worker), 42))
			for i := range n / 2 {
				one(t, mutate(rnd, list[rnd.IntN(len(list))]), i)
			}
		})
	}
	wait.Wait()
	if p := peak(); p > 64<<20 {
		t.Errorf("the heap reached %d bytes", p)
	}
}

// one sends one bad input. Time is taken again before it counts: the machine may have been busy.
func one(t *testing.T, s sent, number int) {
	for try := range 3 {
		begin := time.Now()
		if why := judge(s); why != "" {
			t.Errorf("input %d: %s: %q %v", number, why, s.body, s.header)
		}
		if took := time.Since(begin); took < slowest {
			return
		} else if try == 2 {
			t.Errorf("input %d took %v: %q", number, took, s.body)
		}
	}
}

// judge reads an input and says what is wrong with the way it was read.
func judge(s sent) string {
	m, err := Open(s.delivery(), Options{})
	if m == nil {
		return "no message"
	}
	stats := Stats{}
	leak := ""
	if err == nil {
		stats, err = m.Each(func(r source.Record) error {
			if r.Ref.Key == "" || len(r.Facts) == 0 {
				leak = "a record without key or facts"
			}
			return nil
		})
	}
	switch {
	case leak != "":
		return leak
	case err == nil && !m.Ping && stats.Rows == 0 && !stats.HeaderOnly && !stats.TrailerOnly:
		return "nothing was read, and nothing is wrong"
	case err == nil:
		return ""
	case fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Transient:
		return "an error of kind " + string(fault.KindOf(err)) + ": " + err.Error()
	case fault.CodeOf(err) == fault.Unclassified || len(err.Error()) < 10:
		return "an error without a reason: " + err.Error()
	}
	return ""
}

// watchHeap samples the live heap until its result is called, which is the highest seen above the begin.
func watchHeap(t *testing.T) func() int64 {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	begin, peak := int64(m.HeapAlloc), int64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				peak = max(peak, int64(m.HeapAlloc)-begin)
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return peak
	}
}
