package schemas_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/streams.md")

const streamsIntro = `# Streams

<!-- Generated from schemas/asyncapi.yaml: go test . -run TestStreamsPageIsCurrent -update (in schemas) -->

Services meet on NATS JetStream only. Each tenant has its own six streams, named ` + "`<STREAM>_<tenant>`" + `: own quota, own
sequence range for replay. File storage, synced before it is acknowledged, limits retention with discard new, deletes
denied, replicas 1 embedded and 3 in a cluster; NATS server 2.14 or later. What the messages hold: [events.md](events.md).

In subjects, a key's letters, digits and hyphens stand for themselves; every other byte, and the underscore, is written
` + "`_XX`" + ` in hexadecimal: vendor ` + "`SHARE/0000000011`" + ` is ` + "`SHARE_2F0000000011`" + `. ` + "`-`" + ` stands where there is none.
`

// TestStreamsPageIsCurrent generates the page from the AsyncAPI file; -update writes it.
func TestStreamsPageIsCurrent(t *testing.T) {
	doc := asyncapi(t)
	var b strings.Builder
	b.WriteString(streamsIntro)
	streams := doc["x-streams"].(map[string]any)
	for _, name := range []string{"ERP", "DIRECTORY", "DESK", "AUDIT", "DEAD", "REPLAY"} {
		s := streams[name].(map[string]any)
		fmt.Fprintf(&b, "\n## %s\n\nKept: %s.\n\n| subject | holds | event | sent by | received by |\n|---|---|---|---|---|\n", name, s["kept"])
		for _, subject := range s["subjects"].([]any) {
			channel, c := find(t, doc, subject.(string))
			messages := slices.Sorted(maps.Keys(c["messages"].(map[string]any)))
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", subject, c["summary"], types(doc, messages), who(doc, channel, "send"), who(doc, channel, "receive"))
		}
	}
	const name = "../docs/reference/streams.md"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != b.String() {
		t.Fatalf("docs/reference/streams.md is not current (%v): go test . -run TestStreamsPageIsCurrent -update", err)
	}
}

func find(t *testing.T, doc map[string]any, subject string) (string, map[string]any) {
	t.Helper()
	for name, c := range doc["channels"].(map[string]any) {
		if m := c.(map[string]any); m["address"] == subject {
			return name, m
		}
	}
	t.Fatalf("no channel %s", subject)
	return "", nil
}

func types(doc map[string]any, messages []string) string {
	var list []string
	for _, m := range messages {
		list = append(list, doc["components"].(map[string]any)["messages"].(map[string]any)[m].(map[string]any)["name"].(string))
	}
	return strings.Join(list, ", ")
}

func who(doc map[string]any, channel, action string) string {
	var list []string
	for _, o := range doc["operations"].(map[string]any) {
		m := o.(map[string]any)
		if m["action"] == action && m["channel"].(map[string]any)["$ref"] == "#/channels/"+channel {
			list = append(list, m["x-service"].(string))
		}
	}
	slices.Sort(list)
	if len(list) == 0 {
		return "broker (message schedule)"
	}
	return strings.Join(list, ", ")
}
