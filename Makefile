# Tarasul: `make run` starts a demonstration, `make test` decides whether a change is sound.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: run build test lint fuzz bench clean setup server loadtest

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
GOFLAGS_BUILD := -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
CLIENT := web/dist/app/index.html
CLIENT_SOURCES := $(shell find web/src web/public web/scripts web/index.html web/vite.config.ts web/tsconfig.json web/package.json web/package-lock.json -type f 2>/dev/null)
FUZZTIME ?= 30s
BENCHTIME ?= 1s

## run: build everything and start a demonstration on http://localhost:8080
run: build
	exec bin/tarasul serve --demo

## build: the client, then bin/tarasul and bin/loadtest
build: $(CLIENT) server loadtest

server: $(CLIENT)
	go build $(GOFLAGS_BUILD) -o bin/tarasul ./cmd/tarasul

loadtest:
	go build $(GOFLAGS_BUILD) -o bin/loadtest ./cmd/loadtest

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	touch $@

$(CLIENT): web/node_modules/.package-lock.json $(CLIENT_SOURCES)
	cd web && npm run --silent build
	touch $@

## setup: install what the tests need (Debian, as root), or say what is missing
setup:
	.ci/setup

## lint: formatting, vet, staticcheck, known vulnerabilities, the client's types and rules
lint: $(CLIENT)
	@unformatted=$$(gofmt -l cmd configs loadtest sfu signaling web/*.go); \
	  if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	.ci/vulnerabilities $(GOVULNCHECK)
	cd web && npm run --silent check && npm run --silent lint

## test: all of it; this is what decides
test: setup build lint
	go test -race -timeout 8m ./...
	cd web && npm run --silent test && npm run --silent size
	cd web && npm run --silent e2e
	.ci/offline bin/loadtest meeting --participants 6 --video 300kbps --duration 4s --server-cmd 'bin/tarasul serve --demo'
	.ci/offline bin/loadtest meeting --participants 3 --video 300kbps --duration 2s --server-cmd 'bin/tarasul serve --demo --media [::1]:0'
	cd web && ../.ci/offline --browser npm run --silent e2e entry.spec.ts
	cd web && ../.ci/offline --gateway npm run --silent e2e meeting.spec.ts

## fuzz: every fuzz target for FUZZTIME each
fuzz:
	.ci/fuzz $(FUZZTIME)

## bench: benchmarks of the media plane's leaves, with allocations
bench:
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./sfu/...

clean:
	rm -rf bin web/dist/app
