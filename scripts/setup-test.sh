#!/usr/bin/env bash
# Installs what only the tests need: tools that measure (fio, iperf3, sockperf, sysbench, hyperfine, qemu-img), Chromium for the
# report's pages, xmllint for the schema of JUnit files, SciPy for the independent model of the statistics, git, gpg and
# ssh-keygen for signatures of providers and of published results, sshd for tests of other hosts, Rust's formatter and linter,
# and axe-core where npm is at hand. Without npm the accessibility check skips itself by name, so npm is not asked for.
# Debian's installer, which the soak boots, is got with PERFVT_SOAK=1 alone: 140 MB that no other test wants.
# Exit status: 0 when everything is there, else 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/common.sh"

missing=()
# Tools whose results are read: a test has them write some. Debian has netperf in non-free only, and iozone, uperf and ntttcp in
# no place that can be counted on: their tests read files that were kept.
for tool in fio iperf3 sockperf sysbench hyperfine; do
    has "$tool" || missing+=("$tool")
done
has qemu-img || missing+=(qemu-utils)
has xmllint || missing+=(libxml2-utils)
has curl || missing+=(curl)
has git || missing+=(git)
# A profile of a real process.
if ! has perf; then
    for package in linux-perf linux-tools-generic; do
        if known_to_apt $package; then missing+=($package); break; fi
    done
fi
# A switch that is not perfvt's own (net=vde).
has vde_switch || missing+=(vde2)
# Slurm, for a farm of three hosts on this one (scripts/farm-test.sh). Debian starts no daemon without a slurm.conf.
{ has slurmctld || [ -x /usr/sbin/slurmctld ]; } || missing+=(slurmctld)
{ has slurmd || [ -x /usr/sbin/slurmd ]; } || missing+=(slurmd)
has sbatch || missing+=(slurm-client)
{ has munged || [ -x /usr/sbin/munged ]; } || missing+=(munge)
# Disks behind servers: slow ones, targets of iSCSI, and QEMU's drivers for these and for ssh and nfs.
has nbdkit || missing+=(nbdkit)
has tgtd || [ -x /usr/sbin/tgtd ] || missing+=(tgt)
compgen -G '/usr/lib/*/qemu/block-iscsi.so' > /dev/null || missing+=(qemu-block-extra)
# Debian's own Python, whatever another one is called python3 on the PATH: the model of docs/statistics.md is written with SciPy.
/usr/bin/python3 -c 'import scipy.stats' 2> /dev/null || missing+=(python3-scipy)
has gpg || missing+=(gnupg)
has ssh-keygen || missing+=(openssh-client)
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)
# A Debian as a guest: made by mmdebstrap, which needs newuidmap where it is not root, and reached by ssh.
if [ -e /etc/debian_version ]; then
    has mmdebstrap || missing+=(mmdebstrap)
    has newuidmap || missing+=(uidmap)
    # An image that firmware starts: a loader on a FAT partition, and firmware for UEFI.
    has syslinux || missing+=(syslinux)
    [ -e /usr/lib/syslinux/mbr/mbr.bin ] || missing+=(syslinux-common)
    has mcopy || missing+=(mtools)
    [ -e /usr/share/OVMF/OVMF_CODE.fd ] || missing+=(ovmf)
fi
# The soak's installer, for Debian 12 whatever the host has.
if [ -n "${PERFVT_SOAK-}" ] && known_to_apt debian-installer-12-netboot-amd64; then
    [ -e /usr/lib/debian-installer/images/12 ] || missing+=(debian-installer-12-netboot-amd64)
fi
# Engines that read a lake, and Otava.
python3 -c 'import ensurepip, venv' 2> /dev/null || missing+=(python3-venv)
has chromium || has chromium-browser || has google-chrome || missing+=(chromium)
if ! as_user cargo fmt --version > /dev/null 2>&1 || ! as_user cargo clippy --version > /dev/null 2>&1; then
    case $(readlink -f "$(command -v cargo || true)") in
        */.cargo/bin/*) say "rustfmt or clippy is missing: rustup component add rustfmt clippy" ;;
        /usr/lib/rust-1.*)
            version=${versioned_rust#/usr/lib/rust-}
            missing+=("rustfmt-${version%%/*}" "rust-${version%%/*}-clippy")
            ;;
        *) missing+=(rustfmt-web rust-web-clippy) ;;
    esac
fi
if ! has apt-get; then
    [ ${#missing[@]} = 0 ] || { say "missing: ${missing[*]} (or what your distribution calls them)"; exit 1; }
    exit 0
fi
# In Ubuntu chromium is a snap, which a package manager in a container cannot install.
case " ${missing[*]-} $(grep -s '^ID=' /etc/os-release)" in
    *' chromium '*ID=ubuntu*)
        say "note: no Chromium found; the browser tests skip themselves (snap install chromium)"
        mapfile -t missing < <(printf '%s\n' "${missing[@]}" | grep -vx chromium)
        ;;
esac
install_packages "${missing[@]}"
# A server of NFS for QEMU's driver, which is unpacked and not installed: as packages it and rpcbind would open ports of this host.
nfs=${XDG_CACHE_HOME:-$HOME/.cache}/perfvt-tests/nfs
if [ -e /etc/debian_version ] && [ ! -e "$nfs/ready" ]; then
    { as_user mkdir -p "$nfs/root" &&
        mapfile -t packages < <(apt-get install --simulate --no-install-recommends nfs-ganesha-vfs rpcbind 2> /dev/null |
            sed -n 's/^Inst \([^ ]*\).*/\1/p') &&
        (cd "$nfs" && { [ ${#packages[@]} = 0 ] || as_user apt-get download -q "${packages[@]}" >&2; } &&
            for package in *.deb; do [ ! -e "$package" ] || as_user dpkg-deb -x "$package" root; done) &&
        as_user touch "$nfs/ready"; } ||
        say "nfs-ganesha could not be fetched; the test of a disk behind NFS skips itself"
fi
axe=$here/../report/tests/axe
if has npm && [ ! -e "$axe/node_modules/axe-core/axe.min.js" ]; then
    as_user npm ci --silent --no-audit --no-fund --prefix "$axe" >&2 ||
        say "axe-core could not be fetched; the accessibility check skips itself"
fi
# Not in the checkout: some hundred megabytes that every checkout would fetch again.
engines=${XDG_CACHE_HOME:-$HOME/.cache}/perfvt-tests/engines
wanted=$here/../lake/tests/engines/requirements.txt
alone=$here/../stats/tests/otava/requirements.txt
# A grammar for the scripts that run in Windows guests, which nothing else here can read.
grammar=$here/../vm/tests/powershell/requirements.txt
if ! cat "$wanted" "$alone" "$grammar" | cmp -s - "$engines/ready" && python3 -c 'import ensurepip, venv' 2> /dev/null; then
    { as_user mkdir -p "$engines" &&
        as_user python3 -m venv "$engines/venv" &&
        as_user "$engines/venv/bin/pip" install --quiet --requirement "$wanted" --requirement "$grammar" >&2 &&
        as_user "$engines/venv/bin/pip" install --quiet --no-deps --requirement "$alone" >&2 &&
        cat "$wanted" "$alone" "$grammar" | as_user tee "$engines/ready" > /dev/null; } ||
        say "DuckDB, pyarrow, DataFusion, Otava and the grammar of PowerShell could not be fetched; the tests that ask them skip themselves"
fi
