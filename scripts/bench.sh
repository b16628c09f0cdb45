#!/usr/bin/env bash
# make bench: the benchmarks of every package, then the whole pipeline.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
source scripts/postgres.sh
mkdir -p .cache
postgres

mapfile -t packages < <(grep -rl --include='*_test.go' '^func Benchmark' pkg services | xargs -r -n1 dirname | sort -u | grep -v '^services/e2e' | sed 's|^|./|')
echo "== packages: ${packages[*]}"
go test -run='^$' -bench=. -benchmem -benchtime="${1:-1s}" -p 1 "${packages[@]}"
echo "== Zendesk: calls per 1,000 records and time against the least possible, by strategy; budgets of every plan (virtual time)"
go test -count=1 -v -run='TestWhatEachStrategyCosts|TestFirstLoadCosts|TestTenMinutesOfEveryPlan|TestOthersTraffic|TestReplicasOnOne' ./pkg/target/zendesk | grep -E '_test.go|FAIL|^ok'
if [ -d services/e2e ]; then
  echo "== pipeline: poll, broker, transform, write"
  go test -run='^$' -bench=. -benchtime=1x -timeout 60m -p 1 ./services/e2e/...
else
  not_run "the pipeline: services/e2e is not there"
fi
