# `make run` serves; `make test` installs what the tests need and passes.  See CONTRIBUTING.md.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= data
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= $(shell nproc)

.PHONY: run demo test lint bench docs format system-packages clean

run: $(VENV)/.installed
	exec $(BIN)/entrepot serve --host $(HOST) --port $(PORT) --data $(DATA)

demo: $(VENV)/.installed
	$(BIN)/python -m entrepot.testing.demo

test: system-packages $(VENV)/.tools lint
	$(BIN)/python -m entrepot.testing.suite -n $(JOBS) --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.tools
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

bench: system-packages $(VENV)/.tools
	$(BIN)/python bench/run.py

docs: $(VENV)/.tools
	$(BIN)/python -m entrepot.testing.reference

format: $(VENV)/.tools
	$(BIN)/ruff check --fix src tests bench
	$(BIN)/ruff format src tests bench

# What the tests drive: the real clients and servers.  Only root can install; others get loud skips.
system-packages:
	@sh .ci/system-packages

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.tools: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache
