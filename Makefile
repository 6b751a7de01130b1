# Needs Python >= 3.11 and make, nothing else. `make help` lists what there is.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= out
# Processes that `make test` spreads the suite over; 3 GB of memory each.
WORKERS ?= 2
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# What takes minutes; the others need arguments (twin), or an hour (worlds, scaling), and are run by hand.
BENCHES := build_examples solid surface splats rasterizer memory generate author_splats

export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

.PHONY: help setup demo test lint bench gpu nightly clean
.DEFAULT_GOAL := help

help:
	@echo "make setup    install lyra-sim and its tools into $(VENV) (about 4 GB; once)"
	@echo "make demo     setup, then build examples/scenes.yaml into $(OUT)/"
	@echo "make test     setup, then the test suite and the checks of make lint"
	@echo "make lint     style, formatting, types, import contract"
	@echo "make bench    measure this machine: prints the tables of BENCHMARKS.md"
	@echo "make gpu      the tests that need a CUDA device"
	@echo "make nightly  the long tests"
	@echo "make clean    remove build products and caches; $(VENV) and $(OUT) stay"

setup: $(STAMP)

# Rerun only when what is installed could have changed. The stamp is written last, so a broken install is repeated.
$(STAMP): pyproject.toml packages/lyra2/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "lyra-sim needs Python >= 3.11; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "$(PYTHON) can't make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,physics,video,heic,record3d,rosbag,exr]' --editable packages/lyra2
	$(BIN)/python -m pip check
	@touch $@

demo: setup
	$(BIN)/lyra-sim build examples/scenes.yaml --out $(OUT)
	@for scene in small_house small_house_photos livingroom; do \
	  echo "$$scene: stage $(OUT)/$$scene/world/world.usda, report $(OUT)/$$scene/report.html"; done

# Whole files go to a process, so that what a file's tests share is made once; in what order: FIRST in tests/conftest.py.
test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	@set -e; for name in $(BENCHES); do $(BIN)/python benchmarks/$$name.py; done

gpu: setup
	@$(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || \
	  { echo "make gpu: torch sees no CUDA device here, so nothing was tested." >&2; exit 1; }
	@$(BIN)/python -m pytest -m gpu; status=$$?; \
	  if [ $$status -eq 5 ]; then echo "make gpu: no test needs a CUDA device yet, so nothing was tested." >&2; fi; exit $$status

nightly: setup
	$(BIN)/python -m pytest -m nightly

clean:
	rm -rf build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find lyra_sim packages tests -name __pycache__ -type d -prune -exec rm -rf {} +
