//! A small, lenient QMP client (QEMU's docs/interop/qmp-spec.rst).
//!
//! Every command carries an `id` and has a deadline; replies are matched by id, whatever arrives in between. Events
//! are kept in a log. Members, events and greetings that this client does not know are harmless.

use edge::quoted;
use process::deadlines::HOST_ANSWER;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many events are kept, the first ones and the last: a guest can make QEMU tell of as many as it likes.
const MOST_EVENTS: usize = 1000;
/// QEMU's answers are shorter; what is longer is passed over in parts.
const LONGEST_LINE: u64 = 16 << 20;

/// A command that QEMU refused, or never answered.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// The socket cannot be used.
    #[error("QMP socket: {0}")]
    Io(#[from] std::io::Error),
    /// QEMU said no.
    #[error("QMP {command}: {}: {}", quoted(.class), quoted(.desc))]
    Refused {
        /// The command.
        command: String,
        /// QEMU's error class.
        class: String,
        /// QEMU's own words.
        desc: String,
    },
    /// No reply in time.
    #[error("QMP {command}: no reply within {seconds:.1} s")]
    Deadline {
        /// The command.
        command: String,
        /// The deadline.
        seconds: f64,
    },
    /// QEMU closed the connection.
    #[error("QMP {command}: QEMU closed the connection")]
    Closed {
        /// The command.
        command: String,
    },
    /// A reply without what it must hold.
    #[error("QMP {command}: the reply has no {member}")]
    Odd {
        /// The command.
        command: String,
        /// What was missing.
        member: &'static str,
    },
}

/// One asynchronous event.
#[derive(Clone, Debug, PartialEq)]
pub struct QmpEvent {
    /// `GUEST_PANICKED`, `STOP`, ...
    pub name: String,
    /// Its `data`.
    pub data: Value,
    /// Host time in seconds since the epoch, as QEMU stamped it.
    pub unix_seconds: f64,
}

#[derive(Default)]
struct Shared {
    replies: HashMap<u64, Value>,
    events: Vec<QmpEvent>,
    closed: bool,
}

/// A connection to one QEMU.
pub struct Qmp {
    stream: UnixStream,
    shared: Arc<(Mutex<Shared>, Condvar)>,
    next_id: u64,
}

/// What ends the negotiation, and the number of the first command.
const GREETING: &str = "qmp_capabilities";
const FIRST: u64 = 1;

impl Drop for Qmp {
    /// QEMU serves one at a time, and the thread that reads holds the connection, too.
    fn drop(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

/// A lock whose holder panicked still holds whole values: every update is a single push or insert.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Qmp {
    /// Connects and leaves the negotiation mode.
    pub fn connect(path: &Path, deadline: Duration) -> Result<Qmp, QmpError> {
        Self::over(UnixStream::connect(path)?, deadline)
    }

    pub(super) fn over(stream: UnixStream, deadline: Duration) -> Result<Qmp, QmpError> {
        let mut qmp = Self::begin(stream)?;
        qmp.greet(deadline)?;
        Ok(qmp)
    }

    /// Over a connection, and asks to leave the negotiation mode. A QEMU that is not so far answers later: [`Qmp::greet`] may be
    /// called again then, because another connection would wait behind this one.
    pub(super) fn begin(stream: UnixStream) -> Result<Qmp, QmpError> {
        let shared = Arc::new((Mutex::new(Shared::default()), Condvar::new()));
        let reader = BufReader::new(stream.try_clone()?);
        let for_reader = Arc::clone(&shared);
        std::thread::spawn(move || read_loop(reader, &for_reader));
        let mut qmp = Qmp { stream, shared, next_id: 0 };
        qmp.ask(GREETING, json!({}), None, HOST_ANSWER)?;
        Ok(qmp)
    }

    /// Waits until QEMU has left the negotiation mode.
    pub(super) fn greet(&mut self, deadline: Duration) -> Result<(), QmpError> {
        self.answer(FIRST, GREETING, deadline).map(drop)
    }

    /// Sends a command and waits for its reply.
    pub fn execute(
        &mut self,
        command: &str,
        arguments: Value,
        deadline: Duration,
    ) -> Result<Value, QmpError> {
        self.send(command, arguments, None, deadline)
    }

    /// Gives QEMU a file that is open, which it knows by a name from then on (`getfd`).
    ///
    /// # Errors
    /// As [`Qmp::execute`].
    pub fn hand(&mut self, name: &str, file: BorrowedFd<'_>) -> Result<(), QmpError> {
        self.send("getfd", json!({"fdname": name}), Some(file), HOST_ANSWER).map(drop)
    }

    fn send(
        &mut self,
        command: &str,
        arguments: Value,
        file: Option<BorrowedFd<'_>>,
        deadline: Duration,
    ) -> Result<Value, QmpError> {
        let id = self.ask(command, arguments, file, deadline)?;
        self.answer(id, command, deadline)
    }

    /// Sends a command, and gives its number.
    fn ask(
        &mut self,
        command: &str,
        arguments: Value,
        file: Option<BorrowedFd<'_>>,
        deadline: Duration,
    ) -> Result<u64, QmpError> {
        self.next_id += 1;
        let id = self.next_id;
        let mut line = json!({"execute": command, "arguments": arguments, "id": id}).to_string();
        line.push('\n');
        // A QEMU that is stopped reads nothing; a timeout of zero would be none at all.
        self.stream.set_write_timeout(Some(deadline.max(Duration::from_millis(1))))?;
        let written = match file {
            Some(file) => with_file(&mut self.stream, line.as_bytes(), file),
            None => self.stream.write_all(line.as_bytes()),
        };
        written.map_err(|e| match e.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => silent(command, deadline),
            _ => QmpError::Io(e),
        })?;
        Ok(id)
    }

    /// Waits for the answer to a command.
    fn answer(&mut self, id: u64, command: &str, deadline: Duration) -> Result<Value, QmpError> {
        let reply = self.wait_for(id, command, deadline)?;
        if let Some(error) = reply.get("error") {
            let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
            return Err(QmpError::Refused {
                command: command.into(),
                class: text("class"),
                desc: text("desc"),
            });
        }
        Ok(reply.get("return").cloned().unwrap_or(Value::Null))
    }

    fn wait_for(&self, id: u64, command: &str, deadline: Duration) -> Result<Value, QmpError> {
        let until = Instant::now() + deadline;
        let mut shared = lock(&self.shared.0);
        loop {
            if let Some(reply) = shared.replies.remove(&id) {
                return Ok(reply);
            }
            if shared.closed {
                return Err(QmpError::Closed { command: command.into() });
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return Err(silent(command, deadline));
            };
            shared = self.shared.1.wait_timeout(shared, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether QEMU has closed it.
    pub fn is_closed(&self) -> bool {
        lock(&self.shared.0).closed
    }

    /// All events so far.
    pub fn events(&self) -> Vec<QmpEvent> {
        lock(&self.shared.0).events.clone()
    }

    /// Thread ids of the vCPUs, by vCPU index (`query-cpus-fast`).
    pub fn vcpu_threads(&mut self) -> Result<Vec<u32>, QmpError> {
        const COMMAND: &str = "query-cpus-fast";
        let odd = |member| QmpError::Odd { command: COMMAND.into(), member };
        let reply = self.execute(COMMAND, json!({}), HOST_ANSWER)?;
        let cpus = reply.as_array().ok_or_else(|| odd("list of CPUs"))?;
        let mut threads: Vec<(u64, u32)> = cpus
            .iter()
            .map(|cpu| {
                let number =
                    |name: &'static str| cpu.get(name).and_then(Value::as_u64).ok_or_else(|| odd(name));
                let thread = u32::try_from(number("thread-id")?).map_err(|_| odd("thread-id"))?;
                Ok((number("cpu-index")?, thread))
            })
            .collect::<Result<_, QmpError>>()?;
        threads.sort_unstable();
        Ok(threads.into_iter().map(|(_, thread)| thread).collect())
    }

    /// Thread ids of the iothreads, in the order of their names (`query-iothreads` gives them in any).
    pub fn iothread_threads(&mut self) -> Result<Vec<u32>, QmpError> {
        const COMMAND: &str = "query-iothreads";
        let odd = |member| QmpError::Odd { command: COMMAND.into(), member };
        let reply = self.execute(COMMAND, json!({}), HOST_ANSWER)?;
        let iothreads = reply.as_array().ok_or_else(|| odd("list of iothreads"))?;
        let mut threads: Vec<(&str, u32)> = iothreads
            .iter()
            .map(|one| {
                let thread = one.get("thread-id").and_then(Value::as_u64).and_then(|t| u32::try_from(t).ok());
                let id = one.get("id").and_then(Value::as_str).ok_or_else(|| odd("id"))?;
                Ok((id, thread.ok_or_else(|| odd("thread-id"))?))
            })
            .collect::<Result<_, QmpError>>()?;
        threads.sort_unstable();
        Ok(threads.into_iter().map(|(_, thread)| thread).collect())
    }
}

/// Writes a line, with an open file beside its first bytes.
fn with_file(stream: &mut UnixStream, line: &[u8], file: BorrowedFd<'_>) -> std::io::Result<()> {
    let files = [file];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    beside.push(SendAncillaryMessage::ScmRights(&files));
    let sent = sendmsg(&*stream, &[IoSlice::new(line)], &mut beside, SendFlags::NOSIGNAL)?;
    stream.write_all(line.get(sent..).unwrap_or_default())
}

fn silent(command: &str, deadline: Duration) -> QmpError {
    QmpError::Deadline { command: command.into(), seconds: deadline.as_secs_f64() }
}

fn read_loop(mut reader: impl BufRead, shared: &(Mutex<Shared>, Condvar)) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => take_line(&line, &mut lock(&shared.0)),
        }
        shared.1.notify_all();
    }
    lock(&shared.0).closed = true;
    shared.1.notify_all();
}

/// Sorts one line into replies and events; anything else is passed over.
fn take_line(line: &[u8], shared: &mut Shared) {
    let Ok(message) = serde_json::from_slice::<Value>(line) else { return };
    if let Some(id) = message.get("id").and_then(Value::as_u64) {
        shared.replies.insert(id, message);
    } else if let Some(name) = message.get("event").and_then(Value::as_str) {
        let stamp = |member: &str| message.pointer(&format!("/timestamp/{member}")).and_then(Value::as_f64);
        if shared.events.len() >= MOST_EVENTS {
            shared.events.remove(MOST_EVENTS / 2);
        }
        shared.events.push(QmpEvent {
            name: name.to_owned(),
            data: message.get("data").cloned().unwrap_or(Value::Null),
            unix_seconds: stamp("seconds").unwrap_or_default()
                + stamp("microseconds").unwrap_or_default() * 1e-6,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A QEMU that answers each command with the lines that `answer` makes of it.
    fn fake(answer: impl Fn(&Value) -> Vec<String> + Send + 'static) -> Result<Qmp, QmpError> {
        let (ours, theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || {
            let mut out = theirs.try_clone().unwrap();
            out.write_all(b"{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n").unwrap();
            for line in BufReader::new(theirs).lines() {
                let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
                for reply in answer(&command) {
                    if out.write_all(format!("{reply}\n").as_bytes()).is_err() {
                        return;
                    }
                }
            }
        });
        Qmp::over(ours, Duration::from_secs(5))
    }

    fn ok(command: &Value, value: Value) -> String {
        json!({"return": value, "id": command["id"], "x-unknown": 1}).to_string()
    }

    #[test]
    fn unknown_events_and_late_replies_do_not_shift_later_ones() {
        let mut qmp = fake(|c| {
            vec![
                r#"{"event": "NEVER_HEARD_OF", "timestamp": {"seconds": 12, "microseconds": 500000}}"#.into(),
                "not json at all".into(),
                json!({"return": "stale", "id": 999}).to_string(),
                ok(c, json!({"status": "running"})),
            ]
        })
        .unwrap();
        let status = qmp.execute("query-status", json!({}), Duration::from_secs(5)).unwrap();
        assert_eq!(status, json!({"status": "running"}));
        assert_eq!(qmp.events()[0].name, "NEVER_HEARD_OF");
        assert_eq!(qmp.events()[0].unix_seconds, 12.5);
    }

    #[test]
    fn a_qemu_that_is_late_is_heard_on_the_same_connection_and_one_that_is_let_go_is_hung_up_on() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let mut qmp = Qmp::begin(ours).unwrap();
        let error = qmp.greet(Duration::from_millis(20)).unwrap_err();
        assert!(matches!(error, QmpError::Deadline { .. }), "{error}");
        theirs.write_all(b"{\"return\": {}, \"id\": 1}\n").unwrap();
        qmp.greet(Duration::from_secs(5)).unwrap();
        drop(qmp);
        let mut asked = String::new();
        BufReader::new(theirs).read_to_string(&mut asked).unwrap();
        assert_eq!(asked.matches("qmp_capabilities").count(), 1, "{asked}");
    }

    #[test]
    fn a_refusal_carries_qemus_words_and_silence_ends_at_the_deadline() {
        let mut qmp = fake(|c| match c["execute"].as_str() {
            Some("silent") => vec![],
            Some("bad") => {
                vec![
                    json!({"error": {"class": "GenericError", "desc": "no such thing"}, "id": c["id"]})
                        .to_string(),
                ]
            }
            _ => vec![ok(c, json!({}))],
        })
        .unwrap();
        let refused = qmp.execute("bad", json!({}), Duration::from_secs(5)).unwrap_err();
        assert_eq!(refused.to_string(), "QMP bad: 'GenericError': 'no such thing'");
        let silent = qmp.execute("silent", json!({}), Duration::from_millis(50)).unwrap_err();
        assert!(matches!(silent, QmpError::Deadline { .. }), "{silent}");
        assert!(qmp.execute("query-status", json!({}), Duration::from_secs(5)).is_ok());
    }

    #[test]
    fn a_guest_that_makes_qemu_tell_of_ever_more_events_does_not_fill_the_hosts_memory() {
        let mut shared = Shared::default();
        for n in 0..MOST_EVENTS * 3 {
            take_line(format!("{{\"event\": \"E{n}\"}}").as_bytes(), &mut shared);
        }
        let names: Vec<&str> = shared.events.iter().map(|e| e.name.as_str()).collect();
        assert_eq!((names.len(), names[0]), (MOST_EVENTS, "E0"));
        assert_eq!(names[MOST_EVENTS - 1], format!("E{}", MOST_EVENTS * 3 - 1), "the last one is there");
    }

    #[test]
    fn vcpu_threads_come_in_the_order_of_their_index() {
        let cpus = json!([{"cpu-index": 1, "thread-id": 71}, {"cpu-index": 0, "thread-id": 70, "new": {}}]);
        let mut qmp = fake(move |c| vec![ok(c, cpus.clone())]).unwrap();
        assert_eq!(qmp.vcpu_threads().unwrap(), [70, 71]);
    }
}
