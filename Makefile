# make demo      detect debris in the sample survey
# make check     lint, format, type and style checks
# make test      run the tests, without the slow ones; ARGS= is passed to pytest: make test ARGS="tests/frames -x"
# make test-all  run all tests
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
ARGS ?=
PIP_INSTALL = $(VENV)/bin/python -m pip --disable-pip-version-check install --constraint constraints.txt
# One process per core, at most eight: each one loads TensorFlow, which takes 1 GB.
PYTEST = $(VENV)/bin/python -m pytest --numprocesses logical --maxprocesses 8

.PHONY: demo check test test-all

demo: $(VENV)/.installed
	@# Exit code 1 means that some frames failed; the sample has none, so any failure stops make here.
	$(VENV)/bin/sonar-debris detect data/sample --output demo-output
	@echo "Look at demo-output/annotated/ (pictures), detections.csv and detections.coco.json next to it."

check: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/python -m pytest --quiet tests/test_style.py

test: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow" $(ARGS)

test-all: $(VENV)/.installed-dev
	$(PYTEST) $(ARGS)

# The stamps mark a finished environment: it is made once, and again only after a change of pyproject.toml.
$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: no python3 found; install Python 3.11 or newer, or run: make PYTHON=/path/to/python" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is not Python 3.11 or newer; run: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "Creating the environment in $(VENV): downloads about 1 GB, once."
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP_INSTALL) --editable ".[dev]"
	@touch $@
