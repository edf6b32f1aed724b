# Everything runs in .venv; nothing is installed outside this folder.
# Needs: make and Python 3.11 or newer. Node.js comes from PyPI.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(VENV)/.packages
AZURITE := sandbox/node/node_modules/.package-lock.json
VALIDATORS := $(patsubst %,checks/%/node_modules/.package-lock.json,node node_actions node_browser)
# Wheels alone, also when a lock is made: building a source archive runs its code. Each lock says so to whoever installs from it.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: --emit-build-options \
	--no-header --no-emit-index-url

export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo sandbox test test-long bench lint format lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

install: $(PACKAGES) $(AZURITE) ## set everything up in .venv (the other targets do it by themselves)

$(PACKAGES): requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up .venv with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json $(PACKAGES)
	@echo "Setting up $* ..."
	@cd $* && npm ci --ignore-scripts --prefer-offline --silent --no-audit --no-fund
	@touch $@

demo: install ## the whole system on this machine, told as a story (ends by itself)
	@$(BIN)/python -m sandbox demo

sandbox: install ## the same local Azure and the three apps, running until Ctrl-C
	@$(BIN)/python -m sandbox run

test: install $(VALIDATORS) ## the test suite
	@$(BIN)/pytest -n auto

test-long: install $(VALIDATORS) ## what takes minutes: load, thousands of random deliveries, hostile requests, days of alarms
	@$(BIN)/pytest -m long --capture=no --ignore=tests/days
	@$(BIN)/pytest -m long -n auto tests/days

bench: install ## how fast and how small the collector is, next to others on this machine (under seven minutes)
	@$(BIN)/python -m bench

lint: install $(VALIDATORS) ## formatting, lint, types, queries, templates, workflows, documents
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python -m checks.kql
	@$(BIN)/python -m checks.infrastructure
	@$(BIN)/python -m checks.reach
	@$(BIN)/python -m checks.workflows
	@$(BIN)/python -m checks.supply_chain
	@$(BIN)/python -m checks.documented_commands

format: install ## format and sort imports
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

lock: ## pin what requirements*.in ask for
	@$(LOCK) $(UPGRADE) requirements.in -o requirements.txt
	@$(LOCK) $(UPGRADE) -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean: ## remove everything that was set up
	@rm -rf build $(VENV) sandbox/node/node_modules checks/*/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .sandbox
