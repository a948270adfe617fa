#!/usr/bin/env bash
# Makes the pictures of docs/images from the samples: the page in light, dark and narrow. Needs a release build and
# Chromium (`make screenshots` sees to both).
set -euo pipefail
cd "$(dirname "$0")/.."
perfvt=${CARGO_TARGET_DIR:-target}/release/perfvt
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$perfvt" compare samples/virtio samples/e1000 --format json --html "$work/report.html" > /dev/null
shot() { # NAME WIDTH HEIGHT FLAG..
    local name=$1 width=$2 height=$3
    shift 3
    "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-sync \
        --disable-background-networking --disable-component-update --user-data-dir="$work/profile" \
        --window-size="$width,$height" --screenshot="$PWD/docs/images/$name.png" "$@" \
        "file://$work/report.html" 2> /dev/null
}
mkdir -p docs/images
shot report 1100 1500
shot report-dark 1100 1500 --blink-settings=preferredColorScheme=0
shot report-narrow 500 1100
ls -l docs/images
