package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

// newSending is a loaded company whose PeopleSoft sends messages; it is asked rarely.
func newSending(t *testing.T, node pssim.NodeOptions) *ordeal {
	t.Helper()
	return newSendingTo(t, setup{}, node)
}

func newSendingTo(t *testing.T, s setup, node pssim.NodeOptions) *ordeal {
	t.Helper()
	s.ingress, s.idle, s.empty = true, true, true
	o := newOrdeal(t, s)
	o.applyIB(t)
	o.sender(t, node)
	o.sync(t, adminapi.Sync{Full: true})
	o.setupMessages(t)
	o.agree(t)
	return o
}

// ended waits for the queues of PeopleSoft and judges.
func (o *ordeal) ended(t *testing.T) {
	t.Helper()
	o.arrived(t)
	o.noDead(t)
	o.judged(t)
}

// The rows of failures.md 3.3 that need the whole system, and N07 and N08 at the ingress.
func TestFaultScriptOfMessages(t *testing.T) {
	t.Run("M01 and M02 one message in five comes twice or late", doubledAndLate)
	t.Run("M07 one record changes all the time", hotKey)
	t.Run("N07 a slow loris does not keep PeopleSoft out", loris)
	t.Run("N08 bodies that end early are never accepted", shortBodies)
}

func doubledAndLate(t *testing.T) {
	o := newSending(t, pssim.NodeOptions{Duplicate: 0.2, Reorder: 0.2})
	keys := o.staff(10)
	for i := range 60 {
		o.event(t, pssim.Event{Type: "change-title", EmplID: keys[i%10], Title: fmt.Sprintf("Title %d", i%13)})
	}
	o.event(t, pssim.Event{Type: "terminate", EmplID: keys[0]})
	o.ended(t)
	twice := 0
	for _, q := range o.PS.Queues() {
		twice += q.Duplicates
	}
	if twice == 0 {
		t.Error("no message came twice")
	}
}

// Zendesk takes five updates of one user in a minute (zendesk.md 4.2), here in hotWindow. hotWait is how long the newest
// state of a hot record may take when the changes are over: the last one may wait for the sixth place.
const (
	hotWindow = 8 * time.Second
	hotWait   = hotWindow + 15*time.Second
)

// hotKey: many changes of one person; another one's change does not wait behind them, few are written, and Zendesk never
// refuses one for coming too often. MLC_TEST_HOT is their number, 200 by default; the catalogue says 10000.
func hotKey(t *testing.T) {
	changes := 200
	if n, err := strconv.Atoi(os.Getenv("MLC_TEST_HOT")); err == nil {
		changes = n
	}
	o := newSendingTo(t, setup{zd: func(z *zdsim.Options) { z.PerUserPerMinute, z.RecordWindow = 5, hotWindow },
		tuning: func(t *assembly.Tuning) { t.Window = hotWindow }}, pssim.NodeOptions{})
	keys, before, began := o.staff(2), o.ZD.Counters().Writes, time.Now()
	for i := range changes {
		o.event(t, pssim.Event{Type: "change-title", EmplID: keys[0], Title: fmt.Sprintf("Title %d", i)})
	}
	o.event(t, pssim.Event{Type: "change-title", EmplID: keys[1], Title: "Not Hot"})
	until(t, max(2*time.Minute, time.Duration(changes)*100*time.Millisecond), "all are sent", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return o.PS.Drained(ctx)
	})
	sent := time.Now()
	until(t, 10*time.Second, "another one's change", func() bool { return o.ours(t, keys[1]).UserFields["job_title"] == "Not Hot" })
	o.quiet(t)
	took := time.Since(sent)
	writes := o.ZD.Counters().Writes - before
	t.Logf("%d changes sent in %v, quiet %v later, %d writes", changes, sent.Sub(began).Round(time.Second), took.Round(time.Second), writes)
	o.ended(t)
	windows := int64(time.Since(began)/hotWindow) + 2 // a window's places may be used twice around its border
	if most := 5*windows + 1; writes > most {
		t.Errorf("%d writes of %d changes, want at most %d: the newest of a record is what counts", writes, changes+1, most)
	}
	if n := o.ZD.Counters().Limited["user"]; n != 0 {
		t.Errorf("%d updates were refused for coming too often", n)
	}
	if last := fmt.Sprintf("Title %d", changes-1); o.ours(t, keys[0]).UserFields["job_title"] != last {
		t.Errorf("the title is %v, want %s", o.ours(t, keys[0]).UserFields["job_title"], last)
	}
	if took > hotWait {
		t.Errorf("quiet %v after the last message, want at most %v", took, hotWait)
	}
}

// knock opens so many connections from an address of loopback and sends the beginning of a request on each.
func knock(t *testing.T, from, to, text string, n int) (list []net.Conn) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	for range n {
		c, err := d.DialContext(t.Context(), "tcp", to)
		if err != nil {
			t.Skip("NOT RUN: this machine does not connect from " + from + ": " + err.Error())
		}
		t.Cleanup(func() { _ = c.Close() })
		_, _ = io.WriteString(c, text) // a door that is full closes at once
		list = append(list, c)
	}
	return list
}

// loris: many connections that never end their head. PeopleSoft's messages go on, and the connections are closed.
func loris(t *testing.T) {
	o := newSending(t, pssim.NodeOptions{})
	list := knock(t, "127.0.0.2", o.ingress, "POST /ib/acme HTTP/1.1\r\nHost: x\r\n", 200)
	key := o.staff(1)[0]
	began := time.Now()
	o.event(t, pssim.Event{Type: "change-title", EmplID: key, Title: "Through the Crowd"})
	o.ended(t)
	if took := time.Since(began); took > 25*time.Second { // with all that is judged, on a busy machine
		t.Errorf("it took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	deadline, _ := ctx.Deadline()
	for _, c := range list {
		_ = c.SetReadDeadline(deadline)
		if _, err := io.Copy(io.Discard, c); err != nil {
			if n, ok := err.(net.Error); ok && n.Timeout() {
				t.Fatal("a connection without a request is still open after 15 s")
			}
		}
	}
}

// shortBodies: whatever ends before its length or its last chunk gets no 2xx and leaves nothing behind.
func shortBodies(t *testing.T) {
	o := newSending(t, pssim.NodeOptions{})
	writes := o.ZD.Counters().Writes
	auth := "Authorization: Basic UFNGVDppbmdyZXNzLXBhc3N3b3JkLW9mLXRoZS10ZXN0\r\n" // PSFT and ibPassword
	head := "POST /ib/acme HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\n" + auth
	for name, text := range map[string]string{
		"a length that is not reached": head + "Content-Length: 4000\r\n\r\n<PERSON_BASIC_SYNC>",
		"no last chunk":                head + "Transfer-Encoding: chunked\r\n\r\n5\r\n<PERS\r\n",
		"a chunk with bare feeds":      head + "Transfer-Encoding: chunked\r\n\r\n5\n<PERS\n0\n\n",
		"a chunk of no size":           head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n<PERS\r\n0\r\n\r\n",
	} {
		c := knock(t, "127.0.0.1", o.ingress, text, 1)[0]
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			_ = resp.Body.Close()
		}
		if err == nil && resp.StatusCode/100 == 2 {
			t.Errorf("%s was accepted", name)
		}
		if err == nil && strings.Contains("404 429 500 502 504", fmt.Sprint(resp.StatusCode)) {
			t.Errorf("%s is answered %d", name, resp.StatusCode)
		}
	}
	o.quiet(t)
	if n := o.ZD.Counters().Writes - writes; n != 0 {
		t.Errorf("%d writes", n)
	}
	o.ended(t)
}
