# Needs nothing but Python >= 3.11, git and make.

VENV := .venv
BIN := $(VENV)/bin
# The versions that the suite is run on. Others may do, but nobody has tried them.
VERSIONS := 3.13 3.12 3.11
CANDIDATES := $(VERSIONS:%=python%) python3 python
PYTHON ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Stamp files: for the environment itself, for the package with its own dependencies, for the
# package with those of its tests, and for the peers of the benchmarks.
MADE := $(VENV)/.made
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench

# A virtual environment is usable if it was made in this directory and its interpreter still
# starts, is new enough and has pip.
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
USABLE := $(shell test "$$(cat $(MADE) 2>/dev/null)" = "$$(pwd -P)" \
	&& $(BIN)/python -c 'import pip; $(IS_NEW_ENOUGH)' >/dev/null 2>&1 && echo yes)

# The build tools are installed next to the package, so that a later change of pyproject.toml can
# be installed offline.
BUILD := hatchling editables

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Run one step at a time, also with `make -j`: two installs in one environment would collide.
.NOTPARALLEL:
.PHONY: help demo test test-all suite soak lint types imports bench bench-check clean remake

help: ## show this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | \
		while IFS='|' read -r target text; do printf '%-14s %s\n' "$$target" "$$text"; done

demo: $(RUN) ## install the package and take a census of Python's standard library
	@$(BIN)/python examples/census.py

test: lint types imports ## install the package, then lint, types, imports and tests
	$(BIN)/python -m pytest

suite: $(DEV)
	$(BIN)/python -m pytest

# Each interpreter has an environment of its own. One that does not start is passed over.
test-all: ## run the tests on each of Python 3.11, 3.12 and 3.13 that is found
	@found=; \
	for version in $(VERSIONS); do \
		python$$version -c '' >/dev/null 2>&1 || continue; \
		found=yes; \
		echo "Python $$version"; \
		$(MAKE) --no-print-directory VENV=.venv-$$version PYTHON=python$$version suite || exit; \
	done; \
	if [ -z "$$found" ]; then echo "error: found none of Python $(VERSIONS)" >&2; exit 1; fi

EXAMPLES ?= 20000
ROUND ?= 2000
# Run in rounds, each in a new process: hypothesis keeps all examples of one process in memory.
soak: $(DEV) ## test the properties of random graphs with 20,000 examples each (or EXAMPLES=...)
	@tried=0; while [ $$tried -lt $(EXAMPLES) ]; do \
		EXAMPLES=$(ROUND) $(BIN)/python -m pytest -q -m soak --hypothesis-profile=soak \
			--timeout=0 $(SOAK) || exit; \
		tried=$$((tried + $(ROUND))); \
		echo "tried $$tried of $(EXAMPLES) examples of each property"; \
	done
SOAK ?= tests

lint: $(DEV) ## ruff: rules and format
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check

types: $(DEV) ## mypy, strict
	$(BIN)/python -m mypy

imports: $(DEV) ## import-linter: the direction of imports
	$(BIN)/lint-imports --no-cache

bench: $(BENCH) ## measure mimo_rx and the peers that can be installed, and print the tables
	@$(BIN)/python -m benchmarks $(ARGS)

bench-check: $(RUN) ## fail if a ratio to the hand-written queues is worse than the stored one
	@$(BIN)/python -m benchmarks --quick --check

clean: ## remove the virtual environment, caches and builds
	rm -rf $(VENV) $(VERSIONS:%=.venv-%) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ifneq ($(USABLE),yes)
$(MADE): remake
endif

# Each interpreter is really called, because a version manager's shim may exist and yet fail.
$(MADE):
	@unfit=; \
	for python in $(if $(strip $(PYTHON)),"$(PYTHON)",$(CANDIDATES)); do \
		"$$python" -c '$(IS_NEW_ENOUGH)' >/dev/null 2>&1 || continue; \
		rm -rf $(VENV); \
		if "$$python" -m venv $(VENV) >/dev/null 2>&1 \
			&& $(BIN)/python -c 'import pip' >/dev/null 2>&1; then \
			echo "made $(VENV) with $$($(BIN)/python --version)"; \
			pwd -P > $@; \
			exit 0; \
		fi; \
		rm -rf $(VENV); \
		unfit="$$unfit $$python"; \
	done; \
	if [ -n "$$unfit" ]; then \
		echo "error: cannot make a virtual environment with$$unfit; probably ensurepip is missing:" \
			"install it (on Debian and Ubuntu: apt install python3-venv) or name another" \
			"interpreter with make PYTHON=..." >&2; \
	else \
		echo "error: found no Python >= 3.11 (tried: $(or $(strip $(PYTHON)),$(CANDIDATES)));" \
			"install one or name it with make PYTHON=..." >&2; \
	fi; \
	exit 1

# $(call install,REQUIREMENT): install the package. If earlier installs left everything that it
# needs, nothing is fetched.
define install
@if [ -e $(RUN) ] && $(BIN)/python -m pip install --quiet --no-index --no-build-isolation \
	--editable '$(1)' >/dev/null 2>&1; then \
	echo "installed $(1) again, with the packages that are there"; \
else \
	echo "installing $(1)"; \
	$(BIN)/python -m pip install --quiet --editable '$(1)' $(BUILD) || { \
		echo "error: could not install $(1) (see above): a requirement in pyproject.toml is not" \
			"in $(VENV) and could not be fetched; is there a network?" >&2; \
		exit 1; \
	}; \
fi
endef

$(RUN): $(MADE) pyproject.toml
	$(call install,.)
	@touch $@

$(DEV): $(MADE) pyproject.toml
	$(call install,.[dev])
	@touch $(RUN) $@

# Install the peers one by one, so that one that cannot be installed does not prevent the others.
PEERS := import tomllib; \
	print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["bench"], sep="\n")
$(BENCH): $(RUN) pyproject.toml
	@$(BIN)/python -c '$(PEERS)' | while read -r peer; do \
		$(BIN)/python -m pip install --quiet --only-binary :all: "$$peer" >/dev/null 2>&1 \
			|| echo "could not install $$peer: the benchmarks leave it out"; \
	done
	@touch $@
