#!/usr/bin/env bash
# What takes longer than `make test` allows: the table of decisions, over PERFVT_ROWS (100000) rows of each kind; the other full
# simulations, with PERFVT_PAGES (1000) pages of each kind through the program; the packages in fresh systems
# (scripts/package-test.sh); and each fuzz target for FUZZ_SECONDS (600). Names of targets as arguments fuzz these alone. Its last
# figures stand in docs/soak.md.
set -euo pipefail
cd "$(dirname "$0")/.."

# Everything in fuzz_targets/ is fuzzed; a test sees to it that Cargo.toml and the replay know the same names.
targets() {
    local file
    for file in fuzz/fuzz_targets/*.rs; do
        basename "$file" .rs
    done
}

have_cargo_fuzz() {
    cargo fuzz --version > /dev/null 2>&1 && return
    echo "cargo-fuzz is missing; installing it for this user"
    cargo install cargo-fuzz --locked
}

# Grown inputs go to the cache: only those that found something belong to the repository. The readers are safe Rust, so
# that an address sanitizer has nothing to find and would cost three quarters of the inputs.
fuzz() {
    local target=$1 grown=${XDG_CACHE_HOME:-$HOME/.cache}/perfvt/fuzz/$1
    echo "== fuzzing $target for ${FUZZ_SECONDS:-600} s"
    mkdir -p "$grown"
    # cargo-fuzz hands nightly options to the compiler; the variable lets a stable one take them.
    RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none "$target" "$grown" "fuzz/corpus/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-600}" -rss_limit_mb=4096 -timeout=10 -print_final_stats=1
}

if [ $# = 0 ]; then
    PERFVT_PAGES=${PERFVT_PAGES:-1000} cargo test --workspace --locked -- --ignored --nocapture
    scripts/package.sh
    scripts/package-test.sh
    mapfile -t chosen < <(targets)
else
    chosen=("$@")
fi
if ! have_cargo_fuzz; then
    echo "skipped fuzzing: cargo-fuzz cannot be installed here"
    exit 0
fi
failed=()
for target in "${chosen[@]}"; do
    fuzz "$target" || failed+=("$target")
done
if [ ${#failed[@]} != 0 ]; then
    echo "inputs that broke a law are in fuzz/artifacts: ${failed[*]}"
    exit 1
fi
