package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// BenchmarkFirstLoad measures the whole pipeline as a user has it: ml-connector serve as a process of its own with
// production settings but for the pause between two looks at Zendesk's jobs (the simulator's take 20 ms), both
// simulators as processes without limits, all on the same two cores. It prints records/s
// from `sync` to quiet, Zendesk calls per 1,000 records, writes of a second full run (must be 0), CPU seconds per
// 100,000 records and peak memory of the connector alone. MLC_BENCH_LARGE=1 adds 100,000 employees.
func BenchmarkFirstLoad(b *testing.B) {
	sizes := []int{10_000}
	if os.Getenv("MLC_BENCH_LARGE") != "" {
		sizes = append(sizes, 100_000)
	}
	for _, n := range sizes {
		b.Run(fmt.Sprintf("sqlite/%d", n), func(b *testing.B) { firstLoad(b, n, "") })
		b.Run(fmt.Sprintf("postgres/%d", n), func(b *testing.B) { firstLoad(b, n, pgtest.URL(b)) })
	}
}

func firstLoad(b *testing.B, n int, database string) {
	for b.Loop() {
		bench(b, n, database)
	}
}

func bench(b *testing.B, n int, database string) {
	bin := programs(b, "ml-connector", "sim-peoplesoft", "sim-zendesk")
	ps, zd := freeAddress(b), freeAddress(b)
	spawn(b, filepath.Join(bin, "sim-peoplesoft"), nil, "-listen", ps, "-employees", strconv.Itoa(n), "-vendors", strconv.Itoa(n/50), "-user", "MLCONN", "-password", "bench")
	spawn(b, filepath.Join(bin, "sim-zendesk"), nil, "-listen", zd, "-job-duration", "20ms")
	w := &world{Company: &demo.Company{PSURL: "http://" + ps, ZDURL: "http://" + zd,
		Secrets: map[string]string{"DEMO_PS_PASSWORD": "bench", "DEMO_ZD_SECRET": "bench"}}}
	for _, a := range []string{"http://" + ps + "/_sim/clock", "http://" + zd + "/_sim/counters"} {
		until(b, time.Minute, a, func() bool { return get(a, nil) == nil })
	}
	for _, key := range []string{"department", "job_title"} {
		post(b, "http://"+zd+"/api/v2/user_fields", fmt.Sprintf(`{"user_field":{"type":"text","key":%q,"title":%q}}`, key, key))
	}
	data := filepath.Join(b.TempDir(), "data")
	config := filepath.Join(b.TempDir(), "config.yaml")
	must(b, os.WriteFile(config, []byte("tuning: { job_poll: 20ms }\n"), 0o600))
	env := []string{}
	if database != "" {
		env = append(env, "MLC_DATABASE_URL="+database)
	}
	c := spawn(b, filepath.Join(bin, "ml-connector"), env, "serve", "--data", data, "--config", config, "--listen", "127.0.0.1:0", "--ingress", "127.0.0.1:0")
	until(b, time.Minute, "the process answers", func() bool {
		client, err := adminapi.FindLocal(data)
		if err != nil {
			return false
		}
		w.client = client
		_, err = client.Status(b.Context(), "")
		return err == nil
	})
	file := strings.ReplaceAll(w.TenantFile(), "max_rows: 100", "max_rows: 1000")
	if _, err := w.client.Apply(b.Context(), adminapi.Apply{Name: "bench.yaml", File: file, Actor: "bench", Values: w.values()}); err != nil {
		b.Fatal(err)
	}
	start, cpu := time.Now(), cpuSeconds(b, c)
	cycles := w.sync(b, adminapi.Sync{Full: true})
	took := time.Since(start)
	records := 0
	for _, cy := range cycles {
		records += cy.Records
		if cy.State != "complete" {
			b.Fatalf("cycle %+v %+v", cy, cy.Problem)
		}
	}
	var first, second counters
	must(b, get("http://"+zd+"/_sim/counters", &first))
	for _, route := range slices.Sorted(maps.Keys(first.Calls)) {
		b.Logf("%5d  %s", first.Calls[route], route)
	}
	b.ReportMetric(float64(records)/took.Seconds(), "records/s")
	b.ReportMetric(1000*float64(first.Requests)/float64(first.Writes), "calls/1000-written")
	b.ReportMetric((cpuSeconds(b, c)-cpu)*100_000/float64(records), "cpu-s/100k")
	b.ReportMetric(memory(b, c, "VmHWM"), "peak-MiB")
	b.ReportMetric(memory(b, c, "VmRSS"), "rss-MiB")
	again, cpu := time.Now(), cpuSeconds(b, c)
	w.sync(b, adminapi.Sync{Full: true})
	b.ReportMetric((cpuSeconds(b, c)-cpu)*100_000/float64(records), "unchanged-cpu-s/100k")
	b.ReportMetric(float64(records)/time.Since(again).Seconds(), "unchanged-records/s")
	must(b, get("http://"+zd+"/_sim/counters", &second))
	b.ReportMetric(float64(second.Writes-first.Writes), "second-run-writes")
	b.ReportMetric(0, "ns/op")
	if second.Writes != first.Writes {
		b.Errorf("%d writes of a second run", second.Writes-first.Writes)
	}
}

type counters struct {
	Requests int64            `json:"requests"`
	Writes   int64            `json:"writes"`
	Calls    map[string]int64 `json:"calls"`
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func get(url string, into any) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func post(t testing.TB, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer any")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("POST %s: HTTP %d", url, resp.StatusCode)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// memory reads a line of /proc/<pid>/status in MiB; 0 where there is no /proc.
func memory(t testing.TB, c *child, line string) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, line+":"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}

// cpuSeconds is the processor time that the child has used, at 100 ticks a second.
func cpuSeconds(t testing.TB, c *child) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}
