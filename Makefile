# Everything one does with this repository. `make` alone prints the targets.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
MATRIX ?= oldest colab newest
# As announced in googlecolab/colabtools, issue 5489.
COLAB := tensorflow==2.19.0 keras==3.10.0
# Tests wait for one core, for disks and for sleeps; more than two at once want more memory.
TWO := -n 2
NOTEBOOKS := $(wildcard notebooks/*.ipynb notebooks/solutions/*.ipynb)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup tutorial site lab notebooks test test-fast test-matrix audit lint bench systems sweeps badges lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything in requirements.lock

$(READY): requirements.lock
	@command -v $(PYTHON) >/dev/null 2>&1 || \
		{ echo "make: expected Python 3.10 to 3.13, found no '$(PYTHON)'; name one with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "make: expected Python 3.10 to 3.13, '$(PYTHON)' is $$($(PYTHON) -V 2>&1); name one with: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: '$(PYTHON)' lacks the venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Setting up .venv from requirements.lock: about 2 GB, a few minutes the first time"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

tutorial: $(READY) ## run every notebook and write the series as HTML to build/tutorial/
	@$(BIN)/python -m tools.build tutorial

site: $(READY) ## write the committed notebooks as HTML to build/site/, without running them
	@$(BIN)/python -m tools.build site

lab: $(READY) ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

notebooks: $(READY) ## run every notebook and keep its outputs in place, to be committed
	@$(BIN)/python -m tools.build notebooks

test: test-fast ## everything that CI checks: lint, unit tests, doctests, coverage, strict nbval
	$(BIN)/python -m pytest $(TWO) --dist loadfile --nbval --nbval-current-env --no-cov $(NOTEBOOKS)

test-fast: lint ## the same without running the notebooks
	$(BIN)/python -m pytest $(TWO) --dist worksteal --cov

# Old packages call what newer ones deprecate, so such warnings are no errors here.
test-matrix: ## the unit tests on the oldest packages allowed, on Colab's, and on the newest
	@mkdir -p build/matrix
	@sed 's/>=\([0-9.]*\)/==\1.*/' requirements.txt > build/matrix/oldest.txt
	@printf '%s\n' $(COLAB) > build/matrix/colab.txt
	@: > build/matrix/newest.txt
	@for row in $(MATRIX); do \
		echo "test-matrix: $$row" && \
		$(PYTHON) -m venv --clear build/matrix/$$row && \
		build/matrix/$$row/bin/python -m pip install --quiet --disable-pip-version-check \
			--constraint build/matrix/$$row.txt -e '.[notebooks,sweep,test]' && \
		build/matrix/$$row/bin/python -m pytest --quiet $(TWO) --dist worksteal \
			-W ignore::DeprecationWarning || exit 1; \
	done

lint: $(READY) ## check style and format of code and notebooks, and the rule of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

bench: $(READY) ## measure speed and memory, and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

systems: $(READY) ## run every recipe in full at 192 px, for benchmarks/SYSTEMS.md and the README
	$(BIN)/python -m benchmarks.systems

sweeps: $(READY) ## run the grids of notebook 05 in data/sweeps/, as far as results are missing
	@for plan in data/sweeps/*.toml; do $(BIN)/stylelib sweep $$plan || exit 1; done

badges: $(READY) ## make badges REPOSITORY=https://github.com/you/fork: where Colab finds the series
	@$(BIN)/python -m tools.badges "$(REPOSITORY)"

audit: ## look up known weaknesses of everything in requirements.lock; needs the internet
	@$(PYTHON) -m venv build/audit
	@build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	build/audit/bin/pip-audit --require-hashes --disable-pip -r requirements.lock

lock: ## resolve requirements.lock anew, for every Python and platform at once
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	build/lock/bin/uv pip compile pyproject.toml --quiet --extra notebooks --extra sweep --extra test --upgrade \
		--universal --python-version 3.10 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make lock" -o requirements.lock

clean: ## remove what was built; .venv stays
	rm -rf build .pytest_cache .ruff_cache .hypothesis .coverage
