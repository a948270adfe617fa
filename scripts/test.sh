#!/usr/bin/env bash
# Runs all tests, to the end also when some fail, and tells at the end which ones could not run here and why. Arguments go to
# `cargo test`. PERFVT_NO_SKIP=1 makes a skip a failure, but for those that testing/src/lib.rs expects on such a machine;
# PERFVT_NO_GUESTS=1 boots no guest.
set -uo pipefail
cd "$(dirname "$0")/.."
PERFVT_SKIPS=$(mktemp)
export PERFVT_SKIPS
trap 'rm -f "$PERFVT_SKIPS"' EXIT
cargo test --workspace --locked --no-fail-fast "$@"
status=$?
skips=$(sort -u "$PERFVT_SKIPS")
if [ -n "$skips" ]; then
    printf '\n%s tests could not run here:\n%s\n' "$(wc -l <<< "$skips")" "$skips"
else
    printf '\nno test was skipped\n'
fi
exit "$status"
