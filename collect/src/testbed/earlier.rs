//! Boots of a guest's disk before the one that counts: what only a first boot does is done in them.

use super::{Scene, Testbed};
use std::path::PathBuf;
use vm::deadlines::Step;
use vm::guest::boot_times::keep_boot_time;
use vm::guest::machine::{BootSpec, GuestError, Machine};
use vm::guest::os::Os;

/// The folder of an earlier boot's logs, below those of its guest.
fn folder(boot: u32) -> String {
    format!("earlier-{boot}")
}

impl Testbed {
    /// Boots the guests that are to have been booted before, lets each end its boot, and has it power itself off, so that it
    /// finds its disk as a machine does that is switched on again. Gives the seconds that each such boot of the first guest took.
    pub(super) fn boot_earlier(&self, scene: &Scene) -> Result<Vec<f64>, GuestError> {
        let boots = scene.spec.guests.iter().map(|guest| guest.earlier_boots).max().unwrap_or_default();
        let mut seconds = Vec::new();
        for boot in 1..=boots {
            let wanted: Vec<BootSpec<'_>> =
                scene.boots(self).into_iter().filter(|spec| spec.guest.earlier_boots >= boot).collect();
            let folders = wanted.iter().map(|spec| make(spec, boot)).collect::<Result<Vec<_>, _>>()?;
            let here = wanted.into_iter().zip(&folders);
            let specs: Vec<BootSpec<'_>> =
                here.map(|(spec, folder)| BootSpec { log_dir: folder, ..spec }).collect();
            let named = |source| GuestError::Earlier { boot, source: Box::new(source) };
            let machines = Machine::boot_all(&specs).map_err(named)?;
            for (mut machine, spec) in machines.into_iter().zip(&specs) {
                if spec.index == 0 && spec.guest.name == first(scene) {
                    seconds.push(machine.boot_seconds);
                }
                end(&mut machine).map_err(named)?;
            }
        }
        Ok(seconds)
    }

    /// Keeps how long the boots of images took, for the next plan.
    pub(super) fn reckon_with(&self, scene: &Scene, machines: &[Machine], earlier: &[f64]) {
        let cache = &self.stage.cache;
        let guests = &scene.spec.guests;
        let counted = guests.iter().zip(machines).map(|(g, m)| (g, g.earlier_boots > 0, m.boot_seconds));
        let first = guests.first().zip(earlier.first()).map(|(guest, seconds)| (guest, false, *seconds));
        for (guest, later, seconds) in counted.chain(first) {
            // A plan that has to guess is a plan still.
            let _ = keep_boot_time(cache, guest, later, seconds);
        }
    }
}

/// The name of the guest that is measured.
fn first(scene: &Scene) -> &str {
    scene.spec.guests.first().map_or("", |guest| guest.name.as_str())
}

/// A folder for the logs of an earlier boot.
fn make(spec: &BootSpec<'_>, boot: u32) -> Result<PathBuf, GuestError> {
    let path = spec.log_dir.join(folder(boot));
    match edge::write::create_directory(&path) {
        Ok(()) => Ok(path),
        Err(source) => Err(GuestError::Io { doing: "creating", path, source }),
    }
}

/// Waits until all that belongs to the boot is done, where the guest can tell, and has it power itself off.
fn end(machine: &mut Machine) -> Result<(), GuestError> {
    let deadlines = machine.deadlines();
    if machine.os == Os::Linux {
        // Its status says whether all units are well, which is nobody's matter here; one without systemd has ended its boot.
        machine.exec(&["systemctl", "is-system-running", "--wait"], deadlines.within(Step::Prepare))?;
    }
    machine.power_off(deadlines.within(Step::PowerOff))
}
