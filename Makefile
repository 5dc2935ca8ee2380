# Two commands do all the set-up: `make report` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    ?= report-out
DATA   ?= synthetic
EXAMPLES ?= 130
PIP    := python -m pip install --quiet --disable-pip-version-check

.PHONY: install test test-slow fuzz test-min test-latest test-bare lint audit report \
        bench peers docs dist clean

install: $(VENV)/installed

# torch first and alone: the pinned CPU build, before anything can ask for another.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(PIP) -c constraints.txt torch
	$(BIN)/$(PIP) -c constraints.txt -e '.[all,test,lint]'
	touch $@

# Where nets of the tests are: cpu, or cuda with a build of PyTorch that has it.
DEVICE ?= cpu

# On nets as small as the tests' a second thread does nothing but wait.
test test-slow fuzz test-min test-latest test-bare: export OMP_NUM_THREADS = 1
test test-slow fuzz test-min test-latest test-bare: export DEVICE := $(DEVICE)

test: install
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

# What takes too long for every day.
test-slow: install
	$(BIN)/python -m pytest -m slow $(ARGS)

# The everyday suite has some hundreds of examples of these, always the same; here are
# thousands, and others each time.
fuzz: install
	FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/fuzz $(ARGS)

# On what users have: the lowest versions that pyproject.toml admits, the newest, its upper
# bounds set aside, and no optional dependency. Each in its own environment. torch is the
# pinned CPU build; another, such as TORCH=2.6.0, is one of some gigabytes.
TORCH ?= $(shell sed -n 's/^torch==//p' constraints.txt)

test-min test-latest test-bare: test-%: $(VENV)-%/installed
	$(VENV)-$*/bin/python -m pytest -m "not slow" $(ARGS)

$(VENV)-min/installed: WANTED = --resolution lowest-direct
$(VENV)-latest/installed: UNBOUNDED = numpy scikit-learn scipy skorch
$(VENV)-latest/installed: .FORCE  # newer ones may have come since

$(VENV)-min/installed $(VENV)-latest/installed: $(VENV)-%/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-$*
	$(VENV)-$*/bin/$(PIP) uv torch==$(TORCH)
	printf '%s\n' 'torch; python_version < "3"' $(UNBOUNDED) > $(VENV)-$*/overrides.txt
	$(VENV)-$*/bin/uv pip compile --quiet --python $(VENV)-$*/bin/python --extra all \
	    --extra test $(WANTED) --overrides $(VENV)-$*/overrides.txt --upgrade \
	    --output-file $(VENV)-$*/pins.txt pyproject.toml
	$(VENV)-$*/bin/$(PIP) --no-deps -r $(VENV)-$*/pins.txt -e .
	touch $@

$(VENV)-bare/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-bare
	$(VENV)-bare/bin/$(PIP) torch==$(TORCH)
	$(VENV)-bare/bin/$(PIP) . pytest torch==$(TORCH)
	touch $@

.FORCE:

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Known vulnerabilities of the pins; fails for those that it could not ask about, too.
audit: $(VENV)-audit/bin/pip-audit
	$(VENV)-audit/bin/python tools/audit.py constraints.txt $(ARGS)

$(VENV)-audit/bin/pip-audit:
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/$(PIP) pip-audit

# Quick, on synthetic songs; DATA=path for your own, ARGS for any other option.
report: install
	$(BIN)/python -m sklearn_msd report --data "$(DATA)" --out "$(OUT)" --n-jobs -1 $(ARGS)

# Against what a user would write by hand, and how it scales: tables and pictures in
# benchmarks/out. One script alone: ARGS="--only epoch"; each says more with --help.
bench: install
	$(BIN)/python benchmarks/run_all.py $(ARGS)

# aeon and sktime, in an environment of their own, for `make bench` to compare with.
peers: $(VENV)-peers/installed

$(VENV)-peers/installed: benchmarks/constraints-peers.txt
	$(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/$(PIP) -c $< torch
	$(VENV)-peers/bin/$(PIP) -c $< aeon sktime -e .
	touch $@

# The pages, gallery and all, in docs/_build/html; then their code is run.
docs: install
	$(BIN)/$(PIP) -c constraints.txt -e '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html $(ARGS)
	$(BIN)/python tools/check_pages.py docs/_build/html

# The source archive and the wheel, checked: contents and sizes, the README's examples and
# each extra in an empty environment.
dist: $(VENV)-dist/installed
	rm -rf dist
	$(VENV)-dist/bin/python -m build
	$(VENV)-dist/bin/twine check --strict dist/*
	$(VENV)-dist/bin/python tools/check_dist.py dist $(ARGS)

$(VENV)-dist/installed:
	$(PYTHON) -m venv $(VENV)-dist
	$(VENV)-dist/bin/$(PIP) build twine
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-* $(OUT) build dist docs/_build docs/auto_examples docs/generated
