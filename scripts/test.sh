#!/usr/bin/env bash
# make test: sets itself up, runs every check and every test, says what did not run, and counts.
# make test PKGS=./pkg/store/... runs the tests of these packages only, with all checks.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
source scripts/checks.sh
source scripts/postgres.sh
source scripts/proxies.sh

mkdir -p .cache
COUNTS=$PWD/.cache/counts.json
rm -f "$COUNTS"

testsum() { "$PWD/.cache/testsum" -state "$COUNTS" "$@"; }

# The test cache sees changes in a test's own module only. Tests that look at the whole repository are never taken from
# it; in CI nothing is.
FRESH=(./pkg/internal/archtest/... ./services/deploytest/...)
COUNT=${CI:+-count=1}

all_tests() {
  local packages
  # shellcheck disable=SC2086
  packages=$(go list ${PKGS:-work} | grep -v -e '/internal/archtest$' -e '/deploytest$' -e '/services/e2e') || return 1
  # shellcheck disable=SC2086
  testsum go test -json -race -p 2 -timeout 25m $COUNT $packages
}

# The whole system is tested at its own speed; `make e2e` runs it with the race detector.
e2e_tests() { testsum go test -json -p 1 -timeout 30m $COUNT ./services/e2e/...; }

fresh_tests() { testsum go test -json -count=1 "${FRESH[@]}"; }

tool_tests() { (cd tools && GOWORK=off "$OLDPWD/.cache/testsum" -state "$COUNTS" go test -json ./...); }

(cd tools && GOWORK=off go build -o ../.cache/testsum ./testsum)
step "set-up: postgres" postgres
step "set-up: proxies" proxies
step gofmt check_gofmt
step "go vet" check_vet
step "modules alone, go mod tidy" check_alone
step "architecture, packaging, pages" fresh_tests
step "tests of the tools" tool_tests
step "tests, with the race detector" all_tests
[ -n "${PKGS:-}" ] || step "tests of the whole system" e2e_tests
step staticcheck check_staticcheck

printf '\n== summary after %d s\n' "$SECONDS"
for why in ${NOT_RUN[@]+"${NOT_RUN[@]}"}; do printf 'NOT RUN: %s\n' "$why"; done
for name in ${FAILED[@]+"${FAILED[@]}"}; do printf 'FAILED: %s\n' "$name"; done
testsum -summary || FAILED+=("tests")
[ ${#FAILED[@]} -eq 0 ]
