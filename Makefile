# Two commands matter: `make ask Q="why …?"` runs the main job, `make test` passes the tests. Both set everything up first.

# The first of these that runs, is new enough and can make a virtual environment; PYTHON=/path/to/python3 names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  "$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# The default repository is this one; FILE is relative to it.
REPO ?= .
FILE ?=
Q    ?= why is pygit2 not used to read histories?
export Q FILE REPO

export HF_HUB_OFFLINE := 1
export AIL_TEST_MODELS := $(CURDIR)/$(VENV)/models

.PHONY: ask setup check test test-all cluster bench torture shell dist vscode clean help

help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

ask: setup ## Enrol REPO (default: this one), index it, ask Q, optionally about FILE
	@$(BIN)/ail-client add "$$REPO" --wait
	@$(BIN)/ail-client ask --repo "$$REPO" -- $${FILE:+"$$FILE"} "$$Q"

setup: $(READY) ## Install everything into .venv

# A new pip first: its launchers of programs do without `import re`, as uv's do, which spares each question 4 ms.
$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "AIL needs Python 3.11 or newer with its venv module: on Debian, apt-get install python3-venv;" \
	  "elsewhere, PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

check: setup ## Lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A worker that is done takes tests from another (worksteal): otherwise one would end with all the slow ones of `tests/torture`.
WORKERS ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
PYTEST  := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

test: setup ## Pass the tests, without those marked slow
	$(PYTEST) -m "not slow"

test-all: setup ## Pass all tests
	$(PYTEST)

cluster: setup ## Install Ray as well (500 MB, not part of the development environment), and pass the tests that need it
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[cluster]'
	$(BIN)/python -m pytest tests/cluster

bench: setup ## Measure every figure of the documentation; what needs ../shared/eval says so where it is absent
	$(BIN)/python -m bench

torture: setup ## Try to break it, for hours: every scenario of docs/reliability.md in its long form
	$(BIN)/python -m bench.torture

shell: setup ## Make completions and man pages anew
	$(BIN)/python -m tools

dist: setup ## Build wheel and sdist into dist/
	$(BIN)/python -m hatchling build -d dist

vscode: ## Check, test and build the extension for VS Code: editors/vscode/dist/ail.vsix
	@command -v npm >/dev/null || { echo "npm is not on PATH: the extension needs Node 20 or newer with npm (Debian: apt-get install npm)" >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "this Node is $$(node --version): Node 20 or newer is needed" >&2; exit 1; }
	cd editors/vscode && { npm ci --ignore-scripts || { echo "npm could not install what package-lock.json names: is its registry reached?" >&2; exit 1; }; }
	cd editors/vscode && npm test && npm run package

clean: ## Remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .bench editors/vscode/node_modules editors/vscode/dist editors/vscode/out
