package listener_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/source/peoplesoft/ib"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

// person is a message of about 3 KB, most of it what no connector needs, as real ones are.
func person(i int) string {
	id := fmt.Sprintf("%07d", i)
	types := "<FieldTypes><PERSON class=\"R\">" + strings.Repeat(`<ADDRESS_FIELD type="CHAR"/>`, 40) + "</PERSON></FieldTypes>"
	return `<?xml version="1.0"?><PERSON_BASIC_SYNC>` + types + `<MsgData><Transaction><PERSON class="R"><EMPLID>` + id + `</EMPLID>
<NAMES class="R"><EMPLID>` + id + `</EMPLID><NAME_TYPE>PRI</NAME_TYPE><EFFDT>2026-01-01</EFFDT><EFF_STATUS>A</EFF_STATUS><NAME_DISPLAY>Ann Example</NAME_DISPLAY></NAMES>
<EMAIL_ADDRESSES class="R"><EMPLID>` + id + `</EMPLID><E_ADDR_TYPE>BUSN</E_ADDR_TYPE><EMAIL_ADDR>ann.` + id + `@example.com</EMAIL_ADDR><PREF_EMAIL_FLAG>Y</PREF_EMAIL_FLAG></EMAIL_ADDRESSES>
` + strings.Repeat(`<CITIZENSHIP class="R"><COUNTRY>USA</COUNTRY></CITIZENSHIP>`, 15) + `</PERSON><PSCAMA class="R"><AUDIT_ACTN>C</AUDIT_ACTN></PSCAMA></Transaction></MsgData></PERSON_BASIC_SYNC>`
}

func realOpen(d listener.Delivery) (listener.Message, error) {
	m, err := ib.Open(ib.Delivery(d), ib.Options{})
	if err != nil {
		return listener.Message{}, err
	}
	return listener.Message{Name: m.Name, From: m.From, Transaction: m.Transaction, Chunk: m.Chunk, Chunks: m.Chunks, Ping: m.Ping,
		Answer: func(ok bool, detail string) (string, []byte) { return ib.Answer(m, ok, detail) },
		Each: func(yield func(source.Record) error) (listener.Counts, error) {
			st, err := m.Each(yield)
			return listener.Counts{Rows: st.Rows, Records: st.Records, Ignored: st.Ignored}, err
		}}, nil
}

const connections = 8

// BenchmarkIngress is performance.md goal 14: messages a second and the 99th percentile of the answer at 8 connections
// to a broker that syncs always. anchor is what the same broker takes from 8 publishers alone, one event at a time.
func BenchmarkIngress(b *testing.B) {
	bus := client(b, natsbus.Options{InProcess: broker(b, b.TempDir(), "")})
	doors := &listener.Doors{}
	doors.Set(map[tenant.ID]*listener.Door{"acme": {Tenant: "acme", Nodes: []string{"PSFT_HR"}, Open: realOpen,
		Access: listener.Access{Basic: &listener.Basic{User: "psft", Password: secret.New("right")}}}})
	srv := httptest.NewServer(listener.New(doors, bus, seal, listener.Options{}))
	defer srv.Close()
	var n atomic.Int64
	b.Run("anchor", func(b *testing.B) {
		eight(b, func() error {
			i := n.Add(1)
			e := event.Event{ID: fmt.Sprint("anchor", i), Source: "bench", Type: event.FactsV1, Subject: fmt.Sprintf("employee/%07d", i), Time: time.Now(), Tenant: "acme"}
			e, err := event.With(e, event.Facts{Kind: "employee", Key: fmt.Sprintf("%07d", i), Facts: []event.Fact{}})
			if err != nil {
				return err
			}
			return bus.PublishFacts(b.Context(), "acme", e)
		})
	})
	b.Run("ingress", func(b *testing.B) {
		web := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
		defer web.CloseIdleConnections()
		eight(b, func() error {
			i := int(n.Add(1))
			r, err := http.NewRequestWithContext(b.Context(), "POST", srv.URL+"/ib/acme", strings.NewReader(person(i)))
			if err != nil {
				return err
			}
			r.SetBasicAuth("psft", "right")
			for k, v := range map[string]string{"Content-Type": "text/xml", "From": "PSFT_HR", "TransactionID": fmt.Sprint("tx", i), "ExternalOperationName": "PERSON_BASIC_SYNC.VERSION_1"} {
				r.Header.Set(k, v)
			}
			res, err := web.Do(r)
			if err != nil {
				return err
			}
			defer func() { _ = res.Body.Close() }()
			if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || !strings.Contains(string(text), "success") {
				return fmt.Errorf("status %d: %s", res.StatusCode, text)
			}
			return nil
		})
	})
}

// eight does do b.N times from 8 goroutines and reports rate and 99th percentile.
func eight(b *testing.B, do func() error) {
	b.Helper()
	var todo atomic.Int64
	todo.Store(int64(b.N))
	took := make([][]time.Duration, connections)
	var all sync.WaitGroup
	b.ResetTimer()
	for g := range connections {
		all.Go(func() {
			for todo.Add(-1) >= 0 {
				began := time.Now()
				if err := do(); err != nil {
					b.Error(err)
					return
				}
				took[g] = append(took[g], time.Since(began))
			}
		})
	}
	all.Wait()
	b.StopTimer()
	flat := slices.Concat(took...)
	slices.Sort(flat)
	if len(flat) > 0 {
		b.ReportMetric(float64(flat[len(flat)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(flat[len(flat)*99/100].Microseconds())/1000, "p99-ms")
		b.ReportMetric(float64(len(flat))/b.Elapsed().Seconds(), "messages/s")
	}
}
