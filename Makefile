# Two commands: `make demo` and `make test`. Both build .venv from the lock first.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
MINUTES ?=

.PHONY: demo test lint types structure bench drill lock clean

# The lock names versions and hashes and no registry: pip uses whichever this machine is set up with.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "Dovecote needs Python 3.11 to 3.13; found: $$($(PYTHON) --version). Set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: .venv/ready  ## the real system on this machine; MINUTES=3 ends by itself
	@$(BIN)/dovecote demo $(if $(MINUTES),--minutes $(MINUTES))

test: lint types structure  ## everything that CI runs
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint dbt/models dbt/tests --processes 2 --disable-progress-bar

types: .venv/ready
	$(BIN)/mypy

structure: .venv/ready
	$(BIN)/lint-imports

bench: .venv/ready  ## the figures, written to bench/RESULTS.md
	$(BIN)/python -m bench

drill: .venv/ready  ## break the delivery on purpose; the last line is JSON, all zeros or exit 1
	@$(BIN)/dovecote drill

# For maintainers: renew the lock. It holds no index address, whatever index made it.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-header --no-annotate \
		--output-file requirements.lock

clean:
	rm -rf .venv .dovecote dbt/target dbt/logs
