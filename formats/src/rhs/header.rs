//! The facts of a header under one name each, whatever the dialect calls them.

use super::{Document, HeaderKind};

/// What a header says about the software and the run. A fact that the file does not name is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions<'a> {
    /// QEMU's package: `kvm-userspace-ver`, `kvm-userspace-version`, or `#ver#` without a name.
    pub userspace: Option<&'a str>,
    /// The host's kernel: `kvm_version`, `kvm-version`, `#ver# host kernel`.
    pub host_kernel: Option<&'a str>,
    /// The guest's kernel: `guest-kernel-ver`, `guest-kernel-version`, `#ver# guest kernel`.
    pub guest_kernel: Option<&'a str>,
    /// Seconds of one measurement, as text: `session-length`.
    pub session_length: Option<&'a str>,
}

impl<'a> Document<'a> {
    /// The value of the first `### key : value` line with exactly this key, without a `b'…'` around it.
    pub fn header_value(&self, key: &str) -> Option<&'a str> {
        self.header
            .iter()
            .find(|e| e.kind == HeaderKind::Key && e.key == key)
            .map(|e| without_bytes_mark(e.value))
    }

    /// The header's facts, in any dialect.
    pub fn versions(&self) -> Versions<'a> {
        let mut versions = Versions::default();
        for entry in &self.header {
            let slot = match (entry.kind, entry.key.trim_end()) {
                (HeaderKind::Key, "kvm-userspace-ver" | "kvm-userspace-version") | (HeaderKind::Ver, "") => {
                    &mut versions.userspace
                }
                (HeaderKind::Key, "kvm_version" | "kvm-version") | (HeaderKind::Ver, "host kernel") => {
                    &mut versions.host_kernel
                }
                (HeaderKind::Key, "guest-kernel-ver" | "guest-kernel-version")
                | (HeaderKind::Ver, "guest kernel") => &mut versions.guest_kernel,
                (HeaderKind::Key, "session-length") => &mut versions.session_length,
                _ => continue,
            };
            let value = without_bytes_mark(entry.value);
            if slot.is_none() && !value.is_empty() {
                *slot = Some(value);
            }
        }
        versions
    }
}

/// Removes the `b'…'` with which a Python 3 test prints the bytes of a command's output, and an escaped newline
/// at their end.
fn without_bytes_mark(value: &str) -> &str {
    for quote in ['\'', '"'] {
        let inner = value
            .strip_prefix('b')
            .and_then(|rest| rest.strip_prefix(quote))
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner.strip_suffix("\\n").unwrap_or(inner).trim();
        }
    }
    value
}
