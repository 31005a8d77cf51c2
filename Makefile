PYTHON ?= python3
BIN := .venv/bin

TOOLS ?= $(HOME)/.cache/kfm-ci/tools
KINDS ?= python node go jvm debian rust

# Hundreds of complete gate runs, which take as long as all other tests together.
CORPUS := tests/integration/test_corpus.py tests/integration/test_server_rules.py

.PHONY: demo test test-corpus test-hostile test-tools test-container check words bench

.venv/ready: pyproject.toml constraints/ci.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/ci.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q kfm_ci
	touch $@

demo: .venv/ready
	bash examples/demo.sh $(BIN)/kfm-ci

# Tests that need no migration tool and no container engine.
test: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist loadfile $(CORPUS:%=--ignore=%) --ignore=tests/tools --ignore=tests/container

# The labelled changes, the examples of the server rules, and a third of the hostile changes, of which `test` runs less.
test-corpus: .venv/ready
	KFM_HOSTILE_SHARE=3 $(BIN)/python -m pytest -n 2 $(CORPUS) tests/hostile

# Every hostile change: about 900 runs of the gate.
test-hostile: .venv/ready
	KFM_HOSTILE_SHARE=1 $(BIN)/python -m pytest -n 2 tests/hostile

# Exits 75 with a message if no container engine runs or can be started.
test-container: .venv/ready
	tests/container/engine.sh $(BIN)/python -m pytest -n 0 tests/container

# Installs the migration tools under $(TOOLS) and compares them with kfm-ci's own runner.
# KINDS: the tools' package sources. The tools of `rust` are compiled, which takes six minutes on one processor.
test-tools: .venv/ready
	tests/tools/install.sh $(TOOLS) $(KINDS)
	KFM_TOOLS_CACHE=$(TOOLS) $(BIN)/python -m pytest tests/tools -rs

check: words
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The part of `check` that compares names and texts with the glossary.
words: .venv/ready
	$(BIN)/python .ci/words

bench: .venv/ready
	$(BIN)/python bench/gate.py
	$(BIN)/python bench/observer.py
	$(BIN)/python bench/check.py
	KFM_TOOLS_CACHE=$(TOOLS) $(BIN)/python bench/tools.py
	$(BIN)/python bench/commands.py
