package config_test

import (
	"slices"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/config"
)

func TestIBOfTheFullSample(t *testing.T) {
	ib := goodTenants(t)["oauth2-and-everything.yaml/acme-2"].PeopleSoft.IB
	if ib == nil || !ib.Strict || ib.MaxBody != 1<<20 || len(ib.Nodes) != 2 || ib.Aliases["acme.job"] != "WORKFORCE_SYNC" || ib.Fields["JOB.ACME_TITLE"] != "BUSINESS_TITLE" {
		t.Fatalf("%+v", ib)
	}
	if want := []config.CIDR{"192.0.2.0/24", "2001:db8::/32", "198.51.100.7/32"}; !slices.Equal(ib.Sources, want) || !ib.Sources[2].Prefix().IsValid() {
		t.Errorf("sources %v", ib.Sources)
	}
	if f := ib.Auth.MTLS.Fingerprints[1]; len(f) != 64 || f[:6] != "abcdef" {
		t.Errorf("fingerprint %q", f)
	}
}

func TestIBDefaults(t *testing.T) {
	ib := goodTenants(t)["tenant.yaml/acme"].PeopleSoft.IB
	if ib == nil || ib.Strict || ib.MaxBody != 64<<20 || ib.Sources != nil || ib.Auth.Basic == nil {
		t.Fatalf("%+v", ib)
	}
}

func TestRangesOfAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.0/24": "192.0.2.0/24", "192.0.2.1": "192.0.2.1/32", "2001:db8::1": "2001:db8::1/128", "::ffff:192.0.2.1": "192.0.2.1/32", "0.0.0.0/0": "0.0.0.0/0",
		"192.0.2.1/24": "", "192.0.2.0/33": "", "hr.example.com": "", "fe80::1%eth0": "", "": "", "::ffff:192.0.2.0/120": "",
	} {
		var c config.CIDR
		if err := c.UnmarshalText([]byte(in)); (err != nil) != (want == "") || string(c) != want {
			t.Errorf("%q: %q %v, want %q", in, c, err, want)
		}
	}
}

func TestHeaderNames(t *testing.T) {
	for in, ok := range map[string]bool{"X-ML-Key": true, "Authorization": true, "From": false, "content-type": false, "X Y": false, "X-Forwarded-For": false, "": false, "Ab:": false} {
		var h config.HeaderName
		if err := h.UnmarshalText([]byte(in)); (err == nil) != ok {
			t.Errorf("%q: %v", in, err)
		}
	}
}
