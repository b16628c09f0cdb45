// Package adminapi is the contract of the admin API under /api/v1: its documents, its client, and how a command finds
// a running process. schemas/openapi.yaml says the same for other clients. JSON names are stable (design.md 8).
package adminapi

import (
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// Prefix is the path under which the API lives.
const Prefix = "/api/v1"

// Apply asks to create or change tenants. Values are secrets by tenant and purpose, resolved where the command ran.
type Apply struct {
	Name   string                       `json:"name"` // of the file, for messages
	File   string                       `json:"file"`
	Values map[string]map[string]string `json:"values,omitempty"`
	Actor  string                       `json:"actor,omitempty"`
}

// Applied says what became of one tenant.
type Applied struct {
	Tenant  string         `json:"tenant"`
	Created bool           `json:"created"`
	Version int64          `json:"version"`
	Changes []audit.Change `json:"changes"`
	Secrets []string       `json:"secrets,omitempty"` // purposes that were sealed
	Missing []string       `json:"missing,omitempty"` // purposes that still have no value
}

// Sync asks for one cycle now.
type Sync struct {
	Kind string `json:"kind,omitempty"` // employees, vendors; "" means both
	Key  string `json:"key,omitempty"`
	Full bool   `json:"full,omitempty"`
}

// Synced names the cycles that were asked for.
type Synced struct {
	Cycles []string `json:"cycles"`
}

// Cycle is one pass of the poller.
type Cycle struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`
	Mode    string     `json:"mode"`
	State   string     `json:"state"`
	Cause   string     `json:"cause,omitempty"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
	From    string     `json:"window_from,omitempty"`
	To      string     `json:"window_to,omitempty"`
	Before  string     `json:"cursor_before,omitempty"`
	After   string     `json:"cursor_after,omitempty"`
	Pages   int        `json:"pages"`
	Rows    int        `json:"rows"`
	Records int        `json:"records"`
	Problem *Problem   `json:"problem,omitempty"`
}

// Problem is a code with its cause and what to do.
type Problem struct {
	Code   string     `json:"code"`
	Detail string     `json:"detail,omitempty"`
	Next   string     `json:"next,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Where  string     `json:"where,omitempty"` // record or connection
	Hold   bool       `json:"hold,omitempty"`  // the record waits; else it is flagged
}

// Step is one step of a check.
type Step struct {
	Connection string `json:"connection"`
	Name       string `json:"name"`
	State      string `json:"state"`
	Code       string `json:"code,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Next       string `json:"next,omitempty"`
	TookMS     int64  `json:"took_ms"`
}

// Checked is the result of a check.
type Checked struct {
	Tenant string `json:"tenant"`
	OK     bool   `json:"ok"`
	Steps  []Step `json:"steps"`
}

// Status is the state of every tenant asked for.
type Status struct {
	Version string         `json:"version"`
	Quiet   bool           `json:"quiet"` // nothing is in flight anywhere
	Tenants []TenantStatus `json:"tenants"`
}

// TenantStatus is the state of one tenant.
type TenantStatus struct {
	Tenant      string           `json:"tenant"`
	Settings    int64            `json:"settings_version"`
	Quiet       bool             `json:"quiet"`
	Stages      []Stage          `json:"stages"`
	Cycles      []Cycle          `json:"cycles"`   // the newest of each kind and mode
	Problems    []Problem        `json:"problems"` // connections and parts that do not work
	Warnings    []Problem        `json:"warnings"` // what works and will not for ever
	Connection  *Connection      `json:"connection,omitempty"`
	Findings    map[string]int   `json:"findings"` // open ones about records, by code
	Mode        string           `json:"mode"`     // live; observe writes nothing to Zendesk
	Waiting     []Hold           `json:"waiting"`  // mass changes that wait for a person
	Holds       int              `json:"holds"`    // records that wait for a person for reasons of their own
	Held        []Held           `json:"held"`     // why they wait, most first
	DeadLetters uint64           `json:"dead_letters"`
	Records     map[string]int   `json:"records"`           // in the ledger, by kind
	Linked      map[string]int   `json:"linked"`            // by kind/state
	Budget      *target.Budget   `json:"budget,omitempty"`  // where the writer runs in this process
	Breaker     string           `json:"breaker,omitempty"` // closed, half-open, open; where another process writes, open or nothing
	Streams     map[string]int64 `json:"streams"`           // messages by stream
	Coming      *Coming          `json:"coming,omitempty"`  // what changes by itself in the next 30 days
}

// Held is a reason for which records wait.
type Held struct {
	Code    string `json:"code"`
	Records int    `json:"records"`
	Next    string `json:"next"`
}

// Stage is the backlog of one stage.
type Stage struct {
	Stage      string  `json:"stage"`
	InFlight   int     `json:"in_flight"`   // delivered and not settled, or running
	Backlog    uint64  `json:"backlog"`     // stored and not yet delivered
	LagSeconds float64 `json:"lag_seconds"` // age of the oldest that is not settled
	Quiet      bool    `json:"quiet"`
}

// AuditEntry is one decision.
type AuditEntry struct {
	Position int64          `json:"position"`
	ID       string         `json:"id"`
	At       time.Time      `json:"at"`
	Kind     string         `json:"kind,omitempty"`
	Key      string         `json:"key,omitempty"`
	Stage    string         `json:"stage"`
	Verb     string         `json:"verb,omitempty"`
	Outcome  string         `json:"outcome"`
	Code     string         `json:"code,omitempty"`
	Detail   string         `json:"detail,omitempty"`
	Next     string         `json:"next,omitempty"`
	Cause    string         `json:"cause,omitempty"`
	Version  uint64         `json:"version,omitempty"`
	Changes  []audit.Change `json:"changes,omitempty"`
	Explain  []string       `json:"explain,omitempty"`
	Request  string         `json:"request,omitempty"`
	Seal     string         `json:"seal,omitempty"`
}

// Finding is an open finding about a record or a connection.
type Finding struct {
	Kind   string    `json:"kind"`
	Key    string    `json:"key"`
	Stage  string    `json:"stage"`
	Code   string    `json:"code"`
	Hold   bool      `json:"hold"`
	Detail string    `json:"detail,omitempty"`
	Next   string    `json:"next,omitempty"`
	Since  time.Time `json:"since"` // first seen

	Severity string `json:"severity"` // info, warning, hold
}

// Failure is the body of every answer that is not 2xx.
type Failure struct {
	Code   string   `json:"code"`
	Detail string   `json:"detail"`
	Next   string   `json:"next,omitempty"`
	Kind   string   `json:"kind,omitempty"`
	Lines  []string `json:"lines,omitempty"` // all problems of a tenant file
}
