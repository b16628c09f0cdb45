package archtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/internal/archtest"
)

func rules() []archtest.Rule {
	return append(slices.Concat(archtest.Directions(), archtest.Libraries(), archtest.Code(), archtest.Shape()), archtest.Translator())
}

// TestTheRepositoryKeepsTheRules runs every rule over all modules.
func TestTheRepositoryKeepsTheRules(t *testing.T) {
	files, err := archtest.Load("../../..", "pkg", "services", "schemas")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("%d files: the root is wrong", len(files))
	}
	for _, r := range rules() {
		t.Run(r.Name, func(t *testing.T) {
			for _, f := range r.Check(files) {
				t.Errorf("%s — %s", f, r.Why)
			}
		})
	}
}

const ours = "github.com/ml-connector/ml-connector/"

func importing(pkg string, paths ...string) string {
	return "// Package " + pkg + " is an example.\npackage " + pkg + "\n\nimport (\n\t_ \"" + strings.Join(paths, "\"\n\t_ \"") + "\"\n)\n"
}

func with(code string) string { return "// Package x is an example.\npackage x\n\n" + code + "\n" }

type example struct{ path, source string }

// breaking gives for every rule examples that break it and examples that look alike and do not.
func breaking() map[string]struct{ bad, good []example } {
	pg, lite := ours+"pkg/store/pgstore", ours+"pkg/store/sqlitestore"
	return map[string]struct{ bad, good []example }{
		"pkg knows no service": {
			[]example{{"pkg/app/a.go", importing("app", ours+"services/poller/poll")}, {"pkg/app/a_test.go", importing("app", ours+"services/e2e")}},
			[]example{{"pkg/app/a.go", importing("app", ours+"pkg/bus")}},
		},
		"vocabulary knows nobody": {
			[]example{{"pkg/erp/a.go", importing("erp", ours+"pkg/tenant")}, {"pkg/tenant/a.go", importing("tenant", "github.com/google/uuid")}, {"pkg/fault/a.go", importing("fault", "golang.org/x/text")}},
			[]example{{"pkg/erp/a.go", importing("erp", "crypto/sha256")}, {"pkg/erp/a_test.go", importing("erp", "pgregory.net/rapid")}},
		},
		"the source side does not know the target": {
			[]example{{"pkg/source/peoplesoft/a.go", importing("peoplesoft", ours+"pkg/directory")}, {"services/poller/poll/a.go", importing("poll", ours+"pkg/target")}},
			[]example{{"services/poller/poll/a.go", importing("poll", ours+"pkg/source")}},
		},
		"the target side does not know the source": {
			[]example{{"pkg/target/zendesk/a.go", importing("zendesk", ours+"pkg/erp")}, {"services/zendesk-writer/writer/a.go", importing("writer", ours+"pkg/source/peoplesoft")}},
			[]example{{"services/zendesk-writer/writer/a.go", importing("writer", ours+"pkg/directory")}},
		},
		"service logic knows contracts only": {
			[]example{{"services/poller/poll/a.go", importing("poll", ours+"pkg/bus/natsbus")}, {"services/recorder/record/a.go", importing("record", ours+"pkg/app")}, {"services/console/admin/a.go", importing("admin", ours+"services/internal/assembly")}},
			[]example{{"services/poller/main.go", importing("main", ours+"services/internal/assembly")}, {"services/poller/poll/a.go", importing("poll", ours+"pkg/bus")}},
		},
		"services meet on the bus only": {
			[]example{{"services/poller/poll/a.go", importing("poll", ours+"services/recorder/record")}},
			[]example{{"services/console/admin/a.go", importing("admin", ours+"services/console/web")}},
		},
		"the two stores do not know each other": {
			[]example{{"pkg/store/pgstore/a.go", importing("pgstore", lite)}, {"pkg/store/sqlitestore/a_test.go", importing("sqlitestore", pg)}},
			[]example{{"pkg/store/pgstore/a.go", importing("pgstore", ours+"pkg/store")}},
		},
		"simulators share nothing with their clients": {
			[]example{{"pkg/sim/zendesk/a.go", importing("zendesk", ours+"pkg/fault")}, {"pkg/sim/zendesk/a_test.go", importing("zendesk", ours+"pkg/target/zendesk")}},
			[]example{{"pkg/sim/zendesk/a_test.go", importing("zendesk_test", ours+"pkg/sim/zendesk")}},
		},
		"test support stays in tests": {
			[]example{{"services/internal/assembly/a.go", importing("assembly", ours+"pkg/store/storetest")}},
			[]example{{"services/internal/assembly/a_test.go", importing("assembly", ours+"pkg/store/storetest")}, {"pkg/store/storetest/a.go", importing("storetest", ours+"pkg/store/pgtest")}},
		},
		"only ml-connector embeds broker and store": {
			[]example{{"services/poller/main.go", importing("main", ours+"services/internal/embedded")}, {"services/internal/assembly/a.go", importing("assembly", ours+"pkg/bus/natsembed")}},
			[]example{{"services/ml-connector/main.go", importing("main", ours+"services/internal/embedded")}},
		},
		"NATS stays in its adapter": {
			[]example{{"services/poller/poll/a.go", importing("poll", "github.com/nats-io/nats.go/jetstream")}, {"pkg/bus/a.go", importing("bus", "github.com/ThreeDotsLabs/watermill")}},
			[]example{{"pkg/bus/natsbus/a.go", importing("natsbus", "github.com/nats-io/nats.go")}, {"services/e2e/a_test.go", importing("e2e", "github.com/nats-io/nats.go")}},
		},
		"the NATS server is embedded in one place": {
			[]example{{"pkg/bus/natsbus/a.go", importing("natsbus", "github.com/nats-io/nats-server/v2/server")}},
			[]example{{"pkg/bus/natsembed/a.go", importing("natsembed", "github.com/nats-io/nats-server/v2/server")}},
		},
		"Postgres stays in pgstore": {
			[]example{{"services/console/admin/a.go", importing("admin", "github.com/jackc/pgx/v5")}},
			[]example{{"pkg/store/pgstore/a.go", importing("pgstore", "github.com/jackc/pgx/v5/pgxpool")}},
		},
		"SQLite stays in sqlitestore": {
			[]example{{"pkg/app/a.go", importing("app", "modernc.org/sqlite")}},
			[]example{{"pkg/store/sqlitestore/a.go", importing("sqlitestore", "modernc.org/sqlite")}},
		},
		"the breaker stays in the writer": {
			[]example{{"pkg/target/zendesk/a.go", importing("zendesk", "github.com/sony/gobreaker/v2")}},
			[]example{{"services/zendesk-writer/writer/a.go", importing("writer", "github.com/sony/gobreaker/v2")}},
		},
		"keys stay in the vault": {
			[]example{{"pkg/app/a.go", importing("app", "crypto/aes")}, {"services/console/web/a.go", importing("web", "golang.org/x/crypto/chacha20poly1305")}},
			[]example{{"pkg/vault/a.go", importing("vault", "crypto/cipher")}, {"pkg/app/a.go", importing("app", "crypto/sha256")}},
		},
		"only transform speaks both vocabularies": {
			[]example{{"services/console/admin/a.go", importing("admin", ours+"pkg/erp", ours+"pkg/directory")}},
			[]example{{"services/transformer/transform/a.go", importing("transform", ours+"pkg/erp", ours+"pkg/directory")}, {"services/console/admin/a.go", importing("admin", ours+"pkg/erp")}},
		},
		"nothing is deleted in Zendesk": {
			[]example{{"pkg/target/zendesk/a.go", with("const a = http.MethodDelete")}, {"pkg/target/zendesk/a.go", with("const a = \"DELETE\"")}, {"services/zendesk-writer/writer/a.go", with("const a = \"DELETE /api/v2/users/1\"")}},
			[]example{{"pkg/store/pgstore/a.go", with("const a = \"DELETE FROM links\"")}, {"pkg/sim/zendesk/a.go", with("const a = \"DELETE\"")}},
		},
		"no delete verb towards the target": {
			[]example{{"pkg/target/zendesk/a.go", with("func (c client) deleteUser() {}")}, {"pkg/target/a.go", with("type T interface{ DestroyMany() }")}, {"pkg/target/a.go", with("const Delete = \"delete\"")}},
			[]example{{"pkg/target/zendesk/a.go", with("func wasDeleted() bool { return true }")}},
		},
		"vocabulary has no tags": {
			[]example{{"pkg/erp/a.go", with("type A struct { B string `json:\"b\"` }")}, {"pkg/directory/a.go", with("type A struct { B string `xml:\"b\"` }")}},
			[]example{{"pkg/event/a.go", with("type A struct { B string `json:\"b\"` }")}},
		},
		"no init": {
			[]example{{"pkg/app/a.go", with("func init() {}")}, {"pkg/app/a_test.go", with("func init() {}")}},
			[]example{{"pkg/app/a.go", with("func (T) init() {}")}},
		},
		"no mutable package variable": {
			[]example{{"pkg/app/a.go", with("var a = 1")}, {"pkg/app/a.go", with("var a map[string]int")}, {"pkg/app/a.go", with("var a, b = errors.New(\"a\"), []int{1}")}},
			[]example{{"pkg/app/a.go", with("var (\n\ta = errors.New(\"a\")\n\tb = regexp.MustCompile(\"b\")\n\t_ I = T{}\n)\n\n//go:embed x\nvar files embed.FS")}},
		},
		"environment and exit only at the edge": {
			[]example{{"pkg/config/a.go", with("func A() { os.Getenv(\"A\") }")}, {"services/poller/poll/a.go", with("func A() { os.Exit(1) }")}, {"pkg/vault/a.go", with("func A() { log.Fatal(1) }")}},
			[]example{{"pkg/app/a.go", with("func A() { os.Exit(1) }")}, {"services/poller/main.go", "// Command x.\npackage main\n\nfunc main() { os.Exit(1) }\n"}},
		},
		"no time.Sleep": {
			[]example{{"pkg/app/a_test.go", with("func A() { time.Sleep(1) }")}, {"pkg/store/storetest/a.go", with("func A() { time.Sleep(1) }")}, {"pkg/app/a_test.go", with("func A() { synctest.Test(t, f); time.Sleep(1) }")}},
			[]example{{"pkg/app/a.go", with("func A() { time.NewTimer(1) }")}, {"pkg/app/a_test.go", with("func A() { synctest.Test(t, func(t *testing.T) { time.Sleep(1) }) }")}},
		},
		"no stored or bus method without tenant": {
			[]example{{"pkg/store/a.go", with("type S interface { Links(ctx context.Context, n int) error }")}, {"pkg/bus/a.go", with("type S interface { Publish(t tenant.ID, ctx context.Context) error }")}},
			[]example{{"pkg/store/a.go", with("type S interface { Links(ctx context.Context, t tenant.ID, n int) error\n Ping(ctx context.Context) error }")}},
		},
		"every package says what it is": {
			[]example{{"pkg/app/a.go", "package app\n"}, {"pkg/app/a.go", "// This is app.\npackage app\n"}, {"services/poller/main.go", "// Package main\npackage main\n"}},
			[]example{{"pkg/app/a.go", "// Package app is an example.\npackage app\n"}, {"services/poller/main.go", "// Command poller reads.\npackage main\n"}},
		},
		"every exported name says what to rely on": {
			[]example{{"pkg/app/a.go", with("func A() {}")}, {"pkg/app/a.go", with("type A int")}, {"pkg/app/a.go", with("const A = 1")}, {"pkg/app/a.go", with("// A is one.\ntype A int\n\nfunc (*A) B() {}")}},
			[]example{{"pkg/app/a.go", with("// A is one.\nconst (\n\tA = 1\n\tB = 2\n)\n\nfunc (a *a) Write() {}")}},
		},
		"files are short": {
			[]example{{"pkg/app/a.go", with(strings.Repeat("\n", 400))}},
			[]example{{"pkg/app/a.go", with(strings.Repeat("\n", 300))}, {"pkg/app/a_test.go", with(strings.Repeat("\n", 500))}},
		},
		"functions are short": {
			[]example{{"pkg/app/a.go", with("func a() {" + strings.Repeat("\n", 80) + "}")}},
			[]example{{"pkg/app/a.go", with("func a() {" + strings.Repeat("\n", 79) + "}")}, {"pkg/app/a.go", with("func a() []int {\n\treturn []int{" + strings.Repeat("\n", 90) + "}\n}")}},
		},
		"packages have good names": {
			[]example{{"pkg/util/a.go", "package util\n"}, {"pkg/a/a.go", "package camelCase\n"}, {"pkg/vendor/a.go", "package a\n"}, {"pkg/a/a.go", "package two_words\n"}},
			[]example{{"pkg/app/a_test.go", "package app_test\n"}},
		},
	}
}

func check(t *testing.T, r archtest.Rule, e example) []archtest.Finding {
	t.Helper()
	f, err := archtest.Parse(e.path, []byte(e.source))
	if err != nil {
		t.Fatalf("%v\n%s", err, e.source)
	}
	return r.Check([]archtest.File{f})
}

// TestEveryRuleCanFail: a rule without an example that breaks it proves nothing.
func TestEveryRuleCanFail(t *testing.T) {
	examples := breaking()
	for _, r := range rules() {
		t.Run(r.Name, func(t *testing.T) {
			e, ok := examples[r.Name]
			if !ok || len(e.bad) == 0 || len(e.good) == 0 || r.Why == "" {
				t.Fatal("want a reason, an example that breaks the rule and one that does not")
			}
			for _, b := range e.bad {
				if found := check(t, r, b); len(found) == 0 {
					t.Errorf("not found in %s:\n%s", b.path, b.source)
				}
			}
			for _, g := range e.good {
				if found := check(t, r, g); len(found) > 0 {
					t.Errorf("%v in %s:\n%s", found, g.path, g.source)
				}
			}
		})
		delete(examples, r.Name)
	}
	for name := range examples {
		t.Errorf("examples for a rule that does not exist: %s", name)
	}
}
