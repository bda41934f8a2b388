# make demo: generate, look at and verify one 2D and one 3D data set.   make test, make check: what CI runs.
# make bench SUITE=storage: one of those that `python -m bench` lists; results go to bench/results/.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= out
SUITE ?= stages
# Byte code of what raysynth imports, once: pip would compile all of every library, which takes minutes.
COMPILE := $(BIN)/python -m bench byte_code

.PHONY: setup setup-dev demo test check docs bench clean
.DELETE_ON_ERROR:

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

# Each stamp is older than what it was made from only when an install is due.
$(VENV)/.installed: pyproject.toml constraints.txt
	@start=$$(date +%s); \
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); \
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt -e . && $(COMPILE) && touch $@ && \
	echo "raysynth installed in $(VENV) in $$(( $$(date +%s) - start )) s"

$(VENV)/.installed-dev: $(VENV)/.installed
	@start=$$(date +%s); \
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt -e '.[dev]' && $(COMPILE) && touch $@ && \
	echo "developer tools installed in $$(( $$(date +%s) - start )) s"

demo: setup
	@start=$$(date +%s); set -e; \
	for name in demo-2d demo-3d; do \
		$(BIN)/raysynth generate configs/$$name.yaml --out $(OUT)/$$name.zarr; \
		$(BIN)/raysynth preview $(OUT)/$$name.zarr $(OUT)/$$name.png; \
		$(BIN)/raysynth verify $(OUT)/$$name.zarr; \
	done; \
	echo "demo finished in $$(( $$(date +%s) - start )) s: look at $(OUT)/demo-2d.png and $(OUT)/demo-3d.png"

test: setup-dev
	$(BIN)/python -m pytest --cov --numprocesses 2 --dist loadgroup

check: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: setup-dev
	$(BIN)/python -m bench settings_page > docs/configuration.md
	$(BIN)/python -m bench geometry_plots
	$(BIN)/python -m bench performance_plots
	$(BIN)/python -m bench table_plots

bench: setup-dev
	$(BIN)/python -m bench $(SUITE) $(OPTIONS)

clean:
	rm -rf $(OUT) build dist .coverage .mypy_cache .pytest_cache .ruff_cache
