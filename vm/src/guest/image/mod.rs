//! The built-in guest: a kernel, an initramfs and a disk of further tools, made without root.
//!
//! ```text
//!   sources (packages in the cache, else the host)
//!      │ kernel: bzImage ──> vmlinux          │ modules: ordered by what they need
//!      │ elf: programs ──> the libraries that they need
//!      v                                      v
//!   contents (two trees of files) ──> initramfs (cpio) and tools disk (EROFS, else ext4)
//!      │ hash of all of it                    v
//!      └────────────────────────> store: images/builtin-<hash>/, published by rename
//! ```
//!
//! [`builtin`] is the way in: it returns at once when an index says that no input has changed. The guest's own
//! programs (process 1, the agent on the command port) are the text files in `vm/guest/`; the protocol of
//! the command port is described at the top of `vm/guest/agent`.
//!
//! No process is started for the built-in guest: everything is read and written by this program itself; [`fetch()`] gets the
//! packages before. [`build_system`] makes a whole Debian or Ubuntu by mmdebstrap.

mod bootstrap;
mod brought;
mod build;
mod carry;
mod catalogue;
mod codec;
mod contents;
mod elf;
mod erofs;
mod error;
mod ext4;
mod extract;
mod fetch;
mod flavour;
mod foreign;
mod index;
mod initramfs;
mod installed;
mod kernel;
mod live;
mod modules;
mod own_kernel;
mod prerequisites;
mod sources;
mod store;
mod sync;
mod tree;

pub use bootstrap::{build as build_system, build_log};
pub use brought::{Placed, brought_disk};
pub use build::{bare_initramfs, builtin, builtin_with, can_build};
pub(in crate::guest) use carry::DISK as INSTALLED_DISK;
pub use carry::{export, import};
pub use catalogue::{Listed, Sum, catalogue, measured_in, relist, surplus};
pub use error::ImageError;
pub use extract::{Extracted, Taken, extract};
pub use fetch::{Fetch, fetch};
pub use flavour::{BY_HAND, DEBIAN, FLAVOURS, Flavour};
pub(in crate::guest) use index::Stamp;
pub(in crate::guest) use installed::{archive_of, installed, keep_installed, lock_for_install, room};
pub use own_kernel::{Found, OwnKernel};
pub use sources::{HostProgram, host_program};
pub use store::{Cache, Image, StoredImage, list, named, remove, stored};
pub use sync::sync;
