//! A socket to a guest: bytes are waited for with a deadline and an eye on the guest's health.

use super::{ChannelError, Health};
use edge::text::QUOTED;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// No line of an answer is longer than this unless the wire is made for longer ones; what is longer is nonsense.
const MAX_LINE: usize = 1 << 20;
/// So many bytes of what was received are looked at for a question.
const SHOWN: usize = 4096;
/// How long is listened at a time where no line is waited for.
const MOMENT: Duration = Duration::from_millis(250);
/// How often the guest's health is looked at while waiting.
const POLL: Duration = Duration::from_millis(50);

/// The host's end of a socket.
#[derive(Debug)]
pub struct Wire {
    stream: UnixStream,
    pending: Vec<u8>,
    /// Bytes that were announced and that nobody has taken yet.
    owed: usize,
    /// The rest of a request that was given up while it was sent: the guest waits for its end.
    unsent: Vec<u8>,
    longest: usize,
    /// When the guest's health was looked at last.
    looked: Instant,
}

impl Wire {
    /// Connects to the socket that QEMU listens on.
    pub fn connect(path: &Path) -> Result<Wire, ChannelError> {
        Ok(Self::over(UnixStream::connect(path)?))
    }

    /// Over a socket that is connected already.
    pub fn over(stream: UnixStream) -> Wire {
        let (pending, unsent) = (Vec::new(), Vec::new());
        Wire { stream, pending, owed: 0, unsent, longest: MAX_LINE, looked: Instant::now() }
    }

    /// The same for lines of up to so many bytes.
    pub fn with_lines_of(self, longest: usize) -> Wire {
        Wire { longest, ..self }
    }

    /// What was received and not asked for yet, as text.
    pub fn shown(&self) -> String {
        let from = self.pending.len().saturating_sub(SHOWN);
        String::from_utf8_lossy(self.pending.get(from..).unwrap_or_default()).into_owned()
    }

    /// Forgets what was received and not asked for.
    pub fn forget(&mut self) {
        self.pending.clear();
        self.owed = 0;
    }

    /// Waits a moment for something to be received. Of what nobody asks for the end is kept.
    pub fn listen(&mut self, limit: &Limit<'_>, health: &mut Health<'_>) -> Result<(), ChannelError> {
        let heard = self.more(&Limit::new(limit.what, MOMENT), health);
        self.pending.drain(..self.pending.len().saturating_sub(MAX_LINE));
        match heard {
            Err(ChannelError::Deadline { .. }) => limit.check(health),
            done => done.and_then(|()| limit.check(health)),
        }
    }

    /// The other end has said how many bytes come next. Those that nobody takes, because the guest was given up meanwhile,
    /// pass before the next line.
    pub fn announce(&mut self, count: usize) {
        self.owed = count;
    }

    /// Writes all of a request. A guest that does not read it fills the buffers in between, and then nothing moves. What is
    /// given up halfway goes before the next one.
    pub fn send(
        &mut self,
        bytes: &[u8],
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<(), ChannelError> {
        let mut all = std::mem::take(&mut self.unsent);
        all.extend_from_slice(bytes);
        let mut left = all.as_slice();
        let sent = self.write(&mut left, limit, health);
        self.unsent = left.to_vec();
        sent
    }

    fn write(
        &mut self,
        bytes: &mut &[u8],
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<(), ChannelError> {
        self.stream.set_write_timeout(Some(POLL))?;
        while !bytes.is_empty() {
            match (&self.stream).write(bytes) {
                Ok(0) => return Err(ChannelError::Io(ErrorKind::WriteZero.into())),
                Ok(n) => *bytes = bytes.get(n..).unwrap_or_default(),
                Err(e) if is_pause(&e) => {}
                Err(e) if matches!(e.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                    return Err(closed(e.kind(), health));
                }
                Err(e) => return Err(e.into()),
            }
            if !bytes.is_empty() {
                limit.check(health)?;
            }
        }
        Ok(())
    }

    /// The next line, without its end.
    pub fn line(&mut self, limit: &Limit<'_>, health: &mut Health<'_>) -> Result<String, ChannelError> {
        self.skip(self.owed, limit, health)?;
        let mut searched = 0;
        loop {
            let fresh = self.pending.get(searched..).unwrap_or_default();
            let end = fresh.iter().position(|b| *b == b'\n').map(|at| searched + at);
            if end.unwrap_or(self.pending.len()) > self.longest {
                return Err(nonsense(&self.pending));
            }
            if let Some(end) = end {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim().to_owned());
            }
            searched = self.pending.len();
            self.more(limit, health)?;
        }
    }

    /// So many bytes.
    pub fn bytes(
        &mut self,
        count: usize,
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Vec<u8>, ChannelError> {
        // What was announced is believed when it has come.
        let mut bytes = Vec::with_capacity(count.min(MAX_LINE));
        while bytes.len() < count {
            if self.pending.is_empty() {
                self.more(limit, health)?;
            }
            let here = self.pending.len().min(count - bytes.len());
            bytes.extend(self.pending.drain(..here));
            self.owed = self.owed.saturating_sub(here);
        }
        Ok(bytes)
    }

    /// Lets so many bytes pass that nobody wants.
    pub fn skip(
        &mut self,
        mut count: usize,
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<(), ChannelError> {
        while count > 0 {
            if self.pending.is_empty() {
                self.more(limit, health)?;
            }
            let here = self.pending.len().min(count);
            self.pending.drain(..here);
            self.owed = self.owed.saturating_sub(here);
            count -= here;
        }
        Ok(())
    }

    /// Reads something. Whoever calls this is not content yet, so the deadline and the guest's health count whatever the
    /// guest says.
    fn more(&mut self, limit: &Limit<'_>, health: &mut Health<'_>) -> Result<(), ChannelError> {
        let mut buffer = [0; 65_536];
        self.stream.set_read_timeout(Some(POLL))?;
        loop {
            limit.check_time()?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(closed(ErrorKind::UnexpectedEof, health)),
                Ok(n) => {
                    self.pending.extend_from_slice(buffer.get(..n).unwrap_or_default());
                    if self.looked.elapsed() >= POLL {
                        limit.check(health)?;
                        self.looked = Instant::now();
                    }
                    return Ok(());
                }
                Err(e) if is_pause(&e) => limit.check(health)?,
                Err(e) if e.kind() == ErrorKind::ConnectionReset => return Err(closed(e.kind(), health)),
                Err(e) => return Err(e.into()),
            }
        }
    }
}

/// What is waited for, and until when.
pub struct Limit<'a> {
    what: &'a str,
    deadline: Duration,
    until: Instant,
}

impl<'a> Limit<'a> {
    pub fn new(what: &'a str, deadline: Duration) -> Self {
        Limit { what, deadline, until: Instant::now() + deadline }
    }

    /// What is waited for.
    pub fn what(&self) -> &'a str {
        self.what
    }

    pub fn check_time(&self) -> Result<(), ChannelError> {
        if Instant::now() < self.until {
            return Ok(());
        }
        Err(ChannelError::Deadline { what: self.what.to_owned(), seconds: self.deadline.as_secs_f64() })
    }

    /// A death first: it says more than the deadline does.
    pub fn check(&self, health: &mut Health<'_>) -> Result<(), ChannelError> {
        match health() {
            Some(death) => Err(ChannelError::Dead(death)),
            None => self.check_time(),
        }
    }
}

/// Nothing moved within [`POLL`].
fn is_pause(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The socket closes somewhat before QEMU has ended, and only its end says why.
fn closed(kind: ErrorKind, health: &mut Health<'_>) -> ChannelError {
    let patience = Instant::now() + Duration::from_secs(2);
    while Instant::now() < patience {
        if let Some(death) = health() {
            return ChannelError::Dead(death);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    ChannelError::Io(kind.into())
}

/// What the guest said that is no answer; its beginning is quoted.
pub(super) fn nonsense(said: &[u8]) -> ChannelError {
    let kept = said.get(..2 * QUOTED).unwrap_or(said);
    ChannelError::Nonsense(String::from_utf8_lossy(kept).trim().to_owned())
}
