#!/usr/bin/env bash
# make fuzz: every fuzz target for the time that is given, one after the other.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

while IFS=: read -r file name; do
  step "$name in $(dirname "$file")" go test -run='^$' -fuzz="^$name\$" -fuzztime="${1:-20s}" "./$(dirname "$file")"
done < <(grep -rhoH --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' pkg services | sed 's/:func /:/')
[ ${#FAILED[@]} -eq 0 ] || { echo "FAILED: ${FAILED[*]}"; exit 1; }
