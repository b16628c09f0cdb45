package peoplesoft

import (
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

// Config is one PeopleSoft installation as one tenant reads it. Validate before Open.
type Config struct {
	BaseURL  string // scheme, host, port and maybe a path before /PSIGW; https, or http for loopback
	Node     string // default local node, for example PSFT_HR
	Auth     Auth
	CAFile   string         // PEM bundle trusted beside the system's
	MinTLS   uint16         // tls.VersionTLS12 or later; 0 is 1.2
	Silence  time.Duration  // of the other side before a call is given up; 0 is 15s, with a minute for the first byte
	Zone     *time.Location // of PeopleSoft's clock; only for prompt layouts that show an offset
	Queries  map[record.Kind]Query
	Generics map[record.Kind]Generic
}

// Auth is how PeopleSoft is signed in to: exactly one of the two.
type Auth struct {
	Basic  *Basic
	OAuth2 *OAuth2
}

// Basic is an OPRID and its password.
type Basic struct {
	User     string
	Password secret.String
}

// OAuth2 is a client-credentials grant at the identity provider whose tokens PeopleSoft accepts (peoplesoft.md 3.6).
type OAuth2 struct {
	TokenURL  string
	ClientID  string
	Secret    secret.String
	Scopes    []string
	Params    url.Values // audience, resource and the like
	AuthStyle AuthStyle  // "" is Header
}

// AuthStyle says where the client's credentials stand in a token request. It is never guessed: guessing signs in twice.
type AuthStyle string

// The two styles.
const (
	Header AuthStyle = "header"
	Body   AuthStyle = "body"
)

// Format of a query's answer.
type Format string

// The formats that are read.
const (
	JSON Format = "JSON"
	XMLP Format = "XMLP"
)

// Owner of a query.
type Owner string

// The owners of queries.
const (
	Public  Owner = "PUBLIC"
	Private Owner = "PRIVATE"
)

// Query reads one kind through the Query Access Service.
type Query struct {
	Name         string // upper case
	Format       Format // "" is JSON
	Owner        Owner  // "" is PUBLIC
	MaxRows      int    // rows per request, 0 is 1000
	Prompts      Prompts
	PromptLayout string            // Go layout of From and To, "" is 2006-01-02
	EmptyPrompts bool              // the query takes an empty From or To as "no limit"; else far dates are sent
	Columns      map[string]string // canonical PeopleSoft column to the column of this query
	KeyLength    int               // length to which a key that came as a number is padded with zeros; 0 refuses it
	Unescape     bool              // texts are stored HTML-escaped, as in O&#39;Brien (peoplesoft.md 2.3)
	SkipConfirm  bool              // trust that the server never cuts below MaxRows in silence: saves one request per window

	// ListSeparatorsEncoded percent-encodes the commas of the prompt lists, for proxies that refuse them bare.
	ListSeparatorsEncoded bool
}

// Prompts are the names of a query's prompts, case-sensitive; "" means that the query has none.
type Prompts struct {
	From, To       string // change time, inclusive
	After          string // key greater than this, in ascending order
	Key            string // key equal to this
	EffFrom, EffTo string // EFFDT, inclusive; open ends but in a window over days of effect
}

// Rule says how a custom service is paged.
type Rule string

// The page rules of a custom service. Both halve the window when {from} and {to} are in the URL and it is too large.
const (
	Single Rule = "single" // one answer holds the whole window
	Keyset Rule = "keyset" // {after} and ascending keys
)

// Generic reads one kind through a custom REST service of the site.
type Generic struct {
	URL          string            // behind BaseURL; {node} {from} {to} {after} {limit} {key} are replaced
	Rows         string            // dotted path to the rows in the JSON answer, "" for the root
	Fields       map[string]string // field of the service (dotted when nested) to canonical PeopleSoft column
	Headers      map[string]string // sent with every request; never credentials
	Page         Rule              // "" is Single
	MaxRows      int               // value of {limit}, 0 is 1000
	PromptLayout string            // Go layout of {from} and {to}, "" is 2006-01-02
	EmptyPrompts bool              // {from} and {to} may be empty; else far dates are sent
	KeyLength    int               // as in Query
	SkipConfirm  bool              // as in Query
}

// Default is a configuration in which only the address, the node, the credential and the query names are missing.
func Default() Config {
	return Config{Zone: time.UTC, Queries: map[record.Kind]Query{}, Generics: map[record.Kind]Generic{}}
}

// DefaultQuery is a query with the prompt names that the documentation recommends (peoplesoft.md 3.3).
func DefaultQuery(kind record.Kind) Query {
	if kind == record.Vendor {
		return Query{Name: "ML_VENDORS", Prompts: Prompts{From: "FROM_DTTM", To: "TO_DTTM", After: "LAST_VENDOR_ID"}}.withDefaults()
	}
	return Query{Name: "ML_EMPLOYEES", Prompts: Prompts{From: "FROM_DTTM", To: "TO_DTTM", After: "LAST_EMPLID"}}.withDefaults()
}

const (
	defaultRows   = 1000
	defaultLayout = time.DateOnly
)

func (q Query) withDefaults() Query {
	if q.Format == "" {
		q.Format = JSON
	}
	if q.Owner == "" {
		q.Owner = Public
	}
	q.MaxRows, q.PromptLayout = orInt(q.MaxRows, defaultRows), orText(q.PromptLayout, defaultLayout)
	return q
}

func (g Generic) withDefaults() Generic {
	if g.Page == "" {
		g.Page = Single
	}
	g.MaxRows, g.PromptLayout = orInt(g.MaxRows, defaultRows), orText(g.PromptLayout, defaultLayout)
	return g
}

func orInt(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
