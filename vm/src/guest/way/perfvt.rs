//! `channel=perfvt`: perfvt's own agent, which cloud-init starts in the guest, on a virtio-serial port.

use super::{Channel, ChannelError, Ends, Entrance, Own, Pairs, port};
use crate::guest::channel::{PORT_NAME, PortChannel};

pub(super) struct Perfvt;

impl Own for Perfvt {
    fn needs_cloud_init(&self) -> bool {
        true
    }

    fn sentence(&self, _: &str, _: u16) -> String {
        "by perfvt's agent, which cloud-init starts".into()
    }

    fn devices(&self, ends: &Ends<'_>) -> Pairs {
        port(PORT_NAME, ends.socket)
    }

    fn connect(&self, to: &Entrance<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        Ok(Box::new(PortChannel::connect(to.socket)?))
    }
}
