package cli

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// samples are messages about nobody: a person without a job, a job that ended, an inactive vendor, a department
// without people. None of them makes anything in Zendesk.
//
//go:embed sample/*.xml
var samples embed.FS

func newIB(c *common) *cobra.Command {
	cmd := &cobra.Command{Use: "ib", Short: "First steps with Integration Broker messages"}
	cmd.AddCommand(newIBURL(c), newIBSend(c), newIBVerify(c))
	return cmd
}

func newIBURL(c *common) *cobra.Command {
	return &cobra.Command{
		Use:     "url <tenant>",
		Short:   "Print the address for the HTTPTARGET connector",
		Example: "  ml-connector ib url acme",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := parseTenant(args[0])
			if err != nil {
				return err
			}
			url, err := c.ingress(t, "")
			if err != nil {
				return err
			}
			fmt.Fprintln(c.out(), url)
			c.talk("behind a proxy the host is the proxy's; the path stays")
			return nil
		},
	}
}

// ingress is the tenant's address at base, or at the process on the data folder.
func (c *common) ingress(t tenant.ID, base string) (string, error) {
	if strings.Contains(base, "/ib/") {
		return base, nil
	}
	if base == "" {
		l, err := adminapi.ReadLocal(c.data)
		if err != nil {
			return "", err
		}
		if base = l.Ingress; base == "" {
			return "", &fault.Error{Kind: fault.Config, Code: adminapi.NotRunning, Detail: "the process on " + c.data + " has no ingress", Next: "start it with --ingress, or name the address with --url"}
		}
	}
	return strings.TrimSuffix(base, "/") + "/ib/" + string(t), nil
}

type sendOptions struct {
	*common
	tenant, message, url, user, passwordFile, from string
}

func newIBSend(c *common) *cobra.Command {
	o := sendOptions{common: c}
	names := sampleNames()
	cmd := &cobra.Command{
		Use:     "send-sample <tenant>",
		Short:   "Post a built-in message as PeopleSoft would and explain the answer",
		Long:    "Post a built-in message as PeopleSoft would and explain the answer.\nThe samples are about nobody: they are stored and audited, and make nothing in Zendesk.\nThe password comes from MLC_IB_PASSWORD, --password-file, or standard input.",
		Example: "  ml-connector ib send-sample acme --password-file ib-password.txt",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant = args[0]
			return runIBSend(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.message, "message", "PERSON_BASIC_SYNC", "one of "+strings.Join(names, ", "))
	cmd.Flags().StringVar(&o.url, "url", "", "address of the ingress, for example https://ml.example.com; default: the process on --data")
	cmd.Flags().StringVar(&o.user, "user", "psft", "user name of peoplesoft.ib.auth.basic")
	cmd.Flags().StringVar(&o.passwordFile, "password-file", "", "read the password from this file")
	cmd.Flags().StringVar(&o.from, "from", "PSFT_HR", "sending node, one of peoplesoft.ib.nodes")
	return cmd
}

func sampleNames() []string {
	files, _ := samples.ReadDir("sample")
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".xml"))
	}
	return names
}

func runIBSend(ctx context.Context, o sendOptions) error {
	t, err := parseTenant(o.tenant)
	if err != nil {
		return err
	}
	if !slices.Contains(sampleNames(), o.message) {
		return app.InputError{Err: fmt.Errorf("--message %q: want one of %s", o.message, strings.Join(sampleNames(), ", "))}
	}
	text, err := samples.ReadFile("sample/" + o.message + ".xml")
	if err != nil {
		return err
	}
	url, err := o.ingress(t, o.url)
	if err != nil {
		return err
	}
	password, err := o.password()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(string(text)))
	if err != nil {
		return app.InputError{Err: fmt.Errorf("--url: %w", err)}
	}
	r.SetBasicAuth(o.user, password)
	for name, v := range map[string]string{"Content-Type": "text/xml; charset=UTF-8", "ExternalOperationName": o.message + ".VERSION_1", "OperationType": "async",
		"NonRepudiation": "False", "From": o.from, "To": "ML_CONNECTOR", "TransactionID": "ml-sample-" + time.Now().UTC().Format("20060102T150405.000"), "DataChunk": "1", "DataChunkCount": "1"} {
		r.Header.Set(name, v)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		return &fault.Error{Kind: fault.Transient, Code: "INGRESS_UNREACHABLE", Detail: "PeopleSoft would show Retry", Next: "check address, port, firewall and certificate from this machine", Err: err}
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return o.explain(res, string(body))
}

func (o sendOptions) password() (string, error) {
	if v := o.env.Getenv("MLC_IB_PASSWORD"); v != "" && o.passwordFile == "" {
		return v, nil
	}
	var b []byte
	var err error
	if o.passwordFile != "" {
		b, err = os.ReadFile(o.passwordFile)
	} else {
		b, err = io.ReadAll(io.LimitReader(o.env.Stdin, 64<<10))
	}
	if err != nil {
		return "", app.InputError{Err: err}
	}
	v := strings.TrimRight(string(b), "\r\n")
	if v == "" {
		return "", app.InputError{Err: errors.New("no password: set MLC_IB_PASSWORD, use --password-file, or give it on standard input")}
	}
	return v, nil
}

// explain says what the answer means in PeopleSoft's Service Operations Monitor (failures.md 2.2).
func (o sendOptions) explain(res *http.Response, body string) error {
	fmt.Fprintf(o.out(), "%s answered %s\n", o.message, res.Status)
	if res.StatusCode == http.StatusOK {
		fmt.Fprintln(o.out(), "PeopleSoft would show Done: the message is on disk")
		o.talk("%s", strings.TrimSpace(body))
		return nil
	}
	next := map[int]string{
		401: "compare user and password with peoplesoft.ib.auth; the tenant's name in the address may be wrong as well",
		403: "the path, --from or this machine's address may not send: see peoplesoft.ib.nodes and sources",
		404: "this is not ml-connector: a proxy in front must pass /ib/ through; PeopleSoft would retry for ever",
		413: "raise peoplesoft.ib.max_body",
		502: "the proxy in front must answer 503 when ml-connector is down, see docs/how-to/proxy.md",
		503: "ml-connector cannot store messages now: see `ml-connector status`",
		504: "the proxy in front must answer 503 when ml-connector is down, see docs/how-to/proxy.md",
	}[res.StatusCode]
	state := "Error, and an ordered queue would stop behind it"
	if res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusServiceUnavailable {
		state = "Retry"
	}
	return &fault.Error{Kind: fault.Transient, Code: "INGRESS_REFUSED", Detail: res.Status + ": PeopleSoft would show " + state, Next: cmp.Or(next, "look at the log of ml-connector")}
}
