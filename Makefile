# make demo    run detection on the sample survey
# make test    run the tests; ARGS= goes to pytest, as in: make test ARGS="tests/frames -x"
# make lint    check style
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
ARGS ?=
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check

.PHONY: demo test lint

demo: $(VENV)/.installed
	@# Exit code 1 means that some frames failed; the sample has none, so any failure stops make here.
	$(VENV)/bin/sonar-debris detect data/sample --output demo-output
	@echo "Look at demo-output/annotated/ (pictures), detections.csv and detections.coco.json beside it."

test: $(VENV)/.installed-dev
	$(VENV)/bin/python -m pytest $(ARGS)

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# The stamps stand for a finished environment: it is made once, and again only after a change of pyproject.toml.
$(VENV)/.installed: pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no python3 found; install Python 3.11 or newer, or say make PYTHON=/path/to/python" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is not Python 3.11 or newer; say make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "Making the environment in $(VENV): about 1 GB to download, once."
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --editable ".[dev]"
	@touch $@
