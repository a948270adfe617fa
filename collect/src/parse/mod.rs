//! From keys to the parts that an environment is made of: a disk, a guest of the user's, its system, what confines its QEMU,
//! the network, the deadlines.
//! Each key is read here and nowhere else; what runs guests takes the types, and knows no key.
//!
//! ```text
//!   Params ──> disk, definition, own_kernel, os, confine, layout, deadlines ──> environment (all of it, once)
//!                                                                          └──> workloads, checks before there is an environment
//! ```

mod cdrom;
mod client;
mod cloud_init;
mod confine;
mod crowd;
mod deadlines;
mod definition;
mod disk;
mod display;
mod earlier;
mod error;
mod image;
mod layout;
mod link;
mod names;
mod neighbour;
mod nics;
mod offline;
mod os;
mod profiler;
mod proxies;
mod qemu_img;
mod reach;
mod scenario;
mod topology;

pub use client::{TOGETHER, client_place, client_tools, idle, migrates, together};
pub use confine::{CONFINE, confine};
pub use crowd::{OVERCOMMIT, overcommit};
pub use deadlines::deadlines;
pub use definition::{NO_DEVICE, definition, own_kernel};
pub use disk::{disk, disks, work_disk};
pub use display::{display, opens, refuse_watching};
pub use earlier::earlier_boots;
pub use error::LayoutError;
pub use image::{BUILTIN_IMAGE, CACHED, image};
pub use layout::layout;
pub use link::{bit_rate, duration};
pub use names::refuse_names;
pub use neighbour::{Load, load, neighbours};
pub use nics::{has_switch, nics, open_choices, second_nic_is_meant};
pub use offline::{is_offline, output, refuse_talk};
pub use os::{os, os_of};
pub use profiler::{Profiler, profiler};
pub use qemu_img::{check_image, qemu_img};
pub use scenario::{client_in_guest, further, guests, scenario};
pub use topology::{VMS, has_topology, mac, machines, measured, topology};

use model::Params;

/// A value that is not empty.
fn given<'a>(params: &'a Params, key: &str) -> Option<&'a str> {
    params.get(key).map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
#[path = "../../../formats/testdata/qcow2/made.rs"]
pub(crate) mod made;
