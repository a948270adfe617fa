//! A guest's machine: what its parameters say of it, as typed values.

mod check;

pub use check::{check, forbidden_extra};

use super::network::{Mac, NicWiring};
use crate::host::pin::Cell;
use model::Accel;

/// What a guest is made of.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// QEMU's `-accel`.
    pub accel: Accel,
    /// QEMU's `-machine`: `pc` or `q35`.
    pub machine: String,
    /// QEMU's `-cpu`; empty means `host` under KVM and QEMU's own default under TCG.
    pub cpu_model: String,
    /// vCPUs.
    pub smp: usize,
    /// Memory in MiB.
    pub mem_mib: u64,
    /// Nodes of the host to which the memory is bound; with several, each is a node of the guest. None leaves it anywhere.
    pub cells: Vec<Cell>,
    /// NICs, in the order of the layout's links.
    pub nics: Vec<Nic>,
    /// Size of the host's pages for the guest's memory, such as `2M`; `None` takes ordinary ones.
    pub hugepages: Option<&'static str>,
    /// Whether KVM notes the pages that the guest writes vCPU by vCPU, in rings, by which QEMU may slow single vCPUs down while the guest
    /// moves.
    pub dirty_ring: bool,
    /// What the kernel is told beside its command line, where perfvt starts it.
    pub kernel_params: String,
    /// What it draws on.
    pub display: Display,
    /// Further arguments, one by one, after all others.
    pub extra: Vec<String>,
}

/// What a guest draws on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Display {
    /// Nothing: it has a serial console.
    #[default]
    None,
    /// A VGA, beside which a tablet is plugged.
    Vga,
    /// The same, and a VNC server at a socket of this user's shows it.
    Vnc,
}

impl Display {
    /// All, by the words of the key.
    pub const WORDS: [&str; 3] = ["none", "vga", "vnc"];

    /// The one of a word.
    pub fn parse(word: &str) -> Option<Display> {
        Display::WORDS
            .into_iter()
            .zip([Display::None, Display::Vga, Display::Vnc])
            .find(|(own, _)| *own == word)
            .map(|(_, display)| display)
    }

    /// Whether somebody else sees it.
    pub fn is_served(self) -> bool {
        self == Display::Vnc
    }
}

/// One NIC of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Model as perfvt names it: see [`NIC_MODELS`].
    pub model: String,
    /// Queues.
    pub queues: u32,
    /// Whether the kernel's vhost moves the packets.
    pub vhost: bool,
    /// The hardware address that it was given; else it has one by its guest and its place.
    pub mac: Option<Mac>,
}

impl Hardware {
    /// What the built-in defaults of the parameters describe, with one vCPU and its memory anywhere.
    pub fn plain(accel: Accel) -> Hardware {
        Hardware {
            accel,
            machine: "pc".into(),
            cpu_model: String::new(),
            smp: 1,
            mem_mib: 512,
            cells: Vec::new(),
            nics: vec![Nic::plain()],
            hugepages: None,
            dirty_ring: false,
            kernel_params: String::new(),
            display: Display::None,
            extra: Vec::new(),
        }
    }

    /// What its NICs want of the network, in their order.
    pub fn wants(&self) -> Vec<NicWiring> {
        self.nics.iter().map(|nic| NicWiring { vhost: nic.vhost, queues: nic.queues }).collect()
    }
}

impl Nic {
    /// What the built-in defaults of the parameters describe.
    pub fn plain() -> Nic {
        Nic { model: "virtio_net".into(), queues: 1, vhost: false, mac: None }
    }

    /// Whether it is virtio's.
    pub fn is_virtio(&self) -> bool {
        device(&self.model) == VIRTIO_NET
    }
}

/// NIC models by perfvt's names (the ancestor's), with QEMU's device. The guest's image has a driver for each.
pub const NIC_MODELS: [(&str, &str); 2] = [("virtio_net", VIRTIO_NET), ("e1000", "e1000")];
const VIRTIO_NET: &str = "virtio-net-pci";

/// QEMU's device of a NIC model.
pub(super) fn device(nic_model: &str) -> &str {
    NIC_MODELS.iter().find(|(name, _)| *name == nic_model).map_or(nic_model, |(_, device)| device)
}

#[cfg(test)]
mod tests {
    use super::check::FORBIDDEN;
    use super::*;

    #[test]
    fn an_argument_that_takes_the_guest_away_is_refused_in_either_spelling() {
        let args = |list: &[&str]| list.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
        for (name, _) in FORBIDDEN {
            for spelling in [format!("-{name}"), format!("--{name}")] {
                let reason = forbidden_extra(&args(&["-device", "x", &spelling])).unwrap();
                assert!(reason.starts_with(&format!("-{name}: ")), "{spelling}: {reason}");
            }
        }
        assert_eq!(forbidden_extra(&args(&["-smbios", "type=1", "-s", "-device", "monitor", "S"])), None);
    }

    #[test]
    fn hardware_that_no_guest_can_have_is_named() {
        assert_eq!(check(&Hardware::plain(Accel::Tcg)), Ok(()));
        let nic = |model: &str, queues| Nic { model: model.into(), queues, vhost: false, mac: None };
        let with = |nic| Hardware { nics: vec![Nic::plain(), nic], ..Hardware::plain(Accel::Tcg) };
        let four = with(nic("virtio_net", 4));
        assert_eq!(check(&four), Ok(()));
        let says = |h: Hardware, text: &str| {
            let error = check(&h).unwrap_err();
            assert!(error.contains(text), "{error}");
        };
        says(with(nic("e1000", 4)), "queues is 4, but a NIC of model e1000 has one");
        says(with(nic("virtio_net", 65)), "queues is 65, want 1 to 64");
        says(Hardware { smp: 1025, ..Hardware::plain(Accel::Tcg) }, "smp is 1025, want 1 to 1024 vCPUs");
        says(Hardware { mem_mib: 64, ..Hardware::plain(Accel::Tcg) }, "mem is 64, want 128 to 16777216 MiB");
        says(
            Hardware { extra: vec!["--daemonize".into()], ..Hardware::plain(Accel::Tcg) },
            "extra_args has -daemonize: ",
        );
    }
}
