#!/usr/bin/env bash
# make campaign: the kill campaign at its full length, see docs/reference/campaign.md.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/lib.sh
source scripts/postgres.sh

mkdir -p .cache
step "set-up: postgres" postgres
lines=$PWD/.cache/campaign.lines
rm -f "$lines"
code=0
MLC_CAMPAIGN_JSON=$lines MLC_CAMPAIGN_SEED=$SEED MLC_CAMPAIGN_KILLS=$KILLS MLC_CAMPAIGN_RECORDS=$RECORDS MLC_CAMPAIGN_TIMES=$TIMES \
  MLC_CAMPAIGN_KILLS_SEPARATE=$((KILLS / 5)) MLC_CAMPAIGN_RECORDS_SEPARATE=$((RECORDS / 4)) \
  go test -count=1 -v -timeout 48h ./services/e2e/campaign || code=1
{ echo '['; sed '$!s/$/,/' "$lines"; echo ']'; } >campaign.json
echo "campaign.json is written"
exit $code
