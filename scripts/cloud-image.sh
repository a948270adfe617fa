#!/usr/bin/env bash
# scripts/cloud-image.sh FOLDER: a Debian with cloud-init, as vendors' cloud images are inside: nothing of perfvt, no key, no
# password, no guest agent. Made by mmdebstrap from this host's own package sources, without root where it can be. FOLDER, which
# is made, gets disk.qcow2 (ext4 without a partition), vmlinuz and initrd.img. It is there whole or not at all.
#
# Exit status: 0, or 77 where mmdebstrap or the packages are not there; the last line then says why.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=cloud-init,dbus,initramfs-tools,iproute2,iputils-ping,kmod,linux-image-cloud-amd64,openssh-server,procps,systemd,systemd-sysv,udev,zstd

if [ "${1:-}" = --hook ]; then
    # By mmdebstrap, when all packages are in the root file system.
    root=$2
    cp -L "$root/vmlinuz" "$CLOUD_OUT/vmlinuz"
    cp -L "$root/initrd.img" "$CLOUD_OUT/initrd.img"
    echo cloud > "$root/etc/hostname"
    echo 'LABEL=cloudimg-rootfs / ext4 defaults 0 1' > "$root/etc/fstab"
    for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit"
    done
    mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
    ln -sf /lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/"
    # What is of one machine alone; cloud images have none of it.
    rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/machine-id" "$root"/var/cache/apt/*.bin
    rm -rf "$root"/var/lib/apt/lists/*
    : > "$root/etc/machine-id"
    copy=$root/cloud-copy
    mkdir "$copy"
    tar -C "$root" --one-file-system --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' --exclude=./cloud-copy \
        -cf - . | tar -C "$copy" -xf -
    mke2fs -q -F -t ext4 -L cloudimg-rootfs -d "$copy" "$CLOUD_OUT/disk.raw"
    rm -rf "$copy"
    exit
fi

skip() {
    echo "$*" >&2
    exit 77
}
out=${1:?"usage: scripts/cloud-image.sh FOLDER"}
command -v mmdebstrap > /dev/null || skip "mmdebstrap is missing; the package mmdebstrap has it"
PATH=$PATH:/usr/sbin:/sbin
command -v mke2fs > /dev/null || skip "mke2fs is missing; the package e2fsprogs has it"
command -v qemu-img > /dev/null || skip "qemu-img is missing; the package qemu-utils has it"
# shellcheck disable=SC1091
. /etc/os-release
[ "${ID:-}" = debian ] || skip "this host is no Debian, from whose package sources the image is made"
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    if grep -qsE "^(deb|Suites:) ?.*\b$VERSION_CODENAME\b" "$file"; then sources+=("$file"); fi
done
[ ${#sources[@]} -gt 0 ] || skip "no file in /etc/apt has package sources of Debian $VERSION_CODENAME"

mkdir -p "$(dirname "$out")"
scratch=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
# Without root mmdebstrap is another user on this host, who writes these and nothing else.
touch "$scratch/vmlinuz" "$scratch/initrd.img"
truncate -s 2G "$scratch/disk.raw"
chmod 0711 "$scratch"
chmod 0666 "$scratch"/*
if ! CLOUD_OUT=$scratch mmdebstrap --quiet --mode=auto --variant=minbase --format=null --include=$packages \
    --customize-hook="$here/cloud-image.sh --hook \"\$1\"" "$VERSION_CODENAME" /dev/null "${sources[@]}" 2> "$scratch/log"; then
    cat "$scratch/log" >&2
    skip "mmdebstrap made no image: $(tail -n 1 "$scratch/log")"
fi
qemu-img convert -q -f raw -O qcow2 "$scratch/disk.raw" "$scratch/disk.qcow2"
rm "$scratch/log" "$scratch/disk.raw"
chmod 0755 "$scratch"
chmod 0444 "$scratch"/*
# Another one may have been faster.
mv -T "$scratch" "$out" 2> /dev/null || [ -e "$out/disk.qcow2" ]
trap - EXIT
