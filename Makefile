# MiniGPT. Two commands do everything on a machine with Python 3.11 or newer:
#
#     make book      the HTML book, at book/_build/html/index.html
#     make test      unit tests, every notebook verified, the built book checked
#
# `make help` lists the others. The set-up goes into .venv and is done again only when
# the requirements change.

# The first Python that is new enough; choose another with `make book PYTHON=python3.12`.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
PLACES ?= chapters

READY := $(VENV)/.ready
READY_TO_TEST := $(VENV)/.ready-to-test
HTML := book/_build/html/index.html
SOURCES := _config.yml _toc.yml $(wildcard book/*.md book/*.svg book/*.json) \
	$(shell find chapters \( -name '*.ipynb' -o -name '*.md' \) -not -path '*/.*') \
	$(shell find minigpt_edu/book minigpt_edu/viz -type f -not -name '*.pyc')

# One thread each: two busy processes with two threads each wait for one another.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
PYTEST := $(ONE_THREAD) $(BIN)/python -m pytest
QUICK := -m "not slow"

.PHONY: help book lab stubs test units notebooks pages test-all check format refresh \
	refresh-settings bench clean
.DELETE_ON_ERROR:

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

book: $(HTML) ## build the HTML book from the stored outputs
	@echo "The book: $(HTML)"

lab: $(READY) ## open copies of the chapters in JupyterLab, in workbook/
	$(BIN)/python -m minigpt_edu.book.workbook
	cd workbook && JUPYTER_PREFER_ENV_PATH=1 ../$(BIN)/jupyter lab

stubs: $(READY) ## write the exercises without their solutions, in workbook/
	$(BIN)/python -m minigpt_edu.book.workbook --stubs

# Runs all three even if one fails, and then fails at the end.
test: ## verify everything: units, notebooks, pages
	@$(MAKE) --no-print-directory -k units notebooks pages

units: $(READY_TO_TEST) ## the package's tests
	$(PYTEST) tests --ignore=tests/book --ignore=tests/browser -n $(JOBS) $(QUICK)

notebooks: $(READY_TO_TEST) ## run every notebook and compare its outputs
	$(PYTEST) --nbval chapters -n $(JOBS) --dist loadfile

pages: $(READY_TO_TEST) $(HTML) ## check the built book, as files and in a browser
	$(PYTEST) tests/book tests/browser -n $(JOBS) --dist loadfile $(QUICK)

test-all: ## the same with the long tests and all cases
	@MINIGPT_ALL=1 $(MAKE) --no-print-directory -k QUICK= units notebooks pages

check: $(READY_TO_TEST) ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: $(READY_TO_TEST) ## put the code into the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

refresh: $(READY_TO_TEST) ## run notebooks again and store their outputs (PLACES=chapters/...)
	$(BIN)/python -m minigpt_edu.book.refresh $(PLACES) --jobs $(JOBS)

refresh-settings: $(READY_TO_TEST) ## the same, refused if another CPU setting changes an output
	$(BIN)/python -m minigpt_edu.book.refresh $(PLACES) --jobs $(JOBS) --settings

bench: $(READY_TO_TEST) ## measure this machine; writes results/<device>-<date>.json
	$(BIN)/python -m tests.bench

clean: ## remove what was built; .venv, workbook/ and checkpoints/ stay
	rm -rf book/_build build dist .pytest_cache .ruff_cache .hypothesis

# Pages may change when only the package did, hence --all; -W -n: warnings are errors.
$(HTML): $(SOURCES) | $(READY)
	$(ONE_THREAD) $(BIN)/jupyter-book build . --path-output book --all -W -n --keep-going -q
	@touch $@

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "MiniGPT needs Python 3.11 or newer; if it is \
	installed elsewhere: make book PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(READY): requirements.txt constraints.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(READY_TO_TEST): requirements-test.txt $(READY)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-test.txt
	@touch $@
