package schemas_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ml-connector/ml-connector/schemas"
)

func asyncapi(t *testing.T) map[string]any {
	t.Helper()
	b, err := schemas.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.UnmarshalWithOptions(b, &doc, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if doc["asyncapi"] != "3.0.0" {
		t.Fatalf("asyncapi %v", doc["asyncapi"])
	}
	return doc
}

// TestAsyncAPIRefsResolve follows every $ref: inside the document, or to a file of the module.
func TestAsyncAPIRefsResolve(t *testing.T) {
	doc, n := asyncapi(t), 0
	walk(doc, func(ref string) {
		n++
		file, pointer, _ := strings.Cut(ref, "#")
		if file != "" {
			if _, err := schemas.FS.ReadFile(file); err != nil {
				t.Errorf("$ref %s: %v", ref, err)
			}
			return
		}
		var at any = doc
		for _, step := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
			m, ok := at.(map[string]any)
			if !ok || m[step] == nil {
				t.Errorf("$ref %s: nothing at %s", ref, step)
				return
			}
			at = m[step]
		}
	})
	if n < 60 {
		t.Fatalf("%d references followed", n)
	}
}

func walk(v any, visit func(ref string)) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			if ref, ok := e.(string); ok && k == "$ref" {
				visit(ref)
			}
			walk(e, visit)
		}
	case []any:
		for _, e := range x {
			walk(e, visit)
		}
	}
}

// TestAsyncAPIHasEverySubject compares with the table of design.md 4, written out here by hand.
func TestAsyncAPIHasEverySubject(t *testing.T) {
	want := map[string][]string{
		"ERP":       {"cursor.{tenant}.{kind}", "erp.{tenant}.{kind}.{key}"},
		"DIRECTORY": {"directory.{tenant}.{kind}.{key}", "due.{tenant}.{kind}.{key}", "poll.{tenant}.{kind}.{mode}", "tick.{tenant}.{kind}.{mode}", "urgent.{tenant}.{kind}.{key}", "wake.{tenant}.{kind}.{key}"},
		"DESK":      {"desk.{tenant}.{kind}.{id}"},
		"AUDIT":     {"audit.{tenant}.{kind}.{key}"},
		"DEAD":      {"dead.{tenant}.{stage}.{kind}.{key}"},
		"REPLAY":    {"replay.{tenant}.{kind}.{key}"},
	}
	doc := asyncapi(t)
	byChannel := map[string][]string{}
	for _, c := range doc["channels"].(map[string]any) {
		m := c.(map[string]any)
		stream := m["x-stream"].(string)
		byChannel[stream] = append(byChannel[stream], m["address"].(string))
	}
	for stream, s := range doc["x-streams"].(map[string]any) {
		var listed []string
		for _, a := range s.(map[string]any)["subjects"].([]any) {
			listed = append(listed, a.(string))
		}
		slices.Sort(listed)
		slices.Sort(byChannel[stream])
		if !slices.Equal(listed, want[stream]) || !slices.Equal(byChannel[stream], want[stream]) {
			t.Errorf("%s: listed %v, channels %v, want %v", stream, listed, byChannel[stream], want[stream])
		}
	}
	if got, exp := len(doc["x-streams"].(map[string]any)), len(want); got != exp {
		t.Errorf("%d streams, want %d", got, exp)
	}
}

// TestEveryEventIsAMessage and every channel has somebody at both ends; schedules are received by the broker itself.
func TestEveryEventIsAMessage(t *testing.T) {
	doc := asyncapi(t)
	used := map[string]bool{}
	walk(doc, func(ref string) { used[ref] = true })
	for _, typ := range []string{"facts", "cursor", "wanted", "urgent", "wake", "tick", "audit", "dead"} {
		if !used["events/"+typ+".v1.json"] {
			t.Errorf("%s.v1 is in no message", typ)
		}
	}
	ends := map[string]int{}
	for name, o := range doc["operations"].(map[string]any) {
		m := o.(map[string]any)
		channel := strings.TrimPrefix(m["channel"].(map[string]any)["$ref"].(string), "#/channels/")
		if want := fmt.Sprintf("%s-%ss-%s", m["x-service"], m["action"], channel); name != want {
			t.Errorf("operation %s: want the name %s", name, want)
		}
		ends[channel+" "+m["action"].(string)]++
	}
	for _, c := range slices.Sorted(maps.Keys(doc["channels"].(map[string]any))) {
		schedule := c == "wake" || c == "poll"
		if ends[c+" send"] == 0 || ends[c+" receive"] == 0 && !schedule {
			t.Errorf("channel %s: %d senders, %d receivers", c, ends[c+" send"], ends[c+" receive"])
		}
	}
}
