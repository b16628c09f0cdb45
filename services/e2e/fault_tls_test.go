package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/target/zendesk"
)

// authority is a CA of the test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key := ecKey(t)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	return authority{signed(t, c, c, key, &key.PublicKey), key}
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func signed(t *testing.T, c, by *x509.Certificate, with *ecdsa.PrivateKey, public any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by, public, with)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// leaf is a server's certificate; edit makes it bad.
func (a authority) leaf(t *testing.T, edit func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, c := ecKey(t), leafOf(edit)
	cert := signed(t, c, a.cert, a.key, &key.PublicKey)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func leafOf(edit func(*x509.Certificate)) *x509.Certificate {
	c := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "hr.acme.example"}, DNSNames: []string{"localhost", "hr.acme.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if edit != nil {
		edit(c)
	}
	return c
}

// selfSigned is a certificate of nobody.
func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, c := ecKey(t), leafOf(nil)
	return tls.Certificate{Certificate: [][]byte{signed(t, c, c, key, &key.PublicKey).Raw}, PrivateKey: key}
}

// rsaLeaf is what the old key exchanges need.
func (a authority) rsaLeaf(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := leafOf(func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment })
	return tls.Certificate{Certificate: [][]byte{signed(t, c, a.cert, a.key, &key.PublicKey).Raw}, PrivateKey: key}
}

// secureServer answers over TLS as cfg says and counts the requests that it reads.
func secureServer(t *testing.T, cfg *tls.Config) (url string, asked func() int) {
	t.Helper()
	reads := make(chan struct{}, 100)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reads <- struct{}{}; w.WriteHeader(http.StatusTeapot) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = cfg
	s.StartTLS()
	t.Cleanup(s.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	return "https://localhost:" + port, func() int { return len(reads) }
}

// openers open both clients of the product, each with the test's CA in its bundle; the answer checks the connection.
func openers(ca string) map[string]func(t *testing.T, url string) func() []check.Step {
	return map[string]func(t *testing.T, url string) func() []check.Step{
		"PeopleSoft": func(t *testing.T, url string) func() []check.Step {
			c := peoplesoft.Default()
			c.BaseURL, c.Node, c.CAFile = url, "PSFT_HR", ca
			c.Auth = peoplesoft.Auth{Basic: &peoplesoft.Basic{User: "MLCONN", Password: secret.New("canary-password")}}
			c.Queries[record.Employee] = peoplesoft.Query{Name: "ML_EMPLOYEES", MaxRows: 100, Prompts: peoplesoft.Prompts{From: "FROM_DTTM", To: "TO_DTTM", After: "LAST_EMPLID"}}
			s, err := peoplesoft.Open(c)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			return func() []check.Step { return s.Check(context.Background(), acme, record.Employee) }
		},
		"Zendesk": func(t *testing.T, url string) func() []check.Step {
			c := zendesk.Default()
			c.BaseURL, c.CAFile, c.Auth = url, ca, zendesk.APIToken{Email: "ops@acme.example", Token: secret.New("canary-password")}
			z, err := zendesk.Open(c)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = z.Close() })
			return func() []check.Step { return z.Check(context.Background(), acme) }
		},
	}
}

func TestFaultScriptOfCertificates(t *testing.T) {
	ours, theirs := newAuthority(t, "CA of Acme"), newAuthority(t, "CA of Nobody")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	old := func(edit func(*tls.Config)) *tls.Config {
		c := with(ours.rsaLeaf(t))
		c.MinVersion = tls.VersionTLS10
		edit(c)
		return c
	}
	day := time.Now().UTC().Format(time.DateOnly)
	for name, row := range map[string]struct {
		server *tls.Config
		says   []string // nothing: it is accepted
	}{
		"N05 a good certificate": {with(ours.leaf(t, nil)), nil},
		"N05 expired":            {with(ours.leaf(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })), []string{"expired", "hr.acme.example", "CA of Acme", day}},
		"N05 not yet valid":      {with(ours.leaf(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) })), []string{"not yet valid", "hr.acme.example", "CA of Acme"}},
		"N05 of another name":    {with(ours.leaf(t, func(c *x509.Certificate) { c.DNSNames = []string{"fin.acme.example"} })), []string{"another name than localhost", "hr.acme.example", "CA of Acme"}},
		"N05 of an unknown CA":   {with(theirs.leaf(t, nil)), []string{"unknown authority", "hr.acme.example", "CA of Nobody", day}},
		"N05 self-signed":        {with(selfSigned(t)), []string{"unknown authority", `issuer \"CN=hr.acme.example\"`}},
		"N05 for clients only":   {with(ours.leaf(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), []string{"not valid", "hr.acme.example", "CA of Acme"}},
		"N06 TLS 1.1 only":       {old(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }), []string{"protocol version"}},
		"N06 an RSA key exchange only": {old(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}), []string{"handshake failure"}},
		"N06 three times the old DES only": {old(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}
		}), []string{"handshake failure"}},
	} {
		for who, open := range openers(ca) {
			t.Run(name+", by the client of "+who, func(t *testing.T) {
				url, asked := secureServer(t, row.server)
				judgeTLS(t, open(t, url)(), row.says, asked())
			})
		}
	}
}

// judgeTLS wants one failed step with the code of TLS, what is wrong, and nothing sent; or a server that was asked.
func judgeTLS(t *testing.T, steps []check.Step, says []string, asked int) {
	t.Helper()
	if says == nil {
		if asked == 0 {
			t.Errorf("a good certificate was refused: %+v", steps)
		}
		return
	}
	if asked > 0 {
		t.Errorf("%d requests went to a server that is not to be trusted", asked)
	}
	for _, s := range steps {
		if !strings.HasSuffix(string(s.Code), "_TLS") {
			continue
		}
		for _, part := range says {
			if !strings.Contains(s.Detail, strings.ReplaceAll(part, `\"`, `"`)) {
				t.Errorf("detail %q does not say %q", s.Detail, part)
			}
		}
		if s.Next == "" || strings.Contains(s.Detail, "canary") {
			t.Errorf("step %+v", s)
		}
		return
	}
	t.Errorf("no step speaks of TLS: %+v", steps)
}
