package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

var (
	labelShape   = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$`)
	numericShape = regexp.MustCompile(`^(0x[0-9a-f]*|[0-9]+)$`)
)

// URL is a base address: https, or http for loopback hosts; no user, query or fragment; without a slash at its end.
type URL string

// UnmarshalText applies the rules and tidies the address (design.md 8, failures.md 5.4 "form").
func (u *URL) UnmarshalText(b []byte) error {
	const want = "an https URL such as https://hr.example.com"
	p, err := url.Parse(string(b))
	if err != nil || p.Opaque != "" || p.Scheme == "" || p.Host == "" {
		return bad{want: want} // not shown: whatever could not be read may hold a password
	}
	if p.User != nil {
		return bad{what: "user or password in a URL", want: want + "; credentials go under auth"}
	}
	if p.RawQuery != "" || p.ForceQuery || p.Fragment != "" || strings.HasSuffix(string(b), "#") {
		return bad{what: "query or fragment in a URL", want: want}
	}
	host := strings.ToLower(p.Hostname())
	if !hostOK(host) || !portOK(p) {
		return bad{want: "a DNS name or a plain IP address, with a port from 1 to 65535 if any", got: show(p.Host)}
	}
	if p.Scheme != "https" && (p.Scheme != "http" || !loopback(host)) {
		return bad{want: want + "; http is for loopback addresses only", got: show(b)}
	}
	if strings.Contains(strings.ToUpper(p.Path), "/PSIGW") {
		return bad{want: "the address up to what stands before /PSIGW", got: show(b)}
	}
	if p.Path != "" && (strings.Contains(p.EscapedPath(), "%") || strings.Contains(p.Path, "//") || strings.Contains(p.Path+"/", "/../") || strings.Contains(p.Path+"/", "/./") || !printable(p.Path)) {
		return bad{want: "a plain path", got: show(b)}
	}
	*u = URL(p.Scheme + "://" + strings.ToLower(p.Host) + strings.TrimRight(p.Path, "/"))
	return nil
}

// HasPath tells whether something follows the host.
func (u URL) HasPath() bool {
	_, rest, _ := strings.Cut(string(u), "://")
	return strings.Contains(rest, "/")
}

func portOK(p *url.URL) bool {
	if p.Port() == "" {
		return !strings.HasSuffix(p.Host, ":")
	}
	n, err := strconv.Atoi(p.Port())
	return err == nil && n >= 1 && n <= 65535
}

// hostOK accepts a canonical IP address or a DNS name whose last label is not a number: 127.1, 0x7f000001 and
// 2130706433 mean whatever the resolver makes of them.
func hostOK(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Zone() == "" && ip.String() == host
	}
	if len(host) > 253 {
		return false
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	for _, l := range labels {
		if !labelShape.MatchString(l) {
			return false
		}
	}
	return !numericShape.MatchString(labels[len(labels)-1])
}

func loopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return host == "localhost"
}
