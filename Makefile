PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 3600
TURNS ?= 5000
RUNNER ?= python
TESTS ?=

# Aborts, queues, sockets: where a coroutine that nobody awaits, or a file that stays open, would come from.
# A server of our own that refuses a TLS handshake logs it as an error in debug mode, so its tests are left out.
DEBUGGED := tests/transport tests/upstream/http tests/upstream/socket tests/accounts tests/runtime tests/service/test_client_gone.py \
  tests/service/test_admission.py --ignore=tests/upstream/http/test_connection_tls.py

.PHONY: run test test-debug coverage check lint formatted types bench fuzz soak accounts-run clients containers format lock dist notes audit pictures clean

run: $(VENV)/run.done
	$(BIN)/python server.py --demo

# All tests; TESTS names some of them, RUNNER runs them otherwise, such as under "coverage run".
test: $(VENV)/dev.done
	$(BIN)/$(RUNNER) -m pytest $(TESTS)

# Python's development mode and asyncio's debug mode, on some of the tests.
test-debug: $(VENV)/dev.done
	$(BIN)/python -X dev -m pytest $(DEBUGGED)

# Every branch of translate/ is taken by its own tests, whatever examples are generated.
coverage: export COVERAGE_FILE := .coverage.core
coverage: $(VENV)/dev.done
	HYPOTHESIS_PROFILE=few $(BIN)/coverage run --source=translate -m pytest tests/translate --ignore=tests/translate/test_real_captures.py
	$(BIN)/coverage report --include='translate/*' --fail-under=100

check: lint formatted types

lint: $(VENV)/dev.done
	$(BIN)/ruff check .

formatted: $(VENV)/dev.done
	$(BIN)/ruff format --check .

types: $(VENV)/dev.done
	$(BIN)/mypy

bench: $(VENV)/dev.done
	$(BIN)/python -m benchmarks

fuzz: $(VENV)/dev.done
	$(BIN)/python -m tests.fuzz $(FUZZ_SECONDS)

# Mixed traffic with faults against a service over the simulated backend; says what grows.
soak: $(VENV)/dev.done
	$(BIN)/python -m tests.soak $(SOAK_SECONDS)

# Turns over six accounts in trouble, while instances are killed; says whether all was answered and booked truly.
accounts-run: $(VENV)/dev.done
	$(BIN)/python -m tests.accounts_run $(TURNS)

# All clients that others wrote, also those that CI leaves out, since they take minutes to install; what came of it is
# written into docs/clients.md. Then the front ends in a browser.
clients: $(VENV)/dev.done
	.ci/install_clients all
	$(BIN)/python -m tests.clients
	.ci/install_frontends
	$(BIN)/python -m pytest tests/frontends

# The stacks of deploy/ on a real container engine, which .ci/install_containers fetches; needs root.
containers: $(VENV)/dev.done
	$(BIN)/python -m tests.containers $(TESTS)

# A release in dist/, the same bytes from the same commit: wheel, source archive, the image's context, the bill of
# materials, and SHA256SUMS.
dist: $(VENV)/dev.done
	rm -rf dist
	$(BIN)/python -m release

# The text of the tag: make -s notes, of VERSION or of this version.
notes: $(VENV)/dev.done
	@$(BIN)/python -m release.notes $(VERSION)

# Whether a package that the service or its development pins is known to be vulnerable. Asks PyPI's own host, and fails
# where that does not answer: mirrors do not tell.
audit: $(VENV)/audit.done
	$(VENV)/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	  $(foreach lock,requirements.lock requirements-traces.lock requirements-fast.lock requirements-dev.lock,-r $(lock))

format: $(VENV)/dev.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Pictures of the dashboards and the console for the documents. Needs Prometheus, Chromium, Node and pngquant, and fonts
# with Chinese characters and emoji.
pictures: $(VENV)/dev.done
	$(BIN)/python -m tests.deploy.pictures
	$(BIN)/python -m tests.service.console.screenshots
	pngquant --force --ext=.png --speed=1 128 docs/*.png

lock:
	$(PYTHON) -m pip install uv
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml --group dev --extra traces -o requirements-dev.lock
	uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	  tests/service/schemathesis/requirements.in -o tests/service/schemathesis/requirements.txt
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["fast"], sep="\n")' \
	  | uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header - -o requirements-fast.lock
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["traces"], sep="\n")' \
	  | uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header -c requirements.lock - -o requirements-traces.lock
	echo 'pip-audit>=2.10' \
	  | uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header - -o requirements-audit.lock
	for part in python openai2 llm llama_index aider; do \
	  uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	    tests/clients/$$part/requirements.in -o tests/clients/$$part/requirements.txt || exit; done
	uv pip compile -q --python-platform linux --generate-hashes --python-version 3.11 --no-header --no-annotate \
	  tests/clients/litellm/requirements.in -o tests/clients/litellm/requirements.txt

clean:
	rm -rf $(VENV) dist .containers .coverage* .fuzz .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.done: requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

# uvloop, beside the environment: only the tests that are about it find it there.
$(VENV)/fast.done: requirements-fast.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --upgrade --target $(VENV)/fast -r requirements-fast.lock
	touch $@

# pip-audit, in an environment of its own.
$(VENV)/audit.done: requirements-audit.lock | $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-audit.lock
	touch $@

$(VENV)/dev.done: requirements-dev.lock $(VENV)/run.done
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@
