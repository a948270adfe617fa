//! A command that goes on running on another host.

use super::{OWN_FAILURE, Ssh, SshError};
use process::deadlines::LAST_WORDS;
use process::{Running, Sink};
use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::Instant;

/// Runs the words behind it in a session of their own and ends with their status. Standard input is a lifeline: each line
/// is a signal for the session, and its end, which comes with the end of perfvt or of the connection, kills it. Whatever
/// the command leaves running is killed as well. There is no data in this text.
const KEEPER: &str = "exec 3<&0; setsid \"$@\" </dev/null 3<&- & p=$!; \
    ( while read -r s <&3; do kill -$s -$p || kill -$s $p; done; kill -KILL -$p || kill -KILL $p ) \
    >/dev/null 2>&1 & w=$!; \
    exec 3<&-; wait $p; s=$?; kill -KILL -$p 2>/dev/null; kill $w 2>/dev/null; exit $s";

/// A command on another host. Dropping it kills it there.
#[derive(Debug)]
pub struct Remote {
    address: String,
    running: Running,
}

impl Ssh {
    /// Starts a command there; what it writes goes to files here.
    ///
    /// # Errors
    /// ssh cannot be started, or a word has a zero byte. A host that is lost shows in [`Remote::ended`].
    pub fn start(&self, argv: &[&str], stdout: &Path, stderr: &Path) -> Result<Remote, SshError> {
        let address = self.destination().address.clone();
        let words = [&["sh", "-c", KEEPER, "perfvt"][..], argv].concat();
        let running = self
            .spec(&words)?
            .open_input()
            .stdout(Sink::File(stdout.to_owned()))
            .stderr(Sink::File(stderr.to_owned()))
            .start()
            .map_err(|source| SshError::Process { address: address.clone(), source })?;
        Ok(Remote { address, running })
    }
}

impl Remote {
    /// How it ended, if it has: its exit status, 128 + n for signal n.
    ///
    /// # Errors
    /// The host was lost.
    pub fn ended(&mut self) -> Result<Option<i32>, SshError> {
        let Some(status) = self.running.ended() else { return Ok(None) };
        match status.code() {
            Some(code) if code != OWN_FAILURE => Ok(Some(code)),
            code => {
                let how = code.map_or_else(
                    || format!("ssh was ended by signal {}", status.signal().unwrap_or_default()),
                    |_| self.running.stderr_tail(),
                );
                Err(SshError::Lost { address: self.address.clone(), reason: how })
            }
        }
    }

    /// Sends a signal to it there, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.running.ended().is_none() {
            // A connection that is lost shows in how ssh ends.
            let _ = self.running.write(format!("{}\n", signal.as_raw()).as_bytes());
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.running.wait_until(Instant::now() + LAST_WORDS);
    }
}
