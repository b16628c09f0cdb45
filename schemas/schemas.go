// Package schemas holds the contracts that stand outside the code: JSON Schemas (draft 2020-12) of every event and of
// the tenant file, samples that they accept and refuse, and the AsyncAPI description of the streams. Schemas come
// first; tests in package event and package config hold the Go types and the schemas together in both directions.
package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
)

// FS is the whole folder: events/, config/, samples/ and asyncapi.yaml.
//
//go:embed asyncapi.yaml events/*.json config/*.json samples
var FS embed.FS

// Base is what the $id of every event schema starts with; package event puts the same into dataschema.
const Base = "https://ml-connector.example/schemas/events/"

// Event is the schema of a payload type such as facts.v1, or of the envelope (envelope.v1).
func Event(typ string) ([]byte, error) {
	b, err := FS.ReadFile("events/" + typ + ".json")
	if err != nil {
		return nil, fmt.Errorf("schema of event %q: %w", typ, err)
	}
	return b, nil
}

// Config is the schema of one document of the tenant file.
func Config() ([]byte, error) { return FS.ReadFile("config/tenant.json") }

// AsyncAPI describes streams, subjects, senders and receivers.
func AsyncAPI() ([]byte, error) { return FS.ReadFile("asyncapi.yaml") }

// Samples gives the files below samples/<folder> by name: good and bad are events, config/good and config/bad tenant
// files. The name of a bad sample says which rule it breaks.
func Samples(folder string) (map[string][]byte, error) {
	dir := path.Join("samples", folder)
	entries, err := fs.ReadDir(FS, dir)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if out[e.Name()], err = fs.ReadFile(FS, path.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return out, nil
}
