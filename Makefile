# Needs Go 1.26 and nothing else. `make` lists the targets.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# encoding/json built on its second implementation halves the cost of decoding PeopleSoft's pages. Programs and tests
# are built with the same setting, so that what is tested is what runs.
export GOEXPERIMENT := jsonv2
export GOTOOLCHAIN  ?= local

MODULES := pkg schemas services
DEMO    ?=
FUZZTIME ?= 20s
BENCHTIME ?= 1s
KILLS   ?= 300
RECORDS ?= 20000
TIMES   ?= 5
SEED    ?= 20261123
export KILLS RECORDS TIMES SEED

.PHONY: help build demo headless test lint e2e network campaign bench fuzz tidy compose-secrets clean

help: ## this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

build: ## all programs into bin/, static
	@mkdir -p bin
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o bin/ ./services/...

demo: build ## both simulators, the whole system and a sample company; Ctrl-C ends it
	bin/ml-connector demo $(DEMO)

headless: build ## the demo at full speed; fails unless Zendesk holds what PeopleSoft says
	bin/ml-connector demo --headless --once --json

test: ## everything: sets itself up, says what could not run, counts
	@scripts/test.sh

lint: ## gofmt, go vet, staticcheck
	@scripts/lint.sh

e2e: ## the whole system in one process and in many, against both simulators
	go test -race -count=1 -timeout 30m ./services/e2e/...

network: ## seven harms on every link of separate services, both directions, 2 s each: the whole matrix
	MLC_TEST_NETWORK=all go test -count=1 -timeout 20m -v -run 'TestNetworkMatrix$$' ./services/e2e

campaign: ## kills at random and named moments, seeded bugs: KILLS=300 RECORDS=20000 TIMES=5 SEED=…; campaign.json
	@scripts/campaign.sh

bench: ## benchmarks of the packages, then the pipeline with SQLite and with Postgres
	@scripts/bench.sh $(BENCHTIME)

fuzz: ## every fuzz target for FUZZTIME (20s)
	@scripts/fuzz.sh $(FUZZTIME)

tidy: ## go mod tidy in every module, then go work sync
	@for m in $(MODULES); do echo "go mod tidy: $$m"; (cd $$m && go mod tidy); done
	go work sync

compose-secrets: ## master key, passwords and admin token for docker compose, in deploy/secrets
	@scripts/compose-secrets.sh

clean: ## remove what was built
	rm -rf bin .cache
