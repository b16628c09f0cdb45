package archtest

import "strings"

func vocabulary() []string {
	return []string{"pkg/tenant", "pkg/record", "pkg/erp", "pkg/directory", "pkg/fault", "pkg/secret", "pkg/check"}
}

func adapters() []string {
	return []string{"pkg/source/peoplesoft", "pkg/target/zendesk", "pkg/store/sqlitestore", "pkg/store/pgstore", "pkg/bus/natsbus", "pkg/bus/natsembed"}
}

func libraries(f File, imp Import, names ...string) bool {
	return !f.support() && !imp.Ours && under(imp.Path, names...)
}

// importRule makes a rule of a question about one import of one file.
func importRule(name, why string, forbidden func(f File, imp Import) bool) Rule {
	return Rule{name, why, func(files []File) []Finding {
		var found []Finding
		for _, f := range files {
			for _, imp := range f.Imports {
				if forbidden(f, imp) {
					found = append(found, Finding{f.Path, imp.Line, "imports " + imp.Path})
				}
			}
		}
		return found
	}}
}

// Directions are the rules about who may know whom (design.md 7).
func Directions() []Rule {
	return []Rule{
		importRule("pkg knows no service", "pkg is what others build on: an import of services turns the data flow around", func(f File, i Import) bool {
			return under(f.Dir, "pkg", "schemas") && i.Ours && under(i.Path, "services")
		}),
		importRule("vocabulary knows nobody", "words must not depend on what is done with them: standard library only", func(f File, i Import) bool {
			return !f.Test && under(f.Dir, vocabulary()...) && (i.Ours || strings.Contains(strings.SplitN(i.Path, "/", 2)[0], "."))
		}),
		importRule("the source side does not know the target", "reading must not depend on what is written: only transform speaks both", func(f File, i Import) bool {
			return !f.Test && i.Ours && under(f.Dir, "pkg/source", "services/poller", "services/ib-listener") && under(i.Path, "pkg/directory", "pkg/target")
		}),
		importRule("the target side does not know the source", "writing must not depend on where facts come from: only transform speaks both", func(f File, i Import) bool {
			return !f.Test && i.Ours && under(f.Dir, "pkg/target", "services/zendesk-writer", "services/webhook-listener") && under(i.Path, "pkg/erp", "pkg/source")
		}),
		importRule("service logic knows contracts only", "logic that names an adapter, app or assembly cannot be tested without it nor used with another", func(f File, i Import) bool {
			return !f.Test && i.Ours && logic(f) && under(i.Path, append(adapters(), "pkg/app", "services/internal")...)
		}),
		importRule("services meet on the bus only", "one service's logic that calls another's cannot be deployed or scaled alone", func(f File, i Import) bool {
			return !f.Test && i.Ours && logic(f) && under(i.Path, "services") && service(i.Path) != service(f.Dir)
		}),
		importRule("the two stores do not know each other", "a shared shortcut would hide from the common suite", func(f File, i Import) bool {
			return i.Ours && (under(f.Dir, "pkg/store/pgstore") && under(i.Path, "pkg/store/sqlitestore") || under(f.Dir, "pkg/store/sqlitestore") && under(i.Path, "pkg/store/pgstore"))
		}),
		importRule("simulators share nothing with their clients", "a simulator that shares code with the client shares its mistakes", func(f File, i Import) bool {
			return i.Ours && under(f.Dir, "pkg/sim") && !under(i.Path, "pkg/sim")
		}),
		importRule("test support stays in tests", "a suite or a test database has no place in a program", func(f File, i Import) bool {
			return !f.support() && i.Ours && testing(i.Path)
		}),
		importRule("only ml-connector embeds broker and store", "a service of its own must not carry a broker", func(f File, i Import) bool {
			return !f.Test && i.Ours && under(i.Path, "services/internal/embedded", "pkg/bus/natsembed") &&
				!under(f.Dir, "services/ml-connector", "services/internal/embedded", "pkg/bus/natsembed", "services/e2e")
		}),
	}
}

// Libraries are the rules about who may use which library (design.md 7).
func Libraries() []Rule {
	return []Rule{
		importRule("NATS stays in its adapter", "the bus contract is all that others may know: the protocol of design.md 4 lives in one place", func(f File, i Import) bool {
			return libraries(f, i, "github.com/nats-io", "github.com/synadia-io", "github.com/ThreeDotsLabs") && !under(f.Dir, "pkg/bus/natsbus", "pkg/bus/natsembed")
		}),
		importRule("the NATS server is embedded in one place", "everything else is a client", func(f File, i Import) bool {
			return libraries(f, i, "github.com/nats-io/nats-server") && !under(f.Dir, "pkg/bus/natsembed")
		}),
		importRule("Postgres stays in pgstore", "state is reached through the store contract", func(f File, i Import) bool {
			return libraries(f, i, "github.com/jackc") && !under(f.Dir, "pkg/store/pgstore")
		}),
		importRule("SQLite stays in sqlitestore", "state is reached through the store contract", func(f File, i Import) bool {
			return libraries(f, i, "modernc.org") && !under(f.Dir, "pkg/store/sqlitestore")
		}),
		importRule("the breaker stays in the writer", "a breaker in an adapter hides failures from the one place that decides about them", func(f File, i Import) bool {
			return libraries(f, i, "github.com/sony/gobreaker") && !under(f.Dir, "services/zendesk-writer")
		}),
		importRule("keys stay in the vault", "one package that encrypts can be reviewed, two cannot", func(f File, i Import) bool {
			return libraries(f, i, "crypto/aes", "crypto/cipher", "crypto/hkdf", "golang.org/x/crypto/chacha20poly1305", "golang.org/x/crypto/hkdf") && !under(f.Dir, "pkg/vault")
		}),
	}
}

// logic tells whether the file is a service's own package: not its main, not the wiring, not the whole program.
func logic(f File) bool {
	return under(f.Dir, "services") && !f.Main && !under(f.Dir, "services/internal", "services/ml-connector", "services/e2e")
}

func service(dir string) string {
	parts := strings.SplitN(dir, "/", 3)
	if len(parts) < 2 {
		return dir
	}
	return parts[1]
}

// Translator is the rule that only one package speaks both vocabularies; the event contract carries both.
func Translator() Rule {
	return Rule{"only transform speaks both vocabularies", "two translators would disagree", func(files []File) []Finding {
		has := map[string]map[string]bool{}
		var found []Finding
		for _, f := range files {
			if f.Test || under(f.Dir, "services/transformer/transform", "pkg/event") {
				continue
			}
			for _, i := range f.Imports {
				if i.Ours && (i.Path == "pkg/erp" || i.Path == "pkg/directory") {
					if has[f.Dir] == nil {
						has[f.Dir] = map[string]bool{}
					}
					has[f.Dir][i.Path] = true
					if len(has[f.Dir]) == 2 {
						found = append(found, Finding{f.Path, i.Line, "the package imports pkg/erp and pkg/directory"})
					}
				}
			}
		}
		return found
	}}
}
