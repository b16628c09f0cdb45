package peoplesoft

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"time"
)

// style is everything that decides how rows are written.
type style struct {
	Quirks
	query  string
	format string
	cols   []column
	labels []string
	long   map[string]map[string]string
	zone   *time.Location
	offset time.Duration
	drift  *Fault // type drift
	drop   string // a column that is left out

	same map[string]string // columns with one value in every row
}

// form is how a value is written.
type form int

const (
	quoted  form = iota // text
	bare                // number, or date in XML
	null                //
	missing             // the key or element is left out
)

type value struct {
	form form
	text string
}

func (y *style) label() {
	y.labels = make([]string, len(y.cols))
	for i, c := range y.cols {
		y.labels[i] = c.name
		if y.aliased(y.format) {
			y.labels[i] = c.alias
		}
	}
	if y.LongNames {
		y.long = longNames()
	}
}

// value gives what the n-th row of an answer holds in a column.
func (y *style) value(c *column, h hit, n int) value {
	if c.name == y.drop && y.drop != "" {
		return value{form: missing}
	}
	text := y.text(c, h)
	if y.drifts(c, n) {
		return y.drifted(c, text)
	}
	if strings.TrimSpace(text) == "" {
		return y.blank(c)
	}
	switch {
	case c.kind == numberKind && !y.NumbersAsText:
		return value{bare, text}
	case c.key && y.KeyAsNumber:
		if n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64); err == nil {
			return value{bare, strconv.FormatUint(n, 10)}
		}
	case (c.kind == dateKind || c.kind == stampKind) && y.format == "XMLP":
		return value{bare, text}
	}
	return value{quoted, text}
}

func (y *style) text(c *column, h hit) string {
	if c.kind == stampKind {
		text := c.stamp(h).add(y.offset).format(y.layout(), y.zone)
		if y.LeadingSpace {
			return " " + text
		}
		return text
	}
	text := c.text(h)
	if one, ok := y.same[c.name]; ok {
		text = one
	}
	if long, ok := y.long[c.name][text]; ok {
		return long
	}
	if y.EscapedNames && c.kind == charKind {
		return html.EscapeString(text)
	}
	return text
}

func (y *style) blank(c *column) value {
	switch {
	case y.Blank == BlankNull:
		return value{form: null}
	case y.Blank == BlankMissing:
		return value{form: missing}
	case y.Blank == BlankSample && y.format == "XMLP":
		return value{form: null}
	case y.Blank == BlankEmpty, c.kind != charKind:
		return value{quoted, ""}
	}
	return value{quoted, " "}
}

func (y *style) drifts(c *column, n int) bool {
	f := y.drift
	if f == nil || (f.Column != "" && f.Column != c.name) || (f.Column == "" && c.kind != stampKind) {
		return false
	}
	return f.N <= 0 || n%100 < f.N
}

// drifted changes the type of a value: a date in another form, text for a number, a number for text (failures.md P11).
func (y *style) drifted(c *column, text string) value {
	switch c.kind {
	case dateKind, stampKind:
		if t, err := time.Parse(time.DateOnly, cut(strings.TrimSpace(text), 10)); err == nil {
			return value{quoted, t.Format("02-Jan-06")}
		}
		return value{quoted, "not a date"}
	case numberKind:
		return value{quoted, "n/a"}
	}
	return value{bare, fmt.Sprint(mix(text) % 100000)}
}
