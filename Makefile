# Set-up and checks. `make quickstart` and `make test` do everything on a fresh machine with Python >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
DATA := $(wildcard ../shared/data)
ifneq ($(DATA),)
export REGHARNESS_DATA_DIR ?= $(abspath $(DATA))
endif
# One thread a process: PyTorch and BLAS slow down, or stall, when several threads share a busy core.
export OMP_NUM_THREADS ?= 1

.PHONY: quickstart test test-slow test-gpu lint bench docs clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.quickstart: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[torch]"
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[all,test]"
	touch $@ $(VENV)/.quickstart

$(VENV)/.bench: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[all,bench,test]"
	touch $@ $(VENV)/.test $(VENV)/.quickstart

$(VENV)/.lint: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable ".[lint]"
	touch $@

quickstart: $(VENV)/.quickstart
	$(BIN)/regharness run specs/quickstart.yaml

test: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow and not gpu" -n 2

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m "slow and not gpu"

# Where ONNX Runtime has no GPU provider built in, WebGPU's plugin brings one to whatever has a Vulkan driver.
test-gpu: $(VENV)/.test
	$(PIP) --editable ".[all,test,webgpu]"
	$(BIN)/python -m pytest tests/gpu -m gpu

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Writes benchmarks/RESULTS.md, and fails where a ratio is more than 20% worse than there, unless ACCEPT=1 is said.
bench: $(VENV)/.bench
	mkdir -p build
	$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-json=build/benchmarks.json
	$(BIN)/python benchmarks/table.py build/benchmarks.json $(if $(ACCEPT),--accept)

docs: $(VENV)/.test
	$(BIN)/python docs/build_shift_pages.py
	$(BIN)/python docs/build_reference.py docs/reference
	mkdir -p build
	$(BIN)/python docs/build_concept_figures.py build/quickstart

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
