# Jozi Lake. `make demo` and `make test` do all their set-up themselves; they need Python >= 3.11 and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AUDIT := .venv-audit
# What needs no sandbox is tested by two processes, a file of tests by one of them: one leaves half of two cores idle. More
# would need more memory (each of Spark's sessions some 2 GB), and a sandbox's tests wait for one another's answers.
IN_PARTS := -n 2 --dist loadfile
LOCKS := layer/requirements.txt requirements/dev.lock requirements/audit.lock

.PHONY: help demo test test-unit test-spark test-sandbox test-e2e test-browser screenshots chaos fuzz docs bench check scan audit sbom format setup lock clean scan-installed

help: ## Say what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## Set up, start the lake on this machine, load a sample, print the answers
	@$(BIN)/lake demo

test: setup ## Set up and run every test
	@$(BIN)/python -m pytest $(IN_PARTS) tests/unit tests/spark
	@$(BIN)/python -m pytest tests/chaos tests/sandbox tests/e2e tests/browser

test-unit: setup ## Only the tests that need neither Spark nor the sandbox
	@$(BIN)/python -m pytest $(IN_PARTS) tests/unit

test-spark: setup ## Only the tests of the jobs' logic, on local Spark sessions
	@$(BIN)/python -m pytest $(IN_PARTS) tests/spark

test-sandbox: setup ## Only the tests of the sandbox itself
	@$(BIN)/python -m pytest tests/sandbox

test-e2e: setup ## Only the way from an S3 put to an Athena row, on one sandbox
	@$(BIN)/python -m pytest tests/e2e

fuzz: setup ## Spoil good files byte by byte for two minutes (LAKE_FUZZ=seconds): every one gets an answer, none crashes
	@LAKE_FUZZ=$${LAKE_FUZZ:-120} $(BIN)/python -m pytest tests/unit/test_fuzz.py --timeout=0

test-browser: setup ## Only the page, in Chromium (Debian: apt-get install chromium chromium-driver)
	@$(BIN)/python -m pytest tests/browser

screenshots: setup ## Make the pictures of the page in docs/images anew, from generated orders
	@LAKE_SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/browser

chaos: setup ## The long version of the chaos tests: every fault point, more rounds
	@LAKE_CHAOS=long $(BIN)/python -m pytest tests/chaos tests/spark/test_job_deaths.py tests/spark/test_silver_many_files.py

docs: setup ## Write docs/catalog.md, the tables and their columns, from contracts and marts
	@$(BIN)/python -m cli.dictionary

bench: setup ## Measure the figures of docs/performance.md (an hour; BENCH="--only start --only small" for some)
	@$(BIN)/python -m benchmarks $(BENCH)

check: $(READY) ## Lint, types, template and import rules, then `make scan`
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy lake cli dashboard sandbox contracts marts benchmarks requirements
	@$(BIN)/lint-imports
	@$(BIN)/cfn-lint template.yaml
	@SAM_CLI_TELEMETRY=0 $(BIN)/sam validate --lint --template template.yaml --region us-east-1
	@$(MAKE) --no-print-directory scan
	@echo "Checked."

# A finding fails both. What cannot be looked up because the internet is away fails `audit` and is told by `scan`.
define scanners
@$(AUDIT)/bin/checkov --file template.yaml --framework cloudformation --compact --quiet --skip-download
@if [ -d .github ]; then $(AUDIT)/bin/checkov --directory .github --framework github_actions --compact --quiet --skip-download; fi
@$(BIN)/python requirements/advisories.py --program $(AUDIT)/bin/pip-audit $(ONLINE) $(LOCKS)
endef

audit: $(READY) $(AUDIT)/.ready ## Scan template and workflows (checkov) and dependencies (pip-audit, needs the internet)
	$(scanners)

scan: $(READY) ## The same as far as it goes without the internet
	@if $(MAKE) -s --no-print-directory $(AUDIT)/.ready; then $(MAKE) -s --no-print-directory scan-installed; else \
	  echo "NOT SCANNED: the scanners could not be installed (is the package index out of reach?)."; fi

scan-installed: ONLINE := --when-online
scan-installed:
	$(scanners)

sbom: $(AUDIT)/.ready ## Write build/sbom-layer.json (what is deployed) and build/sbom-dev.json (CycloneDX)
	@mkdir -p build
	@$(AUDIT)/bin/cyclonedx-py requirements layer/requirements.txt --output-reproducible -o build/sbom-layer.json
	@$(AUDIT)/bin/cyclonedx-py requirements requirements/dev.lock --output-reproducible -o build/sbom-dev.json

format: $(READY) ## Bring the code into its one format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

setup: $(READY) ## Make the environment (.venv) and fetch the engines, once
	@$(BIN)/python -m sandbox.engines

# The environment is made anew when what it is made from changes, or when making it was cut short: what a half-finished
# installation leaves behind can be mended by no installer.
$(READY): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, '$(PYTHON)' is older: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "This Python has no venv module: install it (Debian: apt-get install python3-venv), then again."; exit 1; }
	@echo "Making the environment in $(VENV): a few minutes the first time."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

# The scanners need other versions of some packages than the checkout, so they live in an environment of their own.
$(AUDIT)/.ready: requirements/audit.lock $(READY)
	@echo "Making the scanners' environment in $(AUDIT)."
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/audit.lock
	@touch $@

lock: $(READY) ## Resolve requirements/*.in into their .lock (hashes, no index lines)
	@$(BIN)/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header \
	  requirements/audit.in -o requirements/audit.lock
	@$(BIN)/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header \
	  requirements/dev.in -o requirements/dev.lock

clean: ## Remove the environment and what was built (the lake's state stays: `lake down --wipe`)
	@rm -rf $(VENV) $(AUDIT) build dist *.egg-info .aws-sam .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
