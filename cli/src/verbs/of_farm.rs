//! What `run` and `resume` do otherwise where a campaign is a shard of a farm.

use crate::Error;
use crate::args::Conduct;
use crate::signals::Signals;
use collect::campaign::{AfterBlock, BeforeBoot, Hooks};
use collect::parse::profiler;
use model::{CampaignFile, EnvironmentPlan, FarmShard, Params};
use std::path::PathBuf;

/// The key of an environment that is measured on a kernel of the host's own.
const HOST_KERNEL: &str = "host_kernel";

/// What a farm adds to a campaign.
pub(crate) struct OfFarm {
    /// Which shard it is.
    pub shard: FarmShard,
    /// Signals, which are listened to already.
    pub signals: Signals,
    /// What is done between blocks and boots.
    pub between: Between,
}

/// What is done between the blocks and the boots of a campaign.
pub(crate) struct Between {
    /// Is told of each block that has ended.
    pub after_block: AfterBlock<'static>,
    /// Has the host booted; without it nobody can.
    pub before_boot: Option<BeforeBoot<'static>>,
}

impl Between {
    /// Nothing.
    pub fn nothing() -> Between {
        Between { after_block: Box::new(|_, _| {}), before_boot: None }
    }

    /// The hooks of a campaign with these.
    pub fn hook(self, hooks: Hooks<'_>) -> Hooks<'_> {
        let hooks = hooks.after_block(self.after_block);
        match self.before_boot {
            Some(asked) => hooks.before_boot(asked),
            None => hooks,
        }
    }

    /// Refuses a campaign that needs boots of its host where nobody can have it booted.
    pub fn check(&self, file: &CampaignFile) -> Result<(), Error> {
        let asked = file.environments.iter().find(|environment| host_kernel(environment).is_some());
        match asked.filter(|_| self.before_boot.is_none()) {
            None => {
                let all = file.environments.iter();
                check_profiler(all.map(|environment| (environment.name.as_str(), environment.to_params())))
            }
            Some(environment) => Err(format!(
                "{HOST_KERNEL} of {}: a kernel of the host is a boot of the host for each boot of a guest, which a farm has: perfvt farm submit --fresh-boots (perfvt help farm)",
                environment.name
            )
            .into()),
        }
    }
}

/// The kernel of the host that an environment is to be measured on.
pub(crate) fn host_kernel(environment: &EnvironmentPlan) -> Option<PathBuf> {
    kernel_of(&environment.to_params())
}

/// The same by its parameters.
pub(crate) fn kernel_of(params: &Params) -> Option<PathBuf> {
    params.get(HOST_KERNEL).map(str::trim).filter(|file| !file.is_empty()).map(PathBuf::from)
}

/// Refuses profiles where kernels of the host differ: they are taken behind all blocks, on whichever kernel is there then.
pub(crate) fn check_profiler<'a>(all: impl Iterator<Item = (&'a str, Params)>) -> Result<(), Error> {
    let all: Vec<_> = all.collect();
    if all.iter().all(|(_, params)| kernel_of(params).is_none()) {
        return Ok(());
    }
    for (name, params) in &all {
        if profiler(params)?.is_some() {
            return Err(format!("profiler of {name}: with {HOST_KERNEL} a profile would be of whichever kernel the host has behind the last block; leave profiler out, and profile on a host that runs the kernel").into());
        }
    }
    Ok(())
}

impl OfFarm {
    /// The signals that are listened to, and what is done between blocks.
    pub fn parts(farm: Option<OfFarm>, conduct: &Conduct) -> Result<(Signals, Between), Error> {
        match farm {
            Some(OfFarm { signals, between, .. }) => Ok((signals, between)),
            None => Ok((Signals::watch(conduct.nohup)?, Between::nothing())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn kernels_of_the_host_are_not_profiled() {
        let of = |all: &[(&'static str, &str, &str)]| {
            let environment = |(name, key, value): &(&'static str, &str, &str)| {
                let mut params = Params::new();
                params.set(*key, *value, Origin::BuiltIn);
                (*name, params)
            };
            check_profiler(all.iter().map(environment)).map_err(|error| error.to_string())
        };
        let (kernel, perf) = (("head", "host_kernel", "/k"), ("base", "profiler", "perf"));
        assert_eq!(of(&[kernel, ("base", "profiler", "none")]), Ok(()));
        assert_eq!(of(&[perf]), Ok(()));
        for both in [[kernel, perf], [perf, kernel]] {
            let error = of(&both).unwrap_err();
            assert!(error.starts_with("profiler of base: with host_kernel"), "{error}");
        }
    }
}
