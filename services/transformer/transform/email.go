package transform

import (
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// email chooses the employee's address: by type in the policy's order, then the one marked as preferred, then, only
// where the tenant allows it, any other (peoplesoft.md 2.6). Unusable addresses are flagged and passed over.
// known is false when no address row ever arrived.
func (d *draft) email() (address string, known bool) {
	rows := d.view.of(erp.Email)
	refused := false
	try := func(r row) bool {
		raw, bad, _ := clean(r.get(erp.MailAddress))
		if bad {
			d.flag(fault.BadText, "email: control characters were removed")
		}
		if raw == "" {
			return false
		}
		if placeholder(d.policy.Placeholders, raw) {
			refused = true
			d.flag(fault.PlaceholderEmail, "the address of type "+label(r.id.Row)+" stands for none")
			return false
		}
		a, ok := normalEmail(raw)
		if !ok {
			refused = true
			d.flag(fault.BadEmail, "the address of type "+label(r.id.Row)+" is not an address")
			return false
		}
		address = a
		d.explain("email of type %s", label(r.id.Row))
		return true
	}
	if d.pick(rows, d.policy.EmailTypes, try) {
		return address, true
	}
	if d.usable() && !refused {
		d.flag(fault.MissingEmail, "no usable email of the wanted types")
	}
	return "", len(rows) > 0
}

// pick offers rows in order of preference until take accepts one.
func (d *draft) pick(rows []row, types []string, take func(row) bool) bool {
	tried := map[string]bool{}
	offer := func(want func(row) bool) bool {
		for _, r := range rows {
			if !tried[r.id.Row] && want(r) {
				tried[r.id.Row] = true
				if take(r) {
					return true
				}
			}
		}
		return false
	}
	for _, typ := range types {
		if offer(func(r row) bool { return strings.EqualFold(r.id.Row, typ) }) {
			return true
		}
	}
	if d.policy.PreferredEmail && offer(func(r row) bool { return isYes(r.get(erp.Preferred)) }) {
		return true
	}
	return d.policy.AnyEmail && offer(func(row) bool { return true })
}

// normalEmail trims and lower-cases an address and refuses what cannot be one.
func normalEmail(s string) (string, bool) {
	s = strings.ToLower(strings.TrimFunc(s, margin))
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > 254 || !localPart(local) || !domainName(domain) {
		return "", false
	}
	return s, true
}

func localPart(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || margin(r) || !visible(r) || strings.ContainsRune(`"(),:;<>@[\]`, r)
	})
}

func domainName(s string) bool {
	labels := strings.Split(s, ".")
	if len(labels) < 2 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.ContainsFunc(l, notInDomain) {
			return false
		}
	}
	return true
}

func notInDomain(r rune) bool {
	return r < 0x80 && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') || r >= 0x80 && !visible(r)
}

// placeholders are what people type into a field that they may not leave empty; see Policy.Placeholders.
func placeholders() []string {
	return []string{"-", "n/a", "na", "none", "null", "tbd", "test", "unknown", "x", "xxx", "@invalid",
		"none@", "noemail@", "nomail@", "noaddress@", "na@", "n/a@", "unknown@", "tbd@", "tba@", "test@", "xxx@", "xxxx@", "notavailable@",
		"noreply@", "donotreply@", "placeholder@", "dummy@", "invalid@", "null@", "blank@"}
}

// placeholder tells whether a value stands for no address at all.
func placeholder(list []string, value string) bool {
	value = strings.ToLower(strings.TrimFunc(value, margin))
	local, domain, _ := strings.Cut(value, "@")
	bare := strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || r == '_' {
			return -1
		}
		return r
	}, local)
	return slices.ContainsFunc(list, func(p string) bool {
		p = fold(p)
		if d, ok := strings.CutPrefix(p, "@"); ok {
			return d != "" && strings.HasSuffix(domain, d) && (domain == d || strings.HasSuffix(domain, "."+d))
		}
		if l, ok := strings.CutSuffix(p, "@"); ok {
			return domain != "" && (l == bare || l == local)
		}
		return p != "" && p == value
	})
}
