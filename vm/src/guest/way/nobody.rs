//! `channel=none`: nobody talks to the guest. It does a job that it finds on a disk ([`crate::guest::offline`]) and powers itself
//! off; a port takes its marks, a byte each.

use super::{Channel, ChannelError, Ends, Entrance, Own, Pairs, port};
use crate::guest::channel::{MARKS_NAME, MarksChannel};

pub(super) struct Nobody;

impl Own for Nobody {
    fn needs_cloud_init(&self) -> bool {
        true
    }

    fn is_offline(&self) -> bool {
        true
    }

    fn sentence(&self, _: &str, _: u16) -> String {
        "by nobody: it finds its job on a disk, and writes the results to another one".into()
    }

    fn devices(&self, ends: &Ends<'_>) -> Pairs {
        port(MARKS_NAME, ends.socket)
    }

    fn connect(&self, to: &Entrance<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        Ok(Box::new(MarksChannel::connect(to.socket)?))
    }
}
