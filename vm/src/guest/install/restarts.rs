//! An installer that restarts in between. QEMU is told to stop a guest that wants to (`-no-reboot`), so that each restart is seen; one that
//! may is let go.

use super::super::qmp::{Qmp, QmpError, QmpEvent};
use process::deadlines::HOST_ANSWER;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often QEMU is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// The restarts so far.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// How many there were.
    pub(super) done: u32,
    /// One is going on: until when at most, and how often the guest had reset itself before.
    settles: Option<(Instant, usize)>,
}

impl Restarts {
    /// Lets a guest go that stands because it wants to restart.
    ///
    /// # Errors
    /// The monitor's. `set-action` came with QEMU 6.0.
    pub(super) fn begin(&mut self, qmp: &mut Qmp) -> Result<(), QmpError> {
        act(qmp, "reset")?;
        qmp.execute("system_reset", json!({}), HOST_ANSWER)?;
        let until = Instant::now() + HOST_ANSWER;
        let before = resets(&qmp.events());
        loop {
            // Refused as long as the reset, which another thread of QEMU's does, is not done.
            match qmp.execute("cont", json!({}), HOST_ANSWER) {
                Err(QmpError::Refused { .. }) if Instant::now() < until => std::thread::sleep(AGAIN),
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        self.done += 1;
        self.settles = Some((until, before));
        Ok(())
    }

    /// Has the next restart seen again. SeaBIOS, which finds that it has run before, resets the machine once more by itself: that is
    /// no restart of the installer's.
    pub(super) fn settle(&mut self, qmp: &mut Qmp) {
        let Some((until, before)) = self.settles else { return };
        if resets(&qmp.events()) > before || Instant::now() >= until {
            // A monitor that is gone is told by whoever looks at the guest.
            let _ = act(qmp, "shutdown");
            self.settles = None;
        }
    }
}

fn act(qmp: &mut Qmp, reboot: &str) -> Result<(), QmpError> {
    qmp.execute("set-action", json!({"reboot": reboot}), HOST_ANSWER).map(drop)
}

/// How often the guest has reset itself.
fn resets(events: &[QmpEvent]) -> usize {
    let by_guest = |event: &&QmpEvent| event.data.get("guest").and_then(Value::as_bool) == Some(true);
    events.iter().filter(|event| event.name == "RESET").filter(by_guest).count()
}
