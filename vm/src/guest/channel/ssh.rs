//! ssh over a NIC of its own, which leads from a port of the loopback to the guest's ssh server and nowhere else.
//!
//! Whom to trust is not a question here: the guest was started by this perfvt, and its port is on the loopback (of the
//! campaign's network namespace, where it has one). What the user's ssh is configured to do plays no part.

use super::{Channel, ChannelError, Health, Limit, Ready, Reply, Status, whole_seconds};
use crate::guest::os::Os;
use crate::ssh::{Destination, Ssh, SshError};
use process::deadlines::GRACE;
use process::{Namespace, PrivateFolder, Sink, private_folder};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long is waited between two tries to connect.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the guest's health is looked at while waiting.
const POLL: Duration = Duration::from_millis(20);
/// What ssh(1) ends with when it failed itself.
const OWN_FAILURE: i32 = 255;

/// The host's end of the channel.
pub struct SshChannel {
    destination: Destination,
    namespace: Option<Arc<Namespace>>,
    ssh: Option<Ssh>,
    next_id: u64,
    /// The guest gets the key while it starts: until then it refuses the login.
    late_key: bool,
    /// Holds the guest's host key, which is that of this boot.
    _known: PrivateFolder,
}

impl SshChannel {
    /// A channel that is not connected yet.
    ///
    /// # Errors
    /// There is no place for its files.
    pub fn new(
        user: &str,
        key: Option<&Path>,
        port: u16,
        namespace: Option<&Arc<Namespace>>,
        late_key: bool,
    ) -> Result<SshChannel, ChannelError> {
        let known = private_folder()?;
        let destination = Destination {
            address: "127.0.0.1".into(),
            user: Some(user.to_owned()),
            port: Some(port),
            key: key.map(Path::to_owned),
            config: Some("/dev/null".into()),
            new_hosts: Some(known.path().join("hosts")),
        };
        Ok(SshChannel {
            destination,
            namespace: namespace.cloned(),
            ssh: None,
            next_id: 0,
            late_key,
            _known: known,
        })
    }

    /// Runs a command, with an eye on the guest while it runs.
    fn run(
        &mut self,
        argv: &[&str],
        input: &[u8],
        limit: &Limit<'_>,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let Some(ssh) = &self.ssh else { return Err(ChannelError::Refused("not connected".into())) };
        let spec = ssh.spec(argv).map_err(refused)?.input(input);
        let running = spec.stdout(Sink::Capture).stderr(Sink::Capture).start();
        let mut running =
            running.map_err(|source| refused(SshError::Process { address: "the guest".into(), source }))?;
        while running.wait_until(Instant::now() + POLL).is_none() {
            limit.check(health)?;
        }
        let finished = running.finish(Duration::ZERO);
        if finished.cut {
            return Err(ChannelError::TooMuch(limit.what().to_owned()));
        }
        match finished.status.and_then(|status| status.code()) {
            Some(code) if code != OWN_FAILURE => {
                Ok(Reply { status: Status::Exit(code), stdout: finished.stdout, stderr: finished.stderr })
            }
            _ => {
                let reason = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
                Err(refused(SshError::Lost { address: "the guest".into(), reason }))
            }
        }
    }
}

fn refused(error: SshError) -> ChannelError {
    ChannelError::Refused(error.to_string())
}

impl Channel for SshChannel {
    fn wait_ready(&mut self, deadline: Duration, health: &mut Health<'_>) -> Result<Ready, ChannelError> {
        let limit = Limit::new("ssh", deadline);
        let ssh = loop {
            match Ssh::connect_in(self.destination.clone(), self.namespace.as_ref()) {
                Ok(ssh) => break ssh,
                // No time makes this one better.
                Err(error) if !self.late_key && error.to_string().contains("Permission denied") => {
                    return Err(refused(error));
                }
                Err(_) => limit.check(health)?,
            }
            std::thread::sleep(PAUSE);
        };
        self.ssh = Some(ssh);
        let facts = ["cat", "/proc/sys/kernel/osrelease", "/proc/uptime"];
        let text = self.run(&facts, b"", &limit, health)?.into_output(&facts)?;
        let mut words = text.split_whitespace();
        let (kernel, uptime) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        Ok(Ready { kernel: kernel.to_owned(), uptime: uptime.parse().unwrap_or_default() })
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
        let seconds = whole_seconds(deadline);
        let started = Instant::now();
        let all = [Os::Linux.conventions().limited, &[&seconds], argv].concat();
        let reply = self.run(&all, b"", &Limit::new(&what, deadline + GRACE), health)?;
        Ok(reply.killed_at(started.elapsed(), deadline))
    }

    fn read(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let limit = Limit::new("reading files", deadline + GRACE);
        self.run(&[&["cat", "--"], paths].concat(), b"", &limit, health)
    }

    fn counters(
        &mut self,
        paths: &[&str],
        deadline: Duration,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let limit = Limit::new("counters", deadline + GRACE);
        self.run(&[Os::Linux.conventions().counters, paths].concat(), b"", &limit, health)
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
        self.next_id += 1;
        let new = format!("/run/perfvt.new.{}", self.next_id);
        let written = self.run(&["sh", "-c", "cat > \"$1\"", "perfvt", &new], content, &limit, health)?;
        if written.status != Status::Exit(0) {
            return Ok(written);
        }
        self.run(&[Os::Linux.conventions().publish, &[path, &new, mode]].concat(), b"", &limit, health)
    }
}
