# Every target works without network once `cargo fetch` and `make servers` have run.
.DEFAULT_GOAL := help
FEATURES := --features portolan-controller/fail-points
BINARIES := -p portolan-testbed -p portolan-supply-chain -p portolan-delivery -p portolan-cli

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: preflight
preflight:
	@hack/preflight.sh

.PHONY: demo
demo: preflight ## Watch changes travel through three clusters. KEEP=1 leaves all up; NODES=real or fake; CHAOS=1 [SEED=n].
	@$(if $(filter real,$(NODES)),hack/nodes.sh,:)
	@cargo build $(BINARIES) $(FEATURES)
	@target/debug/portolan-testbed build >/dev/null
	@target/debug/portolan-testbed demo $(if $(NODES),--nodes $(NODES)) \
		$(if $(CHAOS),--chaos) $(if $(SEED),--seed $(SEED)) \
		$(if $(KEEP),--keep $(or $(DIR),$(CURDIR)/target/demo-$(shell date +%s)))

.PHONY: image
image: ## Pack the programs into target/image, an OCI layout. PUSH=registry/name:tag pushes it too.
	@PORTOLAN_REVISION=$$(git describe --always --dirty --abbrev=40 --exclude='*') cargo build --release -p portolan-supply-chain -p portolan-delivery -p portolan-cli
	@cargo build -p portolan-testbed
	@target/debug/portolan-testbed image --output target/image \
		$(if $(PUSH),--push $(PUSH)) $(if $(PLAIN_HTTP),--plain-http)

.PHONY: test
test: preflight ## All checks and tests; the last line counts them.
	@hack/test.sh

.PHONY: build
build: ## Compile the programs.
	cargo build --workspace --bins

.PHONY: check
check: ## Formatting and lints only.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets $(FEATURES) -- -D warnings

.PHONY: fmt
fmt: ## Format the code.
	cargo fmt --all

.PHONY: scenarios
scenarios: ## The stories over the pure plan; UPDATE_GOLDEN=1 rewrites what they expect.
	cargo test -p portolan-tests --test scenarios

.PHONY: generate
generate: ## Write config/crd from the types of crates/api.
	cargo run --quiet -p portolan-cli --bin portolan -- crds

.PHONY: servers
servers: preflight ## Build the server programs of tests and demo, once.
	cargo run --quiet -p portolan-testbed -- build

.PHONY: deny
deny: ## Licences, sources and advisories of the dependencies.
	hack/deny.sh

.PHONY: docs
docs: ## The API documentation of the crates.
	cargo doc --workspace --no-deps
