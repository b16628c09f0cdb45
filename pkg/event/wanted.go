package event

import (
	"encoding/json"
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// Wanted is the payload of wanted.v1: the whole state that the target should hold for a record, never a delta.
// Exactly one of User and Organization is set.
type Wanted struct {
	Kind         record.Kind   `json:"kind"`
	Key          string        `json:"key"`
	User         *User         `json:"user,omitempty"`
	Organization *Organization `json:"organization,omitempty"`
	Flags        []fault.Code  `json:"flags,omitempty"`
	Explain      []string      `json:"explain,omitempty"`
}

// User is directory.User on the wire and in links.
type User struct {
	ExternalID string            `json:"external_id"`
	Name       string            `json:"name"`
	Email      string            `json:"email,omitempty"`
	Phone      string            `json:"phone,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"`
	State      directory.State   `json:"state"`
	FreeSeat   bool              `json:"free_seat,omitempty"`
	Park       string            `json:"park,omitempty"`
	Takes      string            `json:"takes,omitempty"`
}

// Organization is directory.Organization on the wire and in links.
type Organization struct {
	ExternalID string            `json:"external_id"`
	Name       string            `json:"name"`
	AltName    string            `json:"alt_name,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"`
	State      directory.State   `json:"state"`
}

// WantedOf builds the payload for an entry.
func WantedOf(ref record.Ref, e directory.Entry, flags []fault.Code, explain []string) Wanted {
	w := Wanted{Kind: ref.Kind, Key: ref.Key, Flags: flags, Explain: explain}
	if e.User != nil {
		u := User(*e.User)
		w.User = &u
	}
	if e.Organization != nil {
		o := Organization(*e.Organization)
		w.Organization = &o
	}
	return w
}

// Ref names the record.
func (w Wanted) Ref() record.Ref { return record.Ref{Kind: w.Kind, Key: w.Key} }

// Entry is the wanted state in the target's vocabulary; it fails unless exactly one object is set.
func (w Wanted) Entry() (directory.Entry, error) {
	if (w.User == nil) == (w.Organization == nil) {
		return directory.Entry{}, fmt.Errorf("wanted %s: want exactly one of user and organization", w.Ref())
	}
	if w.User != nil {
		u := directory.User(*w.User)
		return directory.Entry{User: &u}, nil
	}
	o := directory.Organization(*w.Organization)
	return directory.Entry{Organization: &o}, nil
}

// EncodeEntry writes an entry as it is kept in links and ledger rows; DecodeEntry undoes it.
func EncodeEntry(e directory.Entry) ([]byte, error) {
	w := WantedOf(record.Ref{}, e, nil, nil)
	return json.Marshal(struct {
		User         *User         `json:"user,omitempty"`
		Organization *Organization `json:"organization,omitempty"`
	}{w.User, w.Organization})
}

// DecodeEntry reads what EncodeEntry wrote; empty input is an empty entry.
func DecodeEntry(b []byte) (directory.Entry, error) {
	if len(b) == 0 {
		return directory.Entry{}, nil
	}
	var w Wanted
	if err := json.Unmarshal(b, &w); err != nil {
		return directory.Entry{}, fmt.Errorf("decode entry: %w", err)
	}
	if w.User == nil && w.Organization == nil {
		return directory.Entry{}, nil
	}
	return w.Entry()
}
