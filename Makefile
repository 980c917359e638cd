# Needs only make and Python 3.11 or later; everything else is installed into .venv.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
FRONT_END := $(VENV)/.front-end
TSC := ingest/web/node_modules/.bin/tsc
MISSING := ingest/web/static/missing.txt
FRONT_END_SOURCES := hatch_build.py ingest/web/package-lock.json ingest/web/build.mjs \
	$(shell find ingest/web/src -type f)
BENCH := $(VENV)/.bench
CHECKOUT := .[dev-server,test]
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Without an index, what is installed is enough to install the checkout again.
install = $(PIP) $(1) || { $(BIN)/python -c 'import hatchling' 2>/dev/null && \
	echo "make: trying again with what is installed" >&2 && $(PIP) --no-build-isolation $(1); }
NO_CACHE := $(shell test -w . || echo --no-cache)
# The tests start hundreds of processes: each would compile the sources again (containers set this).
unexport PYTHONDONTWRITEBYTECODE
AT_LEAST := import sys; sys.exit(sys.version_info < (3, 11))

.DEFAULT_GOAL := help
.PHONY: help setup web demo serve test fuzz chaos bench check

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 10

setup: $(INSTALLED) $(FRONT_END) ## install everything into .venv; the others do it by themselves
	@:

web: $(INSTALLED) ## build what browsers load, where npm was out of reach before
	@rm -f $(FRONT_END) ingest/web/static/built-from.txt
	@$(MAKE) --no-print-directory $(FRONT_END)

demo: setup ## import real data through a real service, show what happened, stop
	@$(BIN)/python -m ingest.examples.demo

serve: setup ## run everything on port 8080 until Ctrl-C, on the data that the demo left
	@$(BIN)/ingest dev --port 8080 --data-dir .data

test: setup ## pass the tests
	@$(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder

fuzz: setup ## the property tests for hours, public test suites, and the build of the image
	@FUZZ_COMPARISONS=1000000 STATEFUL_STEPS=50000 FUZZ_REQUESTS=4000 FUZZ_SHAPES=3000 \
		FUZZ_OPENAPI=100 \
		$(BIN)/pytest -q --timeout 0 \
		tests/property tests/property/marshmallow_suite.py tests/acceptance/build_of_image.py tests/api/format_suites.py \
		tests/api/test_schemathesis.py

chaos: setup ## kill, freeze, flush and restart everything under load, and count what was lost
	@$(BIN)/python -m tests.chaos $(CHAOS)

bench: $(BENCH) ## measure everything for docs/benchmarks.md (40 minutes); QUICK=1: two minutes
ifdef QUICK
	@$(BIN)/python -m benchmarks.endpoints --quick
else
	@$(BIN)/python -m benchmarks.endpoints
	@$(BIN)/python -m benchmarks.processes
	@$(BIN)/python -m benchmarks.sharing
	@$(BIN)/python -m benchmarks.growth
	@$(BIN)/python -m benchmarks.backpressure
	@$(BIN)/python -m benchmarks.validation
	@$(BIN)/python -m benchmarks.user_code
	@$(BIN)/python -m benchmarks.intake
	@$(BIN)/python -m benchmarks.exact_numbers
	@$(BIN)/python -m benchmarks.dialects
	@$(BIN)/python -m benchmarks.commit
	@$(BIN)/python -m benchmarks.formats
	@$(BIN)/python -m benchmarks.streams
	@$(BIN)/python -m benchmarks.profile
endif

check: setup ## check format, lints, types and the architecture
	@$(BIN)/ruff format --quiet --check $(NO_CACHE) .
	@$(BIN)/ruff check --quiet $(NO_CACHE) .
	@$(BIN)/mypy $(if $(NO_CACHE),--cache-dir=/dev/null)
	@$(BIN)/lint-imports $(NO_CACHE)
	@if [ -e $(TSC) ] && command -v node >/dev/null; then $(TSC) --project ingest/web; fi

# The demo's airports come without their dependencies: the data is a file, and they are pandas.
$(INSTALLED): pyproject.toml
	@set -e; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
			if $$candidate -c '$(AT_LEAST)' 2>/dev/null; then python=$$candidate; break; fi; \
		done; \
		if [ -z "$${python:-}" ]; then \
			echo "make: no Python 3.11 or later was found; install one first" >&2; exit 1; \
		fi; \
		if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "make: $$python cannot make a virtual environment; install its venv module" \
				"(on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; \
		fi; \
		$$python -m venv --clear $(VENV); \
	fi
	@echo "Installing into $(VENV) (once) …"
	@$(call install,-e '$(CHECKOUT)')
	@$(PIP) --no-deps vega_datasets==0.9.0
	@touch $@ $(FRONT_END)
	@if [ -f $(MISSING) ]; then echo "/docs/try is missing: $$(cat $(MISSING))" >&2; fi

# A build hook of the package makes it; without npm, the rest works (CONTRIBUTING.md).
$(FRONT_END): $(FRONT_END_SOURCES) | $(INSTALLED)
	@$(call install,--no-deps -e .)
	@touch $@
	@if [ -f $(MISSING) ]; then echo "/docs/try is missing: $$(cat $(MISSING))" >&2; fi

$(BENCH): $(INSTALLED)
	@echo "Installing what is compared with into $(VENV) (once) …"
	@$(PIP) -e '.[bench]'
	@touch $@
