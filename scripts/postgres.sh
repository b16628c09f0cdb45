# Finds the Postgres server programs that the store's tests start for themselves, or installs them; source lib.sh first.

postgres_found() {
  [ -n "${MLC_TEST_PG:-}" ] || command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
    compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null
}

postgres() {
  postgres_found && return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    not_run "everything on Postgres: no initdb on this machine, and it cannot be installed here (needs root and apt-get); set MLC_TEST_PG to a server whose user may create databases"
    return 0
  fi
  echo "installing postgresql"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; } >.cache/apt.log 2>&1 </dev/null || tail -5 .cache/apt.log
  postgres_found || not_run "everything on Postgres: apt-get could not install postgresql, see .cache/apt.log"
}
