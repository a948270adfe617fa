#!/usr/bin/env bash
# Tries the packages of scripts/package.sh as a new user would, who has no source tree: in a fresh Debian of each of the
# releases (12 and 13, or those given as arguments) the .deb is installed by apt with what it recommends, and an ordinary user
# looks at the samples and runs the demo in real guests. The .rpm is unpacked there by rpm, and what is in it is started: that is
# no test of a system that has packages of this kind. It needs root, mmdebstrap and a mirror; its last figures stand in docs/soak.md and docs/install.md.
#
# PERFVT_DEMO=0 leaves the demo out. TMPDIR holds the systems, about 1.5 GB each, one at a time.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'package-test: %s\n' "$*"; }
skip() { say "skipped: $*"; exit 0; }

[ "$(id -u)" = 0 ] || skip "a fresh system is entered by root alone"
command -v mmdebstrap > /dev/null || skip "mmdebstrap is missing"
shopt -s nullglob
packages=(target/package/*.deb)
[ ${#packages[@]} = 1 ] || { say "there is no target/package/*.deb: run \`make package\`"; exit 1; }
package=$(readlink -f "${packages[0]}")
rpms=(target/package/*.rpm)

# What happens in a fresh system, as root there and then as a user. It is a text without data: the packages are /root/perfvt.deb
# and /root/perfvt.rpm.
inside() {
    cat << 'INSIDE'
set -eu
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
since() { echo "$1: $(($(date +%s) - $2)) s"; }
began=$(date +%s)
apt-get -qq update
apt-get -qq install -y /root/perfvt.deb > /root/install.log 2>&1 || { tail -n 20 /root/install.log; exit 1; }
since "installed with what it recommends" "$began"
if [ -e /root/perfvt.rpm ]; then
    apt-get -qq install -y --no-install-recommends rpm > /dev/null 2>&1
    rpm -i --nodeps --root /root/rpm /root/perfvt.rpm
    echo "unpacked the .rpm: $(rpm -qlp /root/perfvt.rpm | wc -l) files, $(/root/rpm/usr/bin/perfvt --version); it wants" \
        "$(rpm -qp --recommends /root/perfvt.rpm | tr '\n' ',')"
fi
useradd --create-home tester
cat > /home/tester/try << 'TRY'
set -eu
cd
since() { echo "$1: $(($(date +%s) - $2)) s"; }
began=$(date +%s)
perfvt --version
perfvt compare /usr/share/perfvt/samples/virtio /usr/share/perfvt/samples/e1000 | head -n 3
since "from --version to the first verdict" "$began"
man -w perfvt > /dev/null 2>&1 || ls /usr/share/man/man1/perfvt.1.gz
[ "$1" = 1 ] || exit 0
began=$(date +%s)
perfvt guest fetch 2>&1 | tail -n 1
since "fetched the parts of a guest" "$began"
began=$(date +%s)
perfvt demo > demo.log 2> demo.err || { tail -n 20 demo.log demo.err; exit 1; }
since "the demo" "$began"
head -n 1 demo.log
grep -m 1 -A 1 'e1000 against virtio' demo.log
ls -l demo/report.html
TRY
exec setpriv --reuid=tester --regid=tester --init-groups --reset-env sh /home/tester/try "$1"
INSIDE
}

try() {
    local release=$1 dir
    dir=$(mktemp -d "${TMPDIR:-/tmp}/perfvt-package.XXXXXX")
    say "== $release"
    mmdebstrap --quiet --variant=apt --include=ca-certificates,mount,passwd,util-linux "$release" "$dir/root"
    cp "$package" "$dir/root/root/perfvt.deb"
    [ ${#rpms[@]} = 0 ] || cp "${rpms[0]}" "$dir/root/root/perfvt.rpm"
    cp -L /etc/resolv.conf "$dir/root/etc/resolv.conf"
    inside > "$dir/root/root/inside"
    # Mounts and processes of the try end with it. It is no chroot, in which an ordinary user gets no namespace, and so no tap.
    local status=0
    unshare --mount --pid --fork --kill-child sh -eu -c '
        mount --make-rprivate /
        mount --bind "$1" "$1"
        mount --rbind /dev "$1/dev"
        mount -t proc proc "$1/proc"
        mount -t sysfs -o ro sysfs "$1/sys"
        mount -t tmpfs tmpfs "$1/dev/shm"
        cd "$1"
        pivot_root . .
        umount -l .
        cd /
        exec sh /root/inside "$2"' sh "$dir/root" "${PERFVT_DEMO:-1}" || status=$?
    rm -rf --one-file-system "$dir"
    return $status
}

releases=("$@")
[ $# -gt 0 ] || releases=(bookworm trixie)
failed=()
for release in "${releases[@]}"; do
    try "$release" || failed+=("$release")
done
[ ${#failed[@]} = 0 ] || { say "failed in: ${failed[*]}"; exit 1; }
