package listener_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/netip"
	"testing"

	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestSourcesAndProxies(t *testing.T) {
	hire := letter{Tx: "1", Keys: []string{"1"}}
	for name, c := range map[string]struct {
		sources, proxies []netip.Prefix
		forwarded        string
		status           int
	}{
		"our address":                          {sources: prefixes("127.0.0.0/8"), status: 200},
		"another address":                      {sources: prefixes("192.0.2.0/24"), status: 403},
		"a header of somebody who is no proxy": {sources: prefixes("192.0.2.0/24"), forwarded: "192.0.2.7", status: 403},
		"behind a proxy":                       {sources: prefixes("192.0.2.0/24"), proxies: prefixes("127.0.0.1/32"), forwarded: "192.0.2.7", status: 200},
		"behind two proxies":                   {sources: prefixes("192.0.2.0/24"), proxies: prefixes("127.0.0.1/32", "10.0.0.0/8"), forwarded: "192.0.2.7, 10.0.0.1", status: 200},
		"behind a proxy, the sender wrote the first entry": {sources: prefixes("192.0.2.0/24"), proxies: prefixes("127.0.0.1/32"), forwarded: "192.0.2.7, 198.51.100.1", status: 403},
		"a proxy itself":               {sources: prefixes("192.0.2.0/24"), proxies: prefixes("127.0.0.1/32"), status: 403},
		"a proxy that writes nonsense": {sources: prefixes("192.0.2.0/24"), proxies: prefixes("127.0.0.1/32"), forwarded: "unknown", status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			x := newHouse(t, listener.Options{})
			x.door.Access.Sources, x.door.Access.Proxies = c.sources, c.proxies
			if got := x.post(hire, header("X-Forwarded-For", c.forwarded)); got.StatusCode != c.status {
				t.Fatalf("status %d, want %d", got.StatusCode, c.status)
			}
		})
	}
}

func TestCertificatesFromAProxy(t *testing.T) {
	print := sha256.Sum256([]byte("a certificate"))
	plain := hex.EncodeToString(print[:])
	hire := letter{Tx: "1", Keys: []string{"1"}}
	for name, c := range map[string]struct {
		value   string
		proxies []netip.Prefix
		status  int
	}{
		"a fingerprint":                {plain, prefixes("127.0.0.1/32"), 200},
		"Envoy's form":                 {"By=spiffe://x;Hash=" + plain + ";Subject=\"CN=ps\"", prefixes("127.0.0.1/32"), 200},
		"another fingerprint":          {"00" + plain[2:], prefixes("127.0.0.1/32"), 401},
		"too short":                    {plain[:40], prefixes("127.0.0.1/32"), 401},
		"nonsense":                     {"-----BEGIN", prefixes("127.0.0.1/32"), 401},
		"from no proxy of ours":        {plain, prefixes("10.0.0.0/8"), 401},
		"with no proxies at all":       {plain, nil, 401},
		"an empty header":              {"", prefixes("127.0.0.1/32"), 401},
		"a certificate not to be read": {"-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A", prefixes("127.0.0.1/32"), 401},
	} {
		t.Run(name, func(t *testing.T) {
			x := newHouse(t, listener.Options{})
			x.door.Access = listener.Access{Certificates: []listener.Fingerprint{print}, CertHeader: "X-Cert", Proxies: c.proxies}
			if got := x.post(hire, stranger, header("X-Cert", c.value)); got.StatusCode != c.status {
				t.Fatalf("status %d, want %d", got.StatusCode, c.status)
			}
		})
	}
}

// TestStrangersLearnNothing compares the whole answer to a wrong credential with that for a tenant that is not there.
func TestStrangersLearnNothing(t *testing.T) {
	x := newHouse(t, listener.Options{})
	body := `{"From":"PSFT_HR","Keys":["1"]}`
	for name, change := range map[string][]func(*http.Request){
		"no credential":      {stranger},
		"a wrong credential": {basic("psft", "wrong")},
		"a picture":          {stranger, header("Content-Type", "image/png")},
		"a strange encoding": {stranger, header("Content-Encoding", "br")},
	} {
		t.Run(name, func(t *testing.T) {
			here, gone := x.send("POST", "/ib/acme", body, change...), x.send("POST", "/ib/nobody", body, change...)
			a, _ := io.ReadAll(here.Body)
			b, _ := io.ReadAll(gone.Body)
			here.Header.Del("Date")
			gone.Header.Del("Date")
			if here.StatusCode != 401 || gone.StatusCode != 401 || string(a) != string(b) || len(here.Header) != len(gone.Header) {
				t.Fatalf("%d %v %s\n%d %v %s", here.StatusCode, here.Header, a, gone.StatusCode, gone.Header, b)
			}
			for k := range here.Header {
				if here.Header.Get(k) != gone.Header.Get(k) {
					t.Errorf("%s differs", k)
				}
			}
		})
	}
}
