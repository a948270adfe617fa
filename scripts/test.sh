#!/usr/bin/env bash
# Runs all tests, to the end also when some fail, and tells at the end where the time went, and which ones could not run here and
# why. Arguments go to `cargo test`. PERFVT_NO_SKIP=1 makes a skip a failure, but for those that testing/src/lib.rs expects on such a machine;
# PERFVT_NO_GUESTS=1 boots no guest.
set -uo pipefail
cd "$(dirname "$0")/.."
PERFVT_SKIPS=$(mktemp)
export PERFVT_SKIPS
said=$(mktemp)
trap 'rm -f "$PERFVT_SKIPS" "$said"' EXIT
cargo test --workspace --locked --no-fail-fast "$@" 2>&1 | tee "$said"
status=${PIPESTATUS[0]}
# A log is often kept only from its end: what was slow belongs there.
printf '\nseconds of each test program, the longest first:\n'
awk '/^ +Running / { program = $2 " " $NF } /finished in/ { sub("s$", "", $NF); print $NF, program }' "$said" | sort -rn | head -12
awk '/has been running for over/ { print "over 60 s:", $2 }' "$said"
skips=$(sort -u "$PERFVT_SKIPS")
if [ -n "$skips" ]; then
    printf '\n%s tests could not run here:\n%s\n' "$(wc -l <<< "$skips")" "$skips"
else
    printf '\nno test was skipped\n'
fi
exit "$status"
