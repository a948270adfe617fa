//! The marks of a guest that nobody talks to: it writes a byte to a virtio-serial port when it begins its job, at both ends of each
//! window and when its results are on their disk. Nothing ever goes the other way.

use super::wire::nonsense;
use super::{Channel, ChannelError, Health, Limit, Ready, Reply, Wire};
use std::path::Path;
use std::time::Duration;

/// The name of the port that takes the marks.
pub const MARKS_NAME: &str = "perfvt.marks";

/// What a guest marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It has found its job, and begins.
    Ready,
    /// A window opens.
    Begin,
    /// It closes.
    End,
    /// The results are on their disk; it powers itself off.
    Done,
}

impl Mark {
    /// All of them.
    pub const ALL: [Mark; 4] = [Mark::Ready, Mark::Begin, Mark::End, Mark::Done];

    /// The byte that stands for it.
    pub fn byte(self) -> u8 {
        match self {
            Mark::Ready => b'r',
            Mark::Begin => b'b',
            Mark::End => b'e',
            Mark::Done => b'd',
        }
    }
}

/// The host's end of the port.
#[derive(Debug)]
pub struct MarksChannel {
    wire: Wire,
}

impl MarksChannel {
    /// Connects to the socket that QEMU listens on.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(path: &Path) -> Result<MarksChannel, ChannelError> {
        Ok(MarksChannel { wire: Wire::connect(path)? })
    }

    fn next(
        &mut self,
        what: &str,
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Mark, ChannelError> {
        let said = self.wire.bytes(1, &Limit::new(what, deadline), health)?;
        let known = Mark::ALL.into_iter().find(|mark| said == [mark.byte()]);
        known.ok_or_else(|| nonsense(&said))
    }
}

/// Why a guest takes no command.
fn refused() -> Result<Reply, ChannelError> {
    let why =
        "nothing goes into a guest with channel=none, which works by itself; another channel takes commands";
    Err(ChannelError::Refused(why.into()))
}

impl Channel for MarksChannel {
    fn wait_ready(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        match self.next("the mark of a job that begins", deadline, health)? {
            // What its kernel is stands among its results.
            Mark::Ready => Ok(Ready { kernel: String::new(), uptime: 0.0 }),
            other => Err(nonsense(&[other.byte()])),
        }
    }

    fn mark(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Option<Mark>, ChannelError> {
        match self.next("a mark", deadline, health) {
            Err(ChannelError::Deadline { .. }) => Ok(None),
            mark => mark.map(Some),
        }
    }

    fn exec(&mut self, _: &[&str], _: Duration, _: &mut Health<'_>) -> Result<Reply, ChannelError> {
        refused()
    }

    fn read(&mut self, _: &[&str], _: Duration, _: &mut Health<'_>) -> Result<Reply, ChannelError> {
        refused()
    }

    fn counters(&mut self, _: &[&str], _: Duration, _: &mut Health<'_>) -> Result<Reply, ChannelError> {
        refused()
    }

    fn put(
        &mut self,
        _: &str,
        _: &str,
        _: &[u8],
        _: Duration,
        _: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn marks_are_bytes_and_anything_else_is_nonsense() {
        let (ours, mut guest) = UnixStream::pair().unwrap();
        let mut channel = MarksChannel { wire: Wire::over(ours) };
        let (soon, health): (_, &mut Health<'_>) = (Duration::from_millis(200), &mut || None);
        assert_eq!(channel.mark(Duration::from_millis(1), health).unwrap(), None);
        guest.write_all(b"rbed").unwrap();
        assert_eq!(channel.wait_ready(soon, health).unwrap().kernel, "");
        for mark in [Mark::Begin, Mark::End, Mark::Done] {
            assert_eq!(channel.mark(soon, health).unwrap(), Some(mark));
        }
        guest.write_all(b"x").unwrap();
        assert!(matches!(channel.mark(soon, health), Err(ChannelError::Nonsense(_))));
        guest.write_all(b"e").unwrap();
        assert!(matches!(channel.wait_ready(soon, health), Err(ChannelError::Nonsense(_))));
        let error = channel.exec(&["true"], soon, health).unwrap_err().to_string();
        assert!(error.contains("another channel takes commands"), "{error}");
    }
}
