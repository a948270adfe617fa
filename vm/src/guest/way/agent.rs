//! `channel=agent`: the QEMU guest agent on a virtio-serial port.

use super::{Channel, ChannelError, Ends, Entrance, Os, Own, Pairs, port};
use crate::guest::channel::{QgaChannel, qga};

pub(super) struct Agent;

impl Own for Agent {
    fn enters(&self, os: Os) -> bool {
        matches!(os, Os::Linux | Os::Windows)
    }

    fn sentence(&self, _: &str, _: u16) -> String {
        "by the QEMU guest agent".into()
    }

    fn devices(&self, ends: &Ends<'_>) -> Pairs {
        port(qga::PORT_NAME, ends.socket)
    }

    fn connect(&self, to: &Entrance<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        Ok(Box::new(QgaChannel::connect(to.socket, to.os)?))
    }
}
