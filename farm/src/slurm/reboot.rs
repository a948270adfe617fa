//! Reboots of hosts by Slurm: who may ask for them, and asking.

use super::{Slurm, SlurmError};

/// Why this user cannot have hosts rebooted. Slurm itself passes over `sbatch --reboot` in silence then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReboot {
    /// Nothing to do it with.
    #[error(
        "Slurm has no RebootProgram, so it cannot reboot hosts; put RebootProgram=/sbin/reboot into slurm.conf, or a script that begins a loaded kernel (docs/farm.md), and scontrol reconfigure"
    )]
    Program,
    /// No right to.
    #[error(
        "{user} may not reboot hosts: root, {slurm_user} and Slurm's own operators may; hand in as one of them"
    )]
    Right {
        /// Who asks.
        user: String,
        /// As whom Slurm's controller runs.
        slurm_user: String,
    },
}

/// A value of `scontrol show config`: lines of `Key   = value`.
fn value<'a>(config: &'a str, key: &str) -> Option<&'a str> {
    let pairs = config.lines().filter_map(|line| line.split_once('='));
    let found = pairs.into_iter().find(|(name, _)| name.trim() == key);
    found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty() && *value != "(null)")
}

/// Whether a user may have hosts rebooted; `level` is what Slurm's accounting says of him, where there is one.
fn right(config: &str, (uid, user): (u32, &str), level: Option<&str>) -> Result<(), NoReboot> {
    if value(config, "RebootProgram").is_none() {
        return Err(NoReboot::Program);
    }
    // `slurm(64030)`.
    let slurm_user = value(config, "SlurmUser").unwrap_or("root(0)");
    let (name, rest) = slurm_user.split_once('(').unwrap_or((slurm_user, ""));
    let number: Option<u32> = rest.trim_end_matches(')').parse().ok();
    let is_operator = level.is_some_and(|level| ["Operator", "Administrator"].contains(&level.trim()));
    if uid == 0 || number == Some(uid) || is_operator {
        return Ok(());
    }
    Err(NoReboot::Right { user: user.to_owned(), slurm_user: name.to_owned() })
}

impl Slurm {
    /// Whether this user may have hosts rebooted; the inner error says why not.
    ///
    /// # Errors
    /// There is no Slurm, or its controller does not answer.
    pub fn may_reboot(self, uid: u32, user: &str) -> Result<Result<(), NoReboot>, SlurmError> {
        let config = self.ask("asking for Slurm's configuration", "scontrol", &["show", "config"])?;
        let first = right(&config, (uid, user), None);
        if !matches!(first, Err(NoReboot::Right { .. })) {
            return Ok(first);
        }
        // Where there is no accounting, or it does not answer, nobody has a level.
        let words = ["-n", "-P", "show", "user", user, "format=AdminLevel"];
        let level = self.ask("asking for the rights of a user", "sacctmgr", &words).ok();
        Ok(right(&config, (uid, user), level.as_deref()))
    }

    /// Has a host rebooted as soon as no job runs there. It takes no further job until it is back.
    ///
    /// # Errors
    /// This user may not, or the controller does not answer.
    pub fn reboot(self, host: &str) -> Result<(), SlurmError> {
        let words = ["reboot", "ASAP", "nextstate=RESUME", "reason=perfvt", host];
        self.ask(&format!("rebooting host {host}"), "scontrol", &words).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "Configuration data as of 2026-11-30T21:39:46\nRebootFlags             = (null)\nRebootProgram           = /sbin/reboot\nSlurmUser               = slurm(64030)\n";

    #[test]
    fn who_may_not_reboot_is_told_before_anything_is_handed_in() {
        let nobody = right(CONFIG, (1000, "ann"), None).unwrap_err().to_string();
        assert!(nobody.starts_with("ann may not reboot hosts: root, slurm and Slurm's own operators may"));
        assert_eq!(right(CONFIG, (1000, "ann"), Some("Operator\n")), Ok(()));
        assert!(right(CONFIG, (1000, "ann"), Some("None\n")).is_err());
        assert_eq!(right(CONFIG, (0, "root"), None), Ok(()));
        assert_eq!(right(CONFIG, (64030, "slurm"), None), Ok(()));
        let without = CONFIG.replace("/sbin/reboot", "(null)");
        assert_eq!(right(&without, (0, "root"), None), Err(NoReboot::Program));
    }
}
