package ib

import (
	"bytes"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/internal/guard"
	"github.com/ml-connector/ml-connector/pkg/secret"
)

// soap12 is the namespace of SOAP 1.2 envelopes.
const soap12 = "http://www.w3.org/2003/05/soap-envelope"

// openSOAP reads an envelope (F4) whose root has started: WS-Security in its header, the first child of its Body.
func (m *Message) openSOAP(r *guard.Reader, names stated) error {
	for _, a := range r.Attrs() {
		if bytes.HasPrefix(a.Name, []byte("xmlns")) && string(a.Value) == soap12 {
			m.soap12 = true
		}
	}
	taken := false
	return m.begin(func() (*section, error) {
		if taken {
			return nil, drain(r)
		}
		taken = true
		return m.body(r)
	}, names)
}

// body moves to the first child of Body.
func (m *Message) body(r *guard.Reader) (*section, error) {
	leaf, text, inside := "", "", false
	for {
		t, err := r.Next()
		switch {
		case err != nil:
			return nil, err
		case t == guard.Done:
			return nil, nil
		case t == guard.Text:
			text = strings.TrimSpace(string(r.Text()))
		case t == guard.Start:
			name := string(r.Name())
			if inside {
				return &section{root: name, xml: r}, nil
			}
			inside = name == "Body" && r.Depth() == 2
			leaf, text = name, ""
		case inside:
			inside = false
		case leaf == string(r.Name()) && text != "":
			m.token(leaf, text)
			leaf = ""
		}
	}
}

// token takes the UsernameToken of the header, and what IB's own header block may state.
func (m *Message) token(name, value string) {
	switch name {
	case "Username":
		m.User = value
	case "Password":
		m.UserPassword = secret.New(value)
	case "From", "RequestingNode":
		if m.From == "" {
			m.From = value
		}
	case "To", "DestinationNode":
		if m.To == "" && !strings.Contains(value, "://") {
			m.To = value
		}
	case "TransactionID", "MessageID", "ExternalMessageID":
		if m.Transaction == "" {
			m.Transaction = value
		}
	}
}
