//! QEMU's command lines as people read them, and as the fingerprint has a hash of them.

use super::{TestbedError, hardware};
use crate::guest::argv::{self, BootFiles, System};
use crate::guest::definition::Definition;
use crate::guest::image::Cache;
use crate::guest::machine::GuestError;
use crate::guest::network::{Layout, Wires, Wiring};
use crate::host::pin::PinPlan;
use model::{Accel, EnvironmentPlan, Params};
use std::path::{Path, PathBuf};

/// The campaign's name in the command line that the fingerprint has a hash of: the same in every campaign.
pub(super) const CANONICAL: &str = "NAME";

/// QEMU's command line for each guest of an environment, for people: the files of a boot stand as they will be called.
pub fn preview(
    environment: &EnvironmentPlan,
    plan: &PinPlan,
    cache: &Cache,
    accel: Accel,
    name: &str,
) -> Result<Vec<String>, TestbedError> {
    command_lines(&environment.to_params(), plan, cache, accel, name)
}

/// The same for parameters. Ports are free ones, except in the canonical command line, where they are always the same.
pub(super) fn command_lines(
    params: &Params,
    plan: &PinPlan,
    cache: &Cache,
    accel: Accel,
    name: &str,
) -> Result<Vec<String>, TestbedError> {
    let layout = Layout::of(params).map_err(GuestError::Network)?;
    let mut wires = Wires::new(&layout, 1, name, PathBuf::from("BOOT")).map_err(GuestError::Network)?;
    if name == CANONICAL {
        (wires.control_port, wires.data_ports) = (1, vec![2]);
    }
    let builtin = System::builtin(Path::new("IMAGE/vmlinux"), Path::new("IMAGE/initramfs.cpio"));
    let mut lines = Vec::new();
    for (guest, plan) in plan.guests.iter().enumerate() {
        let own = params.object_params(&plan.name);
        let hardware = hardware(&own, accel, plan)?;
        let definition = Definition::of(&own, cache)?;
        let system = definition.map_or_else(
            || builtin.clone(),
            |definition| definition.system(Path::new("overlay.qcow2"), 3).for_people(),
        );
        let files = BootFiles::in_dir(Path::new("BOOT"), system);
        let argv = argv::build(&hardware, &files, Wiring { layout: &layout, wires: &wires, guest });
        let argv: Vec<String> = argv.into_iter().map(for_a_shell).collect();
        lines.push(format!("{} {}", own.text("qemu_binary")?, argv.join(" ")));
    }
    Ok(lines)
}

/// A word as a shell takes it: JSON has quotes of its own.
fn for_a_shell(word: String) -> String {
    if word.starts_with('{') { Params::quoted([word.as_str()]).unwrap_or(word) } else { word }
}
