//! systemd's units, through `systemctl`.

use process::deadlines::HOST_WORK;
use process::{Spec, run};
use std::path::{Path, PathBuf};

/// The program that talks to systemd.
#[derive(Clone, Debug)]
pub(super) struct Systemctl(pub PathBuf);

impl Systemctl {
    /// Whether systemd runs on the host under `root` (sd_booted(3)).
    pub fn is_here(root: &Path) -> bool {
        root.join("run/systemd/system").is_dir()
    }

    /// Whether a unit is active; `None` when there is no such unit.
    pub fn is_active(&self, unit: &str) -> Option<bool> {
        let shown =
            run(Spec::new(&self.0).args(["show", "--property=LoadState,ActiveState", "--", unit]), HOST_WORK);
        let text = String::from_utf8_lossy(&shown.ok()?).into_owned();
        let has = |line: &str| text.lines().any(|l| l == line);
        has("LoadState=loaded").then(|| has("ActiveState=active"))
    }

    /// Starts or stops a unit.
    pub fn set(&self, unit: &str, active: bool) -> Result<(), String> {
        let verb = if active { "start" } else { "stop" };
        run(Spec::new(&self.0).args([verb, "--", unit]), HOST_WORK).map_err(|e| e.to_string())?;
        match self.is_active(unit) {
            Some(now) if now == active => Ok(()),
            _ => Err(format!("systemctl {verb} {unit} said nothing, and did nothing")),
        }
    }
}
