# `make install` alone gives .venv/bin/phoenix; `make demo` and `make test` need nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

EXAMPLES ?= 100000
RUNS ?= 20000

.PHONY: install demo test check soak fuzz fuzz-guided bench mutants lab cuts recordings lab-trixie lab-bookworm docs clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: install  ## the whole story on a simulated host: plan, refused, approved, applied, no change
	@rm -rf $(VENV)/demo
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh $(VENV)/demo

test: check  ## lint, types, and every test but the lab's
	$(BIN)/python -m pytest --ignore=tests/lab

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: install  ## the invariants' property tests on so many cases each: EXAMPLES=100000
	PHOENIX_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/properties

fuzz: install  ## damaged inputs for every parser and reader, so many for each: EXAMPLES=20000
	PHOENIX_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/fuzz -k damaged_input

fuzz-guided: install  ## as many for each, guided by what code they reach: RUNS=20000, READERS='label config'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[guided]'
	$(BIN)/python -m tests.fuzz.guided $(READERS) --runs $(RUNS)

bench: install  ## speed, as ratios to a minimal program of the same libraries
	$(BIN)/python -m tests.benchmarks

SAFETY := phoenix_plan/safety.py $(wildcard phoenix_plan/consent/[a-z]*.py phoenix_plan/apply/[a-z]*.py)

mutants: install  ## what can be broken in the safety code with no test red: hours; MODULES=files
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	$(BIN)/python -m tests.mutants $(or $(MODULES),$(SAFETY))

lab: install  ## acceptance tests on real OpenZFS, both guests at once; CASE=name, GUEST=name run less
	$(BIN)/python -m pytest tests/lab/test_kit.py tests/lab/test_crash.py tests/lab/test_writelog.py
	$(MAKE) --jobs 2 --output-sync=line $(if $(GUEST),lab-$(GUEST),lab-trixie lab-bookworm)

lab-trixie lab-bookworm: lab-%: install
	GUEST=$* CASE='$(CASE)' $(BIN)/python -m pytest -v --durations=10 \
		tests/lab/test_lab.py \
		$(if $(CASE),,tests/lab/test_recordings.py tests/lab/test_verdicts.py)

CUTS ?= 50
LOSSY ?= 10

cuts: install  ## power is cut at random moments of applies, in each guest: CUTS=50, LOSSY=10 with unflushed writes lost, GUEST=name
	set -e; for guest in $(or $(GUEST),trixie bookworm); do \
		$(BIN)/python -m tests.lab.cuts $$guest $(CUTS) --lossy $(LOSSY); done

INTO ?= build/recordings

recordings: install  ## new recordings from real OpenZFS; RENEW=1 replaces the stored ones; INTO=folder, GUEST=name
	set -e; for guest in $(or $(GUEST),trixie bookworm); do \
		$(BIN)/python -m tests.lab.record $$guest $(INTO); done
	$(if $(RENEW),$(BIN)/python -m tests.lab.renew $(INTO) $(GUEST))

docs: install  ## write the generated reference pages and schemas anew
	$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
