package zendesk

import (
	"net/http"
	"strings"
)

// problem is one complaint about one field of a record (1.7).
type problem struct {
	field, text string
	duplicate   bool
	forbidden   bool // the record is protected: not a validation error
}

type problems []problem

func (ps *problems) add(field, text string) { *ps = append(*ps, problem{field: field, text: text}) }

func (ps *problems) taken(field, text string) {
	*ps = append(*ps, problem{field: field, text: text, duplicate: true})
}

// bulk renders problems as the one string of a job result (3.5); gap is what stands after "Name:".
func (ps problems) bulk(gap string) string {
	texts := make([]string, 0, len(ps))
	for _, p := range ps {
		texts = append(texts, strings.TrimPrefix(p.text, "Name: "))
	}
	return "Name:" + gap + strings.Join(texts, ", ")
}

// invalid answers 422 RecordInvalid, or the protected status when a protected record was touched.
func (s *Sim) invalid(ps problems) reply {
	details := map[string][]obj{}
	for _, p := range ps {
		if p.forbidden && s.opts.Quirks.ProtectedStatus == http.StatusForbidden {
			return forbidden(p.text)
		}
		d := obj{"description": p.text}
		if p.duplicate {
			d["error"] = "DuplicateValue"
		}
		details[p.field] = append(details[p.field], d)
	}
	return reply{status: http.StatusUnprocessableEntity, body: obj{
		"error": "RecordInvalid", "description": "Record validation errors", "details": details,
	}}
}

func notFound() reply {
	return reply{status: http.StatusNotFound, body: obj{"error": "RecordNotFound", "description": "Not found"}}
}

func invalidEndpoint() reply {
	return reply{status: http.StatusNotFound, body: obj{"error": "InvalidEndpoint", "description": "Not found"}}
}

func forbidden(message string) reply {
	return reply{status: http.StatusForbidden, body: obj{"error": obj{"title": "Forbidden", "message": message}}}
}

// badJSON and badAttribute: Zendesk's text for these is not recorded; the object form of an error is (4.6).
func badJSON() *reply {
	return &reply{status: http.StatusBadRequest, body: obj{"error": obj{"title": "Invalid JSON", "message": "Server could not parse JSON"}}}
}

func badAttribute(key, want string) *reply {
	return &reply{status: http.StatusBadRequest, body: obj{"error": obj{
		"title":   "Invalid attribute",
		"message": "You passed an invalid value for the " + key + " attribute. Invalid parameter: " + key + " must be " + want,
	}}}
}

func unauthorized() reply {
	return reply{
		status: http.StatusUnauthorized, body: obj{"error": "Couldn't authenticate you"},
		header: http.Header{"Www-Authenticate": {`Basic realm="Web Password"`}},
	}
}

func invalidToken() reply {
	return reply{status: http.StatusUnauthorized, body: obj{
		"error":             "invalid_token",
		"error_description": "The access token provided is expired, revoked, malformed or invalid for other reasons.",
	}}
}
