package assembly

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ml-connector/ml-connector/pkg/app"
)

// File is the config file of a process (--config). The environment wins over it, flags win over both.
type File struct {
	Data      string `yaml:"data"`
	Listen    string `yaml:"listen"`
	Ingress   string `yaml:"ingress"`
	CertFile  string `yaml:"ingress_cert_file"` // PEM; with the key the ingress speaks TLS
	CertKey   string `yaml:"ingress_key_file"`
	KeyFile   string `yaml:"master_key_file"`
	Public    string `yaml:"public_url"` // where browsers find the operators' pages
	LogLevel  string `yaml:"log_level"`
	LogFormat string `yaml:"log_format"`

	NATS      string `yaml:"nats_url"`
	Monitor   string `yaml:"nats_monitor_url"`
	Replicas  int    `yaml:"nats_replicas"`
	Unsynced  bool   `yaml:"allow_unsynced_broker"`
	Database  string `yaml:"database_url"`
	TokenFile string `yaml:"admin_token_file"`

	MinFree string `yaml:"min_free_disk"` // disk.ParseFloor

	Tuning Tuning `yaml:"tuning"`
}

// Tuning scales waiting times. The defaults are for production; tests shorten them.
type Tuning struct {
	AckWait     time.Duration `yaml:"ack_wait"`     // silence after which a message is given to somebody else; 60s, and 15s for the writer's
	RetryFirst  time.Duration `yaml:"retry_first"`  // first wait before a message is tried again; 1s, doubled up to 300 times as much
	Reload      time.Duration `yaml:"reload"`       // how often settings are looked at; 1s
	JobPoll     time.Duration `yaml:"job_poll"`     // wait between two looks at Zendesk's jobs; 1s
	WriterIdle  time.Duration `yaml:"writer_idle"`  // first pause after the account refused everything; 5s
	Linger      time.Duration `yaml:"linger"`       // how long the writer waits for more records; 2s
	WriterBatch int           `yaml:"writer_batch"` // records of a batch; 500
	CallLife    time.Duration `yaml:"call_life"`    // how long a call whose answer was lost may still take effect
	PinnedTTL   time.Duration `yaml:"pinned_ttl"`   // silence after which another writer takes over; 2m
	WriterWork  time.Duration `yaml:"writer_work"`  // longest time of one batch; 3m
	WriterLife  time.Duration `yaml:"writer_life"`  // silence of a writer after which another one takes over; 10s
	JobLife     time.Duration `yaml:"job_life"`     // how long a bulk job of Zendesk may have no end; 30m
	Look        time.Duration `yaml:"look"`         // after so long a write is looked at again; 1m
	Breaker     time.Duration `yaml:"breaker"`      // how long the breaker stays open; 30s
	Window      time.Duration `yaml:"window"`       // in which Zendesk takes five updates of one record, for simulators; 1m
	Patience    time.Duration `yaml:"patience"`     // longest wait for a limit of Zendesk inside one call; 90s
	Silence     time.Duration `yaml:"silence"`      // of PeopleSoft or Zendesk before a call is given up; 15s, four times as much before the first byte
}

// Tune is the part that the roles see.
func (t Tuning) Tune() Tune {
	return Tune{Reload: t.Reload, JobPoll: t.JobPoll, WriterIdle: t.WriterIdle, Linger: t.Linger, WriterBatch: t.WriterBatch, CallLife: t.CallLife, WriterWork: t.WriterWork, WriterLife: t.WriterLife, JobLife: t.JobLife, Look: t.Look, Breaker: t.Breaker, Window: t.Window, Patience: t.Patience, Silence: t.Silence}
}

// Backoff is the wait before attempt+1, or nil for the default.
func (t Tuning) Backoff() func(attempt int) time.Duration {
	if t.RetryFirst <= 0 {
		return nil
	}
	return func(attempt int) time.Duration {
		d := min(t.RetryFirst<<min(max(attempt-1, 0), 8), 300*t.RetryFirst)
		return d - rand.N(d/5+1)
	}
}

// ReadFile reads a config file strictly; "" is an empty file.
func ReadFile(path string) (File, error) {
	var f File
	if path == "" {
		return f, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return f, app.InputError{Err: errors.New("--config: " + strings.TrimPrefix(err.Error(), "open "))}
	}
	if err := yaml.UnmarshalWithOptions(b, &f, yaml.Strict()); err != nil {
		return f, app.InputError{Err: fmt.Errorf("--config %s: %w", path, err)}
	}
	return f, nil
}
