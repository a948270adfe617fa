//! `perfvt import-libvirt` and `perfvt import-avocado`: what others have, as perfvt would use it.

mod avocado;
mod libvirt;

pub use avocado::avocado;
pub use libvirt::libvirt;
