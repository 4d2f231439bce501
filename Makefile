# Everything from a fresh machine: Python 3.11+ and make are enough. `make help` lists the targets.

PYTHON ?= python3
UV ?= uv

VENV := .venv
BENCH := benchmarks/.venv
TORCH := benchmarks/.torch
KENLM := benchmarks/.kenlm
INTEROP := benchmarks/.interop
# A build of torch for CPUs; give pip the index or the folder that has it (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS). A plain
# torch==2.13.0 serves too, and may bring gigabytes of CUDA with it.
TORCH_CPU ?= torch==2.13.0+cpu
# Wheels only, each checked against the lock file; the package itself is built by the locked hatchling.
INSTALL := -m pip --disable-pip-version-check --no-input install --quiet
LOCKED := $(INSTALL) --require-hashes --only-binary :all: --requirement
ITSELF := $(INSTALL) --no-deps --no-build-isolation --editable .
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
           --custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check axe docs reference transcripts lock bench-quality bench-unseen bench-ablation bench-performance bench-minibatch \
        bench-paradigms bench-scaling bench-edges bench-lm bench-lm-neural bench-methods bench-sgns bench-glove \
        bench-svd bench-softmax bench-theory bench-page interop check-torch check-kenlm clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.base ## set up, then text that ships inside Python -> vectors that know morphology
	$(VENV)/bin/morphvec demo

test: $(VENV)/.dev ## set up, then run the tests
	$(VENV)/bin/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev ## style, types and floors: ruff, mypy, import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

axe: $(VENV)/.dev ## axe-core on every view of the page, in Chromium (AXE=path/to/axe.min.js)
	@test -f "$(AXE)" || { echo "make: AXE=$(AXE) is no file; axe.min.js comes with the npm package axe-core; run: make axe AXE=PATH" >&2; exit 1; }
	MORPHVEC_AXE="$(abspath $(AXE))" $(VENV)/bin/python -m pytest -q tests/view/test_view_axe.py

docs: $(VENV)/.dev ## build the documentation into build/docs; a warning is an error
	$(VENV)/bin/python -m sphinx -q -W --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

reference: $(VENV)/.dev ## write docs/cli/ anew from the commands, as the tests want it
	$(VENV)/bin/python docs/tools/cli_reference.py

transcripts: $(VENV)/.dev ## run the commands on the pages of docs/ anew (those on real data need MORPHVEC_DATA)
	$(VENV)/bin/python docs/tools/consoles.py

lock: ## resolve requirements/*.txt anew (needs uv; UPGRADE=--upgrade takes newer versions)
	@command -v $(UV) >/dev/null || { echo "make: $(UV) not found; locking needs uv; run: pip install uv" >&2; exit 1; }
	$(COMPILE) --extra dev --extra docs pyproject.toml requirements/build.in --output-file requirements/dev.txt
	$(COMPILE) --constraint requirements/dev.txt pyproject.toml requirements/build.in --output-file requirements/base.txt
	$(COMPILE) --constraint requirements/dev.txt --extra bench pyproject.toml requirements/build.in --output-file requirements/bench.txt
	$(COMPILE) --constraint requirements/bench.txt --override requirements/without-torch.in pyproject.toml requirements/build.in \
	  requirements/interop.in --output-file requirements/interop.txt

bench-quality: $(BENCH)/.bench ## every method and peer on every text, into tables and figures (needs MORPHVEC_DATA; ARGS="--list")
	$(BENCH)/bin/python benchmarks/quality.py $(ARGS)

bench-unseen: $(BENCH)/.bench ## Finnish and Turkish words withheld from the text (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/unseen.py $(ARGS)

bench-ablation: $(BENCH)/.bench ## what each choice of the model brings, row by row (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/ablation.py $(ARGS)

bench-minibatch: $(BENCH)/.bench ## mini-batch solvers beside als, sampled edges, oversampling (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/minibatch.py $(ARGS)

bench-paradigms: $(BENCH)/.bench ## paradigms of held-out lemmas, and class collapse (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/paradigms.py $(ARGS)

bench-scaling: $(BENCH)/.bench ## time and memory against cells, words and the T x T form (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/scaling.py $(ARGS)
	$(BENCH)/bin/python benchmarks/token_token.py $(ARGS)

bench-edges: $(BENCH)/.bench ## ten million listed edges
	$(BENCH)/bin/python benchmarks/edges.py $(ARGS)

bench-lm: $(BENCH)/.bench ## n-gram language models: seconds, memory, perplexity by smoothing (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/lm_ngram.py $(ARGS)

bench-lm-neural: $(BENCH)/.bench ## n-grams of every order and smoothing, and the neural model (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/lm_neural.py $(ARGS)

bench-methods: $(BENCH)/.bench ## every method on the same text, constraints on each, SMF between SVD and SGNS (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/methods.py $(ARGS)
	$(BENCH)/bin/python benchmarks/between.py

bench-sgns: $(BENCH)/.bench ## sgns beside gensim: words a second and scores (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/sgns.py $(ARGS)

bench-glove: $(BENCH)/.bench ## glove beside the published program (needs MORPHVEC_DATA; ARGS="--glove BUILD")
	$(BENCH)/bin/python benchmarks/glove.py $(ARGS)

bench-svd: $(BENCH)/.bench ## truncated SVD beside scipy's (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/svd.py $(ARGS)

bench-performance: $(BENCH)/.bench ## speed and size beside the peers, row by row (needs MORPHVEC_DATA; ARGS="--only counting --glove BUILD")
	$(BENCH)/bin/python benchmarks/performance.py $(ARGS)

bench-softmax: $(BENCH)/.bench ## the full softmax against the vocabulary, beside sgns (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/softmax.py $(ARGS)

bench-theory: $(BENCH)/.bench ## learned scores of sgns against PMI - ln k (needs MORPHVEC_DATA)
	$(BENCH)/bin/python benchmarks/theory.py $(ARGS)

bench-page: $(VENV)/.dev ## the page of explore in Chromium: first view, typing, at 100,000 words
	$(VENV)/bin/python benchmarks/page.py $(ARGS)

interop: $(INTEROP)/.readers ## files of gensim and fastText read; ours loaded by every tool that they are for
	$(INTEROP)/bin/python benchmarks/interop.py $(ARGS)
	$(INTEROP)/bin/python benchmarks/interop_formats.py

check-torch: $(TORCH)/.peer ## autodiff beside PyTorch, and the neural language model's speed beside its
	$(TORCH)/bin/python -m pytest --numprocesses 0 tests/autodiff/test_autodiff_torch.py
	$(TORCH)/bin/python benchmarks/lm_torch.py $(ARGS)

check-kenlm: $(KENLM)/.peer ## KenLM reads our ARPA files (needs MORPHVEC_DATA; ARGS="--lmplz BUILD/bin/lmplz")
	$(KENLM)/bin/python -m pytest --numprocesses 0 tests/lm/test_lm_arpa.py
	$(KENLM)/bin/python benchmarks/lm_kenlm.py $(ARGS)

clean: ## remove the environments, caches and built files
	rm -rf $(VENV) $(BENCH) $(TORCH) $(KENLM) $(INTEROP) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: an environment is made once, and again only when what it was made from has changed.
define make_venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "make: $(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1);" \
       "morphvec needs Python 3.11 or newer; run: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
$(PYTHON) -m venv $(@D)
@touch $@
endef

$(VENV)/.made $(BENCH)/.made $(TORCH)/.made $(KENLM)/.made $(INTEROP)/.made:
	$(make_venv)

$(VENV)/.base: requirements/base.txt pyproject.toml | $(VENV)/.made
	$(VENV)/bin/python $(LOCKED) requirements/base.txt
	$(VENV)/bin/python $(ITSELF)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	$(VENV)/bin/python $(LOCKED) requirements/dev.txt
	@touch $@

$(BENCH)/.bench: requirements/bench.txt pyproject.toml | $(BENCH)/.made
	$(BENCH)/bin/python $(LOCKED) requirements/bench.txt
	$(BENCH)/bin/python $(ITSELF)
	@touch $@

# The last line of each is in no lock file: which wheel of PyTorch fits is up to the machine, and KenLM is built from source.
$(TORCH)/.peer: requirements/dev.txt pyproject.toml | $(TORCH)/.made
	$(TORCH)/bin/python $(LOCKED) requirements/dev.txt
	$(TORCH)/bin/python $(ITSELF)
	$(TORCH)/bin/python $(INSTALL) torch==2.13.0
	@touch $@

$(KENLM)/.peer: requirements/dev.txt pyproject.toml | $(KENLM)/.made
	$(KENLM)/bin/python $(LOCKED) requirements/dev.txt
	$(KENLM)/bin/python $(ITSELF)
	$(KENLM)/bin/python $(INSTALL) kenlm==0.3.0
	@touch $@

$(INTEROP)/.readers: requirements/interop.txt pyproject.toml | $(INTEROP)/.made
	$(INTEROP)/bin/python $(LOCKED) requirements/interop.txt --no-deps
	$(INTEROP)/bin/python $(INSTALL) --no-deps --only-binary :all: "$(TORCH_CPU)"
	$(INTEROP)/bin/python $(ITSELF)
	@touch $@
