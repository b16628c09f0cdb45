package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/source/peoplesoft/ib"
)

type verifyOptions struct {
	*common
	file, headers, zone string
}

func newIBVerify(c *common) *cobra.Command {
	o := verifyOptions{common: c}
	cmd := &cobra.Command{
		Use:     "verify-sample <file>",
		Short:   "Parse a captured message and print what would be taken from it",
		Long:    "Parse a captured message and print what would be taken from it. Nothing is stored or sent.\nExit 2 when the message cannot be used; the reason is printed.",
		Example: "  ml-connector ib verify-sample body.xml --headers headers.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			o.file = args[0]
			return runIBVerify(o)
		},
	}
	cmd.Flags().StringVar(&o.headers, "headers", "", "file with the HTTP headers, one `Name: value` a line")
	cmd.Flags().StringVar(&o.zone, "timezone", "UTC", "the tenant's timezone")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

// verified is what verify-sample prints.
type verified struct {
	Format      string           `json:"format"`
	Message     string           `json:"message"`
	Version     string           `json:"version,omitempty"`
	From        string           `json:"from,omitempty"`
	Transaction string           `json:"transaction,omitempty"`
	Ping        bool             `json:"ping,omitempty"`
	Rows        int              `json:"rows"`
	Ignored     int              `json:"ignored"`
	Records     []verifiedRecord `json:"records"`
	Notes       []verifiedNote   `json:"notes,omitempty"`
}

type verifiedRecord struct {
	Kind  string       `json:"kind"`
	Key   string       `json:"key"`
	Facts []event.Fact `json:"facts"`
}

type verifiedNote struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func runIBVerify(o verifyOptions) error {
	zone, err := time.LoadLocation(o.zone)
	if err != nil {
		return app.InputError{Err: fmt.Errorf("--timezone: %w", err)}
	}
	body, err := os.ReadFile(o.file)
	if err != nil {
		return app.InputError{Err: err}
	}
	head, err := readHeaders(o.headers)
	if err != nil {
		return err
	}
	v, err := verify(body, head, zone)
	if err != nil {
		return unusable(err)
	}
	if o.json {
		return o.printJSON(v)
	}
	v.print(o.out())
	return nil
}

// readHeaders reads a file of headers, with or without a request line before them.
func readHeaders(path string) (http.Header, error) {
	h := http.Header{}
	if path == "" {
		return h, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, app.InputError{Err: err}
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; lines.Scan(); n++ {
		name, value, ok := strings.Cut(lines.Text(), ":")
		switch {
		case strings.TrimSpace(lines.Text()) == "" || n == 1 && (!ok || strings.HasSuffix(lines.Text(), "HTTP/1.1")):
		case !ok:
			return nil, app.InputError{Err: fmt.Errorf("%s:%d: want Name: value", path, n)}
		default:
			h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return h, nil
}

func verify(body []byte, head http.Header, zone *time.Location) (verified, error) {
	m, err := ib.Open(ib.Delivery{Method: http.MethodPost, Header: head, Body: bytes.NewReader(body)}, ib.Options{Zone: zone})
	if err != nil {
		return verified{}, err
	}
	v := verified{Format: m.Format.String(), Message: m.Name, Version: m.Version, From: m.From, Transaction: m.Transaction, Ping: m.Ping, Records: []verifiedRecord{}}
	if m.Ping {
		return v, nil
	}
	if !slices.Contains(ib.Known(), m.Name) {
		return v, &fault.Error{Kind: fault.Invalid, Code: fault.SourceNotSupported, Detail: fmt.Sprintf("message %q", m.Name), Next: "understood are " + strings.Join(ib.Known(), ", ")}
	}
	stats, err := m.Each(func(r source.Record) error {
		v.Records = append(v.Records, verifiedRecord{string(r.Ref.Kind), r.Ref.Key, event.FromERP(r.Facts)})
		return nil
	})
	v.Rows, v.Ignored = stats.Rows, stats.Ignored
	for _, n := range append(slices.Clip(m.Notes), stats.Notes...) {
		v.Notes = append(v.Notes, verifiedNote{n.Code, n.Detail})
	}
	return v, err
}

// unusable makes exit code 2 of a message that cannot be used, and keeps its advice.
func unusable(err error) error {
	return app.InputError{Err: fmt.Errorf("the message cannot be used: %w", err)}
}

func (v verified) print(w io.Writer) {
	fmt.Fprintf(w, "format       %s\nmessage      %s %s\nfrom         %s\ntransaction  %s\n", v.Format, v.Message, v.Version, v.From, v.Transaction)
	if v.Ping {
		fmt.Fprintln(w, "a node ping: nothing is taken from it")
		return
	}
	fmt.Fprintf(w, "rows         %d, %d without effect\n", v.Rows, v.Ignored)
	for _, r := range v.Records {
		fmt.Fprintf(w, "%s/%s\n", r.Kind, r.Key)
		for _, f := range r.Facts {
			fmt.Fprintf(w, "  %s %s %s %s", f.Action, f.Facet, f.Row, f.EffDate)
			for _, k := range slices.Sorted(maps.Keys(f.Fields)) {
				fmt.Fprintf(w, " %s=%q", k, f.Fields[k])
			}
			fmt.Fprintln(w)
		}
	}
	for _, n := range v.Notes {
		fmt.Fprintf(w, "note %s: %s\n", n.Code, n.Detail)
	}
}
