package transform

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/schemas"
)

func wantedSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := schemas.Event(string(event.WantedV1))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("wanted.json", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("wanted.json")
}

// Whatever the source says, the event is one that the contract allows.
func TestEveryWantedStateFitsItsSchema(t *testing.T) {
	schema := wantedSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		ref := rapid.SampledFrom([]record.Ref{dana(), hoses()}).Draw(t, "ref")
		var facts []erp.Fact
		for _, facet := range erp.Facets() {
			f := erp.Fact{Facet: facet, Row: rapid.SampledFrom([]string{"", "0", "BUSN", "PRI", "\x00\n"}).Draw(t, "row"), Action: erp.Set, Fields: map[erp.Field]string{}}
			for _, k := range erp.Allowed(facet) {
				f.Fields[k] = rapid.OneOf(rapid.SampledFrom([]string{"", " ", "A", "I", "EMP", "R", "Dana", "d@example.com"}), rapid.StringN(0, 400, 2000)).Draw(t, "value")
			}
			facts = append(facts, f)
		}
		m := moment{tenant: acme, day: today, policy: Default()}
		r, err := step(m, &task{ref: ref, arrivals: []arrival{{facts: facts}}}, ledgerRow(nil, ref), true)
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.event(m)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Fatalf("%s: %v", e.Data, err)
		}
	})
}

func TestSomebodyWithVeryManyJobsIsExplainedShortly(t *testing.T) {
	facts := person()
	for i := range 500 {
		facts = append(facts, jobRow(fmt.Sprint(i), "2020-01-01", 0, "hr_status=A", "dept_text=Finance", "job_text=Clerk"))
	}
	if d := Resolve(dana(), facts, today, Default(), nil); len(d.Explain) > maxReasons+2 || !strings.HasPrefix(d.Explain[len(d.Explain)-1], "active: ") {
		t.Errorf("%d reasons, the last %q", len(d.Explain), d.Explain[len(d.Explain)-1])
	}
}
