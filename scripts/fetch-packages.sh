#!/usr/bin/env bash
# Downloads what the built-in guest is made of and unpacks it into the user's cache, without
# installing anything and without root: a kernel, netperf, iozone, ethtool, iperf3, nftables, sockperf, and busybox and fio where
# the host has none that can be used.
#
#   perfvt guest fetch            fetch what is missing (returns at once when all is there)
#   perfvt guest fetch --refresh  look for newer versions as well
#   perfvt guest fetch --check    fetch nothing; exit 1 when something is missing
#
# It is part of the program; scripts/setup.sh calls it by itself, before there is one.
#
# Result: ${XDG_CACHE_HOME:-~/.cache}/perfvt/packages/<package>_<version>_<arch>/ and, written last,
# the file `set` there: a comment line, then one line "<package> <version> <folder>" for each.
# Nothing else is read by perfvt, so a run that was stopped half-way leaves the old set in force.
set -euo pipefail
export LC_ALL=C

say() { printf 'fetch-packages: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

mode=fetch
case "${1-}" in
    '') ;;
    --refresh) mode=refresh ;;
    --check) mode=check ;;
    *) sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2 ;;
esac

base=${XDG_CACHE_HOME:-}
case "$base" in /*) ;; *) base=${HOME:?HOME is not set}/.cache ;; esac
cache=$base/perfvt
packages=$cache/packages
apt=$cache/apt

ID=unknown VERSION_ID='' VERSION_CODENAME='' ID_LIKE=''
# shellcheck disable=SC1091
[ ! -r /etc/os-release ] || . /etc/os-release
stamp="# perfvt packages 3 for $ID $VERSION_ID"

# The marker says for which system the set was made; after an upgrade of the host it is made again.
complete() {
    local _package _version folder
    [ -r "$packages/set" ] && [ "$(head -n 1 "$packages/set")" = "$stamp" ] || return 1
    while read -r _package _version folder; do
        [ -d "$packages/$folder" ] || return 1
    done < <(tail -n +2 "$packages/set")
}
if [ $mode != refresh ] && complete; then
    [ $mode = check ] || say "all packages are in $packages"
    exit 0
fi
[ $mode != check ] || die "guest packages are missing in $packages: \`perfvt guest fetch\` gets them"

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die \
    "this system has no apt: install a kernel that users can read, busybox (static), netperf, iozone, ethtool, fio, iperf3, nftables and sockperf by your package manager"
arch=$(dpkg --print-architecture)
[ "$arch" = amd64 ] || die "guests are x86-64 only, this host is $arch"
case "$ID" in
    ubuntu) components='main universe multiverse' kernel=linux-image-generic ;;
    debian) components='main non-free' kernel=linux-image-amd64 ;;
    *) case " $ID_LIKE " in
           *\ ubuntu\ *) components='main universe multiverse' kernel=linux-image-generic ;;
           *) components='main non-free' kernel=linux-image-amd64 ;;
       esac ;;
esac

mkdir -p "$packages"
exec 9>"$packages/.lock"
flock -n 9 || { say "another fetch is running, waiting for it"; flock 9; }
if [ $mode = fetch ] && complete; then exit 0; fi
# What a fetch that was killed has left: nobody else works here now.
rm -rf "$packages"/.new.*
work=$(mktemp -d "$packages/.new.XXXXXX")
trap 'rm -rf "$work"' EXIT

# --- a private apt: the machine's own sources, with the components in which netperf lives ---
# Prints a deb822 form of every enabled binary source that serves this release's main component.
own_sources() {
    local file
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -r "$file" ] || awk -v want="$components" -v suite="$VERSION_CODENAME" '
            function flush() {
                if (body != "" && binary && ours && main && on) printf "%sComponents: %s\n\n", body, want
                body = ""; binary = ours = main = skip = 0; on = 1
            }
            BEGIN { on = 1 }
            /^[ \t]*$/ { flush(); next }
            /^#/ { next }
            /^[ \t]/ { if (!skip) body = body $0 "\n"; next }
            {
                field = tolower($1); skip = 0
                for (i = 2; i <= NF; i++) {
                    if (field == "types:" && $i == "deb") binary = 1
                    if (field == "suites:" && suite != "" && index($i, suite) == 1) ours = 1
                    if (field == "suites:" && $i ~ /^(old)*stable(-|$)|^testing$|^unstable$|^sid$/) ours = 1
                    if (field == "components:" && $i == "main") main = 1
                    if (field == "enabled:" && tolower($i) ~ /^(no|false|without|off|disable|0)$/) on = 0
                }
                if (field == "types:") { body = body "Types: deb\n"; skip = 1; next }
                if (field == "components:" || field == "enabled:") { skip = 1; next }
                body = body $0 "\n"
            }
            END { flush() }' "$file"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -r "$file" ] || awk -v want="$components" -v suite="$VERSION_CODENAME" '
            $1 != "deb" { next }
            {
                sub(/#.*/, ""); options = ""; main = 0
                if (match($0, /\[[^]]*\]/)) {
                    options = substr($0, RSTART + 1, RLENGTH - 2)
                    $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
                }
                for (i = 4; i <= NF; i++) if ($i == "main") main = 1
                if (!main || (suite != "" && index($3, suite) != 1 && $3 !~ /^(old)*stable|^testing$|^unstable$|^sid$/)) next
                print "Types: deb\nURIs: " $2 "\nSuites: " $3 "\nComponents: " want
                count = split(options, option, " ")
                for (i = 1; i <= count; i++) {
                    value = option[i]; sub(/^[^=]*=/, "", value); gsub(/,/, " ", value)
                    if (option[i] ~ /^signed-by=/) print "Signed-By: " value
                    if (option[i] ~ /^arch=/) print "Architectures: " value
                    if (option[i] ~ /^trusted=/) print "Trusted: " value
                    if (option[i] ~ /^check-valid-until=/) print "Check-Valid-Until: " value
                }
                print ""
            }' "$file"
    done
}
rm -rf "$apt/sources"
mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/state"
own_sources > "$apt/sources/perfvt.sources"
[ -s "$apt/sources/perfvt.sources" ] || die "no package source for $ID ${VERSION_CODENAME:-$VERSION_ID} under /etc/apt"
# Hooks of the machine's own configuration are for its own lists: they are cleared.
cat > "$apt/apt.conf" <<CONF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/sources";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Get::List-Cleanup "true";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF

say "reading package lists (into $apt, the system's own are left alone)"
apt-get -c "$apt/apt.conf" -qq update >&2 || die "apt-get update failed (see above)"

# --- what is wanted ---
depends() { # the packages that $1 depends on, first alternatives, without versions
    apt-cache -c "$apt/apt.conf" show --no-all-versions "$1" |
        sed -n 's/^Depends: //p' | tr ',' '\n' | sed 's/^ *//; s/[ |(:].*//'
}
have_static_busybox() {
    local path
    # A dynamic program names its loader in the first page; the words occur deep inside static ones too.
    path=$(command -v busybox) && ! head -c 4096 "$path" | grep -aq ld-linux
}
wanted=()
mapfile -t kernels < <(depends "$kernel" | grep -E '^linux-(image|modules)-[0-9]' || true)
[ ${#kernels[@]} -gt 0 ] || die "$kernel names no kernel package"
for package in "${kernels[@]}"; do
    wanted+=("$package")
    # Ubuntu keeps the modules in packages of their own.
    mapfile -t more < <(depends "$package" | grep -E '^linux-modules-[0-9]' || true)
    wanted+=("${more[@]}")
done
tools=(netperf iozone3 ethtool iperf3 nftables sockperf)
have_static_busybox || tools+=(busybox-static)
command -v fio >/dev/null || tools+=(fio)
[ -x /sbin/mke2fs ] || [ -x /usr/sbin/mke2fs ] || tools+=(e2fsprogs)
wanted+=("${tools[@]}")
# Libraries that the tools need and that this host has not installed. The simulation installs nothing.
mapfile -t libraries < <(apt-get -c "$apt/apt.conf" -s install "${tools[@]}" 2>/dev/null |
    awk '$1 == "Inst" && $3 !~ /^\[/ && $2 ~ /^(lib|zlib1g)/ { print $2 }' || true)
wanted+=("${libraries[@]}")
mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sed '/^$/d' | sort -u)

# --- download, unpack, publish ---
{
    echo "$stamp"
    for package in "${wanted[@]}"; do
        version=$(apt-cache -c "$apt/apt.conf" show --no-all-versions "$package" | sed -n 's/^Version: //p' | head -n 1)
        [ -n "$version" ] || die "no package source has $package"
        folder=${package}_${version//[:~]/.}_$arch
        if [ ! -d "$packages/$folder" ]; then
            say "downloading $package $version"
            (cd "$work" && apt-get -c "$apt/apt.conf" -qq download "$package=$version" >&2) ||
                die "downloading $package $version failed (see above)"
            dpkg-deb -x "$work"/*.deb "$work/root"
            rm -f "$work"/*.deb
            rm -rf "$work/root/usr/share/doc" "$work/root/usr/share/man"
            mv -T "$work/root" "$packages/$folder"
        fi
        printf '%s %s %s\n' "$package" "$version" "$folder"
    done
} > "$work/set"
mv "$work/set" "$packages/set"

# Older versions are of no use once the new set is in force.
for folder in "$packages"/*_"$arch"; do
    grep -q " ${folder##*/}\$" "$packages/set" || { say "removing ${folder##*/}"; rm -rf "$folder"; }
done
say "$(($(wc -l < "$packages/set") - 1)) packages in $packages ($(du -sh "$packages" | cut -f 1))"
