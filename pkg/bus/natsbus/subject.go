package natsbus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// First words of subjects (design.md 4).
const (
	wordFacts  = "erp"
	wordCursor = "cursor"
	wordTable  = "directory"
	wordUrgent = "urgent"
	wordWake   = "wake"
	wordDue    = "due"
	wordPoll   = "poll"
	wordTick   = "tick"
	wordDesk   = "desk"
	wordAudit  = "audit"
	wordDead   = "dead"
	wordReplay = "replay"
)

// none stands where a subject needs a token and there is nothing to say.
const none = "-"

func streamName(t tenant.ID, s bus.Stream) string { return string(s) + "_" + string(t) }

func subject(word string, t tenant.ID, tokens ...string) string {
	return word + "." + string(t) + "." + strings.Join(tokens, ".")
}

func refSubject(word string, t tenant.ID, ref record.Ref) string {
	return subject(word, t, record.Token(string(ref.Kind)), record.Token(ref.Key))
}

func tickSubject(word string, t tenant.ID, k bus.Tick) string {
	tokens := []string{record.Token(string(k.Kind)), record.Token(string(k.Mode))}
	if k.Key != "" {
		tokens = append(tokens, record.Token(k.Key))
	}
	return subject(word, t, tokens...)
}

func orNone(key string) string { return cmp.Or(record.Token(key), none) }

// about reads the record from the event's subject, "kind/key" or "kind".
func about(e event.Event) record.Ref {
	kind, key, _ := strings.Cut(e.Subject, "/")
	return record.Ref{Kind: record.Kind(kind), Key: key}
}

// named is about for streams whose subjects need both parts.
func named(e event.Event) (record.Ref, error) {
	ref := about(e)
	if ref.Kind == "" || ref.Key == "" {
		return ref, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("event %s: subject %q: want kind/key", e.ID, e.Subject))
	}
	return ref, nil
}

// parseRef reads the record from a broker subject of the tenant. Ticks have a mode between kind and key, dead
// letters a stage before the kind.
func parseRef(t tenant.ID, subj string) (record.Ref, error) {
	tokens := strings.Split(subj, ".")
	if len(tokens) < 3 || tokens[1] != string(t) {
		return record.Ref{}, fmt.Errorf("subject %q: not of tenant %s", subj, t)
	}
	word, rest := tokens[0], tokens[2:]
	switch {
	case word == wordTick && len(rest) >= 2:
		if _, err := record.Untoken(rest[1]); err != nil {
			return record.Ref{}, fmt.Errorf("mode: %w", err)
		}
		rest = slices.Delete(rest, 1, 2)
	case word == wordDead && len(rest) >= 2:
		rest = rest[1:]
	}
	if len(rest) > 2 {
		return record.Ref{}, fmt.Errorf("subject %q: too many tokens", subj)
	}
	part := [2]string{}
	for i, token := range rest {
		if token == none {
			continue
		}
		var err error
		if part[i], err = record.Untoken(token); err != nil {
			return record.Ref{}, err
		}
	}
	return record.Ref{Kind: record.Kind(part[0]), Key: part[1]}, nil
}

func checkTenant(t tenant.ID) error {
	if _, err := tenant.Parse(string(t)); err != nil {
		return fault.Wrap(err, fault.Config, fault.BadConfig, fmt.Sprintf("tenant %q", string(t)))
	}
	return nil
}
