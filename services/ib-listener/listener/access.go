package listener

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/secret"
)

// Access is who may send. One of the credentials that are set must be right; Sources restrict all of them.
type Access struct {
	Basic        *Basic
	Header       *Header
	NodePassword secret.String
	Certificates []Fingerprint
	CertHeader   string         // in which a trusted proxy passes the client's certificate; "" for none
	Sources      []netip.Prefix // empty means any address
	Proxies      []netip.Prefix // whose CertHeader and X-Forwarded-For are believed
}

// Basic is a user name with its password, by HTTP Basic or in a WS-Security UsernameToken.
type Basic struct {
	User     string
	Password secret.String
}

// Header is a header with a secret value.
type Header struct {
	Name  string
	Value secret.String
}

// Fingerprint is the SHA-256 of a certificate in DER.
type Fingerprint [sha256.Size]byte

// nobody is the access of tenants that are not there: the same work as for one that is, and never right.
func nobody() Access {
	return Access{Basic: &Basic{User: rand.Text(), Password: secret.New(rand.Text())}, Header: &Header{Name: "Authorization", Value: secret.New(rand.Text())}}
}

// request tells whether headers and connection prove the sender. Every check runs, whatever the others said.
func (a Access) request(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	right := a.basic(user, password)
	header := Header{Name: "Authorization", Value: secret.New(rand.Text())}
	if a.Header != nil {
		header = *a.Header
	}
	right |= same(r.Header.Get(header.Name), header.Value.Reveal())
	right |= a.certificate(r)
	return right == 1
}

// body tells whether the message itself proves the sender.
func (a Access) body(m Message) bool {
	right := a.basic(m.User, m.UserPassword.Reveal())
	if a.NodePassword.IsSet() {
		right |= same(m.NodePassword.Reveal(), a.NodePassword.Reveal())
	}
	return right == 1
}

func (a Access) basic(user, password string) int {
	want := Basic{}
	if a.Basic != nil {
		want = *a.Basic
	}
	return same(user, want.User) & same(password, want.Password.Reveal())
}

// same compares digests, so that neither content nor length shows in the time it takes. Nothing is the same as a
// secret that is not set.
func same(got, want string) int {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	equal := subtle.ConstantTimeCompare(g[:], w[:])
	if want == "" {
		return 0
	}
	return equal
}

func (a Access) certificate(r *http.Request) int {
	if len(a.Certificates) == 0 {
		return 0
	}
	var seen []Fingerprint
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		seen = append(seen, sha256.Sum256(r.TLS.PeerCertificates[0].Raw))
	}
	if a.CertHeader != "" && within(a.Proxies, peer(r)) {
		if f, ok := fingerprint(r.Header.Get(a.CertHeader)); ok {
			seen = append(seen, f)
		}
	}
	right := 0
	for _, s := range seen {
		for _, c := range a.Certificates {
			right |= subtle.ConstantTimeCompare(s[:], c[:])
		}
	}
	return right
}

// fingerprint reads what proxies pass on: hexadecimal SHA-256 with or without colons, Envoy's Hash=…, or the
// certificate itself as escaped PEM (nginx $ssl_client_escaped_cert).
func fingerprint(v string) (Fingerprint, bool) {
	if _, rest, ok := strings.Cut(v, "Hash="); ok {
		v, _, _ = strings.Cut(rest, ";")
	}
	if f, ok := ParseFingerprint(v); ok {
		return f, true
	}
	text, err := url.PathUnescape(v)
	if err != nil {
		return Fingerprint{}, false
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return Fingerprint{}, false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Fingerprint{}, false
	}
	return sha256.Sum256(cert.Raw), true
}

// ParseFingerprint reads 64 hexadecimal digits with or without colons.
func ParseFingerprint(s string) (f Fingerprint, ok bool) {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Trim(s, ` "`), ":", ""))
	if err != nil || len(b) != len(f) {
		return f, false
	}
	return Fingerprint(b), true
}

// source tells whether the request comes from an address that may send. Behind a trusted proxy that is the last
// address in X-Forwarded-For that is not a trusted proxy itself.
func (a Access) source(r *http.Request) bool {
	if len(a.Sources) == 0 {
		return true
	}
	from := peer(r)
	if within(a.Proxies, from) {
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for _, hop := range slices.Backward(hops) {
			ip, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break
			}
			if from = ip.Unmap(); !within(a.Proxies, from) {
				break
			}
		}
	}
	return within(a.Sources, from)
}

func within(list []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// peer is the address at the other end of the connection; the zero Addr is in no prefix.
func peer(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}
