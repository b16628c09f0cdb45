package peoplesoft

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// NodeOptions is the node that stands for the receiver, with its connector properties and routings.
type NodeOptions struct {
	URL  string `json:"url"`            // PRIMARYURL of HTTPTARGET
	Name string `json:"name,omitempty"` // To; default ML_CONNECTOR
	From string `json:"from,omitempty"` // node of HR messages; default Options.Node. Vendors are sent by Options.VendorNode, or From if it is given

	User         string            `json:"user,omitempty"` // Basic, from the HEADER property Authorization
	Password     string            `json:"password,omitempty"`
	Header       map[string]string `json:"header,omitempty"` // further HEADER properties
	NodePassword string            `json:"node_password,omitempty"`
	WSUser       string            `json:"ws_user,omitempty"` // WS-Security UsernameToken of the SOAP formats
	WSPassword   string            `json:"ws_password,omitempty"`
	TLS          *tls.Config       `json:"-"` // trust and client certificate

	Wires   []string          `json:"wires,omitempty"` // formats, taken in turn; default bare
	Shape   Shape             `json:"shape"`
	Alias   map[string]string `json:"alias,omitempty"`   // operation -> external alias, also the root element
	Version string            `json:"version,omitempty"` // version of all operations; default each message's own; "-" none
	Sync    bool              `json:"sync,omitempty"`    // OperationType sync: only 200 is success

	Silent    bool          `json:"silent,omitempty"`    // life events publish nothing
	JobFirst  bool          `json:"job_first,omitempty"` // a hire publishes WORKFORCE_SYNC before PERSON_BASIC_SYNC
	Lanes     int           `json:"lanes,omitempty"`     // sub-queues of a queue, by key; default 1
	Duplicate float64       `json:"duplicate,omitempty"` // share of messages whose answer is lost once: they are sent again
	Reorder   float64       `json:"reorder,omitempty"`   // share of messages that leave after the next one of their lane, as from an unordered queue
	Timeout   time.Duration `json:"timeout,omitempty"`   // of one request; default 30 s
	PingEvery time.Duration `json:"ping_every,omitempty"`
	Keep      int           `json:"keep,omitempty"` // deliveries kept in the log; default 10000
}

// queueNames are the ordered queues, one for each family of messages (peoplesoft.md 2.5).
func queueNames() []string { return []string{"PERSON_DATA", "VENDOR", "HR_SETUP"} }

// Node sets the receiver. Messages that wait for an earlier node go to the new one. RunSender must not be running
// when the number of lanes changes.
func (s *Sim) Node(o NodeOptions) error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" {
		return fmt.Errorf("node: url %q: want http://host/path", o.URL)
	}
	var wires []Wire
	for _, text := range append(slices.Clone(o.Wires), "")[:max(len(o.Wires), 1)] {
		w, err := ParseWire(text)
		if err != nil {
			return fmt.Errorf("node: %w", err)
		}
		wires = append(wires, w)
	}
	if o.Duplicate < 0 || o.Duplicate > 1 || o.Reorder < 0 || o.Reorder > 1 {
		return errors.New("node: duplicate and reorder: want shares from 0 to 1")
	}
	o.Alias, o.Header = maps.Clone(o.Alias), maps.Clone(o.Header)
	o.Name, o.Lanes, o.Keep = orText(o.Name, "ML_CONNECTOR"), orInt(o.Lanes, 1), orInt(o.Keep, 10000)
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.PingEvery == 0 {
		o.PingEvery = 5 * time.Second
	}
	s.out.set(o, wires, s.opt.Seed)
	return nil
}

// request makes the request of one segment. The signs of the sender (From) follow the family of the message.
func (s *Sim) request(o NodeOptions, c *contract, w Wire, segment int) (*http.Request, error) {
	from := orText(o.From, s.opt.Node)
	if c.queue == "VENDOR" {
		from = orText(o.From, s.opt.VendorNode)
	}
	version := strings.TrimPrefix(orText(o.Version, c.version), "-")
	l := letter{id: c.id, name: orText(o.Alias[c.operation], c.operation), version: version, from: from, to: o.Name, sent: c.at.In(s.opt.Zone).Format(stampZoned),
		password: o.NodePassword, user: o.WSUser, userPassword: o.WSPassword, kind: "async", chunk: segment + 1, chunks: max(len(c.segments), 1), content: c.raw}
	if version != "" {
		l.name += "." + version
	}
	if o.Sync {
		l.kind = "sync"
	}
	if c.raw == nil {
		l.set = &c.segments[segment]
		l.set.node = from
		l.content = l.set.xml()
	}
	h, body := w.write(l)
	r, err := http.NewRequest(http.MethodPost, o.URL, strings.NewReader(string(body)))
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, h)
	o.sign(r)
	return r, nil
}

// ping is what Integration Broker sends to learn whether a node is back (peoplesoft.md 1.4).
func (s *Sim) ping(o NodeOptions) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodGet, o.URL, nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, http.Header{"From": {orText(o.From, s.opt.Node)}, "To": {o.Name}, "Nonrepudiation": {"False"}, "Transactionid": {"PING_NODE"},
		"Accept": {"application/json"}, "Datachunk": {"1"}, "Datachunkcount": {"1"}, "User-Agent": {"Java11.0.22"}})
	return r, nil
}

func (o NodeOptions) sign(r *http.Request) {
	r.Header["User-Agent"] = []string{"Java11.0.22"}
	if o.User != "" {
		r.Header["Authorization"] = []string{"Basic " + plainBase64(o.User+":"+o.Password)}
	}
	for name, value := range o.Header {
		r.Header[name] = []string{value}
	}
}
