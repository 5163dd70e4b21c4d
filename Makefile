# Two commands do everything: `make demo` starts the service on a simulated station, `make test`
# runs every check and test. Both set the machine up first and are quick when that is done.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# Compiled files are kept: the tests start Python hundreds of times.
unexport PYTHONDONTWRITEBYTECODE
# `make check AT_ONCE="--numprocesses 2 --dist loadfile"` runs files of tests side by side: quicker,
# but a busy machine makes those that wait for something fail now and then.
AT_ONCE :=
LOCK_FLAGS :=
DEMO_FLAGS :=

.PHONY: help setup demo test test-long check generated docs format lock vendor clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: ## Install what is missing: Debian packages (as root), .venv, npm clients for tests
	@sh packaging/setup-system
	@sh packaging/setup-python
	@sh packaging/setup-clients

demo: setup ## Start the service on a simulated station (DEMO_FLAGS=...)
	@exec $(BIN)/provisioner-service demo $(DEMO_FLAGS)

test: setup ## Set up, then every check and every test (under 15 minutes)
	@$(MAKE) check

check: ## Every check and every test, without setting up
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --output-format concise .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) generated
	$(PYTEST) -m "not long" $(AT_ONCE)

generated: ## Check the committed files: locks, vendored files, addresses, sizes
	$(PYTEST) -q -m "not long" tests/test_repository.py

test-long: setup ## Soaks, large fuzz profiles, installing from scratch
	$(PYTEST) -m long --timeout 3600

docs: ## Make docs/ and the SDL again from the code
	$(BIN)/python -m server.documentation docs
	$(BIN)/provisioner-service schema > schema/schema.graphql

format: ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix --output-format concise .
	$(BIN)/ruff format .

lock: setup ## Make the locks again (LOCK_FLAGS=--upgrade for newer versions)
	@sh packaging/lock $(LOCK_FLAGS)

vendor: ## Fetch the dashboard's vendored files again, as its manifest says
	@python3 packaging/vendor

clean: ## Remove everything that the other targets made
	rm -rf .venv build dist *.egg-info tests/clients/node_modules .coverage htmlcov
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
