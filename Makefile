# How do I …? `make` lists the targets. Every target can be repeated.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
.DELETE_ON_ERROR:

# rustup installs here; under sudo the caller's own toolchain is used.
CALLER_HOME := $(if $(SUDO_USER),$(shell getent passwd "$(SUDO_USER)" | cut -d: -f6),$(HOME))
export PATH := $(PATH):$(HOME)/.cargo/bin:$(CALLER_HOME)/.cargo/bin
ifneq ($(wildcard $(CALLER_HOME)/.rustup),)
export RUSTUP_HOME ?= $(CALLER_HOME)/.rustup
endif

# Many tests run at once, each with its own database and connections.
PG := pg_virtualenv -t -o max_connections=400 -o fsync=off -o full_page_writes=off
# Tests that compare a generated file, or write it when DOCAXIS_WRITE_DOCS is set.
GENERATED := generated api_document codes_page
# $(call tests,which): runs the tests by the runner that is there.
tests = if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --no-fail-fast --status-level fail --final-status-level fail $(1); else cargo test --no-fail-fast $(1); fi

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

.PHONY: run
run: toolchain compiler ## build, then play the demo and stay up at http://127.0.0.1:8080
	@cargo build --release
	exec "$$(cargo metadata --format-version 1 --no-deps --offline | sed -E 's/.*"target_directory":"([^"]*)".*/\1/')/release/docaxis" demo

.PHONY: test
test: test-sqlite test-postgres ## run the whole suite on SQLite, then on PostgreSQL

.PHONY: test-sqlite
test-sqlite: toolchain compiler xmllint xmlsec readers browser provider ## run the whole suite on SQLite
	@echo "== tests on SQLite"
	unset DOCAXIS_TEST_DATABASE
	$(call tests,)

.PHONY: test-postgres
test-postgres: toolchain compiler xmllint xmlsec readers provider postgres ## run the whole suite on a throw-away PostgreSQL
	@echo "== tests on PostgreSQL"
	export DOCAXIS_TEST_DATABASE=postgres
	# What needs no database has passed above.
	$(PG) bash -euo pipefail -c '$(call tests,--test it)'

.PHONY: check
check: toolchain compiler xmllint xmlsec ## format, lints, documentation, architecture, generated files, licences
	@echo "== format"
	cargo fmt --check
	echo "== lints"
	cargo clippy --all-targets -- -D warnings
	echo "== documentation of the code"
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --quiet
	echo "== architecture and generated files"
	cargo test --quiet --lib --test it -- architecture schema $(GENERATED)
	echo "== licences, bans, sources"
	if cargo deny --version >/dev/null 2>&1; then
		cargo deny --offline check licenses bans sources
	else
		echo "cargo-deny is not installed, so licences were NOT checked: cargo install --locked cargo-deny"
	fi

.PHONY: bench
bench: toolchain compiler ## measure: writes and reads per second, latencies, memory
	@cargo bench --bench load

.PHONY: fuzz
fuzz: toolchain compiler ## ten million mutated packets, and 100,000 cases of every property
	@DOCAXIS_FUZZ_CASES=10000000 PROPTEST_CASES=100000 cargo test --release --lib wire:: domain:: exchange::

.PHONY: crash
crash: toolchain compiler ## kill the hub in the middle of its work, 200 rounds: nothing lost, nothing invented
	@DOCAXIS_CRASH_ROUNDS=200 cargo test --release --test it crash

.PHONY: api-fuzz
api-fuzz: toolchain compiler ## let schemathesis look for answers that docs/openapi.json does not describe
	@cargo build --quiet
	target="$${CARGO_TARGET_DIR:-target}"
	if [ ! -x "$$target/schemathesis/bin/schemathesis" ]; then
		python3 -m venv "$$target/schemathesis"
		"$$target/schemathesis/bin/pip" install --quiet 'schemathesis==4.*'
	fi
	.ci/api-fuzz "$$target/schemathesis/bin/schemathesis" "$$target/debug/docaxis"

.PHONY: deb
deb: toolchain compiler dpkg ## build the Debian package and try it in a folder of its own
	@cargo deb --version >/dev/null 2>&1 || cargo install --locked cargo-deb
	cargo build --release --locked
	docaxis="$${CARGO_TARGET_DIR:-target}/release/docaxis"
	rm -rf target/package && mkdir -p target/package
	"$$docaxis" man --into target/package/man >/dev/null
	"$$docaxis" completions bash > target/package/docaxis.bash
	"$$docaxis" completions zsh > target/package/_docaxis
	"$$docaxis" completions fish > target/package/docaxis.fish
	DOCAXIS__DATA__DIRECTORY=/var/lib/docaxis "$$docaxis" config print --commented > target/package/docaxis.toml
	cargo deb --no-build --locked --quiet --output target/package/
	packaging/try-deb target/package/*.deb

.PHONY: php
php: ## install PHP, so that the tests run its snippet too
	@command -v php >/dev/null || $(call install,PHP,php-cli)

.PHONY: docs
docs: toolchain compiler ## write the generated pages of docs/ anew
	@DOCAXIS_WRITE_DOCS=1 cargo test --quiet --lib --test it -- $(GENERATED)

.PHONY: fixtures
fixtures: toolchain compiler ## write the generated fixtures anew; look at the difference before you keep it
	@DOCAXIS_WRITE_FIXTURES=1 cargo test --quiet --test it fixtures

.PHONY: schema
schema: toolchain compiler ## write src/store/schema.rs anew from the migrations
	@DOCAXIS_WRITE_DOCS=1 cargo test --quiet --test it schema

.PHONY: clean
clean: toolchain ## remove what was built; the data directory stays
	@cargo clean

# What the targets above need. Debian and Ubuntu get missing packages; elsewhere we say what to install.

.PHONY: toolchain
toolchain:
	@if ! command -v cargo >/dev/null; then
		echo "Rust is missing. Install it from https://rustup.rs (version 1.95 or later), then try again." >&2
		exit 1
	fi
	target="$${CARGO_TARGET_DIR:-target}"
	mkdir -p "$$target" 2>/dev/null || true
	if [ ! -w "$$target" ]; then
		echo "$$target cannot be written by $$(id -un): remove it, or set CARGO_TARGET_DIR to another folder." >&2
		exit 1
	fi

.PHONY: compiler
compiler:
	@command -v cc >/dev/null || $(call install,a C compiler,build-essential)

.PHONY: xmllint
xmllint:
	@command -v xmllint >/dev/null || $(call install,xmllint,libxml2-utils)

.PHONY: xmlsec
xmlsec:
	@command -v xmlsec1 >/dev/null || $(call install,xmlsec1,xmlsec1)
	command -v openssl >/dev/null || $(call install,openssl,openssl)

# What opens archives and their cover, and runs the page that verifies receipts, as whoever receives them would.
.PHONY: readers
readers:
	@command -v unzip >/dev/null || $(call install,unzip,unzip)
	command -v pdftotext >/dev/null || $(call install,pdftotext,poppler-utils)
	command -v node >/dev/null || $(call install,Node.js,nodejs)

.PHONY: dpkg
dpkg:
	@command -v dpkg-shlibdeps >/dev/null || $(call install,the Debian packaging tools,dpkg-dev)

# A real identity provider, by which tests sign in.
PROVIDER := 0.3.4
.PHONY: provider
provider:
	@command -v python3 >/dev/null || $(call install,Python,python3)
	folder="$${CARGO_TARGET_DIR:-target}/oidc-provider"
	if [ ! -x "$$folder/bin/oidc-provider-mock" ]; then
		python3 -c 'import ensurepip' 2>/dev/null || $(call install,the venv module of Python,python3-venv)
		python3 -m venv "$$folder"
		"$$folder/bin/pip" install --quiet 'oidc-provider-mock==$(PROVIDER)'
	fi

# Chromium with its driver, and axe-core, for what only a real browser shows.
AXE := 4.14.1
.PHONY: browser
browser:
	@command -v chromedriver >/dev/null || $(call install,Chromium,chromium chromium-driver)
	folder="$${CARGO_TARGET_DIR:-target}/axe-core"
	if [ ! -f "$$folder/package/axe.min.js" ]; then
		command -v npm >/dev/null || $(call install,npm,npm)
		mkdir -p "$$folder"
		(cd "$$folder" && npm pack --silent axe-core@$(AXE) >/dev/null && tar xzf axe-core-$(AXE).tgz)
	fi

.PHONY: postgres
postgres:
	@if ! command -v pg_virtualenv >/dev/null || ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
		$(call install,PostgreSQL,postgresql postgresql-common)
	fi

# $(call install,what is missing,packages)
define install
{ \
	echo "$(1) is missing; installing: $(2)"; \
	if ! command -v apt-get >/dev/null; then echo "no apt-get here: please install $(1) by hand" >&2; exit 1; fi; \
	root=""; \
	if [ "$$(id -u)" != 0 ]; then \
		root=sudo; \
		command -v sudo >/dev/null || { echo "run as root: apt-get install $(2)" >&2; exit 1; }; \
	fi; \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq; \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2); \
}
endef
