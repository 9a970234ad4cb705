# Two commands on a fresh machine: `make demo` and `make test`. Each makes .venv first when it is missing or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Tests of the flow that open their database where `--database` says.
ON_BOTH := $(patsubst %,tests/flow/test_%.py,accounts checkout dispatch disputes exposure_flow fills fills_apart gate \
	intake lookup open_sessions quoting refunds resting reversed_word rolling_flow second_locks sender settle \
	stripe_catch_up summarize unhedged unwinding)

.PHONY: help setup demo serve sandbox test test-thorough test-pg check format bench soak crash mutants reference lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(STAMP) ## make the environment in .venv

demo: $(STAMP) ## run the whole flow against the sandbox: dry run, then placing orders
	$(BIN)/hedge-service demo

serve: $(STAMP) ## serve with config.toml (dry run on demo unless told otherwise)
	$(BIN)/hedge-service serve

sandbox: $(STAMP) ## serve the stand-ins for Kalshi, Stripe and the model on loopback
	$(BIN)/hedge-service sandbox

test: $(STAMP) ## run the tests
	$(BIN)/pytest -n auto --dist worksteal

test-thorough: $(STAMP) ## run the tests with twenty times as many examples for each property
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -n auto --dist worksteal

test-pg: $(STAMP) ## run the flow's tests on PostgreSQL
	$(BIN)/pytest -n auto --dist worksteal --database postgresql $(ON_BOTH)

check: $(STAMP) ## ruff, mypy strict and the import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## format and sort imports
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(STAMP) ## one table, ours beside its floor and its peers; ARGS="--quick --only orders --json --check"
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(STAMP) ## many parlays with random faults and kills; ARGS="--parlays 200 --seed 7"
	$(BIN)/python -m tests.proof.soak $(ARGS)

crash: $(STAMP) ## SIGKILL at every named point, in several fault settings
	$(BIN)/python -m tests.proof.crash $(ARGS)

mutants: $(STAMP) ## put known defects back one by one: the tests must fail for each
	$(BIN)/python -m tests.proof.mutants $(ARGS)

reference: $(STAMP) ## write docs/events.md, errors.md and log.sql from the declarations
	$(BIN)/python -m hedge_service.logs.reference

lock: ## write the lock files anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -o requirements-dev.lock pyproject.toml

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis
