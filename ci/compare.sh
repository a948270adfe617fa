#!/usr/bin/env bash
# Compares two results in a CI job and says what came of it.
#
#   ci/compare.sh BASELINE CANDIDATE OUT [WORDS OF --fail-on [OPTION OF perfvt compare ..]]
#   ci/compare.sh base head out
#   ci/compare.sh base head out regression,failures --expect known.txt --compare command
#
# OUT gets page.html, comment.md, perfvt.xml (JUnit), comparison.json, badge.svg, and `code` with perfvt's exit code. A second
# argument that is empty says that BASELINE is a campaign with both sides. PERFVT names the program (default: perfvt).
#
# Exit status: 0 when perfvt could compare, whatever came out; perfvt's own (2) otherwise. The gate is a step of its own,
# ci/gate.sh, so that page and comment are there when it fails.
set -euo pipefail

[ $# -ge 3 ] || { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
perfvt=${PERFVT:-perfvt}
baseline=$1 candidate=$2 out=$3
# What is missing fails, too: a benchmark that is gone has not passed.
words=${4:-regression,failures,missing,unfinished}
shift 3
[ $# = 0 ] || shift
sides=("$baseline")
[ -z "$candidate" ] || sides+=("$candidate")
mkdir -p "$out"
# What an earlier comparison has left says nothing of this one.
rm -f "$out"/{page.html,comment.md,perfvt.xml,comparison.json,badge.svg,code}
code=0
"$perfvt" compare --fail-on "$words" --html "$out/page.html" --output markdown="$out/comment.md" \
    --output junit="$out/perfvt.xml" --output json="$out/comparison.json" --output badge="$out/badge.svg" \
    "$@" -- "${sides[@]}" || code=$?
printf '%s\n' "$code" > "$out/code"
case $code in
    0 | 1 | 3) ;;
    *) exit "$code" ;;
esac
