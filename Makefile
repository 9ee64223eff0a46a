# Every recipe can be typed by hand: cargo does the work, this file only remembers the words.

CARGO ?= cargo
ROUNDS ?= 5
FUZZ_SECONDS ?= 20

.PHONY: all check test test-compose test-package ci deb interop setup fmt demo bench bench-pair bench-revocation bench-floods bench-streams fuzz-smoke mutants

all: check

# What a change must pass before it lands.
check:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	$(MAKE) test
	cargo-deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --locked check bans licenses sources

# Runs on a bare machine: what the tests need and is missing gets installed; a tool that cannot be had is a failure.
# The interop tests take the binary that cargo's tests have made: `cargo build` would compile the dependencies once more.
test: setup
	$(CARGO) test --locked
	tests/interop/run

# Real programs as peers: curl, openssl, nginx, HAProxy, wrk, gRPC, WebSocket.
interop: setup
	$(CARGO) build --locked
	tests/interop/run

# `deploy/compose` with images made of what is on this machine. Starts a Docker engine if none answers.
test-compose:
	tests/compose/setup
	$(CARGO) build --locked
	tests/compose/run

# The Debian package, installed on this machine, and taken away again.
test-package: setup
	tests/package/setup
	$(CARGO) build --locked
	tests/package/run

# All that CI runs: `make test`, and then the program that it has left, in a package and in containers. What is wrong
# with the one keeps nobody from learning what is wrong with the other.
ci: test
	tests/package/setup
	tests/compose/setup
	wrong=0; tests/package/run || wrong=1; tests/compose/run || wrong=1; exit $$wrong

# For Debian and what is made of it: target/debian/portreeve_*.deb
deb:
	tests/package/setup
	$(CARGO) build --locked --release
	deploy/debian/gather target/release/portreeve target/deb
	target/cargo-deb/bin/cargo-deb --no-build --no-strip --no-dbgsym

setup:
	tests/setup

fmt:
	$(CARGO) fmt

demo:
	$(CARGO) run --locked --release -- demo

bench:
	$(CARGO) bench --locked

# Portreeve, HAProxy, nginx and Envoy, each as a pair, in turns on one core. `make bench-pair ROUNDS=9`
bench-pair:
	benches/setup
	$(CARGO) build --locked --release
	benches/pair/run --rounds $(ROUNDS)

# How soon a revocation cuts a stream at each of 200 sidecars.
bench-revocation: setup
	$(CARGO) build --locked --release
	benches/revocation/run

# What a good client notices of floods, and how soon who floods is closed.
bench-floods: setup
	$(CARGO) build --locked --release
	benches/floods/run

# How soon 10,000 streams are cut by a change of the policy, and what the kept ones notice of it.
bench-streams: setup
	$(CARGO) build --locked --release
	benches/streams/run

# Changes what decides in each of some 1,500 ways, and sees whether a test notices. Takes more than an hour of two cores.
mutants:
	tests/mutants/setup
	$${CARGO_TARGET_DIR:-target}/mutants/venv/bin/python tests/mutants/run

# A short run of every fuzz target. `make fuzz-smoke FUZZ_SECONDS=300` for a longer one.
fuzz-smoke:
	rustup run nightly cargo fuzz --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-fuzz
	set -e; for target in $$($(CARGO) +nightly fuzz list); do \
		$(CARGO) +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS); \
	done
