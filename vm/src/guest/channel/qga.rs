//! The QEMU guest agent on a virtio-serial port: one JSON object a line, both ways (qemu-ga(8), QEMU's qga/qapi-schema).
//!
//! Everything begins with `guest-sync-delimited`: the agent may be not there yet, or still have an answer for somebody
//! who gave up. Its answer comes behind a byte 0xFF, and whatever stands before it is passed over. A command is started
//! (`guest-exec`), asked for until it has ended (`guest-exec-status`), and its output comes in base64. Files are
//! written and read piece by piece; a piece may be shorter than was asked for.

mod files;
mod jobs;
#[cfg(any(test, feature = "pretend"))]
pub mod pretend;

use super::wire::nonsense;
use super::{Channel, ChannelError, Health, Limit, Ready, Reply, Status, Wire};
use crate::guest::job::{self, JobRequest};
use crate::guest::os::Os;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jobs::Jobs;
use process::deadlines::{CHANNEL_ANSWER, GRACE};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// The name of the port on which the agent listens unless it is told otherwise.
pub const PORT_NAME: &str = "org.qemu.guest_agent.0";
/// The agent keeps 16 MiB of each of a command's outputs and gives both in one line, in base64.
const LONGEST_LINE: usize = 48 << 20;
/// How long is waited for an answer to one announcement while the guest boots.
const ANNOUNCED: Duration = Duration::from_secs(1);
/// First and longest pause between two questions how a command stands.
const PAUSES: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(200));

/// The host's end of the channel.
#[derive(Debug)]
pub struct QgaChannel {
    wire: Wire,
    os: Os,
    next_id: u64,
    /// An answer may still be under way that nobody waits for any more.
    stale: bool,
    /// Jobs of a guest that has no `perfvt-job`.
    jobs: Jobs,
}

/// What the agent says: a value, or why not.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "return")]
    value: Option<Value>,
    error: Option<AgentError>,
}

#[derive(Deserialize)]
struct AgentError {
    desc: String,
}

#[derive(Deserialize)]
struct Started {
    pid: i64,
}

#[derive(Deserialize)]
struct Standing {
    exited: bool,
    exitcode: Option<i64>,
    signal: Option<i64>,
    #[serde(rename = "out-data", default)]
    out: String,
    #[serde(rename = "err-data", default)]
    err: String,
    #[serde(rename = "out-truncated", default)]
    out_truncated: bool,
    #[serde(rename = "err-truncated", default)]
    err_truncated: bool,
}

#[derive(Deserialize)]
struct System {
    #[serde(rename = "kernel-release", default)]
    release: String,
    #[serde(rename = "version-id", default)]
    version: String,
}

/// What became of a question: the agent's value, or its reason.
type Told<T> = Result<T, String>;

impl QgaChannel {
    /// Connects to the socket that QEMU listens on.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(path: &Path, os: Os) -> Result<QgaChannel, ChannelError> {
        Ok(Self::over(Wire::connect(path)?, os))
    }

    fn over(wire: Wire, os: Os) -> QgaChannel {
        let wire = wire.with_lines_of(LONGEST_LINE);
        QgaChannel { wire, os, next_id: 0, stale: true, jobs: Jobs::new() }
    }

    /// Says something to the agent and listens until its answer to that comes.
    fn sync(&mut self, limit: &Limit<'_>, health: &mut Health<'_>) -> Result<(), ChannelError> {
        self.next_id += 1;
        let request = json!({"execute": "guest-sync-delimited", "arguments": {"id": self.next_id}});
        // The byte is no JSON: it ends what the agent may have of an unfinished request.
        let bytes = [&[0xff], request.to_string().as_bytes(), b"\n"].concat();
        self.stale = true;
        self.wire.send(&bytes, limit, health)?;
        loop {
            let line = self.wire.line(limit, health)?;
            let text = line.rsplit('\u{fffd}').next().unwrap_or_default();
            let id = serde_json::from_str::<Value>(text).ok().and_then(|v| v.get("return")?.as_u64());
            if id == Some(self.next_id) {
                self.stale = false;
                return Ok(());
            }
        }
    }

    /// One question and its answer.
    fn ask<T: DeserializeOwned>(
        &mut self,
        command: &str,
        arguments: Value,
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Told<T>, ChannelError> {
        let told = self.ask_for_line(command, arguments, limit, health)?;
        Ok(told.map(|(value, _)| value))
    }

    /// The same, with the whole answer as it came.
    fn ask_for_line<T: DeserializeOwned>(
        &mut self,
        command: &str,
        arguments: Value,
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Told<(T, String)>, ChannelError> {
        if self.stale {
            self.sync(limit, health)?;
        }
        let request = json!({"execute": command, "arguments": arguments});
        self.stale = true;
        self.wire.send(format!("{request}\n").as_bytes(), limit, health)?;
        let line = self.wire.line(limit, health)?;
        let answer: Answer = serde_json::from_str(&line).map_err(|_| nonsense(line.as_bytes()))?;
        self.stale = false;
        match (answer.value, answer.error) {
            (Some(value), None) => match serde_json::from_value(value) {
                Ok(value) => Ok(Ok((value, line))),
                Err(_) => Err(nonsense(line.as_bytes())),
            },
            (None, Some(error)) => Ok(Err(format!("{command}: {}", error.desc))),
            _ => Err(nonsense(line.as_bytes())),
        }
    }

    /// Starts a command, and gives the agent's number of it.
    fn start(&mut self, argv: &[&str], health: &mut Health<'_>) -> Result<Told<i64>, ChannelError> {
        let Some((path, args)) = argv.split_first() else { return Ok(Err("an empty command".into())) };
        let arguments = json!({"path": path, "arg": args, "capture-output": true});
        let limit = Limit::new("guest-exec", CHANNEL_ANSWER);
        let started: Told<Started> = self.ask("guest-exec", arguments, &limit, health)?;
        Ok(started.map(|started| started.pid))
    }

    /// Runs a command and waits until it has ended, or the deadline has passed and it was killed.
    fn run(
        &mut self,
        argv: &[&str],
        until: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let pid = match self.start(argv, health)? {
            Ok(pid) => pid,
            Err(reason) => return Ok(refused(&reason)),
        };
        let mut pause = PAUSES.0;
        loop {
            let limit = Limit::new("guest-exec-status", CHANNEL_ANSWER);
            let standing: Told<Standing> =
                self.ask("guest-exec-status", json!({"pid": pid}), &limit, health)?;
            match standing {
                Ok(standing) if standing.exited => return ended(self.os, &standing),
                Ok(_) => {}
                Err(reason) => return Ok(refused(&reason)),
            }
            if let Err(late) = until.check(health) {
                return self.kill(pid, late, health);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Ends a command that has had its time. Where the guest was to do that itself, its silence is the failure.
    fn kill(&mut self, pid: i64, late: ChannelError, health: &mut Health<'_>) -> Result<Reply, ChannelError> {
        if !matches!(late, ChannelError::Deadline { .. }) || !self.os.conventions().limited.is_empty() {
            return Err(late);
        }
        self.end(pid, health)?;
        Ok(Reply { status: Status::Timeout, stdout: Vec::new(), stderr: Vec::new() })
    }

    /// Ends a command and all that it started, and waits until it has ended: what is measured next is alone. How it ended
    /// is told once; `None` when the agent does not know it any more.
    fn end(&mut self, pid: i64, health: &mut Health<'_>) -> Result<Option<Standing>, ChannelError> {
        let number = pid.to_string();
        let kill = [self.os.conventions().kill, &[&number]].concat();
        let (path, args) = kill.split_first().unwrap_or((&"", &[]));
        let arguments = json!({"path": path, "arg": args});
        let limit = Limit::new("the end of a command that was killed", CHANNEL_ANSWER);
        let started: Told<Started> = self.ask("guest-exec", arguments, &limit, health)?;
        started.map_err(|reason| ChannelError::Refused(format!("{path}: {reason}")))?;
        loop {
            match self.ask("guest-exec-status", json!({"pid": pid}), &limit, health)? {
                Ok(standing @ Standing { exited: true, .. }) => return Ok(Some(standing)),
                Ok(_) => limit.check(health)?,
                Err(_) => return Ok(None),
            }
            std::thread::sleep(PAUSES.1);
        }
    }
}

fn refused(reason: &str) -> Reply {
    Reply { status: Status::Refused, stdout: Vec::new(), stderr: reason.as_bytes().to_vec() }
}

fn decoded(text: &str) -> Result<Vec<u8>, ChannelError> {
    STANDARD.decode(text.trim()).map_err(|_| nonsense(text.as_bytes()))
}

/// The reply of a command that has ended. Output that the agent cut off is no output.
fn ended(os: Os, standing: &Standing) -> Result<Reply, ChannelError> {
    let (stdout, stderr) = (decoded(&standing.out)?, decoded(&standing.err)?);
    if standing.out_truncated || standing.err_truncated {
        return Ok(refused("the agent cut the command's output off, which is longer than it keeps"));
    }
    let number = match (standing.exitcode, standing.signal) {
        (Some(code), _) => code,
        // The agent calls the statuses of programs that crashed, from 0xC0000000 on, a signal.
        (None, Some(signal)) if os == Os::Windows => signal,
        (None, Some(signal)) => signal.saturating_add(128),
        (None, None) => return Ok(refused("the agent does not say how the command ended")),
    };
    // Windows has statuses such as 0xC0000005, which are unsigned: the bits are kept.
    Ok(Reply { status: Status::Exit(number as u32 as i32), stdout, stderr })
}

impl Channel for QgaChannel {
    fn wait_ready(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        let all = Limit::new("guest-sync-delimited", deadline);
        loop {
            match self.sync(&Limit::new("guest-sync-delimited", ANNOUNCED.min(deadline)), health) {
                Ok(()) => break,
                // What was said to a port that nobody has opened is lost.
                Err(ChannelError::Deadline { .. }) => all.check(health)?,
                Err(other) => return Err(other),
            }
        }
        let _: Told<Value> = self.ask("guest-ping", json!({}), &all, health)?;
        let system = self.ask::<System>("guest-get-osinfo", json!({}), &all, health)?;
        let kernel = system.map(|s| if s.release.is_empty() { s.version } else { s.release });
        let mut uptime = Vec::new();
        if self.os == Os::Linux {
            // It is told for people: a guest that does not know it is ready all the same.
            let _: Told<()> = self.read_file("/proc/uptime", &mut uptime, &all, health)?;
        }
        let uptime = String::from_utf8_lossy(&uptime);
        let uptime = uptime.split_whitespace().next().and_then(|first| first.parse().ok());
        Ok(Ready { kernel: kernel.unwrap_or_default(), uptime: uptime.unwrap_or_default() })
    }

    fn resume(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        self.wait_ready(deadline, health)
    }

    fn exec(
        &mut self,
        argv: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let what = argv.join(" ");
        let limited = self.os.conventions().limited;
        if limited.is_empty() {
            return self.run(argv, &Limit::new(&what, deadline), health);
        }
        let seconds = super::whole_seconds(deadline);
        let started = std::time::Instant::now();
        let all = [limited, &[&seconds], argv].concat();
        let reply = self.run(&all, &Limit::new(&what, deadline + GRACE), health)?;
        Ok(reply.killed_at(started.elapsed(), deadline))
    }

    fn read(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let limit = Limit::new("reading files", deadline + GRACE);
        let mut stdout = Vec::new();
        for path in paths {
            if let Err(reason) = self.read_file(path, &mut stdout, &limit, health)? {
                return Ok(refused(&reason));
            }
        }
        Ok(Reply { status: Status::Exit(0), stdout, stderr: Vec::new() })
    }

    fn counters(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let (counters, limit) = (self.os.conventions().counters, Limit::new("counters", deadline + GRACE));
        if !counters.is_empty() {
            return self.run(&[counters, paths].concat(), &limit, health);
        }
        let told: Told<(Value, String)> =
            self.ask_for_line("guest-network-get-interfaces", json!({}), &limit, health)?;
        Ok(match told {
            Ok((_, line)) => Reply { stdout: line.into_bytes(), ..Reply::empty() },
            Err(reason) => refused(&reason),
        })
    }

    fn job(
        &mut self,
        request: &JobRequest<'_>,
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Vec<job::Standing>, ChannelError> {
        match self.os {
            Os::Linux => self.exec(&request.words(), deadline, health)?.standings(request),
            Os::Windows => self.job_of_agent(request, health),
        }
    }

    fn put(
        &mut self,
        path: &str,
        mode: &str,
        content: &[u8],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let limit = Limit::new("writing a file", deadline + GRACE);
        let publish = self.os.conventions().publish;
        if publish.is_empty() {
            let told = self.write(path, content, &limit, health)?;
            return Ok(told.map_or_else(|reason| refused(&reason), |()| Reply::empty()));
        }
        // In a folder that is always there: that of the file may have to be made.
        let new = format!("/run/perfvt.new.{}", self.next_id);
        match self.write(&new, content, &limit, health)? {
            Ok(()) => self.run(&[publish, &[path, &new, mode]].concat(), &limit, health),
            Err(reason) => Ok(refused(&reason)),
        }
    }
}

#[cfg(test)]
#[path = "qga_tests.rs"]
mod tests;
