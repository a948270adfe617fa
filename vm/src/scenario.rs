//! Who talks to whom: where the client of a workload is.

use std::fmt;

/// Where server and client of a workload are. The server is always in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// The client is on the host.
    HostGuest,
    /// The client is in a second guest.
    GuestGuest,
    /// The client is outside of the host.
    ExhostGuest,
    /// Server and client are two machines among several, each in networks of its own.
    Topology,
}

impl Scenario {
    /// The word in files, in names of directories and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Scenario::HostGuest => "host_guest",
            Scenario::GuestGuest => "guest_guest",
            Scenario::ExhostGuest => "exhost_guest",
            Scenario::Topology => "topology",
        }
    }

    /// The guests that it takes, by the names that parameters of one guest alone end in; the server first. A topology names its
    /// own.
    pub fn guests(self) -> &'static [&'static str] {
        match self {
            Scenario::GuestGuest => &GUESTS,
            Scenario::HostGuest | Scenario::ExhostGuest => &[SERVER],
            Scenario::Topology => &[],
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

const SERVER: &str = "vm1";
const GUESTS: [&str; 2] = [SERVER, "vm2"];
