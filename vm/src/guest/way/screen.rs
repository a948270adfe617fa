//! `channel=screen`: nobody talks to the guest. It is driven by what it shows, its keyboard and its mouse, and takes no commands.

use super::{Channel, ChannelError, Ends, Entrance, Os, Own, Pairs};
use crate::guest::channel::ClosedChannel;

pub(super) struct Screen;

impl Own for Screen {
    fn enters(&self, os: Os) -> bool {
        matches!(os, Os::Linux | Os::Windows)
    }

    fn is_seen(&self) -> bool {
        true
    }

    fn sentence(&self, _: &str, _: u16) -> String {
        "by nobody: it is driven by its screen, its keyboard and its mouse".into()
    }

    fn devices(&self, _: &Ends<'_>) -> Pairs {
        Vec::new()
    }

    fn connect(&self, _: &Entrance<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        Ok(Box::new(ClosedChannel::seen()))
    }
}
