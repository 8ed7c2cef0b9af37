# Everything a fresh machine with Python 3.11+, git and make needs: `make demo`, `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check format stock names public-tokenizers bench-accuracy bench-attribution bench-calibration bench-checkpoints bench-configs bench-copied-from bench-declared bench-kernels bench-paraphrases bench-speed bench-unrelated bench-weights bench-weights-speed clean

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@

demo: $(VENV)/.installed ## scan the rewritten sample against the original, with what else could explain it
	$(BIN)/codeclone scan samples/rewritten samples/original --ancestor samples/upstream --claimed samples/independent -o codeclone-report.html -o codeclone-report.json
	@echo "Open $(CURDIR)/codeclone-report.html in a browser."

test: check ## lint, types and all tests
	$(BIN)/python -m pytest

check: $(VENV)/.tested ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

stock: $(VENV)/.installed ## rebuild the shipped background of code facts from benchmarks/stock-index.txt
	$(BIN)/python benchmarks/build_stock.py

public-tokenizers: $(VENV)/.installed ## rebuild the shipped tables of public tokenizers
	$(BIN)/python benchmarks/build_public_tokenizers.py

bench-configs: $(VENV)/.installed ## how often the settings of unrelated model families agree
	$(BIN)/python benchmarks/configs.py

bench-attribution: $(VENV)/.installed ## is the true source of a derivative named beside other ports of it?
	$(BIN)/python benchmarks/attribution.py

bench-accuracy: $(VENV)/.installed ## are copies found after they were rewritten, and by other tools?
	$(BIN)/python benchmarks/accuracy.py

bench-calibration: $(VENV)/.installed ## verdicts between repositories that did not copy from each other; rewrites the reference distributions
	$(BIN)/python benchmarks/calibration.py

bench-checkpoints: $(VENV)/.installed ## time and memory for checkpoints of 3 GB and tokenizers of 200,000 tokens
	$(BIN)/python benchmarks/checkpoints.py

bench-copied-from: $(VENV)/.installed ## is the marked source of each `# Copied from` function the first choice?
	$(BIN)/python benchmarks/copied_from.py

bench-declared: $(VENV)/.installed ## is the file that a file declares as its source the first choice?
	$(BIN)/python benchmarks/declared.py

bench-paraphrases: $(VENV)/.installed ## functions reworked by hand, and common components written independently
	$(BIN)/python benchmarks/paraphrased.py

bench-speed: $(VENV)/.installed ## a cold scan as a multiple of tree-sitter's own parse
	$(BIN)/python benchmarks/speed.py

bench-unrelated: $(VENV)/.installed ## best pairs between unrelated packages: what the levels rest on
	$(BIN)/python benchmarks/unrelated.py

bench-weights: $(VENV)/.installed ## power and errors of each rung of the ladder of weights; trains small models, rewrites docs/weights.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[bench]"
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/weights.py

bench-weights-speed: $(VENV)/.installed ## time and memory for the weights of checkpoints of 2 GB and more
	$(BIN)/python benchmarks/weights_speed.py

bench-kernels: $(VENV)/.installed ## copies, relatives and strangers among packages with kernels
	$(BIN)/python benchmarks/kernels.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
