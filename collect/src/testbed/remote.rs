//! A client on another host, reached by ssh.

use super::TestbedError;
use super::client::flooding;
use crate::environment::EnvironmentSpec;
use crate::lab::{Client, Failed};
use edge::quoted;
use formats::counters::{CpuTicks, Section, Stat};
use model::{Code, Fingerprint, Moment};
use process::deadlines::CHANNEL_ANSWER;
use rustix::process::Signal;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vm::guest::network::ClientPlace;
use vm::ssh::{Remote, Ssh, SshError};

/// How often the clock there is asked for; the quickest answer counts.
const CLOCK_TRIES: usize = 5;

/// The client's host.
pub(super) struct RemoteHost {
    ssh: Ssh,
    /// The folder there that holds the tools; else they are on its PATH.
    tools: Option<String>,
    /// Where tools were found.
    found: RefCell<BTreeMap<String, String>>,
}

/// A failure of the client's host: one that is not reached may be so again, everything else stays as it is.
pub(super) fn of_remote(error: &SshError) -> Failed {
    let code = if matches!(error, SshError::Lost { .. }) { Code::NetworkLost } else { Code::Host };
    Failed::new(code, format!("the client's host: {error}"))
}

impl RemoteHost {
    /// Connects to the client's host, where the environment has one.
    pub(super) fn of(spec: &EnvironmentSpec) -> Result<Option<RemoteHost>, TestbedError> {
        let ClientPlace::Remote(destination) = &spec.layout.client else { return Ok(None) };
        let ssh = Ssh::connect(destination.clone())?;
        Ok(Some(RemoteHost { ssh, tools: spec.client_tools.clone(), found: RefCell::default() }))
    }

    /// Where a tool is there.
    pub(super) fn tool(&self, name: &str) -> Result<String, SshError> {
        if let Some(path) = self.found.borrow().get(name) {
            return Ok(path.clone());
        }
        let wanted = self.tools.as_ref().map_or_else(|| name.to_owned(), |dir| format!("{dir}/{name}"));
        let look = ["sh", "-c", "command -v -- \"$1\" || exit 127", "sh", &wanted];
        let reply = self.ssh.run(&look, &[], CHANNEL_ANSWER)?;
        let path = String::from_utf8_lossy(&reply.stdout).trim().to_owned();
        if reply.status != 0 || path.is_empty() {
            return Err(SshError::NoTool {
                address: self.ssh.destination().address.clone(),
                tool: name.to_owned(),
                place: self
                    .tools
                    .as_ref()
                    .map_or_else(|| "its PATH".to_owned(), |dir| quoted(dir).to_string()),
            });
        }
        self.found.borrow_mut().insert(name.to_owned(), path.clone());
        Ok(path)
    }

    /// Starts a client there; what it writes comes to files here.
    pub(super) fn start(
        &self,
        argv: &[String],
        stdout: &Path,
        stderr: &Path,
    ) -> Result<Box<dyn Client>, SshError> {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let outputs = [stdout.to_owned(), stderr.to_owned()];
        Ok(Box::new(RemoteClient { remote: self.ssh.start(&words, stdout, stderr)?, outputs }))
    }

    /// How far the time of day there is ahead of the one here, in seconds, as far as the quickest of some answers tells.
    pub(super) fn ahead(&self) -> Result<f64, SshError> {
        let mut best: Option<(f64, f64)> = None;
        for _ in 0..CLOCK_TRIES {
            let before = Moment::now().unix_seconds();
            let said = self.ssh.output(&["date", "+%s.%N"], CHANNEL_ANSWER)?;
            let after = Moment::now().unix_seconds();
            // A date(1) without %N tells whole seconds and an N.
            let there: f64 =
                said.trim().trim_end_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(f64::NAN);
            let (took, ahead) = (after - before, there - (before + after) / 2.0);
            if ahead.is_finite() && best.is_none_or(|(quickest, _)| took < quickest) {
                best = Some((took, ahead));
            }
        }
        best.map(|(_, ahead)| ahead).ok_or_else(|| SshError::Lost {
            address: self.ssh.destination().address.clone(),
            reason: "its date(1) does not tell the time".into(),
        })
    }

    /// CPU time of the whole host there, now; else why it is not known.
    pub(super) fn cpu(&self) -> Result<CpuTicks, String> {
        cpu_of(self.ssh.output(&["cat", "/proc/stat"], CHANNEL_ANSWER))
    }

    /// The client's host and the tools there, in the place of this host's. What it does not tell is absent.
    pub(super) fn facts(&self, tools: &[String]) -> Fingerprint {
        let mut facts = Fingerprint::default();
        let mut set = |name: String, argv: &[&str]| {
            let said = self.ssh.output(argv, CHANNEL_ANSWER).unwrap_or_default();
            let first = said.split_whitespace().next().unwrap_or_default();
            if !first.is_empty() {
                facts.set(name, first);
            }
        };
        set("client.kernel".into(), &["uname", "-r"]);
        set("client.arch".into(), &["uname", "-m"]);
        set("client.boot_id".into(), &["cat", "/proc/sys/kernel/random/boot_id"]);
        for tool in tools {
            if let Ok(path) = self.tool(tool) {
                set(format!("tool.{tool}.hash"), &["sha256sum", "--", &path]);
            }
        }
        let cpu = self.ssh.output(&["cat", "/proc/cpuinfo"], CHANNEL_ANSWER).unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        if let Some((_, model)) = model {
            facts.set("client.cpu.model", model.trim());
        }
        facts
    }
}

/// CPU time out of what a host said of `/proc/stat`.
fn cpu_of(said: Result<String, SshError>) -> Result<CpuTicks, String> {
    let text = said.map_err(|error| format!("the client's host does not tell its CPU time: {error}"))?;
    Stat::of(&text).cpu.ok_or_else(|| {
        "the client's host does not tell its CPU time: its /proc/stat has no cpu line".to_owned()
    })
}

/// A client there.
struct RemoteClient {
    remote: Remote,
    outputs: [PathBuf; 2],
}

impl Client for RemoteClient {
    fn ended(&mut self) -> Option<Result<(), String>> {
        if let Some(how) = flooding(&self.outputs) {
            self.remote.signal(Signal::KILL);
            return Some(Err(how));
        }
        match self.remote.ended() {
            Ok(None) => None,
            Ok(Some(0)) => Some(Ok(())),
            Ok(Some(status)) => Some(Err(format!("status {status}"))),
            Err(lost) => Some(Err(lost.to_string())),
        }
    }

    fn signal(&mut self, signal: Signal) {
        self.remote.signal(signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_does_not_tell_its_cpu_time_says_why() {
        assert_eq!(cpu_of(Ok("cpu  1 2 3 4 5 6 7 8 0 0\n".into())).unwrap().total, 36);
        let lost = SshError::Lost { address: "10.0.0.9".into(), reason: "no route to host".into() };
        let reasons = [Ok("Linux".into()), Err(lost)].map(|said| cpu_of(said).unwrap_err());
        assert!(reasons[0].ends_with("its /proc/stat has no cpu line"), "{reasons:?}");
        assert!(reasons[1].contains("10.0.0.9") && reasons[1].contains("no route to host"), "{reasons:?}");
    }
}
