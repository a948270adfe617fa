//! perfvt's own agent in the built-in guest: argument vectors in, exit status and output out, over a virtio-serial port.
//!
//! One line a request, host to guest: `ID SECONDS BASE64`, where the base64 is the argument vector joined by NUL
//! bytes. The guest decodes it without a shell, runs it, and answers `ID STATUS OUT ERR` followed by OUT bytes of
//! standard output and ERR bytes of standard error. STATUS is a number, `timeout` when the guest killed the
//! command at its deadline, or `refused` when it could not be carried out. `ID put MODE PATH CONTENT` writes a file, and
//! `ID read PATH..` reads files of /proc and /sys at the cost of a single process in the guest. The guest's first line is
//! `READY KERNEL UPTIME`, said from the descriptor that then reads, so that no request is ever sent to a port
//! that nobody has opened.

use super::wire::nonsense;
use super::{Channel, ChannelError, Health, Limit, Ready, Reply, Status, Wire, whole_seconds};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge::quoted;
use model::Failure;
use process::LONGEST_OUTPUT;
use process::deadlines::GRACE;
use std::path::Path;
use std::time::Duration;

/// The name of the command channel's port, which the guest's init looks for.
pub const PORT_NAME: &str = "perfvt.cmd";

/// The host's end of the channel.
#[derive(Debug)]
pub struct PortChannel {
    wire: Wire,
    next_id: u64,
}

impl PortChannel {
    /// Connects to the socket that QEMU listens on.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(path: &Path) -> Result<PortChannel, ChannelError> {
        Ok(Self::over(Wire::connect(path)?))
    }

    pub(in super::super) fn over(wire: Wire) -> PortChannel {
        PortChannel { wire, next_id: 0 }
    }

    fn request(
        &mut self,
        request: &str,
        what: &str,
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        self.next_id += 1;
        let limit = Limit::new(what, deadline);
        let request = format!("{} {request}\n", self.next_id);
        self.wire.send(request.as_bytes(), &limit, health)?;
        self.answer(what, &limit, &|| false, health)
    }

    /// Waits for the answer to the last request, and tells the guest when its command is to end before.
    fn answer(
        &mut self,
        what: &str,
        limit: &Limit<'_>,
        stop: &dyn Fn() -> bool,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let mut stopped = false;
        loop {
            let line = if stopped {
                self.wire.line(limit, health)?
            } else {
                let wanted = || Failure::tool("a command in the guest is to end");
                let line = self.wire.line(limit, &mut || health().or_else(|| stop().then(wanted)));
                match line {
                    // A line that has come in part is read on.
                    Err(ChannelError::Dead(_)) if health().is_none() => {
                        stopped = true;
                        self.wire.send(b"stop\n", limit, health)?;
                        continue;
                    }
                    line => line?,
                }
            };
            let Some((id, status, out, err)) = parse_answer(&line) else {
                return Err(nonsense(line.as_bytes()));
            };
            self.wire.announce(out.saturating_add(err));
            if out.saturating_add(err) > LONGEST_OUTPUT {
                // It comes all the same, before the answer to the next request.
                self.wire.skip(out.saturating_add(err), limit, health)?;
                if id == self.next_id {
                    return Err(ChannelError::TooMuch(what.to_owned()));
                }
                continue;
            }
            let stdout = self.wire.bytes(out, limit, health)?;
            let stderr = self.wire.bytes(err, limit, health)?;
            // The answer to a request that was given up earlier may still come.
            if id == self.next_id {
                return Ok(Reply { status, stdout, stderr });
            }
        }
    }
}

impl Channel for PortChannel {
    fn wait_ready(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        let line = self.wire.line(&Limit::new("READY", deadline), health)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["READY", kernel, uptime, ..] => match uptime.parse() {
                Ok(uptime) => Ok(Ready { kernel: (*kernel).to_owned(), uptime }),
                Err(_) => Err(nonsense(line.as_bytes())),
            },
            // What the user gave for the first boot was not done.
            ["FAILED", ..] => {
                Err(ChannelError::Refused(quoted(line.trim_start_matches("FAILED ")).to_string()))
            }
            _ => Err(nonsense(line.as_bytes())),
        }
    }

    fn exec(
        &mut self,
        argv: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let request = format!("{} {}", whole_seconds(deadline), STANDARD.encode(argv.join("\0")));
        self.request(&request, &argv.join(" "), deadline + GRACE, health)
    }

    fn exec_unless(
        &mut self,
        argv: &[&str],
        deadline: Duration,
        stop: &dyn Fn() -> bool,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        self.next_id += 1;
        let (what, seconds) = (argv.join(" "), whole_seconds(deadline));
        let limit = Limit::new(&what, deadline + GRACE);
        let words = STANDARD.encode(argv.join("\0"));
        let request = format!("{} stoppable {seconds} {words}\n", self.next_id);
        self.wire.send(request.as_bytes(), &limit, health)?;
        self.answer(&what, &limit, stop, health)
    }

    fn read(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let request = format!("read {}", paths.join(" "));
        self.request(&request, &request, deadline + GRACE, health)
    }

    fn counters(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let request = format!("counters {}", paths.join(" "));
        self.request(&request, &request, deadline + GRACE, health)
    }

    fn put(
        &mut self,
        path: &str,
        mode: &str,
        content: &[u8],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let request = format!("put {mode} {} {}", STANDARD.encode(path), STANDARD.encode(content));
        self.request(&request, &format!("writing {path}"), deadline + GRACE, health)
    }
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
    Some((id.parse().ok()?, status, out.parse().ok()?, err.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Code;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    /// A guest that answers each request with the bytes that `answer` makes of its words.
    fn fake(answer: impl Fn(&[&str]) -> Vec<u8> + Send + 'static) -> PortChannel {
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
        PortChannel::over(Wire::over(ours))
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
    fn a_command_that_is_to_end_is_stopped_in_the_guest_and_its_answer_taken() {
        let mut channel = fake(|words| match words {
            [_, "stoppable", "5", _] => b"1 ".to_vec(),
            ["stop"] => b"137 5 0\nso fa".to_vec(),
            [id, ..] => format!("{id} 0 2 0\nok").into_bytes(),
            [] => Vec::new(),
        });
        channel.wait_ready(SOON, &mut || None).unwrap();
        let reply = channel.exec_unless(&["sleep", "60"], SOON, &|| true, &mut || None).unwrap();
        assert_eq!((reply.status, &*reply.stdout), (Status::Exit(137), &b"so fa"[..]));
        assert_eq!(channel.exec(&["b"], SOON, &mut || None).unwrap().stdout, b"ok");
    }

    #[test]
    fn a_guest_whose_first_boot_failed_is_given_up_with_its_reason() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"FAILED first_boot ended with status 3: no such\x1b device\n").unwrap();
        let error = PortChannel::over(Wire::over(ours)).wait_ready(SOON, &mut || None).unwrap_err();
        let wanted = r"command channel: 'first_boot ended with status 3: no such\u{1b} device'";
        assert_eq!(error.to_string(), wanted);
    }

    #[test]
    fn an_answer_that_is_given_up_in_its_middle_is_not_taken_for_the_next_one() {
        let mut channel = fake(|words| match words[0] {
            "1" => b"1 0 4 3\n9 0".to_vec(),
            id => format!(" 1\ne{id} 0 2 0\nok").into_bytes(),
        });
        channel.wait_ready(SOON, &mut || None).unwrap();
        let mut oops = || Some(Failure::new(Code::Oops, "Oops: 0000"));
        assert!(matches!(channel.exec(&["a"], SOON, &mut oops), Err(ChannelError::Dead(_))));
        assert_eq!(channel.exec(&["b"], SOON, &mut || None).unwrap().stdout, b"ok");
    }

    #[test]
    fn a_request_that_is_given_up_while_it_is_sent_is_ended_before_the_next_one() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut channel = PortChannel::over(Wire::over(ours));
        // More than the buffers hold, so that it stands still in its middle.
        let long = vec![b'x'; 4 << 20];
        let mut oops = || Some(Failure::new(Code::Oops, "Oops: 0000"));
        assert!(matches!(channel.put("/a", "0644", &long, SOON, &mut oops), Err(ChannelError::Dead(_))));
        std::thread::spawn(move || {
            let mut out = theirs.try_clone().unwrap();
            for line in BufReader::new(theirs).lines() {
                let line = line.unwrap();
                let id = line.split_whitespace().next().unwrap().to_owned();
                out.write_all(format!("{id} 0 2 0\nok").as_bytes()).unwrap();
            }
        });
        assert_eq!(channel.exec(&["b"], SOON, &mut || None).unwrap().stdout, b"ok");
    }

    #[test]
    fn a_command_that_writes_too_much_is_told_and_the_channel_is_as_good_as_before() {
        let mut channel = fake(|words| match words[0] {
            "1" => {
                let mut answer = format!("1 0 {} 7\n", LONGEST_OUTPUT).into_bytes();
                answer.resize(answer.len() + LONGEST_OUTPUT + 7, b'x');
                answer
            }
            id => format!("{id} 0 2 0\nok").into_bytes(),
        });
        channel.wait_ready(SOON, &mut || None).unwrap();
        let error = channel.exec(&["cat", "/dev/zero"], SOON * 6, &mut || None).unwrap_err();
        assert_eq!(error.to_string(), "in the guest, 'cat /dev/zero' wrote more than 64 MiB of output");
        assert_eq!(channel.exec(&["true"], SOON, &mut || None).unwrap().stdout, b"ok");
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
        let error = PortChannel::over(Wire::over(ours))
            .request("read /proc/stat", "read", Duration::from_millis(200), &mut || None)
            .unwrap_err();
        assert!(matches!(error, ChannelError::Deadline { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(3));
    }

    #[test]
    fn a_guest_that_babbles_is_seen_to_have_flooded_its_console() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || while theirs.write_all(b"0 0 0 0\n").is_ok() {});
        let start = Instant::now();
        let error = PortChannel::over(Wire::over(ours))
            .request("read /proc/stat", "read", SOON * 10, &mut || {
                Some(Failure::new(Code::ConsoleFlood, "too much"))
            })
            .unwrap_err();
        assert_eq!(error.to_string(), "too much");
        assert!(start.elapsed() < SOON);
    }

    #[test]
    fn a_line_without_an_end_is_nonsense_and_quoted_by_its_beginning() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        std::thread::spawn(move || while theirs.write_all(&[b'z'; 4096]).is_ok() {});
        let error = PortChannel::over(Wire::over(ours))
            .wait_ready(Duration::from_secs(60), &mut || None)
            .unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ChannelError::Nonsense(_)) && text.contains("zzz"), "{text}");
        assert!(text.len() < 400, "{}", text.len());
    }

    #[test]
    fn a_guest_that_does_not_read_is_given_up_at_the_deadline() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut channel = PortChannel::over(Wire::over(ours));
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
