#!/bin/sh
# A standing record of what this host and perfvt make of nothing: campaigns of two environments that are the same, over days
# and boots of the host, each judged by itself.
#   scripts/aa-record.sh collect FOLDER [WORDS FOR perfvt run]   one more campaign, FOLDER/TIME (for cron or a timer)
#   scripts/aa-record.sh summary FOLDER                          what all of them came to
# PERFVT names the program, else it is the one on the PATH, else the one that was built here. docs/campaigns.md says how often
# to call it and how to read what it prints. Exit status: that of `perfvt run`; 2 when asked wrongly.
set -eu
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")/.." && pwd)
if [ -z "${PERFVT-}" ]; then
    PERFVT=$(command -v perfvt || echo "${CARGO_TARGET_DIR:-$here/target}/release/perfvt")
fi

fail() {
    printf 'aa-record: %s\n' "$*" >&2
    exit 2
}

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# One campaign, and one line of FOLDER/campaigns.tsv when it has ended, however it did: its folder, the boot of the host and the
# exit status of perfvt. A host that goes down meanwhile leaves a folder without a line, which the summary names.
collect() {
    mkdir -p "$folder"
    name=$(date -u +%Y-%m-%dT%H%M%SZ)
    [ ! -e "$folder/$name" ] || fail "adding $folder/$name: there is a campaign of this second; call again"
    [ $# -gt 0 ] || set -- netperf --repeat 10 --set protocols=TCP_STREAM,TCP_RR --set sizes=16384,65535 \
        --set sizes_rr=64,1024 --set sessions=1 --set sessions_rr=1 --set l=2
    status=0
    "$PERFVT" run "$@" --env a --env b --out "$folder/$name" || status=$?
    printf '%s\t%s\t%s\n' "$name" "$(boot_id)" "$status" >> "$folder/campaigns.tsv"
    return "$status"
}

# Reads `compare --format csv`: rows of the family, those of p <= .05, and decided ones. Cells in quotes have commas and no
# number that is wanted; so they are emptied first.
rows_of() {
    awk '
        { gsub(/"([^"]|"")*"/, ""); n = split($0, cell, ",") }
        NR == 1 { for (i = 1; i <= n; i++) at[cell[i]] = i; next }
        cell[at["q"]] != "" {
            rows++
            if (cell[at["p_model"]] + 0 <= 0.05) low++
            if (cell[at["verdict"]] ~ /^(REGRESSED|IMPROVED|CHANGED-UP|CHANGED-DOWN)$/) decided++
        }
        END { printf "%d %d %d\n", rows, low, decided }
    '
}

# Whether the JSON of a comparison, on standard input, has a note of how the values came to be (docs/statistics.md, Diagnostics).
has_note() {
    grep -Eq '"code": ?"(step|drift|first-boot|autocorrelation|position|retakes|waits|variance-ratio|bimodal)"'
}

# Of how many, with a share.
share() { awk -v hits="$1" -v all="$2" 'BEGIN { printf "%d of %d", hits, all; if (all) printf " (%.1f %%)", 100 * hits / all }'; }

# What perfvt said when it refused.
said_last() { grep -v '^warning: ' | sed 's/^perfvt: //' | tail -n 1; }

# What campaigns of several sessions tell of how much sessions differ; arguments: the environments' folders.
sessions() {
    if said=$("$PERFVT" calibrate "$@" 2>&1 > "$scratch/noise.json"); then
        member() { grep -Eo "\"$1\": ?[-+.0-9e]+" "$scratch/noise.json" | tail -n 1 | tr -d ' ' | cut -d : -f 2; }
        awk -v tau2="$(member tau2)" -v df="$(member df)" \
            'BEGIN { printf "sessions    tau2 %.3g with %.0f df: SD %.2f %%\n", tau2, df, 100 * sqrt(tau2) }'
        return
    fi
    printf 'sessions    tau2 is not known: %s\n' "$(printf '%s\n' "$said" | said_last)"
}

summary() {
    [ -f "$folder/campaigns.tsv" ] || fail "reading $folder/campaigns.tsv: there is none; \`$0 collect $folder\` adds a campaign"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' INT TERM HUP
    : > "$scratch/boots"
    : > "$scratch/left-out"
    campaigns=0 rows=0 low=0 decided=0 pages=0 gates=0 notes=0 holes=0 first='' last=''
    set --
    # Those that ended, and folders of those that did not.
    { cut -f 1 "$folder/campaigns.tsv"; (cd "$folder" && find . -mindepth 1 -maxdepth 1 -type d) | sed 's,^\./,,'; } |
        sort -u > "$scratch/names"
    while IFS= read -r name; do
        path=$folder/$name
        line=$(awk -F '\t' -v name="$name" '$1 == name' "$folder/campaigns.tsv" | tail -n 1)
        status=$(printf '%s' "$line" | cut -f 3)
        # 4 says that it ended and that cells have no value, which the comparison takes into account.
        if [ "$status" != 0 ] && [ "$status" != 4 ]; then
            said=${status:+perfvt ended with exit status $status}
            printf '  %s: %s\n' "$name" "${said:-it runs, or the host went down meanwhile}" >> "$scratch/left-out"
            continue
        fi
        # 1 says that the gate failed, 3 that no row could be judged.
        gate=0
        "$PERFVT" compare "$path/a" "$path/b" --format csv --fail-on change > "$scratch/csv" 2> "$scratch/said" || gate=$?
        if [ "$gate" -gt 1 ]; then
            printf '  %s: perfvt compare ended with exit status %s: %s\n' "$name" "$gate" \
                "$(said_last < "$scratch/said")" >> "$scratch/left-out"
            continue
        fi
        counts=$(rows_of < "$scratch/csv")
        of_page=${counts##* }
        counts=${counts% *}
        campaigns=$((campaigns + 1)) rows=$((rows + ${counts% *})) low=$((low + ${counts#* }))
        decided=$((decided + of_page)) gates=$((gates + gate))
        [ "$status" = 0 ] || holes=$((holes + 1))
        [ "$of_page" = 0 ] || pages=$((pages + 1))
        if "$PERFVT" compare "$path/a" "$path/b" --format json 2> "$scratch/said" | has_note; then notes=$((notes + 1)); fi
        printf '%s\n' "$line" | cut -f 2 >> "$scratch/boots"
        first=${first:-$name} last=$name
        set -- "$@" "$path/a" "$path/b"
    done < "$scratch/names"
    boots=$(sort -u "$scratch/boots" | wc -l)
    [ "$boots" = 1 ] && of='boot of the host' || of='boots of the host'
    printf 'campaigns   %d, in %d %s' "$campaigns" "$boots" "$of"
    [ "$holes" = 0 ] || printf ', %d of them with cells that have no value' "$holes"
    printf '%s\n' "${first:+, from $first to $last}"
    printf 'rows        %d; of p <= .05: %s; 5 %% are expected\n' "$rows" "$(share "$low" "$rows")"
    printf 'decided     rows: %d; on pages: %s; pages that fail the gate: %s; at most 5 %% of pages should be either\n' \
        "$decided" "$(share "$pages" "$campaigns")" "$(share "$gates" "$campaigns")"
    printf 'notes       on pages: %s; at most 1 %% are expected\n' "$(share "$notes" "$campaigns")"
    [ $# = 0 ] || sessions "$@"
    if [ -s "$scratch/left-out" ]; then
        printf 'left out    %d:\n' "$(wc -l < "$scratch/left-out")"
        cat "$scratch/left-out"
    fi
}

[ $# -ge 2 ] || fail "what to do and where: $0 collect FOLDER [WORDS FOR perfvt run], or $0 summary FOLDER"
verb=$1 folder=$2
shift 2
case $verb in
    collect) collect "$@" ;;
    summary) [ $# = 0 ] || fail "summary takes a folder alone, not '$1'"; summary ;;
    *) fail "what is '$verb'? want collect or summary" ;;
esac
