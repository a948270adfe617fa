//! `channel=serial`: a login on the serial console, whose socket then logs what it says.

use super::{Channel, ChannelError, Ends, Entrance, Own, Pairs};
use crate::guest::channel::SerialChannel;

pub(super) struct Serial;

impl Own for Serial {
    fn asks_password(&self) -> bool {
        true
    }

    fn sentence(&self, user: &str, _: u16) -> String {
        format!("on its console as {user}")
    }

    fn console(&self, ends: &Ends<'_>) -> Option<String> {
        let (socket, log) = (ends.socket, ends.log);
        Some(format!("socket,id=serial0,{socket},server=on,wait=off,logfile={log}"))
    }

    fn devices(&self, _: &Ends<'_>) -> Pairs {
        Pairs::new()
    }

    fn connect(&self, to: &Entrance<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        Ok(Box::new(SerialChannel::connect(to.socket, to.login.clone())?))
    }
}
