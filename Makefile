# Homeroom needs Python 3.11 or newer and make; everything else is installed
# into .venv. `make` alone lists what can be done.

PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' \
		>/dev/null 2>&1 && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
USER := .venv-user
PEERS := .venv-bench
TENSORFLOW := .venv-bench-tf
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--constraint constraints.txt

# How many processes run the tests; 0 runs them in this one.
export WORKERS ?= 0

.DEFAULT_GOAL := help
.PHONY: help demo test check tests canary sameness bench bench-tuning bench-workloads bench-gpu \
	calibrate bench-peers bench-tensorflow clean

help:  ## list what can be done
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 26

demo: $(VENV)/.installed  ## train three candidates on real data and write a report
	@$(BIN)/homeroom demo

test: check tests  ## check the code, then run every test and every example

check: $(VENV)/.developed  ## format, lint, types, contracts between rooms, lines
	@BIN=$(BIN) scripts/check

tests: $(VENV)/.developed
	@BIN=$(BIN) scripts/test

canary: $(VENV)/.installed  ## try the hazards and hooks of the JAX and Keras installed
	@$(BIN)/python benchmarks/canary/run.py

sameness: $(VENV)/.developed  ## hold a hundred random networks to plain Keras, bit by bit
	@SAMENESS_MODELS=100 $(BIN)/python -m pytest -q tests/engine/test_random_models.py

bench: $(USER)/.installed  ## time Homeroom against its peers; write docs/benchmarks.md
	@$(USER)/bin/python benchmarks/run.py

bench-tuning: $(USER)/.installed $(PEERS)/.installed  ## race against other tuners; write docs/tuning.md
	@$(USER)/bin/python benchmarks/race.py

bench-workloads: $(USER)/.installed $(PEERS)/.installed $(TENSORFLOW)/.installed $(VENV)/.developed  ## race over seven workloads; write docs/workloads.md
	@$(USER)/bin/python benchmarks/workloads/run.py
	@$(INSTALL) --editable '.[plots]'
	@$(BIN)/python benchmarks/workloads/picture.py

bench-gpu:  ## race on a GPU, with a PYTHON that has Homeroom, torch and JAX for it; write docs/gpu.md
	@$(PYTHON) benchmarks/workloads/gpu.py

calibrate: $(VENV)/.installed  ## simulate what intervals cover; write docs/calibration.md and docs/searches.md
	@$(BIN)/python calibration/run.py
	@$(BIN)/python calibration/noise.py

bench-peers: $(PEERS)/.installed  ## install torch, skorch, KerasTuner and others, for benchmarks alone

bench-tensorflow: $(TENSORFLOW)/.installed  ## install Keras on TensorFlow, for benchmarks alone

clean:  ## remove the environment and everything that was generated
	@rm -rf $(VENV) $(USER) $(PEERS) $(TENSORFLOW) build dist src/*.egg-info report.html predictions.csv \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "Homeroom needs Python 3.11 or newer with venv and pip, and found none."; \
		echo "Install one, or say which: make PYTHON=/path/to/python3.12"; exit 2; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Homeroom into $(VENV) (minutes the first time)"
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	@echo "Installing the tools of development into $(VENV)"
	@$(INSTALL) --upgrade 'pip>=25.1'
	@$(INSTALL) --editable . --group dev
	@touch $@

# Keras imports whatever it finds: what developers need is not to be timed.
$(USER)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Homeroom into $(USER), as a user has it"
	@$(BIN)/python -m venv $(USER)
	@$(USER)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable .
	@touch $@

$(PEERS)/.installed: benchmarks/peers.txt constraints.txt | $(BIN)/python
	@echo "Installing the peers of the benchmark into $(PEERS) (a gigabyte)"
	@$(BIN)/python -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --requirement benchmarks/peers.txt
	@touch $@

# Its own versions of what both need: TensorFlow does not take all of ours.
$(TENSORFLOW)/.installed: benchmarks/peers-tensorflow.txt | $(BIN)/python
	@echo "Installing Keras on TensorFlow into $(TENSORFLOW) (a gigabyte)"
	@$(BIN)/python -m venv $(TENSORFLOW)
	@$(TENSORFLOW)/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement benchmarks/peers-tensorflow.txt
	@touch $@
