//! The command channel: argument vectors in, exit status and output out, over a virtio-serial port.
//!
//! One line a request, host to guest: `ID SECONDS BASE64`, where the base64 is the argument vector joined by NUL
//! bytes. The guest decodes it without a shell, runs it, and answers `ID STATUS OUT ERR` followed by OUT bytes of
//! standard output and ERR bytes of standard error. STATUS is a number, `timeout` when the guest killed the
//! command at its deadline, or `refused` when it could not be carried out. `ID put MODE PATH CONTENT` writes a file, and
//! `ID read PATH..` reads files of /proc and /sys at the cost of a single process in the guest. The guest's first line is
//! `READY KERNEL UPTIME`, said from the descriptor that then reads, so that no request is ever sent to a port
//! that nobody has opened.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Failure;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How much later than the guest's own deadline the host gives up.
const GRACE: Duration = Duration::from_secs(5);
/// No command's output is longer than this; a longer announcement is nonsense.
const MAX_OUTPUT: usize = 256 << 20;
/// No line of an answer is longer than this; a longer one is nonsense.
const MAX_LINE: usize = 1 << 20;
/// So many bytes of nonsense are quoted.
const QUOTED: usize = 200;
/// How often the guest's health is looked at while waiting.
const POLL: Duration = Duration::from_millis(50);

/// A request that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The socket cannot be used, or QEMU closed it.
    #[error("command channel: {0}")]
    Io(#[from] std::io::Error),
    /// The guest is dead; the text says how.
    #[error("{0}")]
    Dead(Failure),
    /// No answer in time.
    #[error("command channel: no answer to {what} within {seconds:.0} s")]
    Deadline {
        /// Which request.
        what: String,
        /// The deadline.
        seconds: f64,
    },
    /// An answer that is none.
    #[error("command channel: the guest answered {0:?}, which is no answer")]
    Nonsense(String),
    /// The command ended with another status than 0.
    #[error("in the guest, {command} ended with {ended}: {stderr}")]
    Failed {
        /// The command line, for people.
        command: String,
        /// How it ended.
        ended: Status,
        /// What it wrote to standard error.
        stderr: String,
    },
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The command's exit status, 128 + n for signal n.
    Exit(i32),
    /// The guest killed the command at its deadline.
    Timeout,
    /// The guest could not carry the request out.
    Refused,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Exit(status) => write!(f, "status {status}"),
            Status::Timeout => f.write_str("SIGKILL at its deadline"),
            Status::Refused => f.write_str("a refusal"),
        }
    }
}

/// What a command in the guest came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How it ended.
    pub status: Status,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// What the guest said when it was ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    /// `uname -r`.
    pub kernel: String,
    /// Seconds since the guest's kernel started.
    pub uptime: f64,
}

/// The host's end of the channel.
#[derive(Debug)]
pub struct Channel {
    stream: UnixStream,
    pending: Vec<u8>,
    next_id: u64,
}

impl Channel {
    /// Connects to the socket that QEMU listens on.
    pub fn connect(path: &Path) -> Result<Channel, ChannelError> {
        Ok(Self::over(UnixStream::connect(path)?))
    }

    pub(super) fn over(stream: UnixStream) -> Channel {
        Channel { stream, pending: Vec::new(), next_id: 0 }
    }

    /// Waits for the guest's first line. `health` is asked now and then and may say how the guest died.
    pub fn wait_ready(
        &mut self,
        deadline: Duration,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<Ready, ChannelError> {
        let line = self.line(&Limit::new("READY", deadline), health)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["READY", kernel, uptime, ..] => match uptime.parse() {
                Ok(uptime) => Ok(Ready { kernel: (*kernel).to_owned(), uptime }),
                Err(_) => Err(nonsense(line.as_bytes())),
            },
            _ => Err(nonsense(line.as_bytes())),
        }
    }

    /// Runs a command in the guest.
    pub fn exec(
        &mut self,
        argv: &[&str],
        deadline: Duration,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<Reply, ChannelError> {
        let seconds = deadline.as_secs_f64().ceil().max(1.0) as u64;
        let request = format!("{seconds} {}", STANDARD.encode(argv.join("\0")));
        self.request(&request, &argv.join(" "), deadline + GRACE, health)
    }

    /// Reads files of the guest's /proc and /sys, one after the other; their names must be plain words.
    pub fn read(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<Reply, ChannelError> {
        let request = format!("read {}", paths.join(" "));
        self.request(&request, &request, deadline + GRACE, health)
    }

    /// The same, with the guest's monotonic clock in the first line: `now NANOSECONDS`, where its kernel tells it.
    pub fn counters(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<Reply, ChannelError> {
        let request = format!("counters {}", paths.join(" "));
        self.request(&request, &request, deadline + GRACE, health)
    }

    /// Writes a file in the guest; `mode` is octal text such as `644`.
    pub fn put(
        &mut self,
        path: &str,
        mode: &str,
        content: &[u8],
        deadline: Duration,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<Reply, ChannelError> {
        let request = format!("put {mode} {} {}", STANDARD.encode(path), STANDARD.encode(content));
        self.request(&request, &format!("writing {path}"), deadline + GRACE, health)
    }

    fn request(
        &mut self,
        request: &str,
        what: &str,
        deadline: Duration,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<Reply, ChannelError> {
        self.next_id += 1;
        let limit = Limit::new(what, deadline);
        let request = format!("{} {request}\n", self.next_id);
        self.send(request.as_bytes(), &limit, health)?;
        loop {
            let line = self.line(&limit, health)?;
            let Some((id, status, out, err)) = parse_answer(&line) else {
                return Err(nonsense(line.as_bytes()));
            };
            let stdout = self.bytes(out, &limit, health)?;
            let stderr = self.bytes(err, &limit, health)?;
            // The answer to a request that was given up earlier may still come.
            if id == self.next_id {
                return Ok(Reply { status, stdout, stderr });
            }
        }
    }

    /// Writes all of a request. A guest that does not read it fills the buffers in between, and then nothing moves.
    fn send(
        &mut self,
        mut bytes: &[u8],
        limit: &Limit<'_>,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<(), ChannelError> {
        self.stream.set_write_timeout(Some(POLL))?;
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(ChannelError::Io(ErrorKind::WriteZero.into())),
                Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
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

    fn line(
        &mut self,
        limit: &Limit<'_>,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<String, ChannelError> {
        let mut searched = 0;
        loop {
            let fresh = self.pending.get(searched..).unwrap_or_default();
            let end = fresh.iter().position(|b| *b == b'\n').map(|at| searched + at);
            if end.unwrap_or(self.pending.len()) > MAX_LINE {
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

    fn bytes(
        &mut self,
        count: usize,
        limit: &Limit<'_>,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<Vec<u8>, ChannelError> {
        while self.pending.len() < count {
            self.more(limit, health)?;
        }
        Ok(self.pending.drain(..count).collect())
    }

    /// Reads something. Whoever calls this is not content yet, so the deadline counts whatever the guest says.
    fn more(
        &mut self,
        limit: &Limit<'_>,
        health: &mut dyn FnMut() -> Option<Failure>,
    ) -> Result<(), ChannelError> {
        let mut buffer = [0; 65_536];
        self.stream.set_read_timeout(Some(POLL))?;
        loop {
            limit.check_time()?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(closed(ErrorKind::UnexpectedEof, health)),
                Ok(n) => {
                    self.pending.extend_from_slice(buffer.get(..n).unwrap_or_default());
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
struct Limit<'a> {
    what: &'a str,
    deadline: Duration,
    until: Instant,
}

impl<'a> Limit<'a> {
    fn new(what: &'a str, deadline: Duration) -> Self {
        Limit { what, deadline, until: Instant::now() + deadline }
    }

    fn check_time(&self) -> Result<(), ChannelError> {
        if Instant::now() < self.until {
            return Ok(());
        }
        Err(ChannelError::Deadline { what: self.what.to_owned(), seconds: self.deadline.as_secs_f64() })
    }

    /// A death first: it says more than the deadline does.
    fn check(&self, health: &mut dyn FnMut() -> Option<Failure>) -> Result<(), ChannelError> {
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
fn closed(kind: ErrorKind, health: &mut dyn FnMut() -> Option<Failure>) -> ChannelError {
    let patience = Instant::now() + Duration::from_secs(2);
    while Instant::now() < patience {
        if let Some(death) = health() {
            return ChannelError::Dead(death);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    ChannelError::Io(kind.into())
}

/// The beginning of what the guest said.
fn nonsense(said: &[u8]) -> ChannelError {
    let quoted = String::from_utf8_lossy(said.get(..QUOTED).unwrap_or(said)).trim().to_owned();
    let more = if said.len() > QUOTED { format!("... ({} bytes)", said.len()) } else { String::new() };
    ChannelError::Nonsense(quoted + &more)
}

/// `ID STATUS OUT ERR`.
fn parse_answer(line: &str) -> Option<(u64, Status, usize, usize)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [id, status, out, err] = words.as_slice() else { return None };
    let status = match *status {
        "timeout" => Status::Timeout,
        "refused" => Status::Refused,
        number => Status::Exit(number.parse().ok()?),
    };
    let (out, err): (usize, usize) = (out.parse().ok()?, err.parse().ok()?);
    (out <= MAX_OUTPUT && err <= MAX_OUTPUT).then_some((id.parse().ok()?, status, out, err))
}

impl Reply {
    /// Standard output of a command that ended with status 0.
    pub fn into_output(self, argv: &[&str]) -> Result<String, ChannelError> {
        if self.status == Status::Exit(0) {
            return Ok(String::from_utf8_lossy(&self.stdout).into_owned());
        }
        Err(ChannelError::Failed {
            command: argv.join(" "),
            ended: self.status,
            stderr: String::from_utf8_lossy(&self.stderr).trim().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Code;
    use std::io::{BufRead, BufReader};

    /// A guest that answers each request with the bytes that `answer` makes of its words.
    fn fake(answer: impl Fn(&[&str]) -> Vec<u8> + Send + 'static) -> Channel {
        let (ours, theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || {
            let mut out = theirs.try_clone().unwrap();
            out.write_all(b"READY 6.1.0-1-amd64 1.25\n").unwrap();
            for line in BufReader::new(theirs).lines() {
                let line = line.unwrap();
                let words: Vec<&str> = line.split_whitespace().collect();
                if out.write_all(&answer(&words)).is_err() {
                    return;
                }
            }
        });
        Channel::over(ours)
    }

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn arguments_travel_as_data_and_output_comes_back_byte_for_byte() {
        let mut channel = fake(|words| {
            let argv = STANDARD.decode(words[2]).unwrap();
            let mut answer = format!("{} 3 {} 4\n", words[0], argv.len()).into_bytes();
            answer.extend_from_slice(&argv);
            answer.extend_from_slice(b"e\0\n!");
            answer
        });
        assert_eq!(channel.wait_ready(SOON, &mut || None).unwrap().kernel, "6.1.0-1-amd64");
        let reply = channel.exec(&["echo", "a b\n$(x)"], SOON, &mut || None).unwrap();
        assert_eq!(
            reply,
            Reply {
                status: Status::Exit(3),
                stdout: b"echo\0a b\n$(x)".to_vec(),
                stderr: b"e\0\n!".to_vec()
            }
        );
    }

    #[test]
    fn an_answer_to_an_abandoned_request_is_passed_over() {
        let mut channel = fake(|words| format!("0 0 2 0\nxx{} timeout 0 0\n", words[0]).into_bytes());
        channel.wait_ready(SOON, &mut || None).unwrap();
        assert_eq!(channel.exec(&["true"], SOON, &mut || None).unwrap().status, Status::Timeout);
    }

    #[test]
    fn a_death_is_told_while_waiting_and_nonsense_is_quoted() {
        let mut silent = fake(|_| Vec::new());
        silent.wait_ready(SOON, &mut || None).unwrap();
        let error = silent
            .exec(&["true"], SOON, &mut || Some(Failure::new(Code::Panic, "the guest panicked")))
            .unwrap_err();
        assert_eq!(error.to_string(), "the guest panicked");
        let mut odd = fake(|_| b"hello there\n".to_vec());
        odd.wait_ready(SOON, &mut || None).unwrap();
        let error = odd.exec(&["true"], SOON, &mut || None).unwrap_err().to_string();
        assert!(error.contains("hello there"), "{error}");
    }

    #[test]
    fn a_guest_that_babbles_does_not_beat_the_deadline() {
        // Answers to requests that nobody made, for ever: each one is whole, and none is the one that is waited for.
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || while theirs.write_all(b"0 0 0 0\n").is_ok() {});
        let start = Instant::now();
        let error = Channel::over(ours)
            .request("read /proc/stat", "read", Duration::from_millis(200), &mut || None)
            .unwrap_err();
        assert!(matches!(error, ChannelError::Deadline { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn a_line_without_an_end_is_nonsense_and_quoted_by_its_beginning() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || while theirs.write_all(&[b'z'; 4096]).is_ok() {});
        let error = Channel::over(ours).wait_ready(Duration::from_secs(60), &mut || None).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ChannelError::Nonsense(_)) && text.contains("zzz"), "{text}");
        assert!(text.len() < 400, "{}", text.len());
    }

    #[test]
    fn a_guest_that_does_not_read_is_given_up_at_the_deadline() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut channel = Channel::over(ours);
        let start = Instant::now();
        let large = "x".repeat(4 << 20);
        let error = channel.request(&large, "put", Duration::from_millis(200), &mut || None).unwrap_err();
        assert!(matches!(error, ChannelError::Deadline { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(3));
        let death = channel
            .request(&large, "put", SOON, &mut || Some(Failure::new(Code::EarlyExit, "dead")))
            .unwrap_err();
        assert_eq!(death.to_string(), "dead");
    }
}
