# Every target makes and uses ./.venv. It needs Python 3.11 or newer with venv, and nothing else that is installed.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
INSTALL := $(PYTHON) -m pip install --disable-pip-version-check --quiet --constraint constraints.txt
# Where Python may not write beside what it runs, it would compile everything at each start.
COMPILE = $(PYTHON) -m compileall -q features models training serving recoup
RUN_SET := $(VENV)/.installed-run
TEST_SET := $(VENV)/.installed-test
WORKERS ?= 2
# Words handed on to the program of a target, as in: make demo ARGS="--once --port 0"
ARGS ?=

# Many small fits run beside each other: one thread each is faster, and the same on every machine.
test check bench-ranking bench-remits bench-intake bench-hardness bench-one-row bench-rules bench-pricing bench-bands bench-policy-value bench-audit bench-gates bench-drift bench-packets: export OMP_NUM_THREADS := 1

.PHONY: help
help: ## print the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

$(PYTHON):
	@python=; for name in python3 python3.13 python3.12 python3.11; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "recoup needs Python 3.11 or newer; this machine has $$(python3 --version 2>/dev/null || echo none)" >&2; exit 1; fi; \
	if ! $$python -c 'import venv, ensurepip' 2>/dev/null; then \
	  echo "recoup needs Python's venv and pip; on Debian and Ubuntu, as root: apt-get install python3-venv" >&2; exit 1; fi; \
	echo "making ./$(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV)

$(RUN_SET): pyproject.toml constraints.txt | $(PYTHON)
	@echo "installing what recoup runs with"
	@$(INSTALL) --editable .
	@$(COMPILE)
	@touch $@

$(TEST_SET): pyproject.toml constraints.txt | $(PYTHON)
	@echo "installing what recoup runs with and is tested with"
	@$(INSTALL) --editable '.[test,check]'
	@$(COMPILE)
	@touch $@ $(RUN_SET)

.PHONY: setup
setup: $(RUN_SET) ## make ./.venv and install recoup into it

.PHONY: setup-system
setup-system: ## install what the tests need from the system (Chromium, LibreOffice's writer, Java; apt, as root)
	@missing=; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	command -v soffice >/dev/null || missing="$$missing libreoffice-writer-nogui"; \
	command -v java >/dev/null || missing="$$missing default-jre-headless"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "missing:$$missing, which the tests of pages, packets and Spark drive; on Debian, as root: make setup-system" >&2; exit 1; fi; \
	echo "installing$$missing"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null

.PHONY: demo
demo: $(RUN_SET) ## make a synthetic practice, train, rank, and show the page
	$(BIN)/recoup demo $(ARGS)

.PHONY: test
test: setup-system check ## everything that CI runs: the checks, then all tests and doctests
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)

.PHONY: check
check: $(TEST_SET) ## the fast part: style, formatting, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: docs
docs: $(RUN_SET) ## write the pages of docs/ that are made from the code
	$(PYTHON) -m recoup.dictionary > docs/data-dictionary.new && mv docs/data-dictionary.new docs/data-dictionary.md
	$(PYTHON) -m recoup.manual > docs/cli.new && mv docs/cli.new docs/cli.md
	$(PYTHON) -m tests.spec.findings_page > docs/findings.new && mv docs/findings.new docs/findings.md
	$(PYTHON) -m recoup.rights > docs/rights.new && mv docs/rights.new docs/rights.md
	$(PYTHON) -m tests.spec.rules_page > docs/rules.new && mv docs/rules.new docs/rules.md
	$(PYTHON) -m features.contract.page > docs/pricing.new && mv docs/pricing.new docs/pricing.md

.PHONY: bench-ranking
bench-ranking: $(RUN_SET) ## share of the recoverable dollars that the ranking captures, six synthetic practices
	$(PYTHON) -m benchmarks.ranking $(ARGS)

.PHONY: bench-hardness
bench-hardness: $(RUN_SET) ## how hard the synthetic practices are for simple rules
	$(PYTHON) -m benchmarks.hardness $(ARGS)

.PHONY: bench-remits
bench-remits: $(RUN_SET) ## speed of the 835 reader
	$(PYTHON) -m benchmarks.remits $(ARGS)

.PHONY: bench-intake
bench-intake: $(RUN_SET) ## speed of reading and writing tables
	$(PYTHON) -m benchmarks.intake $(ARGS)

.PHONY: bench-rules
bench-rules: $(RUN_SET) ## a million write-offs triaged, priced and dated
	$(PYTHON) -m benchmarks.rules $(ARGS)

.PHONY: bench-pricing
bench-pricing: $(RUN_SET) ## speed of contract pricing
	$(PYTHON) -m benchmarks.pricing $(ARGS)

.PHONY: bench-bands
bench-bands: $(RUN_SET) ## how often what comes in lies in the bands of summed dollars
	$(PYTHON) -m benchmarks.bands $(ARGS)

.PHONY: bench-policy-value
bench-policy-value: $(RUN_SET) ## error of the estimated value of an order of work, against known truth
	$(PYTHON) -m benchmarks.policy_value $(ARGS)

.PHONY: bench-gates
bench-gates: $(RUN_SET) ## sabotaged outcomes never pass the gates of a retraining, equal models seldom
	$(PYTHON) -m benchmarks.gates $(ARGS)

.PHONY: bench-packets
bench-packets: $(RUN_SET) ## a thousand packets: no placeholder left, every figure the row's
	$(PYTHON) -m benchmarks.packets $(ARGS)

.PHONY: bench-drift
bench-drift: $(RUN_SET) ## a payer's change of mind is found in time, and false alarms are as few as stated
	$(PYTHON) -m benchmarks.drift $(ARGS)

.PHONY: bench-load
bench-load: $(RUN_SET) ## the service under load beside MLflow's and an empty route (wrk from apt)
	$(PYTHON) -m benchmarks.load $(ARGS)

.PHONY: bench-kill
bench-kill: $(TEST_SET) ## workers and the service killed hundreds of times, on both databases, and what is left
	$(PYTHON) -m benchmarks.kill $(ARGS)

.PHONY: bench-retrain
bench-retrain: $(RUN_SET) ## time and memory of a retraining on a million write-offs
	$(PYTHON) -m benchmarks.retrain $(ARGS)

.PHONY: bench-queue
bench-queue: $(TEST_SET) ## take-next among 100,000 open items by 20 clients, and lists of them; both databases
	$(PYTHON) -m benchmarks.queue $(ARGS)

.PHONY: bench-pages
bench-pages: $(TEST_SET) ## pages of the queue among 100,000 open items: milliseconds at the server
	$(PYTHON) -m benchmarks.pages $(ARGS)

.PHONY: screenshots
screenshots: $(TEST_SET) ## pictures of the work queue for docs/
	$(PYTHON) -m benchmarks.screenshots

.PHONY: bench-trail
bench-trail: $(TEST_SET) ## 500 tamperings with the access log found, its speed, what it adds to a change; both databases
	$(PYTHON) -m benchmarks.trail $(ARGS)

.PHONY: bench-description
bench-description: $(TEST_SET) ## requests made from the description of the API, as two identities, all checks of schemathesis
	$(PYTHON) -m benchmarks.description $(ARGS)

.PHONY: bench-audit
bench-audit: $(RUN_SET) ## a million write-offs audited with 200,000 claims; whether the estimate lies in its band
	$(PYTHON) -m benchmarks.audit $(ARGS)

.PHONY: bench-kills-of-retrain
bench-kills-of-retrain: $(RUN_SET) ## a retraining killed at every step: the champion serves on, the rerun completes
	$(PYTHON) -m benchmarks.kills_of_retrain $(ARGS)

.PHONY: bench-one-row
bench-one-row: $(RUN_SET) ## time to score one write-off, with and without reasons
	$(PYTHON) -m benchmarks.one_row $(ARGS)

.PHONY: bench-speed
bench-speed: $(TEST_SET) ## speed against peers, one table with the bar that each row must reach
	$(PYTHON) -m benchmarks.speed $(ARGS)

.PHONY: constraints
constraints: ## write constraints.txt anew: what a new environment resolves to today
	rm -rf build/constraints
	$$(readlink -f $(PYTHON)) -m venv build/constraints
	build/constraints/bin/pip install --disable-pip-version-check --quiet '.[test,check]'
	{ sed -n '/^#/p' constraints.txt; build/constraints/bin/pip freeze | grep -v '^recoup' | sort -f; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/constraints

.PHONY: clean
clean: ## remove ./.venv, caches and build output; ./var, with models and data, stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
