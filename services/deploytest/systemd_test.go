package deploytest

import (
	"slices"
	"strings"
	"testing"
)

func TestSystemdUnit(t *testing.T) {
	text := read(t, "deploy/systemd/ml-connector.service")
	for _, line := range []string{"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "StateDirectory=ml-connector",
		"LoadCredential=master.key:", "Restart=on-failure", "ExecStart=/usr/local/bin/ml-connector serve --data "} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line %q", line)
		}
	}
	known := variables(t)
	for _, v := range variable.FindAllString(text, -1) {
		if !slices.Contains(known, v) {
			t.Errorf("no program reads %s", v)
		}
	}
	t.Log("NOT RUN: starting the unit needs systemd")
}
