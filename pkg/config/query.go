package config

import (
	"slices"
	"strings"
)

// Query is where the rows of one kind come from: a PeopleSoft query (type qas-rest) or any REST service of the
// customer (type rest-generic). Fields of the other type are empty.
type Query struct {
	Type    QueryType `json:"type"`
	MaxRows int       `json:"max_rows"` // rows of a page, 1 to 100000

	Query     PSName         `json:"query,omitempty"`
	Format    Format         `json:"format"`
	Owner     Owner          `json:"owner"`
	Prompts   Prompts        `json:"prompts"`
	Layout    Layout         `json:"prompt_layout"` // Go layout of dates in prompts (peoplesoft.md 3.3)
	Columns   map[PSName]Col `json:"columns,omitempty"`
	KeyLength int            `json:"key_length,omitempty"` // pad numeric keys with zeros to this length; 0: refuse them

	URL     Template    `json:"url,omitempty"`      // path behind base_url with {node} {from} {to} {after} {limit} {key}
	RowPath RowPath     `json:"row_path,omitempty"` // where the rows are in the answer: data.items; "" for a plain array
	Fields  map[Col]Col `json:"fields,omitempty"`   // PeopleSoft column to the service's field, dotted where nested
	Page    PageRule    `json:"page,omitempty"`     // keyset: ask again behind the last key; single: one answer is all
}

// Prompts names the query's prompts; an empty name means that the query has none.
type Prompts struct {
	From    Prompt `json:"from,omitempty"`
	To      Prompt `json:"to,omitempty"`
	After   Prompt `json:"after,omitempty"`
	Key     Prompt `json:"key,omitempty"`
	EffFrom Prompt `json:"eff_from,omitempty"`
	EffTo   Prompt `json:"eff_to,omitempty"`
}

func defaultQuery() Query {
	return Query{Type: QASRest, MaxRows: 1000, Format: "JSON", Owner: "PUBLIC", Layout: "2006-01-02"}
}

func (q *Query) check(c *complaints) {
	if q.MaxRows < 1 || q.MaxRows > 100_000 {
		c.at("max_rows", bad{want: "a number from 1 to 100000", got: show(q.MaxRows)})
	}
	if q.KeyLength < 0 || q.KeyLength > 30 {
		c.at("key_length", bad{want: "a number from 0 to 30", got: show(q.KeyLength)})
	}
	if q.Type == Generic {
		q.checkGeneric(c)
		return
	}
	c.need("query", "the query's name in Query Manager, for example ML_EMPLOYEES")
	c.foreign("only type rest-generic has this", "url", "row_path", "fields", "page")
	c.pair("prompts", "from", "to")
	c.pair("prompts", "eff_from", "eff_to")
}

func (q *Query) checkGeneric(c *complaints) {
	c.need("url", "the path behind base_url, for example /PSIGW/RESTListeningConnector/{node}/ML_VENDORS.v1?since={from}")
	c.need("fields", "PeopleSoft column to the service's field, for example { VENDOR_ID: id }")
	c.foreign("only type qas-rest has this", "query", "format", "owner", "prompts", "columns")
	after := strings.Contains(string(q.URL), "{after}")
	switch {
	case q.Page == "" && after:
		q.Page = Keyset
	case q.Page == "":
		q.Page = Single
	case q.Page == Keyset && !after:
		c.at("page", bad{want: "single, or {after} in url", got: "keyset"})
	}
}

// QueryType says what answers.
type QueryType string

// The types of queries.
const (
	QASRest QueryType = "qas-rest"     // Query Access Service over REST (peoplesoft.md 3.1)
	Generic QueryType = "rest-generic" // a service operation of the customer's own (peoplesoft.md 3.5)
)

// UnmarshalText accepts the two types.
func (q *QueryType) UnmarshalText(b []byte) error { return word(q, b, QASRest, Generic) }

// Format is the output format of a query: JSON or XMLP.
type Format string

// UnmarshalText accepts JSON and XMLP.
func (f *Format) UnmarshalText(b []byte) error { return word(f, b, "JSON", "XMLP") }

// Owner is PUBLIC or PRIVATE.
type Owner string

// UnmarshalText accepts PUBLIC and PRIVATE.
func (o *Owner) UnmarshalText(b []byte) error { return word(o, b, "PUBLIC", "PRIVATE") }

// PageRule says how a generic service is paged.
type PageRule string

// The page rules.
const (
	Keyset PageRule = "keyset"
	Single PageRule = "single"
)

// UnmarshalText accepts the two rules.
func (p *PageRule) UnmarshalText(b []byte) error { return word(p, b, Keyset, Single) }

// Template is a path and query behind base_url with placeholders.
type Template string

// UnmarshalText accepts a path with known placeholders; the host is always that of base_url, so that credentials go
// nowhere else.
func (t *Template) UnmarshalText(b []byte) error {
	s := string(b)
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, " #\\") || len(s) > 2000 || !printable(s) {
		return bad{want: "a path behind base_url that starts with one slash", got: show(s)}
	}
	known := []string{"node", "from", "to", "after", "limit", "key"}
	for rest := s; ; {
		_, tail, open := strings.Cut(rest, "{")
		if !open {
			break
		}
		name, after, closed := strings.Cut(tail, "}")
		if !closed || !slices.Contains(known, name) {
			return bad{want: "placeholders among {node} {from} {to} {after} {limit} {key}", got: show("{" + name + "}"), hint: nearest(name, known)}
		}
		rest = after
	}
	*t = Template(s)
	return nil
}
