#!/usr/bin/env bash
# Collects a small interleaved campaign of two environments that really differ, compares them, and writes
# demo/report.html. `make demo` calls this after setup and build.
set -euo pipefail
cd "$(dirname "$0")/.."
perfvt=${CARGO_TARGET_DIR:-target}/release/perfvt

"$perfvt" guest build
rm -rf demo
mkdir demo
# The contrast and the number of boots come from an A/A pilot: docs/demo.md.
"$perfvt" run netperf \
    --env virtio --env e1000:nic_model=e1000 --repeat 5 \
    --set protocols=TCP_STREAM --set sizes=16384,65535 --set sessions=1 --set l=3 \
    --allow-unpinned --out demo/campaign
"$perfvt" compare demo/campaign --html demo/report.html
echo "demo: $PWD/demo/report.html"
