//! A guest: its image, the QEMU that runs it, and the ways to talk to it.
//!
//! ```text
//!   image (kernel, initramfs, tools disk) or definition (of the user's, with a layer above its image: overlay, and all
//!      │                                   files that the image reads: backing), disk (data, made for a boot)
//!      └─> spec (all that is known of a guest before it boots) ──> argv (disks: blockdev) ──> machine (QEMU, paused, pinned, let go) ──> enter ─> channel (commands), qmp (monitor), network
//!                      └─> health (what happened to it) ──> forensics (what tells why)
//! ```

#[macro_use]
mod words;

pub mod argv;
pub mod backing;
pub mod blockdev;
pub mod boot_times;
pub mod cdrom;
pub mod channel;
pub mod checked;
pub mod confine;
pub mod definition;
pub mod disk;
pub mod enter;
mod error;
mod fit;
pub mod forensics;
mod handed;
pub mod hardware;
mod health;
pub mod identity;
pub mod image;
pub mod install;
pub mod job;
pub mod keyboard;
pub mod machine;
pub mod migration;
pub mod network;
pub mod offline;
pub mod os;
pub mod overlay;
pub mod qemu_img;
pub mod qmp;
pub mod seed;
pub mod spec;
pub mod way;
pub mod windows;

pub use crate::host::program::QEMU;
