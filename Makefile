# What a developer and CI do. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONCE ?=
ONLY ?=
DIVIDE ?=
HOME_DIR := $(or $(FUNDTRAIL_HOME),.fundtrail)
UP := $(BIN)/fundtrail up $(if $(ONCE),--once)
SERVICE ?= allocation
MESSAGE ?= change
PYTEST_OPTIONS ?= -n 3 -q  # one more than the cores of the least machine: many tests wait for processes

.DEFAULT_GOAL := help
.PHONY: help run up test faults screenshots bench check fix reset revision openapi events

help:  ## list what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort

$(VENV)/.run: requirements/runtime.lock pyproject.toml services/portal/browser/package-lock.json
	@./deploy/setup.sh runtime
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.run
	@./deploy/setup.sh dev
	@touch $@

run: $(VENV)/.run  ## set up, start everything, do the main job; ONCE=1 stops everything afterwards
	@$(UP) -- $(BIN)/python -m deploy.demo --home $(HOME_DIR) -- $(BIN)/fundtrail drill tamper -- $(BIN)/fundtrail check --summary

up: $(VENV)/.run  ## start everything and leave it running
	@$(BIN)/fundtrail up

test: $(VENV)/.dev  ## the whole suite, on servers of its own
	@$(BIN)/python -m pytest $(PYTEST_OPTIONS) --ignore=tests/e2e --ignore=tests/browser
	@$(BIN)/python -m pytest -q tests/e2e/test_workers_that_are_killed.py  # whole instances: one at a time
	@$(BIN)/python -m tests.browser $(PYTEST_OPTIONS)  # one instance, its job, and browsers before it

faults: $(VENV)/.dev  ## the figures under fault in their full sizes; takes about an hour
	@$(BIN)/python -m pytest -n 4 --maxschedchunk 1 -v -m "full and not alone" --ignore=tests/browser --timeout 3600 --durations 30
	@$(BIN)/python -m pytest -q -m alone --timeout 3600  # they measure the machine: one at a time

screenshots: $(VENV)/.dev  ## every page of a running instance, wide and narrow, into docs/screenshots
	@$(BIN)/python -m tests.browser.screenshots $(HOME_DIR)

bench: $(VENV)/.dev  ## measure against the limits of this machine; ONLY=ledger runs what begins so, DIVIDE=100 a part
	@$(BIN)/python -m tests.bench --only "$(ONLY)" $(if $(DIVIDE),--divide $(DIVIDE))

check: $(VENV)/.dev  ## lint, format, types, import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache
	@echo "check: clean"

fix: $(VENV)/.dev  ## mend what tools can mend
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

reset: $(VENV)/.run  ## remove the state of the local instance
	@$(BIN)/fundtrail reset

openapi: $(VENV)/.run  ## write docs/api from the code
	@$(BIN)/python -m deploy.contracts api

events: $(VENV)/.run  ## write docs/events from the code
	@$(BIN)/python -m deploy.contracts events

revision: $(VENV)/.dev  ## write a migration: SERVICE=... MESSAGE=... and DATABASE_URL of a server for scratch work
	@$(BIN)/python -m deploy.cli.revision $(SERVICE) "$(MESSAGE)"
