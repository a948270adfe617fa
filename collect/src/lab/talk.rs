//! Who talks to whom while something is measured.

use rustix::process::Signal;
use std::net::IpAddr;
use std::time::Duration;

/// Where a client reaches the server in the guest. With two NICs the first carries the data and the second the control
/// connections; otherwise both addresses are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Address for control connections.
    pub control: IpAddr,
    /// Port of the control connection.
    pub control_port: u16,
    /// Address for data connections.
    pub data: IpAddr,
    /// Ports for data connections, one for each session; none when any port will do.
    pub data_ports: Vec<u16>,
    /// The server guest's interface that carries the data.
    pub interface: String,
}

/// A client that was started, wherever the scenario has its clients.
pub trait Client {
    /// How it ended, if it has: `Ok` for status 0.
    fn ended(&mut self) -> Option<Result<(), String>>;
    /// Sends it a signal.
    fn signal(&mut self, signal: Signal);
    /// How long it ran, once it has ended, by a clock that is read where it runs; `None` where there is none.
    fn took(&mut self) -> Option<Duration> {
        None
    }
}
