#!/usr/bin/env bash
# What takes longer than `make test` allows: the full simulations, and each fuzz target for FUZZ_SECONDS (600). Its last
# figures stand in docs/soak.md.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo test --workspace --locked -- --ignored --nocapture
if cargo fuzz --version > /dev/null 2>&1; then
    # cargo-fuzz wants nightly options; this lets a stable compiler take them.
    export RUSTC_BOOTSTRAP=1
    for target in $(cargo fuzz list); do
        echo "== fuzzing $target"
        cargo fuzz run "$target" -- -max_total_time="${FUZZ_SECONDS:-600}" -rss_limit_mb=4096
    done
else
    echo "skipped fuzzing: cargo-fuzz is not installed (cargo install cargo-fuzz)"
fi
