# `make run` sets everything up and starts the system; `make test` sets everything up and tests it.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= 1
VIDEOS ?= ../shared/data/videos
MINUTES ?= 60
FAULTS ?= 1

# A stamp per content of the requirement files: a change, or a half-finished install, installs again.
REQUIREMENTS := requirements.txt requirements-server.txt requirements-svm.txt requirements-packs.txt
RUNTIME := $(VENV)/.runtime-$(shell cat $(REQUIREMENTS) | cksum | tr ' ' '-')
DEVELOPMENT := $(VENV)/.development-$(shell cat $(REQUIREMENTS) requirements-dev.txt requirements-traces.txt | cksum | tr ' ' '-')

.DEFAULT_GOAL := help
.PHONY: help setup run test soak faults screenshots lint check format clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(RUNTIME): $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "facesite needs Python 3.11 or newer. Install it, or name it: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Making a virtual environment in $(VENV)"; $(PYTHON) -m venv --clear $(VENV); } \
	  || { echo "The virtual environment could not be made. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing requirements (the first time this takes a minute or two)"
	@$(BIN)/python -m pip install -r requirements.txt \
	  || { echo "The requirements could not be installed. Is the network there? Run the same command again: it goes on where it stopped."; exit 1; }
	@rm -f $(VENV)/.runtime-*; touch $@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.txt requirements-traces.txt
	@$(BIN)/python -m pip install --quiet -r requirements-dev.txt \
	  || { echo "The test requirements could not be installed. Is the network there? Run the same command again."; exit 1; }
	@rm -f $(VENV)/.development-*; touch $@

setup: $(RUNTIME) ## Virtual environment, requirements, pack, database, first account
	@$(BIN)/python manage.py setup

run: $(RUNTIME) ## Set up and start everything (DEMO=0: without the demo; PORT=8001: another port)
	@$(BIN)/python manage.py setup $(if $(filter-out 0,$(DEMO)),--demo)
	@exec $(BIN)/python manage.py start $(if $(filter-out 0,$(DEMO)),--demo)

test: $(DEVELOPMENT) setup lint check ## Set up and run all checks and tests (ARGS= goes to pytest)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(if $(CI),,-m "not slow and not soak and not faults") $(ARGS)

soak: $(DEVELOPMENT) setup ## The edge node's faults as long as in life, 90 minutes (SOAK=0.1: a tenth; MINUTES= of memory)
	@$(BIN)/python -m pytest -n 2 -m soak $(ARGS)
	@$(BIN)/python -m bench.edge --videos $(VIDEOS) --minutes $(MINUTES)

faults: $(DEVELOPMENT) setup ## The server's faults as docs/reliability.md lists them, an hour (FAULTS=0.1: a tenth; 0: short)
	@FAULTS=$(FAULTS) $(BIN)/python -m pytest -m "" $(or $(ARGS),tests/faults tests/edge/faults/test_disk_full.py)

screenshots: $(DEVELOPMENT) setup ## Pictures of every page into docs/screenshots, of a private site with made-up data
	@$(BIN)/python -m tests.screenshots $(ARGS)

lint: $(DEVELOPMENT)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy detectors recognition/engine edge_client

check: $(RUNTIME)
	@$(BIN)/python manage.py check --fail-level WARNING
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

format: $(DEVELOPMENT) ## Format the code and mend what ruff can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove the virtual environment, and ALL data under var/
	rm -rf $(VENV) var
