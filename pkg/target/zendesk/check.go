package zendesk

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Check implements target.Target. Its steps are dns, connect, tls, sign-in, account, mail, budget, jobs, import-gate,
// fields and token, always in this order (zendesk.md 5.6). It keeps no personal data.
func (t *Target) Check(ctx context.Context, _ tenant.ID) []check.Step {
	d := &doctor{t: t}
	began := time.Now()
	me, err := t.me(ctx)
	d.reach(err, time.Since(began))
	d.signIn(me, err, time.Since(began))
	if d.failed {
		for _, name := range []string{"account", "mail", "budget", "jobs", "import-gate", "fields", "token"} {
			d.steps = append(d.steps, check.Step{Name: name, State: check.Skipped})
		}
		return d.steps
	}
	d.account(ctx)
	d.budget()
	d.jobs(ctx)
	d.gate()
	d.fields(ctx)
	d.token(ctx)
	return d.steps
}

func (t *Target) me(ctx context.Context) (wireUser, error) {
	var a userAnswer
	_, err := t.client.do(ctx, call{method: http.MethodGet, path: "/api/v2/users/me", out: &a})
	return a.User, err
}

type doctor struct {
	t      *Target
	steps  []check.Step
	failed bool
}

func (d *doctor) ok(name, detail string, took time.Duration) {
	d.steps = append(d.steps, check.Step{Name: name, State: check.OK, Detail: detail, Took: took})
}

func (d *doctor) bad(name string, state check.State, code fault.Code, detail string) {
	d.failed = d.failed || state == check.Failed
	d.steps = append(d.steps, check.Step{Name: name, State: state, Code: string(code), Detail: detail, Next: code.Next()})
}

// lacks is fault, but milder where the account does not have what was asked for: the sign-in has proved the address,
// so that it is the plan or the scope of the API that leaves it out (zendesk.md 4.5), and writing does not need it.
func (d *doctor) lacks(name string, err error) {
	if fault.CodeOf(err) != fault.TargetNotFound {
		d.fault(name, err)
		return
	}
	d.bad(name, check.Warning, fault.TargetNotFound, err.Error())
	d.steps[len(d.steps)-1].Next = "nothing, if records arrive: this account does not answer here, so that this cannot be checked"
}

func (d *doctor) fault(name string, err error) {
	d.bad(name, check.Failed, fault.CodeOf(err), err.Error())
	d.steps[len(d.steps)-1].Next = fault.NextOf(err)
}

// reach reads from the first call how far it came: name, connection, encryption.
func (d *doctor) reach(err error, took time.Duration) {
	at := len(d.steps)
	for _, name := range []string{"dns", "connect", "tls"} {
		d.ok(name, "", took)
	}
	if fault.CodeOf(err) == fault.TargetReauth { // nobody was asked
		for i := range d.steps[at:] {
			d.steps[at+i] = check.Step{Name: d.steps[at+i].Name, State: check.Skipped}
		}
		return
	}
	broken := map[fault.Code]int{fault.TargetUnreachable: 1, fault.TargetTLS: 2}
	n, is := broken[fault.CodeOf(err)]
	if err != nil && strings.Contains(err.Error(), "cannot be resolved") {
		n, is = 0, true
	}
	if is {
		d.steps = d.steps[:at+n]
		d.fault([]string{"dns", "connect", "tls"}[n], err)
		for _, name := range []string{"dns", "connect", "tls"}[n+1:] {
			d.steps = append(d.steps, check.Step{Name: name, State: check.Skipped})
		}
		return
	}
	if d.t.client.base.Scheme == "http" {
		d.steps[at+2] = check.Step{Name: "tls", State: check.Skipped, Detail: "plain http to this machine"}
	}
}

// signIn: Zendesk answers 200 to nobody as well, so that only an id and a role prove the credential.
func (d *doctor) signIn(me wireUser, err error, took time.Duration) {
	switch {
	case d.failed:
		d.steps = append(d.steps, check.Step{Name: "sign-in", State: check.Skipped})
	case err != nil:
		d.fault("sign-in", err)
	case me.ID <= 0:
		d.bad("sign-in", check.Failed, fault.TargetAuth, "Zendesk answers as to an anonymous caller")
	case me.Suspended:
		d.bad("sign-in", check.Failed, fault.TargetAuth, "the credential's user is suspended")
	case me.Role == "admin":
		d.ok("sign-in", "signed in as an admin", took)
	case me.Role == "agent" && me.CustomRoleID != nil:
		d.bad("sign-in", check.Warning, fault.TargetForbidden, "the credential's user is an agent with a custom role: agents cannot be suspended by it")
	default:
		d.bad("sign-in", check.Failed, fault.TargetForbidden, "the credential's user is "+article(me.Role)+": want an admin")
	}
}

// account proves that the credential reads the account, and warns of welcome mails (zendesk.md 1.4).
func (d *doctor) account(ctx context.Context) {
	began := time.Now()
	var a struct {
		Settings struct {
			User struct {
				Welcome *bool `json:"agent_created_welcome_emails"`
			} `json:"user"`
		} `json:"settings"`
	}
	err := d.read(ctx, "/api/v2/account/settings", &a)
	if err != nil {
		var n struct{}
		err = d.read(ctx, "/api/v2/users/count", &n)
	}
	if err != nil {
		d.lacks("account", err)
	} else {
		d.ok("account", "readable", time.Since(began))
	}
	switch welcome := a.Settings.User.Welcome; {
	case welcome == nil:
		d.steps = append(d.steps, check.Step{Name: "mail", State: check.Skipped, Detail: "the setting for welcome mails cannot be read"})
	case *welcome:
		d.steps = append(d.steps, check.Step{
			Name: "mail", State: check.Warning, Code: string(fault.TargetWelcomeMail), Detail: "users created by agents get a welcome mail",
			Next: fault.TargetWelcomeMail.Next(),
		})
	default:
		d.ok("mail", "no welcome mails", 0)
	}
}

func (d *doctor) read(ctx context.Context, path string, out any) error {
	_, err := d.t.client.do(ctx, call{method: http.MethodGet, path: path, out: out})
	return err
}

func (d *doctor) budget() {
	b := d.t.client.pace.state(d.t.cfg.Jobs)
	detail := "the account announces no limit"
	if b.PerMinute > 0 {
		detail = fmt.Sprintf("%d calls a minute, %.0f %% of them ours", b.PerMinute, b.Share*100)
	}
	d.ok("budget", detail, 0)
}

func (d *doctor) jobs(ctx context.Context) {
	began := time.Now()
	var a struct{}
	if err := d.read(ctx, "/api/v2/job_statuses", &a); err != nil {
		d.lacks("jobs", err)
		return
	}
	d.ok("jobs", "readable", time.Since(began))
}

func (d *doctor) gate() {
	if path, closed := d.t.gates.any(); closed {
		d.bad("import-gate", check.Warning, fault.TargetImportGate, "bulk calls are refused on "+path)
		return
	}
	d.ok("import-gate", "bulk imports were not refused so far", 0)
}

func (d *doctor) fields(ctx context.Context) {
	began := time.Now()
	missing, err := d.t.missingFields(ctx)
	switch {
	case err != nil:
		d.lacks("fields", err)
	case len(missing) > 0:
		d.bad("fields", check.Warning, fault.TargetFieldMissing, "the account has no "+strings.Join(missing, ", ")+": these values are not shown in Zendesk")
		d.steps[len(d.steps)-1].Next = "run `ml-connector check --fix`, or create a field with this key in Admin Center, People, Configuration, User fields or Organization fields"
	case len(d.t.fields.misfits(d.t.cfg.Shapes)) > 0:
		d.bad("fields", check.Warning, fault.TargetFieldOption, strings.Join(d.t.fields.misfits(d.t.cfg.Shapes), "; "))
		d.steps[len(d.steps)-1].Next = "change the field in Admin Center, or zendesk.define in the tenant file: a field that exists is never changed by the connector"
	default:
		d.ok("fields", count(len(d.t.cfg.Fields), "mapped fields exist"), time.Since(began))
	}
}

func tokensEnd() time.Time { return time.Date(2027, 4, 30, 0, 0, 0, 0, time.UTC) }

// Ending tells how long API tokens still work at a moment, in whole days, and in words. It is urgent in the last 30.
func Ending(now time.Time) (days int, urgent bool, detail string) {
	left := tokensEnd().Sub(now)
	days = int(left.Hours() / 24)
	if left <= 0 {
		return 0, true, "Zendesk stopped all API tokens on 2027-04-30"
	}
	return days, days <= 30, fmt.Sprintf("Zendesk stops all API tokens on 2027-04-30, in %d days", days)
}

func (d *doctor) token(ctx context.Context) {
	switch a := d.t.cfg.Auth.(type) {
	case APIToken:
		state := check.Warning
		_, urgent, detail := Ending(d.t.cfg.Now())
		if urgent {
			state = check.Failed
		}
		d.bad("token", state, fault.TargetTokenEnding, detail)
	case AuthorizationCode:
		c, err := a.Connection(ctx, d.t.cfg.BaseURL)
		if err != nil {
			d.fault("token", err)
			return
		}
		d.ok("token", fmt.Sprintf("OAuth with scopes %s, access %s, refresh %s", clean(strings.Join(c.Scopes, " ")), until(c.AccessEnds), until(c.RefreshEnds)), 0)
	default:
		d.ok("token", "OAuth", 0)
	}
}

func until(end time.Time) string {
	if end.IsZero() {
		return "without an end"
	}
	return "until " + end.UTC().Format("2006-01-02 15:04 UTC")
}
