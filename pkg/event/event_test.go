package event_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/schemas"
)

func TestDecodeRefusesForeignEnvelopes(t *testing.T) {
	good, err := event.Encode(full(t))
	if err != nil {
		t.Fatal(err)
	}
	swap := func(old, with string) string { return strings.Replace(string(good), old, with, 1) }
	for name, text := range map[string]string{
		"nothing":                     "",
		"not JSON":                    "<event/>",
		"cut in the middle":           string(good[:len(good)/2]),
		"something behind it":         string(good) + "{}",
		"another version of the spec": swap(`"1.0"`, `"0.3"`),
		"no id":                       swap(`"acme/x/1"`, `""`),
		"no type":                     swap(`"urgent.v1"`, `""`),
		"no tenant":                   swap(`"tenant":"acme"`, `"tenant":""`),
		"a tenant that is a subject":  swap(`"tenant":"acme"`, `"tenant":"acme.>"`),
		"a negative version":          swap(`"version":3`, `"version":-3`),
		"a time without a zone":       swap(`"2026-03-02T08:00:00Z"`, `"2026-03-02T08:00:00"`),
	} {
		t.Run(name, func(t *testing.T) {
			if text == string(good) {
				t.Fatal("the case changed nothing")
			}
			if _, err := event.Decode([]byte(text)); err == nil {
				t.Fatal("accepted")
			}
		})
	}
	if _, err := event.Decode([]byte(swap(`"tenant":"acme"`, `"tenant":"A"`))); !errors.Is(err, tenant.ErrID) {
		t.Fatalf("error %v", err)
	}
}

func TestEncodeRefusesWhatIsNotJSON(t *testing.T) {
	e := full(t)
	e.Data = []byte("{")
	if _, err := event.Encode(e); err == nil {
		t.Fatal("accepted")
	}
	if _, err := event.With(e, func() {}); err == nil {
		t.Fatal("a function became a payload")
	}
}

func TestPayloadChecksTheType(t *testing.T) {
	e := full(t)
	if v, err := event.Payload[event.Urgent](e, event.UrgentV1); err != nil || v.Key != "1" {
		t.Fatalf("%+v %v", v, err)
	}
	if _, err := event.Payload[event.Wake](e, event.WakeV1); err == nil {
		t.Fatal("another type was read")
	}
	e.Data = []byte(`{"kind":1}`)
	if _, err := event.Payload[event.Urgent](e, event.UrgentV1); err == nil {
		t.Fatal("a number became a kind")
	}
}

func TestTimesAreUTC(t *testing.T) {
	e := full(t)
	e.Time = e.Time.In(time.FixedZone("x", 3600))
	b, err := event.Encode(e)
	if err != nil || !strings.Contains(string(b), `"2026-03-02T08:00:00Z"`) {
		t.Fatalf("%v %s", err, b)
	}
	if a := event.AuditOf(audit.Entry{At: e.Time}); a.At.Location() != time.UTC {
		t.Fatal("an audit time is not UTC")
	}
}

// TestConversionsKeepEverything fills every field by reflection, so that a field that somebody adds and forgets to
// convert fails here.
func TestConversionsKeepEverything(t *testing.T) {
	var fact erp.Fact
	fill(t, reflect.ValueOf(&fact).Elem())
	if got := event.ToERP(event.FromERP([]erp.Fact{fact})); !reflect.DeepEqual(got, []erp.Fact{fact}) {
		t.Errorf("fact: %+v", got)
	}
	b, err := event.EncodeLedger([]erp.Fact{fact})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := event.DecodeLedger(b); err != nil || !reflect.DeepEqual(got, []erp.Fact{fact}) {
		t.Errorf("ledger: %+v %v", got, err)
	}
	var e audit.Entry
	fill(t, reflect.ValueOf(&e).Elem())
	if got := event.AuditOf(e).Entry(); !reflect.DeepEqual(got, e) {
		t.Errorf("audit entry:\n%+v\n%+v", got, e)
	}
	var u directory.User
	fill(t, reflect.ValueOf(&u).Elem())
	var o directory.Organization
	fill(t, reflect.ValueOf(&o).Elem())
	for _, entry := range []directory.Entry{{User: &u}, {Organization: &o}, {}} {
		b, err := event.EncodeEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := event.DecodeEntry(b); err != nil || !reflect.DeepEqual(got, entry) {
			t.Errorf("entry: %+v %v", got, err)
		}
		if entry.ExternalID() == "" {
			continue
		}
		w := event.WantedOf(record.Ref{Kind: record.Vendor, Key: "A/1"}, entry, nil, nil)
		if got, err := w.Entry(); err != nil || got.Digest() != entry.Digest() || w.Ref().Key != "A/1" {
			t.Errorf("wanted: %+v %v", got, err)
		}
	}
}

// fill sets every field to something that is not its zero value.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("x" + v.Type().Name())
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, k)
		fill(t, e)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(k, e)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("fill does not know %s", v.Type())
	}
}

func TestWantedNeedsExactlyOneObject(t *testing.T) {
	both := event.Wanted{User: &event.User{}, Organization: &event.Organization{}}
	for name, w := range map[string]event.Wanted{"both": both, "neither": {}} {
		if _, err := w.Entry(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := event.DecodeEntry([]byte(`{"user":{},"organization":{}}`)); err == nil {
		t.Error("an entry with both was read")
	}
	if _, err := event.DecodeLedger([]byte(`{`)); err == nil {
		t.Error("a broken ledger was read")
	}
}

func FuzzDecode(f *testing.F) {
	for _, folder := range []string{"good", "bad"} {
		all, err := schemas.Samples(folder)
		if err != nil {
			f.Fatal(err)
		}
		for _, b := range all {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := event.Decode(b)
		if err != nil {
			return
		}
		if _, err := tenant.Parse(e.Tenant.String()); err != nil {
			t.Fatalf("tenant %q got through", e.Tenant)
		}
		if len(e.Data) == 0 {
			e.Data = []byte("null")
		}
		if e.Time.Year() < 0 || e.Time.Year() > 9998 {
			return // cannot be written back as RFC 3339
		}
		if _, err := event.Encode(e); err != nil {
			t.Fatalf("decoded and not encoded again: %v", err)
		}
	})
}
