# Vase clos. 'make up' installs what is missing and starts the lab; 'make test' runs every test.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help up down status setup format check test docs bench fuzz clean \
	cluster cluster-down cluster-status lab-on-cluster test-cluster test-faults bench-cluster bench-data
BIN := .venv/bin

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

up: ## Install what is missing, start the whole lab, print its address (ARGS="--port 9000")
	@images/machine/install.sh run
	@$(BIN)/lab up $(ARGS)

down: ## Stop the lab; data stay (ARGS="--destroy" deletes them)
	@if [ -x $(BIN)/lab ]; then $(BIN)/lab down $(ARGS); else echo "Nothing is installed: nothing runs."; fi

status: ## Show the parts, their memory, and whether the walls hold
	@$(BIN)/lab status $(ARGS)

setup: ## Install everything needed to work on the lab and to test it
	@images/machine/install.sh test

format: setup ## Rewrite files in the house style
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

check: setup ## Style, types, import layers, dependencies (seconds)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

test: check ## Check, then all tests with the real parts; says and counts what could not run
	@$(BIN)/python -m tests.again $(ARGS)
	@if [ -z "$(ARGS)" ]; then $(BIN)/python -m tests.cluster.suite --where-possible --minutes 45; fi

docs: setup ## Make the reference pages anew from the code, and the pictures from the tour
	@$(BIN)/python -m tests.docs.generate
	@LAB_DOCS_IMAGES=docs/images $(BIN)/pytest -q -n0 tests/e2e/test_tour.py

fuzz: setup ## Thousands of cases over the whole API, from its own description (ARGS="--examples 100 --seed 7")
	@$(BIN)/python -m tests.fuzz $(ARGS)

bench: setup ## Measure starts, a sandbox and memory on a lab of its own
	@$(BIN)/python -m tests.bench

cluster: ## Start a real two-node Kubernetes here, in namespaces of its own (ARGS="--leaky")
	@images/machine/install.sh cluster
	@$(BIN)/python -m tests.cluster up $(ARGS)

cluster-down: ## End it; leaves no process, namespace, mount or rule (ARGS="--purge": no image)
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m tests.cluster down $(ARGS); else echo "Nothing is installed: nothing runs."; fi

cluster-status: ## Show what of the cluster runs
	@$(BIN)/python -m tests.cluster status

lab-on-cluster: ## Build the images, install the chart, print the lab's address
	@$(MAKE) --no-print-directory cluster ARGS=  # what was given is for the next line
	@$(BIN)/python -m tests.cluster.lab_on_cluster $(ARGS)

test-cluster: setup ## The tests that need a cluster: starts one where none runs
	@$(BIN)/python -m tests.cluster.suite $(ARGS)

test-faults: setup ## What breaks on a cluster while the lab works: minutes without its API server, node, disk
	@$(BIN)/python -m tests.cluster.suite tests/cluster/test_faults.py

bench-cluster: ## Measure a provision, and scale on simulated nodes (ARGS="--many 500 --minutes 30")
	@$(MAKE) --no-print-directory cluster ARGS=
	@$(BIN)/python -m tests.cluster.bench $(ARGS)

bench-data: setup ## Measure reading, detection, anonymisation, synthesis, risk, memory, beside two libraries
	@for part in ingest detect anonymise synthesise measure pipeline oracles; do echo "== $$part"; $(BIN)/python -m tests.data.$$part.bench_$$part; done

clean: ## Delete what was installed and built here; the lab's data (.lab) stay
	@if [ -x $(BIN)/lab ] && [ -e .lab/running.json ]; then echo "The lab runs: 'make down' first."; exit 1; fi
	@rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
