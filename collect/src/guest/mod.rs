//! A guest: its image, the QEMU that runs it, and the ways to talk to it.
//!
//! ```text
//!   image (kernel, initramfs, tools disk), disk (data, made for a boot)
//!      └─> argv ──> machine (QEMU, paused, pinned, let go) ──> channel (commands), qmp (monitor), network
//!                      └─> health (what happened to it) ──> forensics (what tells why)
//! ```

pub mod argv;
pub mod channel;
pub mod disk;
mod forensics;
mod health;
pub mod image;
pub mod machine;
pub mod network;
pub mod qmp;
