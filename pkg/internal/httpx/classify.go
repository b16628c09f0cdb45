package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// classify turns a transport error into a fault without the URL: *url.Error prints query strings (failures.md 14).
func (c *Client) classify(ctx context.Context, err error, sent bool) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	cause := context.Cause(ctx)
	out := func(k fault.Kind, code fault.Code, detail string) error {
		return &fault.Error{Kind: k, Code: code, Detail: detail, Unknown: sent}
	}
	switch {
	case errors.Is(cause, errTotal), errors.Is(cause, errStall):
		return out(fault.Transient, c.cfg.Codes.Timeout, cause.Error())
	case cause != nil:
		return &fault.Error{Kind: fault.Transient, Code: c.cfg.Codes.Timeout, Detail: "stopped by us", Unknown: sent, Err: ctx.Err()}
	case errors.Is(err, errForbidden):
		return out(fault.Config, c.cfg.Codes.Unreachable, errForbidden.Error())
	case errors.Is(err, errTooLarge):
		return out(fault.Transient, c.cfg.Codes.TooLarge, errTooLarge.Error())
	case isTLS(err):
		return out(fault.Config, c.cfg.Codes.TLS, tlsDetail(err))
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && sent:
		return out(fault.Transient, c.cfg.Codes.Truncated, "the connection ended before the answer was complete")
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		return out(fault.Transient, c.cfg.Codes.Unreachable, "name "+d.Name+" cannot be resolved")
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return out(fault.Transient, c.cfg.Codes.Timeout, "no answer in time")
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return out(fault.Transient, c.cfg.Codes.Unreachable, "connection refused")
	}
	if errors.Is(err, syscall.ECONNRESET) {
		return out(fault.Transient, c.cfg.Codes.Truncated, "connection reset")
	}
	return out(fault.Transient, c.cfg.Codes.Unreachable, "connection broken")
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	// crypto/tls has no types for what the other side refuses or offers (failures.md N06)
	text := err.Error()
	return strings.HasPrefix(text, "tls: ") || strings.HasPrefix(text, "remote error: tls: ")
}

// tlsDetail says what is wrong with a certificate and whose it is (failures.md N05).
func tlsDetail(err error) string {
	if u, ok := errors.AsType[x509.UnknownAuthorityError](err); ok && u.Cert != nil {
		return "certificate signed by an unknown authority: " + whose(shown(err, u.Cert))
	}
	if h, ok := errors.AsType[x509.HostnameError](err); ok {
		return "certificate is for another name than " + h.Host + ": " + whose(h.Certificate)
	}
	if i, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return "certificate not valid: " + i.Error() + ": " + whose(i.Cert)
	}
	return err.Error()
}

// shown is the certificate that the other side calls its own; the one that fails may be one of its issuers.
func shown(err error, otherwise *x509.Certificate) *x509.Certificate {
	if v, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(v.UnverifiedCertificates) > 0 {
		return v.UnverifiedCertificates[0]
	}
	return otherwise
}

// whose names subject, issuer and dates; names are cut, the other side chose them.
func whose(c *x509.Certificate) string {
	if c == nil {
		return "unknown"
	}
	names := c.Subject.String()
	if names == "" {
		names = strings.Join(c.DNSNames[:min(len(c.DNSNames), 3)], ", ")
	}
	return fmt.Sprintf("subject %.200q, issuer %.200q, valid from %s to %s", names, c.Issuer.String(),
		c.NotBefore.UTC().Format(time.DateOnly), c.NotAfter.UTC().Format(time.DateOnly))
}

var errForbidden = errors.New("address is link-local, metadata, multicast or unspecified: never allowed")

// forbid refuses addresses that no customer system lives on, on every dial, after name resolution (failures.md 5.4).
// Loopback stays allowed: simulators and reverse proxies live there.
func forbid(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errForbidden
	}
	a := ap.Addr().Unmap()
	for _, p := range forbidden() {
		if p.Contains(a) {
			return errForbidden
		}
	}
	if a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() {
		return errForbidden
	}
	return nil
}

func forbidden() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("100.100.100.200/32"), netip.MustParsePrefix("168.63.129.16/32"),
		netip.MustParsePrefix("fd00:ec2::254/128"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
		netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("255.255.255.255/32"),
	}
}
