//! The way into a guest: the channel that its definition names, and what a guest of the user's needs before workloads find
//! in it what they find in the built-in one.

use super::channel::{Channel, ChannelError, MarksChannel, PortChannel};
use super::error::GuestError;
use super::fit::SETUP;
use super::os::Os;
use super::spec::GuestSpec;
use super::way::Entrance;
use super::windows::{self, Commands};
use crate::deadlines::Step;
use process::Namespace;
use std::path::Path;
use std::sync::Arc;

/// Connects to a guest that is still paused: over the socket on which QEMU has its port or its console, or the port of the
/// loopback that leads to its ssh server; `namespace` is that in which QEMU runs.
pub(super) fn channel(
    spec: &GuestSpec,
    (socket, ssh_port): (&Path, u16),
    namespace: Option<&Arc<Namespace>>,
) -> Result<Box<dyn Channel>, ChannelError> {
    let Some(definition) = spec.own() else {
        return Ok(match spec.is_offline() {
            true => Box::new(MarksChannel::connect(socket)?),
            false => Box::new(PortChannel::connect(socket)?),
        });
    };
    let (os, login, key) = (definition.os, &definition.login, definition.key.as_deref());
    let late_key = definition.cloud_init.is_some();
    definition.way.connect(&Entrance { socket, ssh_port, namespace, os, login, key, late_key })
}

/// Makes a guest that takes commands fit for workloads.
pub(super) fn settle(spec: &GuestSpec, machine: &mut impl Commands) -> Result<(), GuestError> {
    // It makes itself fit, or nobody can.
    if spec.is_offline() || spec.is_seen() {
        return Ok(());
    }
    match spec.own().map(|own| own.os) {
        Some(Os::Linux) => {
            let limit = machine.deadlines().within(Step::Settle);
            machine.run(&["/bin/sh", "-c", SETUP, "perfvt-setup"], limit).map(drop).map_err(shorter)
        }
        Some(Os::Windows) => windows::settle(machine),
        None => Ok(()),
    }
}

/// The failure without the script that failed.
fn shorter(error: GuestError) -> GuestError {
    match error {
        GuestError::Channel(ChannelError::Failed { ended, stderr, .. }) => {
            let command = "making it fit for workloads".to_owned();
            GuestError::Channel(ChannelError::Failed { command, ended, stderr })
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use process::{Spec, run};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::time::{Duration, Instant};

    const IRQBALANCE: &str = include_str!("../../guest/foreign/irqbalance");
    const SOON: Duration = Duration::from_secs(20);

    /// What the script says of a daemon with a name that nobody else has; `systemctl` is the one in `bin`.
    fn stop(name: &str, bin: &Path) -> String {
        let path = format!("PATH={}:/usr/bin:/bin", bin.display());
        let said = run(Spec::new("env").args([&path, "sh", "-c", IRQBALANCE, "sh", name]), SOON).unwrap();
        String::from_utf8(said).unwrap().trim().to_owned()
    }

    fn program(bin: &Path, name: &str, script: &str) {
        std::fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(bin.join(name), PermissionsExt::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_guest_that_cannot_run_a_tool_says_that_its_image_has_to_have_it() {
        let dir = tempfile::tempdir().unwrap();
        run(Spec::new("sh").args(["-n", "-c", super::SETUP]), SOON).unwrap();
        let (_, rest) = super::SETUP.split_once("<< 'END'\n#!/bin/sh\n").unwrap();
        let (script, _) = rest.split_once("\nEND\n").unwrap();
        program(dir.path(), "netserver", script);
        let error = run(Spec::new(dir.path().join("netserver")), SOON).unwrap_err().to_string();
        assert!(error.contains("the netserver of perfvt is a program for x86-64"), "{error}");
        assert!(error.contains("install netserver in the image of the guest"), "{error}");
    }

    #[test]
    fn a_daemon_that_moves_interrupts_is_stopped_with_and_without_a_service() {
        let bin = tempfile::tempdir().unwrap();
        let bin = bin.path();
        for name in ["systemctl", "rc-service", "service"] {
            program(bin, name, "exit 1");
        }
        assert_eq!(stop("pvt-no-balance", bin), "none");
        symlink("/bin/sleep", bin.join("pvt-balance")).unwrap();
        let mut daemon = Spec::new(bin.join("pvt-balance")).arg("100").start().unwrap();
        assert_eq!(stop("pvt-balance", bin), "stopped");
        assert!(daemon.wait_until(Instant::now() + SOON).is_some());
        // One that the system has yet to start.
        let asked = bin.join("asked");
        program(bin, "systemctl", &format!("echo \"$@\" >> {}", asked.display()));
        assert_eq!(stop("pvt-balance", bin), "stopped");
        let asked = std::fs::read_to_string(asked).unwrap();
        assert_eq!(asked, "cat pvt-balance\nmask --now pvt-balance\n");
    }
}
