package config

import (
	"encoding/hex"
	"net/netip"
	"regexp"
	"strings"
)

// IB is the ingress for Integration Broker messages (peoplesoft.md 1).
type IB struct {
	Nodes   []Node            `json:"nodes" need:"the nodes that may send, for example [PSFT_HR]"`
	Auth    IBAuth            `json:"auth" need:"one or several of basic, header, node_password and mtls"`
	Sources []CIDR            `json:"sources,omitempty"`         // addresses that may send; empty means any
	Proxies []CIDR            `json:"trusted_proxies,omitempty"` // whose X-Forwarded-For and certificate header are believed
	Aliases map[Key]PSName    `json:"aliases,omitempty"`         // the site's message name to the delivered one
	Records map[PSName]PSName `json:"records,omitempty"`         // the site's record name to the delivered one
	Fields  map[Key]PSName    `json:"fields,omitempty"`          // the site's field name, or RECORD.FIELD, to the delivered one
	Strict  bool              `json:"strict"`                    // answer an error to what cannot be understood
	MaxBody int               `json:"max_body"`                  // bytes of one message
}

const maxBodyLimit = 256 << 20

func (i *IB) defaults() { i.MaxBody = 64 << 20 }

func (i *IB) check(c *complaints) {
	if i.MaxBody < 64<<10 || i.MaxBody > maxBodyLimit {
		c.at("max_body", bad{want: "a number of bytes from 65536 to 268435456", got: show(i.MaxBody)})
	}
	if m := i.Auth.MTLS; m != nil && m.ProxyHeader != "" && len(i.Proxies) == 0 && !c.has("trusted_proxies") {
		c.at("auth.mtls.proxy_header", bad{what: "nobody's header would be believed", want: "trusted_proxies beside it"})
	}
}

// IBAuth is how the sending node signs in at the ingress: one of what is set must be right.
type IBAuth struct {
	Basic        *Basic        `json:"basic,omitempty"`
	Header       *SecretHeader `json:"header,omitempty"`
	NodePassword *NodePassword `json:"node_password,omitempty"`
	MTLS         *MTLS         `json:"mtls,omitempty"`
}

func (a *IBAuth) check(c *complaints) {
	ways := []string{"basic", "header", "node_password", "mtls"}
	for _, w := range ways {
		if c.has(w) {
			return
		}
	}
	c.self(bad{what: "nobody could sign in", want: "at least one of " + strings.Join(ways, ", ")})
}

// SecretHeader is a header with a secret value, as HTTPTARGET sends it (peoplesoft.md 1.8).
type SecretHeader struct {
	Name  HeaderName `json:"name" need:"the header, for example X-ML-Key"`
	Value Ref        `json:"value,omitempty"`
}

// NodePassword is the password of the sending node, in the envelope.
type NodePassword struct {
	Password Ref `json:"password,omitempty"`
}

// MTLS is the client certificate of PeopleSoft's gateway, by fingerprint.
type MTLS struct {
	Fingerprints []Fingerprint `json:"fingerprints" need:"SHA-256 of each certificate"`
	ProxyHeader  HeaderName    `json:"proxy_header,omitempty"` // in which a trusted proxy passes certificate or fingerprint
}

var headerShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,59}$`)

// HeaderName is the name of an HTTP header.
type HeaderName string

// UnmarshalText accepts letters, digits and hyphens, and no header that HTTP itself or Integration Broker uses.
func (h *HeaderName) UnmarshalText(b []byte) error {
	const want = "a header name such as X-ML-Key"
	switch strings.ToLower(string(b)) {
	case "content-length", "content-type", "content-encoding", "host", "connection", "transfer-encoding", "from", "to", "cookie", "x-forwarded-for":
		return bad{what: "this header has another meaning", want: want, got: show(b)}
	}
	return match(h, b, headerShape, want)
}

// Fingerprint is the SHA-256 of a certificate: 64 hexadecimal digits in lower case.
type Fingerprint string

// UnmarshalText accepts 64 hexadecimal digits of either case, with or without colons.
func (f *Fingerprint) UnmarshalText(b []byte) error {
	text := strings.ToLower(strings.ReplaceAll(string(b), ":", ""))
	if raw, err := hex.DecodeString(text); err != nil || len(raw) != 32 {
		return bad{want: "the SHA-256 fingerprint of a certificate, 64 hexadecimal digits (openssl x509 -fingerprint -sha256)", got: show(b)}
	}
	*f = Fingerprint(text)
	return nil
}

// CIDR is a range of addresses.
type CIDR string

// UnmarshalText accepts a prefix or one address.
func (c *CIDR) UnmarshalText(b []byte) error {
	if ip, err := netip.ParseAddr(string(b)); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		*c = CIDR(netip.PrefixFrom(ip, ip.BitLen()).String())
		return nil
	}
	p, err := netip.ParsePrefix(string(b))
	if err != nil || p.Addr().Is4In6() || p != p.Masked() {
		return bad{want: "an address or a range such as 192.0.2.0/24, with zeros behind the prefix", got: show(b)}
	}
	*c = CIDR(p.String())
	return nil
}

// Prefix is the range; CIDRs of a decoded Tenant are valid.
func (c CIDR) Prefix() netip.Prefix {
	p, _ := netip.ParsePrefix(string(c))
	return p
}
