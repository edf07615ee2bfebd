# make demo and make test need nothing but Python 3.11 or newer; both make .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pipeline tests scripts

.PHONY: soak help demo test test-train check evaluate format format-check lint types pdfs screenshots \
	hashes bench bench-extract bench-backfill simulate-backfill measure-verify bench-site release-check clean
.DEFAULT_GOAL := help
# Thousands of tests start Python: without bytecode each would compile the program again.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make demo    the example day, with no network and no key"
	@echo "make test    the tests, but for those that take a minute each"
	@echo "make soak    those: weeks of nights, kills, the built-in model"
	@echo "make test-train   the tests of the training; installs torch (6 GB) into $(VENV)-train"
	@echo "make check   format check, lint, types, tests"
	@echo "make evaluate  the built-in model on the example day against its baseline; takes a minute"
	@echo "make format  format the code"
	@echo "make hashes  requirements/, from which the GitHub workflow installs; after constraints.txt"
	@echo "make pdfs    typeset the demo's PDFs again"
	@echo "make bench   how fast a night is, against its bars; takes two minutes"
	@echo "make bench-extract DIR=folder   how well and how fast PDFs are read"
	@echo "make bench-backfill   how fast an archive is worked off, and what kills cost; 8 minutes"
	@echo "make simulate-backfill   a million papers on a thousand workers, with deaths and a storm"
	@echo "make measure-verify CORPUS=file [MODEL=profile]   what finds planted errors"
	@echo "make bench-site   how fast the site is made and searched; needs Chromium"
	@echo "make release-check   what has to hold before a release; takes five minutes"
	@echo "make screenshots   the README's pictures of the example day; needs Chromium"

demo: $(VENV)/.installed
	$(BIN)/jianjie demo

test: $(VENV)/.installed
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long"

soak: $(VENV)/.installed
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m long

test-train: $(VENV)-train/.installed
	$(VENV)-train/bin/pytest tests/train

check: format-check lint types test

format: $(VENV)/.installed
	$(BIN)/ruff format $(SOURCES)

format-check: $(VENV)/.installed
	$(BIN)/ruff format --check $(SOURCES)

lint: $(VENV)/.installed
	$(BIN)/ruff check $(SOURCES)

types: $(VENV)/.installed
	$(BIN)/mypy

evaluate: $(VENV)/.installed
	$(BIN)/jianjie evaluate builtin --model builtin \
		--fail-under content-chrf=20 --fail-under valid=90 --fail-under primary=40 \
		--baseline prompts/baselines/builtin.json --fail-if-worse

pdfs: $(VENV)/.installed
	$(BIN)/python scripts/typeset_demo_pdfs.py

hashes: $(VENV)-hashes/.installed
	$(VENV)-hashes/bin/python scripts/pin_hashes.py $(VENV)-hashes/bin/uv

bench: $(VENV)/.installed
	@$(BIN)/python -m scripts.bench

bench-extract: $(VENV)/.installed
	@$(BIN)/python scripts/bench_extract.py "$(DIR)"

bench-backfill: $(VENV)/.installed
	@$(BIN)/python -m scripts.bench_backfill $(if $(PAPERS),--papers "$(PAPERS)")

simulate-backfill: $(VENV)/.installed
	@$(BIN)/python -m scripts.simulate_backfill

measure-verify: $(VENV)/.installed
	@$(BIN)/python -m scripts.measure_verify $(CORPUS) $(if $(MODEL),--model $(MODEL)) $(if $(EACH),--each $(EACH))

bench-site: $(VENV)/.installed
	@$(BIN)/python -m scripts.bench_site $(if $(YEAR),--year)

release-check: $(VENV)/.installed $(VENV)-release/.installed
	@$(BIN)/python -m scripts.release_check $(VENV)-release/bin/uv $(VENV)-release/bin/pipx

screenshots: demo
	$(BIN)/python -m scripts.screenshots

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "jianjie needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing into $(VENV) what constraints.txt pins; the built-in model has 250 MB."
	@$(PYTHON) -m venv $(VENV)
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --editable '.[backfill,embedded,library,messages,optimize,dev]'
	@touch $@

$(VENV)-train/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -m venv $(VENV)-train
	@PIP_CONSTRAINT=constraints.txt $(VENV)-train/bin/python -m pip install --quiet --editable \
		'.[embedded,train,dev]'
	@touch $@

$(VENV)-hashes/.installed: constraints.txt
	@$(PYTHON) -m venv $(VENV)-hashes
	@PIP_CONSTRAINT=constraints.txt $(VENV)-hashes/bin/python -m pip install --quiet uv
	@touch $@

$(VENV)-release/.installed: constraints.txt
	@$(PYTHON) -m venv $(VENV)-release
	@PIP_CONSTRAINT=constraints.txt $(VENV)-release/bin/python -m pip install --quiet uv pipx
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-train $(VENV)-hashes $(VENV)-release
