# Needs make and Python 3.11 or later. Everything else goes into .venv.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
SOURCES := $(wildcard config messages ledger client broker producer worker monitor cli campaigns_django sandbox testing tests benchmarks examples)

.PHONY: help demo test test-fast matrix explore chaos crash load mutate bench fuzz contract wheel-check reference docs screenshots audit-dependencies lint format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.* ## / { printf "make %-18s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# A name on PATH proves little (it may be a launcher with no Python behind it), so each is asked for its version.
define MAKE_VENV
@python=""; \
for name in $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3 python; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$name; break; fi; \
done; \
if [ -z "$$python" ]; then \
	echo "No Python 3.11 or later found. Install one, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; \
fi; \
if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then exit 0; fi; \
$$python -m venv --clear $(VENV) || { \
	echo "$$python cannot make a virtual environment. Its venv module is missing (Debian: apt install python3-venv)." >&2; \
	exit 1; \
}
endef

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

$(INSTALLED): requirements.lock requirements-build.lock pyproject.toml
	$(MAKE_VENV)
	@echo "Installing what is needed to run into $(VENV) with $$($(BIN)/python --version)"
	@$(PIP_INSTALL) --require-hashes -r requirements.lock -r requirements-build.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(INSTALLED_DEV): requirements-dev.lock pyproject.toml
	$(MAKE_VENV)
	@echo "Installing what is needed to develop into $(VENV) with $$($(BIN)/python --version)"
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $(INSTALLED) $@

demo: $(INSTALLED) ## send a campaign through real processes to a sandbox on loopback [ARGS=--keep]
	@$(BIN)/bsg-campaigns demo $(ARGS)

explore: $(INSTALLED_DEV) ## every interleaving of small campaigns against the ledger's scripts (ARGS=--quick: the sizes of the suite)
	@$(BIN)/python -m tests.exhaustive $(ARGS)

# The hundreds of processes that the suite starts would each compile the project if none might keep what it compiled.
test test-fast: export PYTHONDONTWRITEBYTECODE :=
test: $(INSTALLED_DEV) ## the whole suite, in several processes (ARGS=... goes to pytest; a file runs in one)
	@$(BIN)/python -m pytest --numprocesses auto --dist loadscope --no-loadscope-reorder $(ARGS)

test-fast: $(INSTALLED_DEV) ## the tests that start no process and serve no socket, in half a minute (ARGS=... goes to pytest)
	@HYPOTHESIS_PROFILE=fast $(BIN)/python -m pytest -m fast $(ARGS)

matrix: $(INSTALLED_DEV) ## the fast tests on each installed Python, the ledger's on each Redis, the app's on each Django [ARGS='--only servers']
	@$(BIN)/python -m tests.matrix $(ARGS)

chaos: $(INSTALLED_DEV) ## MINUTES=2.5 of kills, cuts and full disks: nothing lost, nothing sent twice [SEED=n] [ARGS=...]
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),2.5) $(if $(SEED),--seed $(SEED)) $(ARGS)

crash: $(INSTALLED_DEV) ## SIGKILL at every failpoint, and again at the recovery from it (ARGS=--once: not again)
	@$(BIN)/python -m tests.failpoints $(ARGS)

load: $(INSTALLED_DEV) ## MESSAGES=1000000 in CAMPAIGNS=2000 through WORKERS=8, with LATENCY=0.2 s at BSG [SEED=n] [ARGS=...]
	@$(BIN)/python -m tests.load --messages $(or $(MESSAGES),1000000) --campaigns $(or $(CAMPAIGNS),2000) \
		--workers $(or $(WORKERS),8) --latency $(or $(LATENCY),0.2) $(if $(SEED),--seed $(SEED)) $(ARGS)

mutate: $(INSTALLED_DEV) ## undo each guard in turn: a test must fail (ARGS='--only WORDS' for some of them)
	@$(BIN)/python -m tests.mutation $(ARGS)

bench: $(INSTALLED_DEV) ## each figure beside what it is compared with, and its goal (ARGS=--write: into docs/performance.md)
	@$(BIN)/python -m benchmarks $(ARGS)

fuzz: $(INSTALLED_DEV) ## thousands of new bad inputs for everything that reads input (ARGS=... goes to pytest)
	@HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest tests/hostile -k "not bomb" --timeout 1800 $(ARGS)

contract: $(INSTALLED_DEV) ## the sandbox against BSG's OpenAPI document (BSG_OPENAPI=FILE, by default ../shared/bsg-openapi.yaml)
	@$(BIN)/python -m tests.contract $(ARGS)

wheel-check: $(INSTALLED_DEV) ## the wheel with each set of extras in an environment of its own [ARGS='--only worker,cli']
	@$(BIN)/python -m tests.wheel_check $(ARGS)

reference: $(INSTALLED_DEV) ## write docs/reference and .env.example from the code
	@COLUMNS=100 $(BIN)/python docs/write_reference.py

docs: $(INSTALLED_DEV) ## the documentation as a site in build/docs
	@$(BIN)/python -m sphinx -b html -W --keep-going -q docs build/docs

screenshots: $(INSTALLED_DEV) ## pictures of a running Flower and of the Flask example (needs chromium and chromedriver)
	@$(BIN)/python -m tests.monitor.screenshots
	@$(BIN)/python -m tests.examples.screenshots

# In an environment of its own, as it is no part of the project. Strict: a package that PyPI's service does not tell about
# is a failure, as the plain run says "no known vulnerabilities" when it could ask about none.
audit-dependencies: ## ask the package index for known vulnerabilities of the locked packages
	@python3 -m venv .venv-audit && .venv-audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements-dev.lock || { \
		echo "Either a package above has a known vulnerability, or the package index could not be asked about one:" >&2; \
		echo "run this where the index serves the vulnerabilities that it knows of, which not every one does." >&2; exit 1; }

lint: $(INSTALLED_DEV) ## ruff (rules and format) and mypy --strict
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy

format: $(INSTALLED_DEV) ## put the code into ruff's format
	@$(BIN)/ruff format $(SOURCES)

PIP_COMPILE := $(BIN)/python -m piptools compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --strip-extras --allow-unsafe --no-header

# On the oldest Python: newer ones need less, and what they leave out would be missing there. What is needed to run and to
# build has the versions that the tests run with.
lock: $(INSTALLED_DEV) ## resolve the locks anew from pyproject.toml, with hashes: to run, to build and to develop
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
		echo "The locks are made with Python 3.11: make clean, then make PYTHON=python3.11 lock" >&2; exit 1; }
	@$(PIP_COMPILE) --upgrade --all-extras -o requirements-dev.lock pyproject.toml
	@$(PIP_COMPILE) --upgrade --extra all --extra old-python -c requirements-dev.lock -o requirements.lock pyproject.toml
	@$(PIP_COMPILE) --upgrade --only-build-deps --build-deps-for wheel --build-deps-for editable \
		-c requirements-dev.lock -o requirements-build.lock pyproject.toml

clean: ## remove .venv, caches and builds (not the campaigns in .bsg-campaigns)
	rm -rf $(VENV) .venv-audit dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
