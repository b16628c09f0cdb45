package peoplesoft

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
)

// ask is one request in words: what, before how.
type ask struct {
	from, to   erp.Stamp
	after, key string
	effective  [2]erp.Date // first and last day of effect; "" is an open end
	limit      int
}

// encode percent-encodes everything but letters, digits and - _ . ~ ; a space is %20, never a plus.
func encode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// address is the QAS URL for a (peoplesoft.md 3.1): prompts as two positional lists whose commas stay bare.
func (q Query) address(base, node string, c clock, a ask) (string, error) {
	var names, values []string
	put := func(name, value string, err error) error {
		if name == "" {
			return nil
		}
		if err == nil {
			err = oneSlot(value)
		}
		names, values = append(names, encode(name)), append(values, encode(value))
		return err
	}
	from, err := c.from(a.from)
	if err := put(q.Prompts.From, from, err); err != nil {
		return "", err
	}
	to, err := c.to(a.to)
	if err := put(q.Prompts.To, to, err); err != nil {
		return "", err
	}
	low, high := c.days(a.effective)
	for _, p := range [][2]string{{q.Prompts.After, a.after}, {q.Prompts.Key, a.key}, {q.Prompts.EffFrom, low}, {q.Prompts.EffTo, high}} {
		if err := put(p[0], p[1], nil); err != nil {
			return "", err
		}
	}
	return q.path(base, node) + "?" + q.query(names, values, a.limit), nil
}

func (q Query) path(base, node string) string {
	return strings.TrimSuffix(base, "/") + "/PSIGW/RESTListeningConnector/" + encode(node) + "/ExecuteQuery.v1/" +
		string(q.Owner) + "/" + encode(q.Name) + "/" + string(q.Format) + "/NONFILE"
}

func (q Query) query(names, values []string, limit int) string {
	text := "isconnectedquery=N&maxrows=" + strconv.Itoa(limit)
	if len(names) > 0 {
		comma := ","
		if q.ListSeparatorsEncoded {
			comma = "%2C"
		}
		text += "&prompt_uniquepromptname=" + strings.Join(names, comma) + "&prompt_fieldvalue=" + strings.Join(values, comma)
	}
	if q.Format == JSON {
		text += "&json_resp=true"
	}
	return text
}

// address fills the placeholders of a custom service's URL.
func (g Generic) address(base, node string, c clock, a ask) (string, error) {
	from, err := c.from(a.from)
	if err != nil {
		return "", err
	}
	to, err := c.to(a.to)
	if err != nil {
		return "", err
	}
	fill := strings.NewReplacer("{node}", encode(node), "{from}", encode(from), "{to}", encode(to),
		"{after}", encode(a.after), "{limit}", strconv.Itoa(a.limit), "{key}", encode(a.key))
	return strings.TrimSuffix(base, "/") + fill.Replace(g.URL), nil
}
