# `make test` sets up what it needs and runs everything; `make check` is the quick one.
# Every cargo command takes the whole workspace, so that nothing is built twice with other features.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := check

export CARGO_TARGET_DIR ?= $(HOME)/.cache/segmentry/target

RULES ?= 30000
PAIRS ?= 1000000
SETS ?= 3000
SEQUENCES ?= 1000
HOSTILE ?= 10000
SCHEDULES ?= 50
SCENARIOS ?= 1000
WRITES ?= 500
FUZZ ?= 1000000
CASES ?= 12
CANCELS ?= 300
GROUPS ?= 10000000
KILLS ?= 2000
CALLS_PER_THREAD ?= 1000
REFRESHES ?= 10000
PROFILE ?= dev
VENV := .venv
PYTHON := $(CURDIR)/$(VENV)/bin/python
COMPARE_VENV := .venv-compare
PLATFORM := examples/platform
PLATFORM_VENV := .venv-platform
COMPARE_PYTHON := $(CURDIR)/$(COMPARE_VENV)/bin/python

.PHONY: check test python test-python node test-node platform test-platform soak mutations bench compare fmt doc deny clean lint quickstart venv java strace

## check: format, clippy and unit tests
# By their names: `--lib` would link Python's and Node's modules as programs, which they can't be.
check: lint
	cargo test --workspace --tests -- tests::

## test: everything, the tests of the documentation and the quickstart included
test: venv strace lint
	SEGMENTRY_PYTHON="$(PYTHON)" cargo test --workspace --no-fail-fast
	$(MAKE) --no-print-directory quickstart
	$(MAKE) --no-print-directory test-python
	$(MAKE) --no-print-directory test-node
	$(MAKE) --no-print-directory test-platform

## python: builds the Python package and leaves it importable in .venv; `make python PROFILE=release` for a release build
# maturin builds this one package. Of DataFusion's tree that has the same features as the whole workspace, as a
# comparison by `cargo tree -e features` shows, so that nothing of it is built twice; only pyo3 is, as maturin
# tells it the interpreter.
python: venv
	cd bindings-python && VIRTUAL_ENV="$(CURDIR)/$(VENV)" "$(CURDIR)/$(VENV)/bin/maturin" develop --locked --profile "$(PROFILE)"

## test-python: the Python package and its examples: pytest with the corpus and the docstrings, mypy, and the native
## module's stub against the module
test-python: python
	cd bindings-python && "$(PYTHON)" -m pytest -q
	cd bindings-python && "$(PYTHON)" -m mypy
	cd bindings-python && "$(PYTHON)" -m mypy.stubtest segmentry._native

## node: builds the Node package and leaves it loadable from bindings-node; `make node PROFILE=release` for a release build
node: bindings-node/node_modules/.package-lock.json
	cd bindings-node && PROFILE="$(PROFILE)" npm run --silent build

## test-node: the Node package and its examples: node's own tests with the corpus, and the types by uses and misuses
test-node: node
	cd bindings-node && npm run --silent types
	cd bindings-node && npm test --silent

## platform: installs, builds and starts the Audience Manager platform and says its address; PORT, DATA_DIR and the rest of
## the environment are in examples/platform/README.md, `make platform PROFILE=release` is the fast one
platform: node $(PLATFORM)/node_modules/.package-lock.json
	cd $(PLATFORM) && npm run --silent build
	cd $(PLATFORM)/server && exec node dist/main.js

## test-platform: the platform's server and web application, and whatever schemathesis makes up of the API's document
test-platform: node $(PLATFORM)/node_modules/.package-lock.json $(PLATFORM_VENV)/.requirements
	cd $(PLATFORM) && npm run --silent build
	cd $(PLATFORM) && npm test --silent
	cd $(PLATFORM)/server && node scripts/schemathesis.mjs "$(CURDIR)/$(PLATFORM_VENV)/bin/schemathesis" "$(CASES)"

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

quickstart:
	cargo run --example quickstart

## soak: everything that is random or large, with what is said above (`make soak RULES=30000 FUZZ=1000000`): rules, pairs and
## sets of rules, sequences of runs, every user of the corpus explained, hostile strings, random inputs for each reader,
## schedules in every zone minute by minute, scenarios of schedulers that crash, 16 processes with so many writes each on one
## catalog, runs of so many users in little memory, processes killed and their system calls refused, runs that are stopped,
## and through Python so many calls in each of 32 threads and so many refreshes in flat memory; ends with a table of what
## must be reached and what was
soak: venv strace python node
	@mkdir -p "$(CARGO_TARGET_DIR)"
	SEGMENTRY_PYTHON="$(PYTHON)" SEGMENTRY_RULES="$(RULES)" \
	SEGMENTRY_PAIRS="$(PAIRS)" SEGMENTRY_SETS="$(SETS)" SEGMENTRY_SEQUENCES="$(SEQUENCES)" SEGMENTRY_EXPLAINED=all \
	SEGMENTRY_HOSTILE="$(HOSTILE)" SEGMENTRY_FUZZ="$(FUZZ)" SEGMENTRY_USERS="$(GROUPS)" \
	SEGMENTRY_SCHEDULES="$(SCHEDULES)" SEGMENTRY_ZONES=1000 SEGMENTRY_SCENARIOS="$(SCENARIOS)" SEGMENTRY_WRITES="$(WRITES)" \
	SEGMENTRY_KILLS="$(KILLS)" SEGMENTRY_CALLS=all \
		cargo test --release --workspace --test '*' -- differential reuse store corpus_explanations hostile fuzz schedule \
			sqlite_processes pass_in_little faults:: bad:: --include-ignored --nocapture 2>&1 | tee "$(CARGO_TARGET_DIR)/soak.log"
	SEGMENTRY_CANCELS="$(CANCELS)" cargo test --release --workspace --tests -- stopped_at_random_moments --nocapture 2>&1 \
		| tee -a "$(CARGO_TARGET_DIR)/soak.log"
	cd bindings-node && SEGMENTRY_REFRESHES="$(REFRESHES)" SEGMENTRY_ABORTS="$(CANCELS)" \
		node --test test/citizen.test.mjs test/abort.test.mjs
	cd bindings-python && SEGMENTRY_CALLS_PER_THREAD="$(CALLS_PER_THREAD)" SEGMENTRY_REFRESHES="$(REFRESHES)" \
		"$(PYTHON)" -m pytest -q tests/test_citizen.py
	python3 core/tests/soak.py "$(CARGO_TARGET_DIR)/soak.log"

## mutations: plants faults one at a time, each of which has to turn a test red; takes an hour
mutations:
	python3 core/tests/mutations/run.py

## bench: release build; writes its data under ~/.cache/segmentry/bench at the first run
bench:
	cargo bench -p segmentry-benches

## compare: the same rules on DuckDB, Polars, DataFusion and Spark, `make compare ARGS="--only parquet"`;
## writes a table and a plot to benches/results and keeps its data under ~/.cache/segmentry/compare
compare: $(COMPARE_VENV)/.requirements java
	cargo build --release -p segmentry-benches --bin compare-ours
	cd benches && "$(COMPARE_PYTHON)" -m compare $(ARGS)

## fmt: format all sources
fmt:
	cargo fmt --all

## doc: the documentation, under $CARGO_TARGET_DIR/doc
doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

## deny: licences, advisories, doubled crates and sources of all dependencies
deny:
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check

## clean: what was built, and the Python and Node environments
clean:
	cargo clean
	rm -rf $(VENV) $(COMPARE_VENV) $(PLATFORM_VENV) bindings-node/node_modules bindings-node/dist bindings-node/*.node $(PLATFORM)/node_modules

venv: $(VENV)/.requirements

# A Python environment is made anew when its requirements change.
$(VENV)/.requirements: bindings-python/requirements-dev.txt core/tests/requirements.txt
$(COMPARE_VENV)/.requirements: benches/compare/requirements.txt
$(PLATFORM_VENV)/.requirements: $(PLATFORM)/server/requirements.txt

$(VENV)/.requirements $(COMPARE_VENV)/.requirements $(PLATFORM_VENV)/.requirements:
	@if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update && $$sudo apt-get install --yes python3-venv; \
	fi
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --requirement $<
	touch $@

# What the lock names, anew when that changes. The package's own script would build it.
bindings-node/node_modules/.package-lock.json: bindings-node/package-lock.json
	@if ! command -v npm >/dev/null || ! command -v node >/dev/null; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update && $$sudo apt-get install --yes nodejs npm; \
	fi
	@node --eval 'if (parseInt(process.versions.node) < 20) throw `Node 20 or later is needed, and this is $${process.version}`'
	cd bindings-node && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

$(PLATFORM)/node_modules/.package-lock.json: $(PLATFORM)/package-lock.json
	cd $(PLATFORM) && npm ci --ignore-scripts --no-audit --no-fund --silent
	touch $@

# Some tests watch and refuse system calls of processes that they start.
strace:
	@if ! command -v strace >/dev/null; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update && $$sudo apt-get install --yes strace; \
	fi

# Spark's.
java:
	@if ! command -v java >/dev/null; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update && $$sudo apt-get install --yes default-jre-headless; \
	fi
