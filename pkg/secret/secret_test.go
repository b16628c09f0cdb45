package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/secret"
)

const canary = "kanarienvogel-7731"

type outer struct {
	Open   secret.String
	hidden secret.String
	Nested map[string]secret.String
}

func TestNoPrinterShowsTheValue(t *testing.T) {
	s := secret.New(canary)
	o := outer{Open: s, hidden: s, Nested: map[string]secret.String{"k": s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", s, o, &o)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "s", s, "o", o, "p", &o)
	}
	for _, v := range []any{s, o, &o, []secret.String{s}} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	b, _ := xml.Marshal(struct{ S secret.String }{s})
	out.Write(b)
	fmt.Fprintln(&out, fmt.Errorf("wrapped %v: %w", s, fmt.Errorf("inner %s", o.hidden)))
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary)} {
		if strings.Contains(out.String(), form) {
			t.Fatalf("a printer showed the secret as %q in\n%s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Fatal("nothing was printed: the test lost its meaning")
	}
}

func TestRevealGivesTheValueBack(t *testing.T) {
	if got := secret.New(canary).Reveal(); got != canary {
		t.Fatalf("Reveal = %q", got)
	}
	if (secret.String{}).IsSet() || secret.New("").IsSet() || !secret.New("x").IsSet() {
		t.Fatal("IsSet is wrong")
	}
}
