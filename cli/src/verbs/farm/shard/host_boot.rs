//! Boots of this host for what is measured on it: which one a guest needs, and asking Slurm for it.

use crate::verbs::of_farm::host_kernel;
use crate::{Error, chain};
use collect::campaign::HostBoot;
use farm::boots::{Here, Need, Step};
use farm::kernel::{load, mark, running, unload};
use farm::{Farm, Slurm};
use model::{CampaignFile, Code, EnvironmentPlan, Failure, ShardPlan};
use std::cell::{Cell, RefCell};
use std::io::Write;
use std::path::{Path, PathBuf};
use vm::host::fingerprint::boot_id;

/// A boot that is to be asked for when the campaign has ended.
struct Wanted {
    need: Need,
    kernel: Option<PathBuf>,
}

/// Looks before each boot of a guest at that of the host.
pub(super) struct Gate {
    dir: PathBuf,
    k: u32,
    host: String,
    fresh: bool,
    wanted: RefCell<Option<Wanted>>,
    right: Cell<bool>,
}

/// The boot that is here.
fn here() -> Result<Here, Error> {
    let line = command_line()?;
    Ok(Here { boot: boot_id(Path::new("/")), kernel: running(&line) })
}

fn command_line() -> Result<String, Error> {
    Ok(edge::read::kernel("/proc/cmdline").map_err(|error| format!("reading /proc/cmdline: {error}"))?)
}

/// Any boot of the host will do, but not one with a kernel under test that another farm has left behind.
fn any_boot(here: &Here, host: &str) -> Result<Option<Step>, Error> {
    match here.kernel {
        None => Ok(None),
        Some(_) => Err(format!("{host} still runs a kernel that another farm had booted (perfvt.host_kernel= in /proc/cmdline); reboot it, or submit with --fresh-boots").into()),
    }
}

impl Gate {
    pub fn new(farm: &Farm, plan: &ShardPlan) -> Gate {
        Gate {
            dir: farm.dir().to_owned(),
            k: plan.k,
            host: farm.host_of(plan),
            fresh: farm.file().job.fresh_boots,
            wanted: RefCell::default(),
            right: Cell::default(),
        }
    }

    /// Whether a guest was let boot here since this perfvt began.
    pub fn was_right(&self) -> bool {
        self.right.get()
    }

    /// Whether this host is in the boot that an environment needs.
    pub fn look(&self, file: &CampaignFile, environment: &EnvironmentPlan, block: u32) -> HostBoot {
        let broken = |code, reason: String| HostBoot::Broken(Failure::new(code, reason));
        let done = self.step(file, environment, block);
        match done {
            Ok(None | Some(Step::Go)) => {
                self.right.set(true);
                HostBoot::Right
            }
            Ok(Some(Step::Boot)) => HostBoot::Wanted,
            Ok(Some(Step::NotRebooted)) => broken(
                Code::Host,
                format!(
                    "Slurm was asked to reboot {} and it is in the same boot: it is not counted as fresh, and nothing is measured; see RebootProgram in slurm.conf",
                    self.host
                ),
            ),
            Ok(Some(Step::KernelStays)) => broken(
                Code::Host,
                format!(
                    "{} was rebooted twice, and perfvt's word for a kernel of one boot stands in /proc/cmdline still: its own kernel is wanted, and nothing is measured; see RebootProgram in slurm.conf, which may not reuse the command line",
                    self.host
                ),
            ),
            Ok(Some(Step::NoKernel)) => broken(
                Code::HostKernel,
                format!(
                    "{} does not boot with {}: after two tries the kernel that it boots by itself is back",
                    self.host,
                    host_kernel(environment).unwrap_or_default().display()
                ),
            ),
            Err(error) => broken(Code::Host, chain(error.as_ref())),
        }
    }

    /// What is to be done; `None` where any boot of the host will do.
    fn step(
        &self,
        file: &CampaignFile,
        environment: &EnvironmentPlan,
        block: u32,
    ) -> Result<Option<Step>, Error> {
        let kernel = host_kernel(environment);
        let need = if file.environments.iter().any(|other| host_kernel(other).is_some()) {
            if !self.fresh {
                return Err("host_kernel takes perfvt farm submit --fresh-boots".into());
            }
            let kernel = kernel.as_deref().map(mark).transpose()?;
            Need { block, environment: environment.name.clone(), kernel }
        } else if self.fresh {
            Need::of_shard()
        } else {
            return any_boot(&here()?, &self.host);
        };
        let farm = Farm::open(&self.dir)?;
        let before = farm.boots(self.k)?;
        let mut boots = before.clone();
        let step = boots.step(&need, &here()?);
        match step {
            Step::Boot => *self.wanted.borrow_mut() = Some(Wanted { need, kernel }),
            // Who lets it go on has mended something.
            Step::NotRebooted | Step::KernelStays => boots.forget(),
            Step::Go | Step::NoKernel => {}
        }
        if boots != before {
            farm.note_boots(self.k, &boots)?;
        }
        Ok(Some(step))
    }

    /// Asks for the boot that was found to be needed, if one was; it comes when this job has ended.
    pub fn boot(&self, err: &mut dyn Write) -> Result<(), Error> {
        let Some(Wanted { need, kernel }) = self.wanted.take() else { return Ok(()) };
        let farm = Farm::open(&self.dir)?;
        let mut boots = farm.boots(self.k)?;
        boots.ask(&need, &here()?);
        // First: a host that boots before this was written would not be known to have been asked.
        farm.note_boots(self.k, &boots)?;
        let asked = self.ask(&need, kernel.as_deref(), err);
        if asked.is_err() {
            boots.forget();
            farm.note_boots(self.k, &boots)?;
        }
        asked
    }

    fn ask(&self, need: &Need, kernel: Option<&Path>, err: &mut dyn Write) -> Result<(), Error> {
        let with = match (kernel, &need.kernel) {
            (Some(kernel), Some(mark)) => {
                load(kernel, mark, &command_line()?)?;
                format!(" with {} (block {}, {})", kernel.display(), need.block, need.environment)
            }
            _ => {
                // What somebody loaded would be begun instead.
                if edge::read::kernel("/sys/kernel/kexec_loaded").is_ok_and(|text| text.trim() == "1") {
                    unload()?;
                }
                String::new()
            }
        };
        if let Err(error) = Slurm.reboot(&self.host) {
            // Whoever reboots the host next would begin it.
            if kernel.is_some()
                && let Err(error) = unload()
            {
                writeln!(err, "warning: {error}")?;
            }
            return Err(error.into());
        }
        writeln!(err, "{} boots{with}; the shard goes on there", self.host)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_another_farm_has_left_behind_is_not_measured_on() {
        let here = |kernel: Option<&str>| Here { boot: "b".into(), kernel: kernel.map(str::to_owned) };
        assert_eq!(any_boot(&here(None), "h1").unwrap(), None);
        let error = any_boot(&here(Some("00112233aabbccdd")), "h1").unwrap_err().to_string();
        assert!(error.starts_with("h1 still runs a kernel that another farm had booted"), "{error}");
    }
}
