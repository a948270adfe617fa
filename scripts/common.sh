# Sourced by setup.sh and setup-test.sh: what they have in common.
# shellcheck shell=bash
export LC_ALL=C
name=$(basename "$0" .sh)

say() { printf '%s: %s\n' "$name" "$*" >&2; }

# The user for whom all this is done: `sudo make setup` fills the cache of the user, not that of root.
user=$(id -un)
if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER-}" ] && [ "$SUDO_USER" != root ]; then
    user=$SUDO_USER
fi
if [ "$user" = "$(id -un)" ] && [ -n "${HOME-}" ]; then home=$HOME; else home=$(getent passwd "$user" | cut -d : -f 6); fi
as_user() {
    if [ "$user" = "$(id -un)" ]; then "$@"; else runuser -u "$user" -- env HOME="$home" "$@"; fi
}

# Newest of Ubuntu's rust-1.NN folders; they are not on the PATH by themselves.
versioned_rust=$(printf '%s\n' /usr/lib/rust-1.*/bin/cargo | sort -V | tail -n 1)
if [ -x "$versioned_rust" ]; then PATH="${versioned_rust%/cargo}:$PATH"; fi
export PATH="$home/.cargo/bin:$PATH:/usr/sbin:/sbin"

# How to become root: `root` is empty for root itself, "sudo", or "none".
root=none
if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
    root=sudo
fi

has() { command -v "$1" > /dev/null; }

# Installs Debian packages, or says how: 0 when they are there afterwards.
install_packages() {
    if [ $# = 0 ]; then return 0; fi
    if [ "$root" = none ]; then
        say "missing, and neither root nor sudo is at hand; as root: apt-get install --no-install-recommends $*"
        return 1
    fi
    say "installing $*"
    if [ -z "${lists_read-}" ]; then
        $root apt-get -qq update >&2 || say "apt-get update failed; trying with the lists that are there"
        lists_read=1
    fi
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >&2
}

# Whether apt could install a package.
known_to_apt() {
    case $(apt-cache policy "$1" 2> /dev/null) in
        *'Candidate: ('*) return 1 ;;
        *'Candidate: '*) return 0 ;;
        *) return 1 ;;
    esac
}
