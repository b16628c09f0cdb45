#!/usr/bin/env bash
# make compose-secrets: what docker compose hands to the containers as files. Nothing that is there is changed.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077
mkdir -p deploy/secrets

hex() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
make_file() { [ -s "deploy/secrets/$1" ] || { printf '%s\n' "$2" >"deploy/secrets/$1"; echo "made deploy/secrets/$1"; }; }

make_file master.key "$(hex)"
make_file admin.token "$(hex)"
make_file postgres.password "$(hex)"
make_file pgpass "*:*:*:mlc:$(cat deploy/secrets/postgres.password)"

# The folder is closed to others; inside the containers Postgres reads its password as user 999, so that one file is
# readable. The rest belongs to whom the services run as.
uid=65532 gid=65532
if [ "$(id -u)" -eq 0 ]; then
  chown "$uid:$gid" deploy/secrets/master.key deploy/secrets/admin.token deploy/secrets/pgpass
else
  uid=$(id -u) gid=$(id -g)
fi
chmod 0400 deploy/secrets/master.key deploy/secrets/admin.token deploy/secrets/pgpass
chmod 0444 deploy/secrets/postgres.password
[ -e .env ] || { printf 'MLC_UID=%s\nMLC_GID=%s\n' "$uid" "$gid" >.env; echo "made .env: the services run as $uid"; }
echo "Keep a copy of deploy/secrets/master.key in a safe place: without it the stored credentials are lost."
