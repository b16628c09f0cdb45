package zendesk

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// shape is what an error body says, whichever of the forms of zendesk.md 4.6 it has.
type shape struct {
	code   string   // error word: RecordInvalid, TooManyJobs, …; "" when none
	text   string   // cleaned for people: no addresses, no control characters, at most 200 bytes
	dupes  []string // fields with a duplicate value: email, external_id, name, value
	json   bool
	object bool // a JSON object at all, error or not
}

type wireProblem struct {
	Description string `json:"description"`
	Error       string `json:"error"`
}

const maxErrorBody = 64 << 10

func shapeOf(a answer) shape { return parseBody(a.Body) }

// parseBody never fails: plain text, HTML and empty bodies give a shape without a code. Plain bodies are not quoted.
func parseBody(body []byte) shape {
	if len(body) > maxErrorBody {
		return shape{}
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimSpace(body), &top) != nil {
		return shape{}
	}
	s := shape{json: true, object: top != nil}
	s.flat(top)
	s.list(top["errors"])
	s.details(top["details"])
	s.code, s.text = word(s.code), clean(s.text)
	return s
}

func (s *shape) flat(top map[string]json.RawMessage) {
	var object struct{ Title, Message string }
	if s.code = text(top["error"]); s.code == "" && json.Unmarshal(top["error"], &object) == nil {
		s.code, s.text = object.Title, object.Message
	}
	for _, key := range []string{"description", "error_description", "message"} {
		if s.text == "" {
			s.text = text(top[key])
		}
	}
}

func (s *shape) list(raw json.RawMessage) {
	var errs []struct{ Code, Title, Detail string }
	if json.Unmarshal(raw, &errs) != nil || len(errs) == 0 {
		return
	}
	s.code = errs[0].Code
	if s.text = errs[0].Title; s.text == "" {
		s.text = errs[0].Detail
	}
}

// details reads the map of field complaints; old copies put the external id's complaint under name (zendesk.md 1.7).
func (s *shape) details(raw json.RawMessage) {
	var byField map[string]json.RawMessage
	if json.Unmarshal(raw, &byField) != nil {
		return
	}
	var texts []string
	for _, field := range sortedKeys(byField) {
		var list []wireProblem
		if json.Unmarshal(byField[field], &list) != nil {
			continue
		}
		for _, p := range list {
			texts = append(texts, p.Description)
			if p.Error == "DuplicateValue" || duplicate(p.Description) {
				s.dupes = append(s.dupes, dupeField(field, p.Description))
			}
		}
	}
	if len(texts) > 0 {
		s.text = strings.Join(texts, "; ")
	}
}

func duplicate(text string) bool {
	return strings.Contains(text, "already being used") || strings.Contains(text, "already been taken")
}

func dupeField(field, description string) string {
	if strings.HasPrefix(description, "External") {
		return "external_id"
	}
	return field
}

func text(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s) // not a string: ""
	return s
}

// word keeps an error code printable and short.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == ' ' || r == '\'') {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 60)]
}

// credential is the word before one.
var credential = regexp.MustCompile(`(?i)^\W*(bearer|basic|token|secret|password|api[-_]?key)\W*$`)

var mailAddress = regexp.MustCompile(`[^\s"'<>(),;:]+@[^\s"'<>(),;:]+`)

// clean makes Zendesk's reason fit for logs: addresses are personal, long words, those with digits and what follows the name of a credential may be one.
func clean(s string) string {
	s = mailAddress.ReplaceAllString(s, "(address)")
	words := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || !unicode.IsPrint(r) })
	for i, w := range words {
		if len(w) > 40 || len(w) >= 16 && strings.ContainsAny(w, "0123456789") || i > 0 && credential.MatchString(words[i-1]) {
			words[i] = "(removed)"
		}
	}
	s = strings.ToValidUTF8(strings.Join(words, " "), "")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "")
	}
	return s
}
