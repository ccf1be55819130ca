# `make install` alone gives .venv/bin/phoenix; `make demo` and `make test` need nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RECORDED := fixtures/recordings/zfs-2.3.9/02-mirror-and-single
CONFIG := fixtures/configs/phoenix_hypervisor_config.json

.PHONY: install demo test check bench lab lab-trixie lab-bookworm docs clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: install  ## the main job on a recorded host: nothing can be changed
	$(BIN)/phoenix validate --config $(CONFIG)
	$(BIN)/phoenix plan --host recorded:$(RECORDED) --config $(CONFIG) --output $(VENV)/demo.plan.json
	$(BIN)/phoenix show $(VENV)/demo.plan.json --format markdown

test: check  ## lint, types, and every test but the lab's
	$(BIN)/python -m pytest --ignore=tests/lab

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install  ## speed, as ratios to a minimal program of the same libraries
	$(BIN)/python -m tests.benchmarks

lab: install  ## acceptance tests on real OpenZFS, both guests at once; CASE=name, GUEST=name run less
	$(BIN)/python -m pytest tests/lab/test_kit.py
	$(MAKE) --jobs 2 --output-sync=line $(if $(GUEST),lab-$(GUEST),lab-trixie lab-bookworm)

lab-trixie lab-bookworm: lab-%: install
	GUEST=$* CASE='$(CASE)' $(BIN)/python -m pytest tests/lab/test_lab.py -v --durations=10

docs: install  ## write the generated reference pages and schemas anew
	$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
