//! Whether the guest and its client reach one another.

use super::GuestLab;
use crate::lab::{Failed, Lab};
use model::Code;
use std::time::Duration;
use vm::guest::channel::Status;
use vm::guest::machine::GuestError;

impl GuestLab {
    /// Waits until the server's guest reaches the client over every link.
    pub(super) fn wait_for_peers(&mut self) -> Result<(), Failed> {
        for peer in self.network.peers.clone().into_iter().flatten().map(|peer| peer.to_string()) {
            let mut tries = 0;
            // A bridge and ARP take seconds to let the first packet through.
            while !self.reaches(&peer, 1).map_err(|e| e.failure())? {
                tries += 1;
                if tries == 20 {
                    let lost = format!("the network is lost: the guest does not reach the client at {peer}");
                    return Err(Failed::new(Code::NetworkLost, lost));
                }
                self.sleep(Duration::from_millis(100));
            }
        }
        self.connected = true;
        Ok(())
    }

    /// Whether a peer answers the server's guest within so many seconds.
    pub(super) fn reaches(&mut self, peer: &str, seconds: u32) -> Result<bool, GuestError> {
        let (os, ping) = (self.machine.os, self.machine.os.ping(peer, seconds));
        let words: Vec<&str> = ping.iter().map(String::as_str).collect();
        let reply = self.machine.exec(&words, self.machine.soon())?;
        let printed = String::from_utf8_lossy(&reply.stdout);
        Ok(matches!(reply.status, Status::Exit(status) if os.is_answered(status, &printed)))
    }
}
