//! A guest: its image, the QEMU that runs it, and the ways to talk to it.
//!
//! ```text
//!   image (kernel, initramfs, tools disk), disk (data, made for a boot)
//!      └─> argv ──> machine (QEMU, paused, pinned, let go) ──> channel (commands), qmp (monitor), network
//! ```

pub mod argv;
pub mod channel;
pub mod disk;
pub mod image;
pub mod machine;
pub mod network;
pub mod qmp;
