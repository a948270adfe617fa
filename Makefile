# Every target says what it needs; `make help` lists them.
SHELL := /bin/bash
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/perfvt
# Ubuntu keeps newer Rusts in folders of their own; one from rustup wins.
VERSIONED_RUST := $(patsubst %/cargo,%,$(lastword $(sort $(wildcard /usr/lib/rust-1.*/bin/cargo))))
export PATH := $(HOME)/.cargo/bin:$(if $(VERSIONED_RUST),$(VERSIONED_RUST):)$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup setup-test build package demo test quick lint soak bench screenshots docs clean-cache

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## install what is missing to build perfvt and to boot guests (sudo when not root)
	@scripts/setup.sh

setup-test: setup ## install what only the tests need
	@scripts/setup-test.sh

build: ## build target/release/perfvt
	cargo build --release --locked

package: ## a .deb and an .rpm in target/package
	@scripts/package.sh

demo: setup build ## collect a small campaign in real guests, compare it, write demo/report.html
	rm -rf demo
	$(or $(CARGO_TARGET_DIR),target)/release/perfvt demo

test: setup-test ## all tests, real guests included
	@scripts/test.sh

quick: ## the tests that boot no guest, in a minute or two
	@PERFVT_NO_GUESTS=1 scripts/test.sh

lint: ## formatting, clippy and rustdoc without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

soak: export PERFVT_SOAK = 1
soak: setup-test ## what takes longer: full simulations, long fuzzing
	@scripts/soak.sh

bench: setup build ## time a guest's boot against a bare initramfs, among others
	cargo bench --workspace --locked

screenshots: setup-test build ## the pictures of the report in the documentation
	@scripts/screenshots.sh

docs: ## the site of the documentation, target/book/index.html
	@scripts/docs.sh

clean-cache: ## remove downloaded packages and built guest images
	rm -rf "$(CACHE)"
