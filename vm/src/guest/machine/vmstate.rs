//! The state of a guest in a qcow2 disk of its own, as QEMU's jobs snapshot-save, snapshot-load and snapshot-delete keep it there (since
//! QEMU 6.0): memory, devices and disks of one moment. The guest stands while either runs.

use super::Machine;
use crate::guest::error::GuestError;
use edge::quoted;
use model::{Code, Failure, Phase};
use process::deadlines::HOST_ANSWER;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What the job is called.
const JOB: &str = "perfvt-state";
/// How often it is looked whether QEMU is done.
const LOOK: Duration = Duration::from_millis(2);

/// What is done with a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateJob {
    /// It is written.
    Save,
    /// The guest goes on from it.
    Load,
    /// It is removed.
    Delete,
}

impl StateJob {
    fn command(self) -> &'static str {
        match self {
            StateJob::Save => "snapshot-save",
            StateJob::Load => "snapshot-load",
            StateJob::Delete => "snapshot-delete",
        }
    }
}

impl Machine {
    /// Does it with the state of this name, in the disk of this node (of all nodes that the guest writes), and waits until it is done.
    /// Gives the time from the command to the end of the job.
    ///
    /// # Errors
    /// QEMU cannot, or not in time.
    pub fn state_job(
        &mut self,
        job: StateJob,
        (tag, node): (&str, &str),
        nodes: &[&str],
        deadline: Duration,
    ) -> Result<Duration, GuestError> {
        let mut arguments = json!({"job-id": JOB, "tag": tag, "devices": nodes});
        if let (true, Some(members)) = (job != StateJob::Delete, arguments.as_object_mut()) {
            members.insert("vmstate".into(), json!(node));
        }
        let begun = Instant::now();
        self.qmp.execute(job.command(), arguments, HOST_ANSWER)?;
        let ended = self.concluded(job, begun + deadline);
        let took = begun.elapsed();
        // One that is over is there until somebody says that it was seen.
        let dismissed = self.qmp.execute("job-dismiss", json!({"id": JOB}), HOST_ANSWER);
        ended?;
        dismissed?;
        Ok(took)
    }

    /// The bytes of the memory and devices in a state of a node's; `None` where QEMU does not say.
    ///
    /// # Errors
    /// The monitor's.
    pub fn state_bytes(&mut self, tag: &str, node: &str) -> Result<Option<u64>, GuestError> {
        let told = self.qmp.execute("query-named-block-nodes", json!({}), HOST_ANSWER)?;
        let nodes = told.as_array().map(Vec::as_slice).unwrap_or_default();
        let own = nodes.iter().find(|known| known.get("node-name").and_then(Value::as_str) == Some(node));
        let states = own.and_then(|own| own.pointer("/image/snapshots")?.as_array());
        let state = states
            .and_then(|all| all.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(tag)));
        Ok(state.and_then(|state| state.get("vm-state-size")?.as_u64()))
    }

    fn concluded(&mut self, job: StateJob, until: Instant) -> Result<(), GuestError> {
        let failed = |code, why: String| {
            Err(GuestError::Died(Failure::new(code, format!("{}: {why}", job.command()))))
        };
        loop {
            let told = self.qmp.execute("query-jobs", json!({}), HOST_ANSWER)?;
            let all = told.as_array().map(Vec::as_slice).unwrap_or_default();
            let own = all.iter().find(|known| known.get("id").and_then(Value::as_str) == Some(JOB));
            let word = |key: &str| own.and_then(|own| own.get(key)?.as_str()).unwrap_or_default().to_owned();
            match word("status").as_str() {
                "concluded" if word("error").is_empty() => return Ok(()),
                "concluded" => {
                    return failed(Code::ToolFailed, format!("QEMU has failed: {}", quoted(&word("error"))));
                }
                status if Instant::now() >= until => {
                    return failed(
                        Code::Deadline(Phase::Measure),
                        format!("it was not done in time; QEMU says {}", quoted(status)),
                    );
                }
                _ => std::thread::sleep(LOOK),
            }
        }
    }
}
