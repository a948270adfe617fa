#!/usr/bin/env bash
# Ends a CI job by what perfvt found.
#
#   ci/gate.sh OUT [NOTHING]
#
# OUT is what ci/compare.sh has written. Exit status: 0 when the gate passed, 1 when it did not. When nothing could be judged
# (perfvt's exit code 3) it is 1, or 0 where NOTHING is "pass".
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
[ -r "$1/code" ] || { echo "perfvt: $1 has no comparison; run ci/compare.sh first" >&2; exit 2; }
code=$(cat "$1/code")
case $code in
    0)
        # What the gate could not have seen stands in brackets behind its exit code.
        open=$(sed -n 's/^Gate .*exit code 0 \(([^()]*)\)\.$/ \1/p' "$1/comment.md" 2>/dev/null | head -n 1) || open=
        echo "perfvt: the gate passed$open"
        ;;
    1) echo "perfvt: the gate failed; $1/page.html says why" >&2; exit 1 ;;
    3)
        echo "perfvt: nothing could be judged; $1/page.html says why" >&2
        [ "${2-}" = pass ] || exit 1
        ;;
    *) echo "perfvt: the comparison ended with exit code $code" >&2; exit 1 ;;
esac
