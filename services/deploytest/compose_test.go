package deploytest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// ours are the programs that design.md 3 names and this version has; each must be a service and a folder with a main.
func ours() []string {
	return []string{"poller", "ib-listener", "transformer", "zendesk-writer", "recorder", "console"}
}

func project(t *testing.T) *types.Project {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	details := types.ConfigDetails{WorkingDir: dir, Environment: types.Mapping{},
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "docker-compose.yml")}}}
	p, err := loader.LoadWithContext(t.Context(), details, loader.WithProfiles([]string{"demo"}), func(o *loader.Options) { o.SetProjectName("ml-connector", true) })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEveryContainerIsHardened holds failures.md 5.14.
func TestEveryContainerIsHardened(t *testing.T) {
	for name, s := range project(t).Services {
		rules := map[string]bool{
			"the root file system is read-only":               s.ReadOnly,
			"all capabilities are dropped, none come back":    slices.Equal(s.CapDrop, []string{"ALL"}) && len(s.CapAdd) == 0,
			"no new privileges":                               slices.Contains(s.SecurityOpt, "no-new-privileges:true"),
			"it is not privileged":                            !s.Privileged,
			"processes are limited":                           s.PidsLimit > 0 && s.PidsLimit <= 1024,
			"memory is limited":                               s.MemLimit > 0,
			"it shares no namespace with the host":            s.NetworkMode != "host" && s.Pid != "host" && s.Ipc != "host",
			"an image is pinned by version, or built here":    s.Build != nil || pinned(s.Image),
			"it starts again after a failure":                 s.Restart == "unless-stopped",
			"ports are open on this machine only":             loopback(s.Ports),
			"no secret stands in the environment":             noSecret(s.Environment),
			"no socket of the engine and no device is inside": noSocket(s.Volumes) && len(s.Devices) == 0,
		}
		for rule, ok := range rules {
			if !ok {
				t.Errorf("%s: not true: %s", name, rule)
			}
		}
	}
}

func pinned(image string) bool {
	_, tag, ok := strings.Cut(image, ":")
	return ok && tag != "latest" && strings.ContainsAny(tag, "0123456789") && strings.Contains(tag, ".")
}

func loopback(ports []types.ServicePortConfig) bool {
	return !slices.ContainsFunc(ports, func(p types.ServicePortConfig) bool { return p.HostIP != "127.0.0.1" })
}

func noSecret(env types.MappingWithEquals) bool {
	for k, v := range env {
		named := strings.Contains(k, "PASSWORD") || strings.Contains(k, "TOKEN") || strings.Contains(k, "SECRET")
		if named && !strings.HasSuffix(k, "_FILE") || v != nil && strings.Contains(*v, "://") && strings.Contains(*v, ":secret@") {
			return false
		}
	}
	return true
}

func noSocket(volumes []types.ServiceVolumeConfig) bool {
	return !slices.ContainsFunc(volumes, func(v types.ServiceVolumeConfig) bool { return strings.Contains(v.Source, "docker.sock") })
}

func TestServicesWaitForWhatTheyNeed(t *testing.T) {
	p := project(t)
	known := variables(t)
	for _, name := range ours() {
		s, ok := p.Services[name]
		if !ok {
			t.Errorf("%s is no service", name)
			continue
		}
		for _, need := range []string{"nats", "postgres"} {
			if s.DependsOn[need].Condition != types.ServiceConditionHealthy {
				t.Errorf("%s does not wait until %s is healthy", name, need)
			}
			if h := p.Services[need].HealthCheck; h == nil || len(h.Test) < 2 {
				t.Errorf("%s has no health check", need)
			}
		}
		for _, v := range []string{"MLC_NATS_URL", "MLC_NATS_MONITOR_URL", "MLC_DATABASE_URL", "MLC_MASTER_KEY_FILE", "MLC_LISTEN"} {
			if s.Environment[v] == nil {
				t.Errorf("%s: %s is not set", name, v)
			}
		}
		for v := range s.Environment {
			if strings.HasPrefix(v, "MLC_") && !slices.Contains(known, v) {
				t.Errorf("%s: no program reads %s", name, v)
			}
		}
		if s.HealthCheck == nil || s.HealthCheck.Test[1] != "/healthcheck" || !strings.HasSuffix(s.HealthCheck.Test[2], ":8080/readyz") {
			t.Errorf("%s: the health check does not ask /readyz", name)
		}
	}
}

func TestServicesAreThePrograms(t *testing.T) {
	p := project(t)
	for name, s := range p.Services {
		if s.Build == nil {
			continue
		}
		program := s.Build.Args["SERVICE"]
		if program == nil {
			t.Errorf("%s: no SERVICE", name)
			continue
		}
		if _, err := os.Stat(filepath.Join(root, "services", *program, "main.go")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, program := range programs(t) {
		built := func(s types.ServiceConfig) bool {
			return s.Build != nil && s.Build.Args["SERVICE"] != nil && *s.Build.Args["SERVICE"] == program
		}
		if program != "ml-connector" && !slices.ContainsFunc(slices.Collect(maps.Values(p.Services)), built) {
			t.Errorf("services/%s has a main.go and no service in docker-compose.yml", program)
		}
	}
	if d := p.Services["zendesk-writer"].Deploy; d == nil || d.Replicas == nil || *d.Replicas < 2 {
		t.Error("there are not two writers")
	}
	for _, sim := range []string{"sim-peoplesoft", "sim-zendesk"} {
		if !slices.Equal(p.Services[sim].Profiles, []string{"demo"}) {
			t.Errorf("%s is not in the profile demo alone", sim)
		}
	}
}

// programs are the folders of services that hold a main.go.
func programs(t *testing.T) (list []string) {
	found, err := filepath.Glob(filepath.Join(root, "services", "*", "main.go"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	for _, f := range found {
		list = append(list, filepath.Base(filepath.Dir(f)))
	}
	return list
}

func TestSecretsAreFilesThatTheScriptMakes(t *testing.T) {
	script := read(t, "scripts/compose-secrets.sh")
	for name, s := range project(t).Secrets {
		if s.File == "" || !strings.Contains(script, "make_file "+filepath.Base(s.File)+" ") {
			t.Errorf("secret %s: scripts/compose-secrets.sh makes no %s", name, filepath.Base(s.File))
		}
	}
	if !strings.Contains(read(t, ".gitignore"), "/deploy/secrets/") {
		t.Error("deploy/secrets may be committed by mistake")
	}
}

func TestTheBrokerInComposeIsTheOneThatIsTested(t *testing.T) {
	nats := project(t).Services["nats"]
	_, version, _ := strings.Cut(strings.TrimSuffix(nats.Image, "-alpine"), ":")
	if !strings.Contains(read(t, "pkg/go.mod"), "github.com/nats-io/nats-server/v2 v"+version+" ") && !strings.Contains(read(t, "pkg/go.mod"), "github.com/nats-io/nats-server/v2 v"+version+"\n") {
		t.Errorf("compose runs NATS %s, the tests another", version)
	}
}

func TestImagesAreNotBuiltHere(t *testing.T) {
	t.Skip("NOT RUN: building and starting the images needs a container engine")
}
