# make demo: everything, on a fresh machine. make test: the same set-up, then the tests.
PYTHON ?= python3.11
# Another interpreter gets an environment of its own: make test PYTHON=python3.12
VENV ?= .venv$(if $(filter-out python3.11,$(notdir $(PYTHON))),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo reference test test-slow test-lerobot torture check clean

help:
	@echo "make demo         the whole journey: set-up, demonstrations, policy, report (15 minutes)"
	@echo "make reference    the same, trained long enough to be good (75 minutes)"
	@echo "make test         set-up and tests; PYTHON=python3.12 for another interpreter"
	@echo "make test-slow    the tests that take minutes"
	@echo "make test-lerobot stock LeRobot and robomimic on what we make, and MiniLM, in .venv-* of their own"
	@echo "make torture      200 kills, a kill at every step, power losses: out/torture.json (half an hour)"
	@echo "make check        lint, format, types"
	@echo "make setup        the environment alone"
	@echo "make clean        remove caches and build products; environments and out/ stay"

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): a few minutes the first time."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: setup
	$(BIN)/robokiln run recipe=quickstart

reference: setup
	$(BIN)/robokiln run recipe=reference

test: setup
	$(BIN)/python -m pytest

test-lerobot: setup
	$(BIN)/python -m pytest -m conformance tests/conformance

torture: setup
	$(BIN)/python tests/torture/main.py

test-slow: setup
	$(BIN)/python -m pytest -m slow

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
