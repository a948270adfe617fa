//! What this host needs before a system can be made by mmdebstrap: found missing at once, and not after minutes.

use super::error::ImageError;
use crate::host::program::is_in;
use std::path::Path;

/// Programs, which a user other than root may have outside of the PATH, each with how to get it.
const PROGRAMS: [(&str, &str); 4] = [
    ("mmdebstrap", "install the package mmdebstrap"),
    ("mke2fs", "install the package e2fsprogs"),
    ("qemu-img", "install the package qemu-utils"),
    ("ssh-keygen", "install the package openssh-client"),
];
/// Where programs of the system lie that an ordinary user's PATH leaves out.
const SYSTEM: &str = "/usr/sbin:/sbin";
/// Files that give users ranges of further ids (subuid(5)).
const RANGES: [&str; 2] = ["etc/subuid", "etc/subgid"];

/// Says what is missing.
///
/// # Errors
/// A program is not there, or a user other than root has no way to be root in a file system.
pub(super) fn check(host: &Path) -> Result<(), ImageError> {
    let path = std::env::var("PATH").unwrap_or_default();
    let has = |program: &str| is_in(program, &format!("{path}:{SYSTEM}"));
    if let Some((program, remedy)) = PROGRAMS.into_iter().find(|(program, _)| !has(program)) {
        return Err(ImageError::Host { what: format!("no folder of PATH has {program}"), remedy });
    }
    let user = rustix::process::getuid();
    if user.is_root() || has("fakechroot") {
        return Ok(());
    }
    if !has("newuidmap") {
        let what = "no folder of PATH has newuidmap, which a user other than root needs".to_owned();
        return Err(ImageError::Host { what, remedy: "install the package uidmap" });
    }
    let name = user_name(host, user.as_raw()).unwrap_or_default();
    for file in RANGES {
        let text = edge::read::kernel(host.join(file)).unwrap_or_default();
        if !has_range(&text, user.as_raw(), &name) {
            return Err(ImageError::NoIds { user: user.as_raw(), file: format!("/{file}") });
        }
    }
    Ok(())
}

/// The name of a user in /etc/passwd.
fn user_name(host: &Path, user: u32) -> Option<String> {
    let text = edge::read::kernel(host.join("etc/passwd")).ok()?;
    text.lines().find_map(|line| match line.split(':').collect::<Vec<_>>().as_slice() {
        [name, _, id, ..] if id.parse() == Ok(user) => Some((*name).to_owned()),
        _ => None,
    })
}

/// Whether a file of ranges (`NAME-OR-ID:FIRST:COUNT`) gives a user any; a system needs ids up to 65535.
fn has_range(text: &str, user: u32, name: &str) -> bool {
    text.lines().any(|line| match line.split(':').collect::<Vec<_>>().as_slice() {
        [owner, _, count] => {
            (*owner == name || owner.parse() == Ok(user))
                && count.trim().parse().is_ok_and(|count: u64| count >= 65_536)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_users_by_name_or_number_and_large_enough() {
        let text = "root:100000:65536\nme:165536:65536\n1007:231072:65536\nsmall:1:1000\n";
        assert!(has_range(text, 1000, "me") && has_range(text, 1007, "other"));
        assert!(!has_range(text, 1001, "you") && !has_range(text, 1002, "small") && !has_range("", 0, ""));
    }
}
