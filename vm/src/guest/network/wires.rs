//! What the names of a network's parts are made of.

/// What the names of a network's parts are made of.
#[derive(Clone, Debug)]
pub struct Wires {
    /// Tells the taps of one campaign from those of another on the same bridge: six letters or digits.
    pub tag: String,
    /// The forwarded port of the server's control connection, with `net=user`.
    pub control_port: u16,
    /// Forwarded ports for data connections, the same on both sides, one for each session.
    pub data_ports: Vec<u16>,
    /// Whether QEMU's helper opens the taps on existing bridges, because this user may not.
    pub helper: bool,
    /// Whether QEMU itself keeps the guest from reaching further than forwarded ports, where there is no namespace for that.
    pub restricted: bool,
}

/// What a NIC wants of its end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NicWiring {
    /// Whether the kernel's vhost moves the packets.
    pub vhost: bool,
    /// Queues.
    pub queues: u32,
}

impl Wires {
    /// The tap of a guest's NIC: at most 15 characters.
    pub fn tap(&self, guest: usize, nic: usize) -> String {
        format!("pvt{}g{guest}n{nic}", self.tag)
    }
}
