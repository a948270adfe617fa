//! The way into a guest: the channel that its definition names, and what a guest of the user's needs before workloads find
//! in it what they find in the built-in one.

use super::argv::System;
use super::channel::{Channel, ChannelError, PortChannel, QgaChannel, SerialChannel, SshChannel};
use super::definition::{Definition, Way};
use super::image::Image;
use super::machine::{GuestError, Machine};
use super::os::Os;
use crate::deadlines::Step;
use crate::process::Namespace;
use std::path::Path;
use std::sync::Arc;

const SETUP: &str = include_str!("../../guest/foreign/setup");
/// One boot of a guest of the user's.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// What it is.
    pub definition: &'a Definition,
    /// The layer above its image.
    pub overlay: &'a Path,
    /// The port of the loopback at which its ssh server is reached.
    pub port: u16,
}

/// What QEMU starts: a guest of the user's, or the built-in one.
pub(super) fn system(own: Option<&Own<'_>>, image: &Image) -> System {
    match own {
        Some(own) => own.definition.system(own.overlay, own.port),
        None => System::builtin(&image.kernel, &image.initramfs),
    }
}

/// Connects to a guest that is still paused; `socket` is the one on which QEMU has its port or its console, `namespace`
/// that in which QEMU runs.
pub(super) fn channel(
    own: Option<&Own<'_>>,
    socket: &Path,
    namespace: Option<&Arc<Namespace>>,
) -> Result<Box<dyn Channel>, ChannelError> {
    let Some(Own { definition, port, .. }) = own else { return Ok(Box::new(PortChannel::connect(socket)?)) };
    Ok(match definition.way {
        Way::Agent => Box::new(QgaChannel::connect(socket, definition.os)?),
        Way::Serial => Box::new(SerialChannel::connect(socket, definition.login.clone())?),
        Way::Ssh => {
            Box::new(SshChannel::new(&definition.login.user, definition.key.as_deref(), *port, namespace)?)
        }
    })
}

/// Makes a guest that takes commands fit for workloads.
pub(super) fn settle(own: Option<&Own<'_>>, machine: &mut Machine) -> Result<(), GuestError> {
    match own.map(|own| own.definition.os) {
        Some(Os::Linux) => {
            let limit = machine.deadlines().within(Step::Settle);
            machine.run(&["/bin/sh", "-c", SETUP, "perfvt-setup"], limit).map(drop).map_err(shorter)
        }
        _ => Ok(()),
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
