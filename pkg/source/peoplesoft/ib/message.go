package ib

import (
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// Format is the form in which a message came (peoplesoft.md 1.2). F7, compressed or encoded, is not a form of its
// own: the form is that of what was packed, and Message.Packed says that it was.
type Format int

// The forms. The zero Format is that of a message that could not be opened.
const (
	Bare      Format = iota + 1 // F1: the message itself, routing in HTTP headers
	NonRowset                   // F2: JSON, routing in HTTP headers
	CDATA                       // F3: one CDATA section behind an XML declaration
	SOAP                        // F4: SOAP 1.1 or 1.2
	Envelope                    // F5: IBRequest
	MIME                        // F6: multipart/related with IBInfo
	_                           // F7, see Message.Packed
	Get                         // F8: GET, a node ping or content in the query string
)

// String is the name in peoplesoft.md 1.2: F1 to F8, or "unknown".
func (f Format) String() string {
	if f < Bare || f > Get {
		return "unknown"
	}
	return "F" + string(rune('0'+f))
}

// Delivery is one HTTP request of Integration Broker, or a stored copy of one. Header names may have any case. The
// body is read as it is needed; the caller limits its size, and its errors are passed on.
type Delivery struct {
	Method string
	Header http.Header
	Query  url.Values
	Body   io.Reader
}

// Options are what a tenant's file says about its messages. The zero value is delivered PeopleSoft.
type Options struct {
	Zone    *time.Location    // of the database's wall clock; turns times of the envelope that have an offset into it
	Aliases map[string]string // site's message name -> canonical name, see Known; case and version suffix do not matter
	Records map[string]string // site's record name -> delivered name; case does not matter
	Fields  map[string]string // site's field name, or RECORD.FIELD with the delivered record -> delivered field name; case does not matter
	Limits  Limits
}

// Limits bound one message; zero fields take the value of DefaultLimits.
type Limits struct {
	Body     int64 // bytes after all decoding
	Ratio    int64 // inflated bytes for one compressed byte, beyond the first MiB
	Depth    int   // nesting of elements
	Elements int   // in the whole body
	Text     int   // bytes of one value
	Rows     int   // records, known or not, of one Transaction
	JSON     int64 // bytes of a JSON body, which is not streamed
	Sections int   // content sections or MIME parts
}

// DefaultLimits are those of failures.md 5.4, raised to what a FULLSYNC of 50 MB needs: it is streamed.
func DefaultLimits() Limits {
	return Limits{Body: 64 << 20, Ratio: 100, Depth: 64, Elements: 4_000_000, Text: 64 << 10, Rows: 20_000, JSON: 4 << 20, Sections: 100}
}

// Message is an opened delivery: the envelope is known, the content not yet read. All texts are as sent, without
// the space around them, except Name. Texts may hold anything a sender can write: escape them where they are shown.
type Message struct {
	Format       Format
	Packed       bool          // it was compressed or base64 (F7)
	Ping         bool          // a node ping: it has no content
	Sync         bool          // OperationType sync: the sender waits, and only 200 is success
	Name         string        // canonical message name without version; the root element wins over the envelope
	Alias        string        // the name that the envelope states, without version; "" when it states none
	Root         string        // local name of the content's root element; "" when there is none
	Version      string        // VERSION_9, v1, INTERNAL; "" when not stated
	From         string        // publishing node
	To           string        // our node, as the sender calls it
	Transaction  string        // transaction id; "" when not stated
	Sent         string        // OrigTimeStamp as sent
	Chunk        int           // 1-based number of the segment
	Chunks       int           // number of segments, at least 1
	Password     secret.String // node password of envelope, header or query
	User         string        // WS-Security UsernameToken, else From/OrigUser
	UserPassword secret.String // of the WS-Security UsernameToken
	Notes        []source.Note // what is odd about the envelope; set by Open and added to by Each

	opts   Options
	soap12 bool
	next   sections // nil for a ping
}

// Stats is what Each saw.
type Stats struct {
	Transactions int
	Rows         int  // rows of records that the message is about
	Records      int  // records handed to yield
	Ignored      int  // rows that gave no fact: originals (O), rows without key, bad rows, deleted people
	HeaderOnly   bool // header of a FULLSYNC (MSG_SEQ_FLG H): there are no rows to expect
	TrailerOnly  bool // trailer of a FULLSYNC (MSG_SEQ_FLG T)
	Notes        []source.Note
}
