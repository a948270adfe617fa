//! The way into a guest that never opened one: every request is refused with the reason.

use super::{Channel, ChannelError, Health, Ready, Reply};
use std::time::Duration;

/// Takes no commands, for this reason.
pub struct ClosedChannel(pub String);

impl ClosedChannel {
    fn refuse<T>(&self) -> Result<T, ChannelError> {
        Err(ChannelError::Refused(self.0.clone()))
    }
}

impl Channel for ClosedChannel {
    fn wait_ready(&mut self, _: Duration, _: &mut Health<'_>) -> Result<Ready, ChannelError> {
        self.refuse()
    }

    fn exec(&mut self, _: &[&str], _: Duration, _: &mut Health<'_>) -> Result<Reply, ChannelError> {
        self.refuse()
    }

    fn read(&mut self, _: &[&str], _: Duration, _: &mut Health<'_>) -> Result<Reply, ChannelError> {
        self.refuse()
    }

    fn counters(&mut self, _: &[&str], _: Duration, _: &mut Health<'_>) -> Result<Reply, ChannelError> {
        self.refuse()
    }

    fn put(
        &mut self,
        _: &str,
        _: &str,
        _: &[u8],
        _: Duration,
        _: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        self.refuse()
    }
}
