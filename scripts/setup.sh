#!/usr/bin/env bash
# Installs what perfvt needs to be built and to boot guests, and nothing that is there already:
#
#   by the system's package manager, as root or through sudo: a C compiler, make, Rust when cargo is
#   missing or too old, QEMU, ip and unshare, fio, busybox-static
#   by download into the user's cache, never installed: a kernel, netperf, iozone, ethtool, iperf3, nftables, sockperf
#   (scripts/fetch-packages.sh)
#
# What only `perfvt farm` needs is not among it: slurm-client where jobs are handed in, slurmd and munge on each host that
# measures, slurmctld on one of them (docs/farm.md).
#
# Without root and sudo it says what is missing. Exit status: 0 when everything is there, else 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/common.sh"

wanted_rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
rust_is_new_enough() {
    local version
    version=$(as_user cargo --version 2> /dev/null | cut -d ' ' -f 2) || return 1
    [ -n "$version" ] && [ "$(printf '%s\n' "$wanted_rust" "$version" | sort -V | head -n 1)" = "$wanted_rust" ]
}
# gcc alone does not bring the C library's start files, which every Rust program is linked with.
can_link() { has cc && case $(cc -print-file-name=crt1.o) in /*) ;; *) false ;; esac; }
has_certificates() { [ -s /etc/ssl/certs/ca-certificates.crt ] || [ -s /etc/pki/tls/certs/ca-bundle.crt ]; }

missing=()
can_link || missing+=(c-compiler)
has make || missing+=(make)
has qemu-system-x86_64 || missing+=(qemu)
has qemu-img || missing+=(qemu-img)
has ip || missing+=(iproute)
{ has unshare && has nsenter && has flock; } || missing+=(util-linux)
has busybox || missing+=(busybox)
has fio || missing+=(fio)
has_certificates || missing+=(certificates)

if ! has apt-get; then
    rust_is_new_enough || missing+=("rust>=$wanted_rust")
    for tool in netperf iozone ethtool; do has $tool || missing+=($tool); done
    if [ ${#missing[@]} = 0 ]; then
        say "everything is there; the guest's kernel is the newest in /boot or /lib/modules that $user can read"
        exit 0
    fi
    say "missing: ${missing[*]}"
    say "this script installs packages on Debian and Ubuntu only; elsewhere the packages are:"
    cat >&2 << 'NAMES'
  Fedora    dnf install gcc make rust cargo qemu-system-x86-core qemu-img busybox fio netperf iozone ethtool iperf3 iproute util-linux ca-certificates
  openSUSE  zypper install gcc make rust cargo qemu-x86 qemu-tools busybox-static fio netperf iozone ethtool iperf iproute2 util-linux ca-certificates
  Arch      pacman -S gcc make rust qemu-system-x86 qemu-img busybox fio ethtool iperf3 iproute2 util-linux ca-certificates
            and netperf and iozone from the user repository
NAMES
    exit 1
fi

packages=()
for what in "${missing[@]}"; do
    case $what in
        c-compiler) packages+=(gcc libc6-dev) ;;
        make) packages+=(make) ;;
        qemu) packages+=(qemu-system-x86) ;;
        qemu-img) packages+=(qemu-utils) ;;
        iproute) packages+=(iproute2) ;;
        util-linux) packages+=(util-linux) ;;
        # Only guests run these two: where they cannot be installed, they are downloaded like the rest.
        busybox) [ "$root" = none ] || packages+=(busybox-static) ;;
        fio) [ "$root" = none ] || packages+=(fio) ;;
        certificates) packages+=(ca-certificates) ;;
    esac
done
# Recommended, not required: `profiler = perf`.
has perf || say "note: no perf found; profiler=perf needs it (Debian's package linux-perf)"
status=0
install_packages "${packages[@]}" || status=1
# A qemu-img of another release makes way for QEMU, and has to come back with it.
hash -r
has qemu-img || install_packages qemu-utils || status=1

if ! rust_is_new_enough; then
    if ! known_to_apt cargo-web && [ "$root" != none ]; then
        $root apt-get -qq update >&2 && lists_read=1
    fi
    # Debian's own current Rust; Ubuntu's packages carry their version in the name.
    newest=$(apt-cache pkgnames cargo-1. | grep -x 'cargo-1\.[0-9]*' | sort -V | tail -n 1 || true)
    if known_to_apt cargo-web; then
        install_packages cargo-web rustc-web || status=1
    elif [ -n "$newest" ] &&
        [ "$(printf '%s\n' "cargo-$wanted_rust" "$newest" | sort -V | head -n 1)" = "cargo-$wanted_rust" ]; then
        install_packages "$newest" "rustc-${newest#cargo-}" || status=1
        say "cargo is in /usr/lib/rust-${newest#cargo-}/bin; make finds it there"
    else
        if known_to_apt rustup; then how='apt-get install rustup && rustup default stable'; else how='rustup default stable'; fi
        say "Rust $wanted_rust or newer is needed and no package has it; with the Rust project's installer: $how"
        status=1
    fi
    hash -r
    [ $status = 1 ] || rust_is_new_enough || {
        say "cargo is still older than $wanted_rust: $(as_user cargo --version 2>&1); if it comes from rustup, run \`rustup update\`"
        status=1
    }
fi

if [ -e /dev/kvm ] && ! as_user test -w /dev/kvm; then
    say "note: $user may not use /dev/kvm; guests will be emulated (it belongs to the group $(stat -c %G /dev/kvm))"
fi

as_user "$here/fetch-packages.sh" || status=1
if [ $status = 0 ]; then say "everything is there"; fi
exit $status
