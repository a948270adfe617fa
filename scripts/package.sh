#!/usr/bin/env bash
# Makes packages for Debian and its kin (cargo-deb) and for Fedora and its kin (cargo-generate-rpm): target/package/*.deb and
# *.rpm. What they say of themselves (what they need, who keeps them) stands in cli/Cargo.toml; the files are laid out here.
#
#   /usr/bin/perfvt                     the program
#   /usr/share/man/man1                 manual pages; completions for bash, zsh and fish in the folders of those shells
#   /usr/share/doc/perfvt               documents, which are part of the program as well, and the changelog
#   /usr/share/perfvt                   samples to compare, parts for CI, cfg/ and perf.conf to look at: not among the documents, which small
#                                       images of systems leave out
#
# PERFVT_PROFILE=dev packages a debug build, which is made much faster: to try the packages, not to hand them on.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$HOME/.cargo/bin:$PATH"

# A subcommand of cargo, installed for this user where it is missing.
have() { command -v "cargo-$1" > /dev/null || cargo install --locked "cargo-$1"; }
have deb
have generate-rpm
profile=${PERFVT_PROFILE:-release}
cargo build --profile "$profile" --locked --package perfvt --bin perfvt
perfvt=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}/perfvt

out=target/package
root=$out/root
share=$root/usr/share
rm -rf "$out"
mkdir -p "$root/usr/bin" "$share"/{man/man1,doc/perfvt,perfvt,bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}
cp "$perfvt" "$root/usr/bin/"
"$perfvt" man --dir "$share/man/man1"
gzip -9n "$share"/man/man1/*
"$perfvt" completions bash > "$share/bash-completion/completions/perfvt"
"$perfvt" completions zsh > "$share/zsh/vendor-completions/_perfvt"
"$perfvt" completions fish > "$share/fish/vendor_completions.d/perfvt.fish"
cp -R docs/. "$share/doc/perfvt"
cp README.md SECURITY.md LICENSE-APACHE LICENSE-MIT "$share/doc/perfvt"
gzip -9nc CHANGELOG.md > "$share/doc/perfvt/changelog.gz"
cp -R samples cfg ci perf.conf "$share/perfvt"
find "$root" -type d -exec chmod 755 {} +
find "$root" -type f -exec chmod 644 {} +
chmod 755 "$root/usr/bin/perfvt" "$share"/perfvt/ci/*.sh

cargo deb --package perfvt --profile "$profile" --no-build --no-strip --output "$out/"
# zstd is read by every rpm since RHEL 8, and takes seconds where xz takes minutes.
cargo generate-rpm --package cli --payload-compress zstd --output "$out/"
ls -l "$out"/*.deb "$out"/*.rpm
