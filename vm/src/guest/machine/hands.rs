//! What somebody does with a guest who sits at it: keys, the screen, the plugs of its network, the switch.

use super::Machine;
use crate::guest::channel::ChannelError;
use crate::guest::error::{GuestError, full_in};
use crate::guest::os::Os;
use model::{Code, Failure, Phase};
use process::deadlines::HOST_ANSWER;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// The largest picture of a screen that is taken.
const LARGEST_PICTURE: u64 = 64 << 20;

impl Machine {
    /// Where the file system is mounted that has no room for a file, of those that it goes through.
    pub(super) fn full_disk(&mut self, path: &str) -> Option<String> {
        if self.os != Os::Linux {
            return None;
        }
        let folder =
            path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder });
        let told = self.exec(&["df", "-P", folder, "/run"], self.soon()).ok()?;
        full_in(&String::from_utf8_lossy(&told.stdout))
    }

    /// Where what the guest says on its serial console is logged.
    pub fn console(&self) -> &Path {
        self.console.path()
    }

    /// Plugs all network cards in, or pulls their cables: the guest sees that its links are up or down.
    ///
    /// # Errors
    /// The monitor's.
    pub fn set_links(&mut self, up: bool) -> Result<(), GuestError> {
        for nic in 0..self.nics {
            self.set_link(nic, up)?;
        }
        Ok(())
    }

    /// How many network cards it has.
    pub fn nics(&self) -> usize {
        self.nics
    }

    /// Presses keys together, and lets them go.
    ///
    /// # Errors
    /// The monitor's.
    pub fn press(&mut self, keys: &[String]) -> Result<(), GuestError> {
        let keys: Vec<Value> = keys.iter().map(|key| json!({"type": "qcode", "data": key})).collect();
        self.qmp.execute("send-key", json!({"keys": keys, "hold-time": HELD_MS}), HOST_ANSWER)?;
        // QEMU lets go later, and a key that is pressed before that is lost.
        std::thread::sleep(Duration::from_millis(2 * HELD_MS));
        Ok(())
    }

    /// What the screen shows, as a picture of this format: `png` (QEMU 7.1 and later) or `ppm`.
    ///
    /// # Errors
    /// The guest has no screen, or QEMU does not draw it.
    pub fn picture(&mut self, format: &str) -> Result<Vec<u8>, GuestError> {
        let mut arguments = json!({"filename": self.screen.named});
        if let (true, Some(members)) = (format != "ppm", arguments.as_object_mut()) {
            members.insert("format".into(), json!(format));
        }
        self.screen.rewind();
        self.qmp.execute("screendump", arguments, HOST_ANSWER)?;
        edge::read(&self.screen.drawn, LARGEST_PICTURE).map_err(|source| GuestError::Io {
            doing: "reading the picture of the screen",
            path: self.screen.drawn.clone(),
            source,
        })
    }

    /// The registers of all vCPUs, as QEMU writes them.
    ///
    /// # Errors
    /// The monitor's.
    pub fn registers(&mut self) -> Result<String, GuestError> {
        let line = json!({"command-line": "info registers -a"});
        let said = self.qmp.execute("human-monitor-command", line, HOST_ANSWER)?;
        Ok(said.as_str().unwrap_or_default().replace('\r', ""))
    }

    /// Whether QEMU is still there, whatever became of its guest.
    pub fn has_process(&mut self) -> bool {
        self.qemu.ended().is_none()
    }

    /// Leads connections to a port of this host's loopback to a port of the guest. Only QEMU's own network can (`net=user`).
    ///
    /// # Errors
    /// The network is another one, or the port is taken.
    pub fn forward(&mut self, host: u16, guest: u16) -> Result<(), GuestError> {
        let line = format!("hostfwd_add net0 tcp:127.0.0.1:{host}-:{guest}");
        let said = self.qmp.execute("human-monitor-command", json!({"command-line": line}), HOST_ANSWER)?;
        match said.as_str().map(str::trim) {
            None | Some("") => Ok(()),
            Some(said) => Err(GuestError::Died(Failure::new(
                Code::ToolFailed,
                format!("QEMU forwards no port: {}; a network of its own can (net=user)", edge::quoted(said)),
            ))),
        }
    }

    /// Has the guest power itself off, and waits until QEMU is gone.
    ///
    /// # Errors
    /// It does not do it in time.
    pub fn power_off(&mut self, deadline: Duration) -> Result<(), GuestError> {
        let until = Instant::now() + deadline;
        let argv: &[&str] = match self.os {
            Os::Linux => &["sh", "-c", OFF],
            Os::Windows => &["shutdown", "/s", "/t", "0"],
        };
        match self.exec(argv, deadline.min(self.soon())) {
            // It is gone before it can answer.
            Ok(_) | Err(GuestError::Channel(ChannelError::Dead(_) | ChannelError::Io(_))) => {}
            // Nobody talks to it: its power button is pressed.
            Err(GuestError::Channel(ChannelError::Refused(_))) => {
                self.qmp.execute("system_powerdown", json!({}), HOST_ANSWER)?;
            }
            Err(error) => return Err(error),
        }
        match self.qemu.wait_until(until) {
            Some(_) => Ok(()),
            None => Err(GuestError::Died(Failure::new(
                Code::Deadline(Phase::Shutdown),
                format!("the guest was told to power off, and runs after {:.0} s", deadline.as_secs_f64()),
            ))),
        }
    }

    /// Ends it as a power cut does: nothing is written that the guest has not written.
    pub fn cut_power(mut self) {
        self.qemu.kill();
    }
}

/// How long a key is held, as a person does.
const HELD_MS: u64 = 20;

/// A system with a service manager powers off in order; the built-in guest has none, and nothing that is kept.
const OFF: &str = "sync; if [ -d /run/systemd/system ]; then systemctl poweroff; else poweroff -f; fi";
