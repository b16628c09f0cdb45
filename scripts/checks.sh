# The checks of `make lint` and `make test`; source lib.sh first.
MODULES=(pkg schemas services)
STATICCHECK=honnef.co/go/tools/cmd/staticcheck@v0.8.2

check_gofmt() {
  local unformatted
  unformatted=$(gofmt -l "${MODULES[@]}" tools)
  [ -z "$unformatted" ] || { printf 'not formatted with gofmt:\n%s\n' "$unformatted"; return 1; }
}

check_vet() { go vet work && (cd tools && GOWORK=off go vet ./...); }

check_staticcheck() { go run "$STATICCHECK" work; }

# check_alone: each module builds without the workspace, and its go.mod and go.sum are what `go mod tidy` would write.
check_alone() {
  local m bad=0
  for m in "${MODULES[@]}"; do
    (cd "$m" && GOWORK=off go build ./... && GOWORK=off go mod tidy -diff) || { echo "module $m"; bad=1; }
  done
  return $bad
}
