//! Where the bytes of a data disk are, and QEMU's node for them.

use super::device::Device;
use super::remote::{Remote, descriptor, nbd, unix};
use super::serve::Serve;
use serde_json::{Value, json};
use std::os::fd::RawFd;
use std::path::Path;

/// Where the bytes of a disk are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// In a file that is made for the boot, which QEMU opens.
    File,
    /// In such a file, behind a server of perfvt's own.
    Served(Serve),
    /// On a server of the user's.
    Remote(Remote),
    /// On a device of this host.
    Device(Device),
}

impl At {
    /// Whether it is made for the boot.
    pub fn is_made(&self) -> bool {
        matches!(self, At::File | At::Served(_))
    }

    /// Whether the guest may write to it.
    pub fn writes(&self) -> bool {
        !matches!(self, At::Device(device) if !device.writes)
    }

    /// What it is, for people and fingerprints; nothing for a file that QEMU opens.
    pub fn describe(&self) -> Option<String> {
        match self {
            At::File => None,
            At::Served(serve) => Some(serve.describe()),
            At::Remote(remote) => Some(remote.uri.clone()),
            At::Device(device) => {
                let how = if device.writes { "" } else { ", only read" };
                Some(format!("{}{how}", device.identity()))
            }
        }
    }

    /// The node below the format. `path` is the file, or the socket of its server; `connection` one that QEMU has.
    pub(super) fn node(&self, path: &Path, aio: &str, connection: Option<RawFd>) -> Value {
        let name = path.display().to_string();
        match self {
            At::File => json!({"driver": "file", "filename": name, "aio": aio}),
            At::Device(_) => json!({"driver": "host_device", "filename": name, "aio": aio}),
            At::Served(_) => nbd(connection.map_or_else(|| unix(path), descriptor), ""),
            At::Remote(remote) => remote.node(connection),
        }
    }
}
