package listener

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Delivery is one request as the opener sees it. The body is complete.
type Delivery struct {
	Method string
	Header http.Header
	Query  url.Values
	Body   io.Reader
}

// Open reads a delivery as far as its envelope. Errors are *fault.Error: Transient for a body that was cut, anything
// else for one that cannot be understood.
type Open func(d Delivery) (Message, error)

// Message is an opened delivery.
type Message struct {
	Format      string // F1 to F8, for people
	Name        string // canonical: PERSON_BASIC_SYNC
	From        string // the publishing node
	Transaction string // Integration Broker's id; "" when the sender gave none
	Sent        string // time of publication as the sender wrote it
	Chunk       int    // segment, from 1; 0 or 1 for whole messages
	Chunks      int
	Ping        bool

	NodePassword secret.String // found in envelope, header or query
	User         string        // of a WS-Security UsernameToken
	UserPassword secret.String

	// Each yields the records in the message's order. An error says that the message is not complete (Transient) or
	// cannot be understood; what was yielded before must not be taken alone.
	Each func(yield func(source.Record) error) (Counts, error)
	// Answer is the body of the answer in the form that the sender used.
	Answer func(ok bool, detail string) (contentType string, body []byte)
}

// Counts says what was in a message.
type Counts struct {
	Transactions, Rows, Records int
	Ignored                     int  // rows that are understood and carry nothing: original values, other records
	Header, Trailer             bool // begin or end of a full sync
	Notes                       []source.Note
}

// Bus is what the listener needs of the broker.
type Bus interface {
	PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error
	Publish(ctx context.Context, t tenant.ID, s bus.Stream, events ...event.Event) error
	Healthy(ctx context.Context) error
}

// Seal encrypts bytes of a tenant for the place they are kept at and answers JSON that package vault can open again.
type Seal func(ctx context.Context, t tenant.ID, place string, plain []byte) (json.RawMessage, error)

// Door is how one tenant's messages come in.
type Door struct {
	Tenant  tenant.ID
	Open    Open
	Nodes   []string // that may send
	Access  Access
	MaxBody int64 // bytes; 0 means DefaultMaxBody
	Strict  bool  // answer 400 to what cannot be understood
	Shut    bool  // its settings cannot be obeyed now: every message is answered 503 until they can
}

// DefaultMaxBody is the size above which a body is refused, in bytes. Segments of 64 MiB are far above what sites
// send to third parties (peoplesoft.md 1.6).
const DefaultMaxBody = 64 << 20
