//! `perfvt import-libvirt` and `perfvt import-avocado`: what others have, as perfvt would use it.

mod avocado;
mod libvirt;

pub use avocado::avocado;
pub use libvirt::libvirt;

/// `1 key`, `2 keys`.
fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
