//! The way into a guest that has none: every request is refused with the reason.

use super::{Channel, ChannelError, Health, Ready, Reply};
use std::time::Duration;

/// Why a guest takes no commands that nobody talks to.
const SEEN: &str = "nobody talks to a guest with channel=screen: it is read and typed to (wait_for_text, type_string, assert_screen); \
                    another channel takes commands";

/// Takes no commands.
pub struct ClosedChannel {
    why: String,
    /// Nobody waits for its guest, which is as ready when it runs as it will ever be.
    is_seen: bool,
}

impl ClosedChannel {
    /// That of a guest that never opened one, for this reason.
    pub fn of(why: String) -> ClosedChannel {
        ClosedChannel { why, is_seen: false }
    }

    /// That of a guest that is driven by its screen.
    pub fn seen() -> ClosedChannel {
        ClosedChannel { why: SEEN.to_owned(), is_seen: true }
    }

    fn refuse<T>(&self) -> Result<T, ChannelError> {
        Err(ChannelError::Refused(self.why.clone()))
    }
}

impl Channel for ClosedChannel {
    fn wait_ready(&mut self, _: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        match (self.is_seen, health()) {
            (false, _) => self.refuse(),
            (true, Some(failure)) => Err(ChannelError::Dead(failure)),
            // What its kernel is nobody knows.
            (true, None) => Ok(Ready { kernel: String::new(), uptime: 0.0 }),
        }
    }

    fn resume(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        self.wait_ready(deadline, health)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_is_only_seen_is_ready_at_once_unless_it_is_dead_and_takes_no_commands() {
        let soon = Duration::ZERO;
        let mut channel = ClosedChannel::seen();
        assert_eq!(channel.wait_ready(soon, &mut || None).unwrap().kernel, "");
        let dead = channel.wait_ready(soon, &mut || Some(model::Failure::tool("QEMU ended")));
        assert!(matches!(dead, Err(ChannelError::Dead(_))));
        let error = channel.exec(&["true"], soon, &mut || None).unwrap_err().to_string();
        assert!(error.contains("another channel takes commands"), "{error}");
        assert!(ClosedChannel::of("x".into()).wait_ready(soon, &mut || None).is_err());
    }
}
