package peoplesoft

import (
	"strings"

	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

const resultSpace = "http://xmlns.oracle.com/Enterprise/Tools/schemas/QAS_QUERYRESULTS_XMLP_RESP."

// decodeXMLP reads the element query with its rows, alone or wrapped as the SOAP service wraps it (peoplesoft.md 3.2).
func decodeXMLP(b body, query string) (table, error) {
	root, err := xmlRoot(b)
	if err != nil {
		return table{}, err
	}
	var results []*guard.Node
	for _, n := range root.Find("query") {
		if n.Space == "" || strings.HasPrefix(n.Space, resultSpace) {
			results = append(results, n)
		}
	}
	if len(results) != 1 {
		return table{}, noData("the answer holds no query element, or several")
	}
	q := results[0]
	if name := strings.TrimSpace(q.Value("queryname")); name != "" && !strings.EqualFold(name, query) {
		return table{}, noData("the answer is of another query")
	}
	t := table{total: -1}
	if n := q.Value("numrows"); n != "" {
		if t.total, err = numRows(n); err != nil {
			return table{}, err
		}
	}
	for _, k := range q.Kids {
		if k.Local != "row" {
			return table{}, noData("the query element holds something else than rows")
		}
		row, err := xmlRow(k)
		if err != nil {
			return table{}, err
		}
		t.rows = append(t.rows, row)
	}
	return t, nil
}

// xmlRow reads one element per column; the guard's node holds text and CDATA together, so a number cannot be told
// from text and a key is taken as it stands.
func xmlRow(n *guard.Node) (map[string]cell, error) {
	row := make(map[string]cell, len(n.Kids))
	for _, k := range n.Kids {
		if len(k.Kids) > 0 {
			return nil, noData("a column holds elements in place of a value")
		}
		if _, twice := row[k.Local]; twice {
			return nil, noData("a row holds the same column twice")
		}
		row[k.Local] = cell{text: k.Text}
	}
	return row, nil
}

// xmlRoot decodes the document and refuses error documents.
func xmlRoot(b body) (*guard.Node, error) {
	root, err := guard.XML(b.data, b.charset, limits())
	if err != nil {
		return nil, refused(err)
	}
	if text, bad := xmlComplaint(root); bad {
		return nil, complaint(text)
	}
	return root, nil
}

// decodeError is for a place where only an error document makes sense: XML in answer to a request for JSON.
func decodeError(b body) error {
	if _, err := xmlRoot(b); err != nil {
		return err
	}
	return noData("XML in place of JSON")
}

// xmlComplaint finds IBResponse type="error" and SOAP faults, in the order of who says more.
func xmlComplaint(root *guard.Node) (string, bool) {
	for _, n := range root.Find("IBResponse") {
		if strings.EqualFold(n.Value("type"), "error") {
			return firstText(n, "DefaultMessage", "DefaultTitle"), true
		}
	}
	for _, n := range root.Find("Fault") {
		return firstText(n, "faultstring", "Text", "Reason"), true
	}
	return "", false
}

func firstText(n *guard.Node, names ...string) string {
	for _, name := range names {
		for _, found := range n.Find(name) {
			if text := strings.TrimSpace(found.Text); text != "" && text != "null" {
				return text
			}
		}
	}
	return ""
}
