package ib

import "testing"

func TestEveryMessageInItsBareForm(t *testing.T) {
	all := goldens()
	if len(all) != len(Known()) {
		t.Fatalf("%d messages are known, %d are tested", len(Known()), len(all))
	}
	for _, name := range Known() {
		t.Run(name, func(t *testing.T) {
			m, lines, stats, err := read(delivery(name, all[name].body), Options{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, lines, all[name].lines)
			if m.Format != Bare || m.Name != name || m.Version != "VERSION_9" || m.From != "PSFT_HR" || m.Transaction != "tx-1" || m.Root != name {
				t.Errorf("%+v", m)
			}
			if stats.Transactions != 1 || stats.Records != 1 || len(stats.Notes) != 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}
