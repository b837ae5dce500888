# `make test` sets up what it needs and runs everything; `make check` is the quick one.
# Every cargo command takes the whole workspace, so that nothing is built twice with other features.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := check

export CARGO_TARGET_DIR ?= $(HOME)/.cache/segmentry/target

RULES ?= 30000
PAIRS ?= 1000000
SETS ?= 3000
VENV := .venv
PYTHON := $(CURDIR)/$(VENV)/bin/python
REQUIREMENTS := core/tests/requirements.txt
STAMP := $(VENV)/.requirements

.PHONY: check test soak mutations bench fmt doc deny clean lint quickstart venv

## check: format, clippy and unit tests
check: lint
	cargo test --workspace --lib

## test: everything, the tests of the documentation and the quickstart included
test: venv lint
	SEGMENTRY_PYTHON="$(PYTHON)" cargo test --workspace --no-fail-fast
	$(MAKE) --no-print-directory quickstart

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

quickstart:
	cargo run --example quickstart

## soak: the random tests with many more rules, `make soak RULES=30000 PAIRS=1000000 SETS=3000`
soak: venv
	SEGMENTRY_PYTHON="$(PYTHON)" SEGMENTRY_RULES="$(RULES)" \
	SEGMENTRY_PAIRS="$(PAIRS)" SEGMENTRY_SETS="$(SETS)" \
		cargo test --workspace --test '*' -- differential reuse --include-ignored --nocapture

## mutations: plants faults one at a time, each of which has to turn a test red; takes an hour
mutations:
	python3 core/tests/mutations/run.py

## bench: release build; writes its data under ~/.cache/segmentry/bench at the first run
bench:
	cargo bench -p segmentry-benches

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

## clean: what was built, and the Python environment
clean:
	cargo clean
	rm -rf $(VENV)

# The Python environment is made anew when the requirements change.
venv: $(STAMP)

$(STAMP): $(REQUIREMENTS)
	@if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then \
		sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
		$$sudo apt-get update && $$sudo apt-get install --yes python3-venv; \
	fi
	rm -rf $(VENV)
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --requirement $(REQUIREMENTS)
	touch $@
