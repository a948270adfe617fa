//! Where the client of a workload runs.

use crate::ssh::Destination;

/// Where the client of a workload runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientPlace {
    /// On the host.
    Host,
    /// In the second guest.
    Guest,
    /// Nowhere: perfvt itself watches a guest that moves from one QEMU to another, at a port of its own switch.
    Observer,
    /// In a network namespace that stands in for another host.
    Namespace,
    /// On another host.
    Remote(Destination),
}

impl ClientPlace {
    /// Whether its processes run on this host, in whatever namespace.
    pub fn is_here(&self) -> bool {
        matches!(self, ClientPlace::Host | ClientPlace::Namespace)
    }
}
