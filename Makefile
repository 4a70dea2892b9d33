# One named command per wish. `make demo` and `make test` need Python >= 3.11 and Rust, and nothing else.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp
DOCS := .venv-docs/.stamp
TORCH := .venv-torch/.stamp
CORE := .venv/.core
PYTEST := $(BIN)/pytest --numprocesses auto --dist worksteal
GRAPHS ?= ../shared/data/testbed
RESULTS ?= testbed-results
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
SOURCES := $(shell find rust -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock pyproject.toml

.PHONY: demo test lint rust-lint python-lint rust-test python-test torch-test bench totals testbed regal fix soak fuzz proofs clean docs

# Solve a real network: ResNet-50, as the onnx package carries it.
demo: $(CORE)
	$(BIN)/slicegraph solve "$$($(BIN)/python -c 'import onnx, pathlib; print(pathlib.Path(onnx.__file__).parent / "backend/test/data/light/light_resnet50.onnx")')" \
		-k 8 --device testbed --time-limit 5

# All tests and lints; the examples are the same each time. The release build is one thread for most of its time: Rust's
# tests are compiled beside it.
test:
	$(MAKE) --jobs=2 $(CORE) rust-test
	$(MAKE) --jobs=2 lint
	$(MAKE) python-test

lint: rust-lint python-lint

rust-lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --document-private-items

python-lint: $(CORE)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/stubtest slicegraph._core
	$(BIN)/lint-imports
	$(BIN)/typos

rust-test:
	cargo test --workspace --exclude slicegraph-benches --locked

python-test: $(CORE)
	$(PYTEST)

# What reads, cuts and runs PyTorch models, in an environment of its own: PyTorch is large, and no part of `make test`.
torch-test: $(TORCH) $(CORE)
	VIRTUAL_ENV="$(CURDIR)/.venv-torch" $(BIN)/maturin develop --release --locked --quiet
	.venv-torch/bin/python -m pytest --numprocesses auto --dist worksteal $(shell find tests -name 'test_torch*.py')

# Speed: criterion, pytest-benchmark, and a graph of a million nodes.
bench: $(CORE)
	cargo bench --package slicegraph-benches --locked
	$(BIN)/python benches/growth.py
	$(BIN)/pytest benches
	$(BIN)/python benches/large.py

# Totals of real architectures beside what others say of them, into benches/record.
totals: $(TORCH) $(CORE)
	PYTHONPATH=python:benches .venv-torch/bin/python -m totals benches/record

# The paper's tables and figures over a folder of graphs. ARGS: see benches/README.md.
testbed: $(CORE)
	PYTHONPATH=benches $(BIN)/python -m testbed $(GRAPHS) $(RESULTS) $(ARGS)

# The same over the paper's second test set: 1,000 seeded random graphs after REGAL's four models, made when needed.
regal: $(CORE)
	PYTHONPATH=benches $(BIN)/python -m testbed regal $(RESULTS)-regal $(ARGS)

# Rewrite what the formatters and the fixable lints complain of.
fix: $(STAMP)
	cargo fmt --all
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The property tests at length, each time with other examples; a seed that is printed gives them again: SEED=...
soak: $(CORE)
	PROPTEST_RNG_SEED=$(SEED) PROPTEST_CASES=100000 cargo test --release --workspace --locked
	HYPOTHESIS_PROFILE=soak $(PYTEST) --hypothesis-seed=$(SEED)

# The site, from docs and docstrings; a broken link or an unknown name is an error.
docs: $(DOCS)
	.venv-docs/bin/mkdocs build --strict

# Changed inputs of every kind, for ten minutes at most; only refusals may come of them. ARGS: see tests/fuzz/runner.py.
fuzz: $(CORE)
	cd tests && ../$(BIN)/python -m fuzz $(ARGS)

# Proofs of ten thousand small problems of every feature: both checkers prove what is true, and refuse what is not.
proofs: $(CORE)
	cd tests && ../$(BIN)/python -m proofs $(ARGS)

clean:
	rm -rf .venv .venv-docs .venv-torch site target

$(DOCS): pyproject.toml
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-docs/bin/python -m pip install --quiet --group docs
	touch $@

$(TORCH): pyproject.toml
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-torch/bin/python -m pip install --quiet --group torch
	touch $@

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

$(CORE): $(STAMP) $(SOURCES)
	VIRTUAL_ENV="$(CURDIR)/.venv" $(BIN)/maturin develop --release --locked
	touch $@
