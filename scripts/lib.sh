# Shared by the scripts: steps with their duration, and what could not run. Source it; it changes to the root.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -d /usr/local/go/bin ] && PATH="$PATH:/usr/local/go/bin"
export GOEXPERIMENT="${GOEXPERIMENT-jsonv2}"

FAILED=()
NOT_RUN=()

# step NAME COMMAND…: runs the command, tells its duration, remembers a failure and goes on.
step() {
  local name=$1 start=$SECONDS
  shift
  printf '== %s\n' "$name"
  if "$@"; then
    printf '== %s: ok, %d s\n' "$name" $((SECONDS - start))
  else
    printf '== %s: FAILED, %d s\n' "$name" $((SECONDS - start))
    FAILED+=("$name")
  fi
}

not_run() { NOT_RUN+=("$1"); printf 'NOT RUN: %s\n' "$1"; }
