# Everything one does with this repository. `make` alone prints the targets.

PYTHON ?= python3
ASKED := $(filter-out file,$(origin PYTHON))
VENV := .venv
LOCK := requirements.lock
BIN := $(VENV)/bin
TOOLS := build/tools
UV := $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
MATRIX ?= oldest colab newest
# As announced in googlecolab/colabtools, issue 5489.
COLAB := tensorflow==2.19.0 keras==3.10.0 numpy==2.0.2 ipython==7.34.0 ipywidgets==7.7.1
# Tests wait for one core, for disks and for sleeps; more than two at once want more memory.
TWO := -n 2
# Two runs at once, each with two threads on two cores, would wait for one another. Tests that call
# make mean one of their own, with no part in the jobs of this one.
THREADS := env -u MAKEFLAGS TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

# What these say belongs to another environment, or to another choice of tests.
unexport PYTHONHOME PYTHONPATH PYTHONOPTIMIZE PYTHONSAFEPATH PYTEST_ADDOPTS PYTEST_PLUGINS

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: browse help setup first tutorial site lab notebooks test test-code test-fast test-site test-matrix package audit lint bench systems sweeps figures badges offline-bundle student lock clean $(TOOLS)

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# $(call environment,folder,lock,options): make a virtual environment, or find it as it should be.
define environment
@if [ "$$($(1)/bin/python -V 2>/dev/null)" $(if $(ASKED),= "$$("$(PYTHON)" -V 2>&1)") ]; then \
	$(1)/bin/python -m tools.environment $(1) $(2) $(3) --update || exit; \
	[ -f $(1)/.ready ] && exit; \
fi; \
"$(PYTHON)" -V >/dev/null 2>&1 || \
	{ echo "make: expected Python 3.10 to 3.13, found no '$(PYTHON)'; name one with: make PYTHON=python3.12" >&2; exit 1; }; \
"$(PYTHON)" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
	{ echo "make: expected Python 3.10 to 3.13, '$(PYTHON)' is $$("$(PYTHON)" -V 2>&1); name one with: make PYTHON=python3.12" >&2; exit 1; }; \
"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
	{ echo "make: '$(PYTHON)' lacks the venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
echo "Making $(1) from $(2)$(4)"; \
"$(PYTHON)" -m tools.environment $(1) $(2) $(3) $(if $(WHEELS),--wheels "$(WHEELS)")
endef

setup: ## make .venv with exactly the packages of requirements.lock
	$(call environment,$(VENV),$(LOCK),--project,: about 3 GB and a few minutes the first time)

# Smaller than what is painted by default, with a style weight for this pair, so that none is searched.
FIRST := --size 384 --style-weight 7e-3

first: setup ## paint a first picture, build/first.png: about a minute
	@echo "Painting summer_palace.jpg in the manner of starry_night.jpg: about a minute on two cores"
	@mkdir -p build
	@$(BIN)/stylelib transfer data/images/summer_palace.jpg data/images/starry_night.jpg \
		-o build/first.png $(FIRST)

tutorial: setup ## write the book to build/tutorial/, and run every notebook into it
	@$(BIN)/python -m tools.build tutorial

site: setup ## write the book to build/site/ with the committed outputs, without running anything
	@$(BIN)/python -m tools.build site

lab: setup ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

notebooks: setup ## run every notebook and keep its outputs in place, to be committed
	@$(BIN)/python -m tools.build notebooks

# The book is built and looked at meanwhile: by itself that would leave one core idle.
test: lint ## everything that CI checks: lint, unit tests, doctests, coverage, strict nbval, the book
	@$(MAKE) --no-print-directory -j 2 test-code test-site

test-code: setup
	$(THREADS) $(BIN)/python -m pytest -p no:nbval $(TWO) --dist worksteal --cov
	$(THREADS) TQDM_DISABLE=1 $(BIN)/python -m pytest $(TWO) --dist loadfile --nbval --nbval-current-env --no-cov \
		--nbval-sanitize-with notebooks/nbval.cfg notebooks

test-fast: lint ## lint, and what is quick: no slow tests, few examples of each property
	$(THREADS) $(BIN)/python -m pytest -p no:nbval $(TWO) --dist worksteal \
		-m "not slow" --hypothesis-profile fast

# Only here is a resolver at work: which packages an index has today is the question.
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
			--constraint build/matrix/$$row.txt -e '.[notebooks,book,sweep,test]' && \
		build/matrix/$$row/bin/python -m pytest --quiet $(TWO) --dist worksteal \
			-W ignore::DeprecationWarning || exit 1; \
	done

# Chromium alone is not a package of Python's; .ci/run installs it where it may.
test-site: site ## look at build/site/ with Chromium: formulas, pictures, phone, contrast, search, links
	@if command -v chromium google-chrome chrome >/dev/null; then \
		$(MAKE) --no-print-directory browse; \
	else \
		echo "test-site: skipped, there is no Chromium; on Debian: apt-get install chromium"; \
	fi

browse: $(TOOLS)
	$(TOOLS)/bin/python -m pytest --quiet --confcutdir tests/site -p no:cacheprovider tests/site

# Nothing is uploaded: `twine upload build/package/*` does that. Who publishes it adds an address to write to.
package: $(TOOLS) ## write wheel and sdist to build/package/, and check what an index would show
	rm -rf build/package build/lib build/bdist.*
	$(TOOLS)/bin/python -m build --quiet --outdir build/package
	$(TOOLS)/bin/python -m twine check --strict build/package/*
	$(TOOLS)/bin/python -m pyroma --min 9 --skip-tests AuthorEmail build/package/*.tar.gz

lint: setup ## check style and format of code and notebooks, and the rule of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

bench: setup ## measure speed and memory, and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

systems: setup ## paint every recipe in full at 400 px, for benchmarks/SYSTEMS.md and docs/systems.md
	$(BIN)/python -m benchmarks.systems

sweeps: setup ## run the grids of notebook 05 in data/sweeps/, as far as results are missing
	@for plan in data/sweeps/*.toml; do $(BIN)/stylelib sweep $$plan || exit 1; done

figures: setup ## paint what notebooks show and may not take the time for, as far as it is missing; hours
	$(BIN)/python -m tools.diagram
	$(BIN)/python -m tools.film
	@$(BIN)/python -m tools.figures

badges: setup ## write into notebooks and README where Colab finds them; REPOSITORY=… or none
	@$(BIN)/python -m tools.badges "$(REPOSITORY)"

offline-bundle: setup ## write build/offline/: this repository and its packages, for machines without internet
	@$(BIN)/python -m tools.offline

student: setup ## write build/student/: the series without solutions, answers and outputs, for a class
	@$(BIN)/python -m tools.student

$(TOOLS): ; $(call environment,$@,tools/requirements.lock)

# Strict: a package that could not be looked up is no package without weaknesses.
audit: $(TOOLS) ## look up known weaknesses of everything in requirements.lock; needs the internet
	$(TOOLS)/bin/python -m pip_audit --strict --require-hashes --disable-pip -r requirements.lock

# The second command fails where a package has no wheel, the last one resolves the tools themselves.
lock: $(TOOLS) ## resolve requirements.lock anew, for every Python and platform at once
	$(UV) pyproject.toml --extra notebooks --extra book --extra sweep --extra test --upgrade \
		--build-constraints requirements.lock -o requirements.lock
	$(UV) requirements.lock --no-deps --no-build > /dev/null
	$(UV) tools/requirements.txt --upgrade --no-build -o tools/requirements.lock

clean: ## remove what was built; .venv stays
	rm -rf build .pytest_cache .ruff_cache .hypothesis .coverage
