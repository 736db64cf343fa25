# `make` lists what there is. `make run` and `make test` do everything on a fresh machine with Rust, Node 20, Go and apt.

HOST := $(shell rustc -vV | sed -n 's/^host: //p')
GOOS := $(if $(findstring darwin,$(HOST)),darwin,linux)
# GOARCH=arm64 builds for the other processor: Grafana looks for the binary by Go's names.
GOARCH := $(if $(filter aarch64-%,$(HOST)),arm64,amd64)
CPU := $(if $(filter arm64,$(GOARCH)),aarch64,x86_64)
TARGET := $(patsubst aarch64-%,$(CPU)-%,$(patsubst x86_64-%,$(CPU)-%,$(HOST)))
PLUGIN := dist/gpx_pelorus_$(GOOS)_$(GOARCH)
# A glibc that is linked in: Grafana's Alpine image has no libgcc_s, and its glibc shim lacks half of the rest.
STATIC := $(if $(findstring linux,$(TARGET)),-C target-feature=+crt-static,)
BUILT := target/$(TARGET)/release/pelorus
ifneq ($(TARGET),$(HOST))
export CARGO_TARGET_$(shell echo $(TARGET) | tr a-z- A-Z_)_LINKER := $(CPU)-linux-gnu-gcc
CROSS := cross
endif

.PHONY: help run test test-quick soak check build binary debug-binary cross frontend bench clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

run: build ## a demo in the terminal, and in Grafana where one is to be had (REPO=path measures that repository)
	@deploy/run.sh $(PLUGIN) $(REPO)

build: binary frontend ## the plugin in dist/ (GOARCH=arm64 builds it for arm64)

binary: $(CROSS)
	@echo "Building the plugin's binary (a first build takes minutes)…"
	@mkdir -p dist
	@RUSTFLAGS="$(STATIC)" cargo build --release --locked --target $(TARGET)
	@install -m 0755 $(BUILT) $(PLUGIN)

# What tests/arm64.sh runs where a release build takes too long.
debug-binary: $(CROSS)
	@RUSTFLAGS="$(STATIC)" cargo build --locked --target $(TARGET)

cross:
	@tests/setup.sh $(GOARCH)

frontend: frontend/node_modules
	@echo "Building the plugin's frontend…"
	@cd frontend && npm run --silent build

frontend/node_modules tests/browser/node_modules: %/node_modules: %/package-lock.json
	@echo "Installing the packages of $*…"
	@cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

test: ## everything, real components included
	@tests/run all

test-quick: ## without the real components (says so)
	@tests/run quick

soak: ## every scenario at its full count and scale
	@tests/run soak

check: frontend/node_modules tests/browser/node_modules ## formatting, lints and types
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cd frontend && npm run --silent lint && npm run --silent typecheck
	cd tests/browser && npm run --silent lint && npm run --silent typecheck
	gofmt -l tests/host | (! grep .)
	cd tests/host && go vet ./...

bench: binary ## speed and memory beside polars and DuckDB (SIZE=S, M or L)
	@benches/run.sh $(or $(SIZE),M)

clean: ## what was built
	rm -rf target dist build frontend/node_modules tests/browser/node_modules tests/graphql/node_modules benches/.venv
