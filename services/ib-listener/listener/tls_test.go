package listener_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

// certificate makes one that signed itself.
func certificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func TestClientCertificates(t *testing.T) {
	ours, theirs, other := certificate(t, "ingress"), certificate(t, "psft"), certificate(t, "other")
	for name, c := range map[string]struct {
		send   []tls.Certificate
		status int
	}{
		"the right certificate": {[]tls.Certificate{theirs}, 200},
		"another certificate":   {[]tls.Certificate{other}, 401},
		"no certificate":        {nil, 401},
	} {
		t.Run(name, func(t *testing.T) {
			x := newHouse(t, listener.Options{})
			x.door.Access = listener.Access{Certificates: []listener.Fingerprint{sha256.Sum256(theirs.Leaf.Raw)}}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			secure := &tls.Config{Certificates: []tls.Certificate{ours}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
			go func() { ended <- listener.Serve(ctx, l, secure, x.h, x.h) }()
			defer func() { stop(); <-ended }()
			roots := x509.NewCertPool()
			roots.AddCert(ours.Leaf)
			web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: c.send, MinVersion: tls.VersionTLS12}}}
			defer web.CloseIdleConnections()
			r, _ := http.NewRequestWithContext(t.Context(), "POST", "https://"+l.Addr().String()+"/ib/acme", strings.NewReader(`{"From":"PSFT_HR","Tx":"1","Keys":["1"]}`))
			res, err := web.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != c.status {
				t.Fatalf("status %d, want %d", res.StatusCode, c.status)
			}
		})
	}
}

func TestACertificateThatAProxyPassesWhole(t *testing.T) {
	cert := certificate(t, "psft")
	x := newHouse(t, listener.Options{})
	x.door.Access = listener.Access{Certificates: []listener.Fingerprint{sha256.Sum256(cert.Leaf.Raw)}, CertHeader: "X-SSL-Client-Cert", Proxies: prefixes("127.0.0.1/32")}
	text := url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Leaf.Raw})))
	if got := x.post(letter{Tx: "1", Keys: []string{"1"}}, stranger, header("X-SSL-Client-Cert", text)); got.StatusCode != http.StatusOK {
		t.Fatalf("status %d", got.StatusCode)
	}
}
