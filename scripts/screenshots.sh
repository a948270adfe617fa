#!/usr/bin/env bash
# Makes the pictures of docs/images from the samples: the page in light, dark and narrow, a site, and a history. Needs a release
# build (or PERFVT, the path of another one) and Chromium (`make screenshots` sees to both). Where PERFVT_NIGHTS names the folder that the
# soak test of 40 nights in real guests left (docs/soak.md), the pictures of these are made as well.
set -euo pipefail
cd "$(dirname "$0")/.."
perfvt=${PERFVT:-${CARGO_TARGET_DIR:-target}/release/perfvt}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$perfvt" compare samples/virtio samples/e1000 --format json --html "$work/report.html" > /dev/null
"$perfvt" publish "$work/site" samples/e1000 --against samples/virtio > /dev/null
"$perfvt" publish "$work/site" samples/virtio samples/e1000 > /dev/null
# A real year: an index stands for days, and builds have no names.
sed '/^#/d; s/^index,value$/&,unit,direction/; s/^[0-9].*/&,1\/s,higher/' stats/testdata/tigerbeetle.csv > "$work/year.csv"
"$perfvt" lake add "$work/lake" "$work/year.csv" --machine host-a > /dev/null
"$perfvt" publish "$work/site" --lake "$work/lake" > /dev/null
history=$(cd "$work" && echo site/h/g/*.html)
shot() { # NAME PAGE WIDTH HEIGHT FLAG..
    local name=$1 page=$2 width=$3 height=$4
    shift 4
    "$chromium" --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-sync \
        --disable-background-networking --disable-component-update --user-data-dir="$work/profile" \
        --window-size="$width,$height" --screenshot="$PWD/docs/images/$name.png" "$@" \
        "file://$work/$page" 2> /dev/null
}
mkdir -p docs/images
shot report report.html 1100 1500
shot report-dark report.html 1100 1500 --blink-settings=preferredColorScheme=0
shot report-narrow report.html 500 1100
shot site site/index.html 1100 700
shot history "$history" 500 850
if [ -n "${PERFVT_NIGHTS:-}" ]; then
    "$perfvt" publish "$work/nights" --lake "$PERFVT_NIGHTS/lake" --commit-url 'https://git.example.org/qemu/commit/{}' > /dev/null
    # The event of the commit, and none of the host's.
    event=$(cd "$work" && grep -l 'net: collect packets' nights/h/e/*.html | head -n 1)
    shot nights-event "$event" 900 1000
    shot nights-event-dark "$event" 900 1000 --blink-settings=preferredColorScheme=0
fi
ls -l docs/images
