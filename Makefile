# Entry points. Each target sets itself up in .venv with pip; `make help` lists them.
# Needs git, make and Python >= 3.11 (another interpreter: make test PYTHON=python3.12).

PYTHON ?= python3
NB ?=
N ?= 5
PROFILE ?=
WORKERS ?= 2
THREADS ?= 2

VENV := .venv
# PY=python3 runs a target with an interpreter that has everything already, and leaves .venv alone.
PY ?= $(VENV)/bin/python
ifeq ($(PY),$(VENV)/bin/python)
NEEDS_BOOK := $(VENV)/.book
NEEDS_ALL := $(VENV)/.all
NEEDS_LAB := $(VENV)/.lab
endif

# Tests: two workers at default threads run three times slower than at one thread each. What runs alone gets THREADS.
export OMP_NUM_THREADS ?= 1
export TF_NUM_INTRAOP_THREADS ?= $(OMP_NUM_THREADS)
export TF_NUM_INTEROP_THREADS ?= $(OMP_NUM_THREADS)
test-gpu notebooks seeds bench: OMP_NUM_THREADS = $(THREADS)
export TF_CPP_MIN_LOG_LEVEL ?= 3
PIP := $(VENV)/bin/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
PYTEST := $(PY) -m pytest -q
NBVAL := AETUTOR_QUIET=1 $(PYTEST) --nbval-lax --nbval-current-env --dist loadfile
JUPYTER_BOOK := $(PY) -c 'from jupyter_book.cli.main import main; main()'
BUILT := _build/html/index.html

# Runs one stage of `make test`, and says which one it was where it stops.
stage = @printf '\n== %s\n' '$(1)'; $(2) || { printf '\nmake test stopped at: %s\n' '$(1)' >&2; exit 1; }

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help book test test-gpu notebooks seeds soak bench lint format lab stamp clean

help:  ## this list
	@awk -F':[^#]*## *' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(NEEDS_BOOK)  ## build the book from the committed notebooks, warnings as errors (no framework needed)
	@$(JUPYTER_BOOK) build -W --keep-going --quiet .
	@printf 'The book: %s\n' "$(CURDIR)/$(BUILT)"

test: $(NEEDS_ALL)  ## everything that must hold: style, tests, notebooks in the quick profile, book, browser
	$(call stage,style,$(PY) -m ruff check . && $(PY) -m ruff format --check .)
	$(call stage,tests,$(PYTEST) -m "not soak and not book and not browser" -n $(WORKERS) --dist loadfile tests)
	$(call stage,notebooks,AETUTOR_PROFILE=quick $(NBVAL) --nbval-cell-timeout=300 -n $(WORKERS) notebooks)
	$(call stage,book,$(MAKE) --no-print-directory book)
	$(call stage,book and browser tests,$(PYTEST) -m "(book or browser) and not soak" -rs -n $(WORKERS) --dist worksteal tests/book)

test-gpu: $(NEEDS_ALL)  ## every notebook in the full profile on a GPU
	@nvidia-smi -L >/dev/null 2>&1 || { echo 'make test-gpu: no GPU is visible here (nvidia-smi finds none); run it on a machine with one.' >&2; exit 1; }
	@if ! $(PY) -c 'import tensorflow' 2>/dev/null; then export KERAS_BACKEND=torch; fi; \
	AETUTOR_PROFILE=full $(NBVAL) --nbval-cell-timeout=1800 $(or $(NB),notebooks)

notebooks: $(NEEDS_ALL)  ## execute what is stale and store its outputs [NB=path] [PROFILE=quick|full]
	@$(PY) -m aetutor.pages.notebooks execute $(NB) $(if $(PROFILE),--profile $(PROFILE))

seeds: $(NEEDS_ALL)  ## measure a page's claims over seeds beside their thresholds: NB=path [N=5] [PROFILE=quick|full]
	@test -n "$(NB)" || { echo 'make seeds: say which page: make seeds NB=notebooks/torch/dense.ipynb N=5' >&2; exit 1; }
	@$(PY) -m aetutor.pages.notebooks seeds $(NB) -n $(N) $(if $(PROFILE),--profile $(PROFILE))

soak: $(NEEDS_ALL)  ## tests that take minutes: kills, the 4 GB file, the Colab rehearsal
	@$(PYTEST) -m soak -rs tests

bench: $(NEEDS_ALL)  ## speed beside hand-written loops and peers, in one run
	@$(PY) benchmarks/run.py

lint: $(NEEDS_ALL)  ## style, and the rules of a page
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m aetutor.pages.notebooks check

format: $(NEEDS_ALL)  ## format the code, notebooks too
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

lab: $(NEEDS_LAB)  ## open JupyterLab on the notebooks
	@cd notebooks && $(abspath $(PY)) -m jupyter lab

stamp: $(NEEDS_ALL)  ## copy the repository's address from pyproject.toml into _config.yml and the notebooks
	@$(PY) -m aetutor.pages.notebooks stamp

clean:  ## remove what was built and .venv
	rm -rf _build build dist *.egg-info .pytest_cache .ruff_cache book/api $(VENV)

# Set-up, in three steps; a stamp file says which are done, and is out of date when the requirements change.

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python >= 3.11 is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo 'python -m venv failed; on Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }

$(VENV)/.book: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo 'Installing the book tools into $(VENV)'
	@$(PIP) $$($(VENV)/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["book"])')
	@touch $@

$(VENV)/.all: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo 'Installing the package, both frameworks and the test tools into $(VENV)'
	@$(PIP) --editable '.[torch,keras-cpu,book,test]'
	@touch $(VENV)/.book $@

$(VENV)/.lab: $(VENV)/.all
	@$(PIP) 'jupyterlab>=4'
	@touch $@
