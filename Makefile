SHELL := /bin/bash
.DEFAULT_GOAL := help
TOOL  := go tool -modfile=tools/go.mod
TEMPL := $(shell find views -name '*.templ' 2>/dev/null)
GO    := $(shell find . -name '*.go' -not -name '*_templ.go' -not -path './node_modules/*' -not -path './data*/*' 2>/dev/null)
ASSETS := $(shell find static/src sw -type f 2>/dev/null)
PKGS  ?= ./...
# Vet has its own place in check, and nobody debugs a test binary. Many tests wait for processes and networks: three at once.
QUICK := -vet=off -ldflags='-s -w'
# Where goroutines of one process share memory; elsewhere they meet in Postgres, which the race detector does not see.
SHARING := ./app ./app/builder ./app/db ./app/live ./app/pagecache ./app/sandbox ./app/web ./worker
# Postgres for all test binaries of one run.
WITH_PG := go run ./app/embedded/testpg --
# The encoders of pictures are inside the binary; none that the machine may have is loaded.
TAGS := nodynamic

.PHONY: help run dev build gen test check e2e bench audit guards seed fmt lint clean doctor

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: build ## start everything here: embedded services, sandbox, web and worker
	@exec bin/vitrine dev

build: bin/vitrine ## the binary, with its assets inside

release: bin/vitrine-lean ## the binary for servers, without the embedded services

gen: bin/.templ static/dist/manifest.json ## what is generated: templ components and hashed assets

node_modules/.stamp: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

bin/.templ: $(TEMPL) tools/go.mod
	@mkdir -p bin
	$(TOOL) templ generate -path views -log-level error
	@touch $@

static/dist/manifest.json: node_modules/.stamp $(TEMPL) $(ASSETS) tailwind.config.js $(wildcard cmd/assets/*.go)
	@mkdir -p static/.build
	node_modules/.bin/tailwindcss -i static/src/app.css -o static/.build/app.css --minify 2>&1 | grep -v '^≈\|^Done\|^$$' || true
	go run ./cmd/assets

bin/vitrine: bin/.templ static/dist/manifest.json $(GO) $(wildcard migrations/*.sql) go.mod go.sum
	go build -tags $(TAGS) -ldflags '-s -w' -o $@ .

bin/vitrine-lean: bin/vitrine
	go build -tags 'lean $(TAGS)' -trimpath -ldflags '-s -w' -o $@ .

bin/stripe-mock:
	GOBIN=$(CURDIR)/bin go install github.com/stripe/stripe-mock@v0.203.0

test: gen bin/vitrine bin/stripe-mock check ## everything that must hold: checks, rules, races, kills, journeys in a browser
	$(WITH_PG) go run ./cmd/gotest $(QUICK) -p 3 -timeout 12m $(PKGS)
	$(WITH_PG) go run ./cmd/gotest $(QUICK) -p 3 -race -short -timeout 5m $(SHARING)
	@$(MAKE) --no-print-directory guards
	@$(MAKE) --no-print-directory e2e

check: gen ## formatting, vet, staticcheck, HTML and scripts
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt these:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@$(TOOL) templ fmt -fail views >/dev/null || { echo 'templ fmt these views'; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...

e2e: bin/vitrine ## journeys through a real browser, with and without JavaScript
	node e2e/run.mjs

guards: gen ## take each guard away and see its test fail
	$(WITH_PG) go run ./cmd/guards

audit: gen bin/stripe-mock ## the long counts of the same tests, and all of them with the race detector
	VITRINE_AUDIT=1 $(WITH_PG) go test -timeout 80m ./...
	$(WITH_PG) go test -race -timeout 30m ./...

bench: build release ## figures and ratios, a line each
	$(WITH_PG) go run ./bench

seed: build ## fill the demo world into the Vitrine that is running
	bin/vitrine seed

fmt: ## format everything
	gofmt -w $$(git ls-files '*.go')
	$(TOOL) templ fmt views

clean: ## remove what was built; data stays
	rm -rf bin static/dist static/.build
	find views -name '*_templ.go' -delete
