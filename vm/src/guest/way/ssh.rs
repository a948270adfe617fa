//! `channel=ssh`: ssh over a NIC of its own.

use super::{Channel, ChannelError, Ends, Entrance, Own, Pairs};
use crate::guest::channel::SshChannel;
use crate::guest::network::SSH_MAC;

pub(super) struct Ssh;

impl Own for Ssh {
    fn is_ssh(&self) -> bool {
        true
    }

    fn sentence(&self, user: &str, port: u16) -> String {
        format!("by ssh as {user} at port {port}")
    }

    fn devices(&self, ends: &Ends<'_>) -> Pairs {
        // The guest reaches nothing over it, and nobody but this host reaches the guest. Its network is another one than those
        // of the NICs (10.0.2.0/24 and up): with two ways to one address the guest would answer on the wrong one.
        let (from, to) = ends.ssh;
        let forward = format!("hostfwd=tcp:127.0.0.1:{from}-:{to}");
        vec![
            ("-netdev", format!("user,id=ssh0,net=10.0.200.0/24,restrict=on,{forward}")),
            ("-device", format!("virtio-net-pci,netdev=ssh0,mac={SSH_MAC}")),
        ]
    }

    fn connect(&self, to: &Entrance<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        Ok(Box::new(SshChannel::new(&to.login.user, to.key, to.ssh_port, to.namespace, to.late_key)?))
    }
}
