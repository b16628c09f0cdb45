#!/usr/bin/env bash
# make lint
set -euo pipefail
source "$(dirname "$0")/lib.sh"
source scripts/checks.sh

step gofmt check_gofmt
step "go vet" check_vet
step staticcheck check_staticcheck
[ ${#FAILED[@]} -eq 0 ] || { echo "FAILED: ${FAILED[*]}"; exit 1; }
