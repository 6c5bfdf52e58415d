# Copyright: Conductor contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Two commands are enough: `make install` and `make test`.

# The cluster is chosen on the command line alone. A KUBECONFIG that merely is in the environment counts only
# together with CONTEXT on the command line.
ifneq ($(origin CONTEXT),command line)
override CONTEXT :=
ifneq ($(origin KUBECONFIG),command line)
override KUBECONFIG :=
endif
endif

NAME := conductor
ROUNDS := 5

export CONDUCTOR_CACHE := $(abspath $(or $(CONDUCTOR_CACHE),.cache))
suites := PYTHONPATH=tools/suites .venv/bin/python -m conductor_suites
bench := PYTHONPATH=tools/bundles:.ansible/collections .venv/bin/python -m tests.bench

.DEFAULT_GOAL := help
.PHONY: help setup setup-test install verify test lint unit evidence docs artifact bench cluster down clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Make the environment for Ansible and the collections path, inside the clone
	@tools/setup/setup runtime

setup-test:
	@tools/setup/setup test

install: setup ## Install on a local kind cluster, or: CONTEXT=name [KUBECONFIG=path]
	@tools/setup/play install '$(CONTEXT)' '$(KUBECONFIG)'

verify: setup ## Check an installation, changing nothing; the cluster is chosen as for install
	@tools/setup/play verify '$(CONTEXT)' '$(KUBECONFIG)'

test: setup-test ## Run every check and test, those on a real kind cluster included
	@$(suites)

lint: setup-test ## Run the static checks alone
	@$(suites) --tier static

unit: setup-test ## Run the unit tests alone
	@$(suites) --tier unit

evidence: ## Run everything, the long tests as well, and write docs/evidence.md; goes on where it was cut off
	@tools/setup/setup evidence
	@$(suites) --evidence docs/evidence.md

docs: ## Generate the tables and build the documentation site in docs/_build/html
	@tools/setup/setup docs && tools/docs/generate && tools/docs/build

artifact: setup-test ## Build the tarball, byte for byte the same each time, and its bill of materials
	@PYTHONPATH=tools/artifact .venv/bin/python -m conductor_artifact

bench: setup-test ## Measure beside kubectl and kubernetes.core, and installs on fresh local clusters: ROUNDS=5
	@$(bench).side_by_side --rounds $(ROUNDS)
	@$(bench).fresh_install --rounds $(ROUNDS)

cluster: ## Bring up a local kind cluster: NAME=conductor
	@tools/cluster/cluster up "$(NAME)"

down: ## Delete a local kind cluster: NAME=conductor
	@tools/cluster/cluster down "$(NAME)"

clean: ## Remove what setup and tests made; caches (.cache) and clusters stay
	rm -rf .venv .venvs .ansible tests/output docs/_build
