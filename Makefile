# Two commands do all the set-up: `make report` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    ?= report-out
DATA   ?= synthetic

.PHONY: install test test-slow lint report bench peers docs clean

install: $(VENV)/installed

# torch first and alone: the pinned CPU build, before anything can ask for another.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,test,lint]'
	touch $@

# On nets as small as the tests' a second thread does nothing but wait.
test test-slow: export OMP_NUM_THREADS = 1

test: install
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

# What takes too long for every day.
test-slow: install
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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
	$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check -c $< torch
	$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check -c $< aeon sktime -e .
	touch $@

# The pages, gallery and all, in docs/_build/html.
docs: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html $(ARGS)

clean:
	rm -rf $(VENV) $(VENV)-peers $(OUT) build dist docs/_build docs/auto_examples docs/generated
