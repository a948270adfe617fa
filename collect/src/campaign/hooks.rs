//! The seams of a campaign: what others may see and decide while it runs.
//!
//! ```text
//!   for each block
//!     for each boot
//!       before_boot (the host itself is to boot first: the campaign is interrupted, and goes on there)
//!       for each case
//!         observer.stop?   guard.before (waits)   measure, parse   guard.after (judges)
//!     stopping.look (settles cases, may end the campaign)
//!     after_block (is told where the block's repeats lie)
//! ```
//!
//! Everything that a hook decides becomes an event of the journal, so that a resumed campaign knows it.

use super::CampaignError;
use crate::lab::{Failed, Lab};
use model::journal::{Event, State};
use model::{CampaignFile, Case, EnvironmentPlan, Params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the caller sees and decides while a campaign runs.
pub trait Observer {
    /// Something changed; the event is on disk already.
    fn event(&mut self, event: &Event, state: &State);
    /// A step of the user's script before or behind the windows begins (`prepare`, `after`): the environment, the key, the step.
    fn doing(&mut self, _environment: &str, _key: &str, _step: &str) {}
    /// Something came out that nobody has to act upon, and that spoils nothing: the environment, and a sentence.
    fn told(&mut self, _environment: &str, _what: &str) {}
    /// The name of the signal that asked for an end, if one did. Asked between cases, and in the user's scripts.
    fn stop(&mut self) -> Option<String>;
    /// The end is wanted at once: the sample in hand is thrown away. Asked whenever something failed, because what was
    /// started is being killed then ([`process::stop_all`]).
    fn at_once(&mut self) -> bool {
        false
    }
}

/// One sample: a case that is about to be measured, or was.
pub struct Sample<'a> {
    /// Name of the boot.
    pub boot: &'a str,
    /// The case.
    pub case: &'a Case,
    /// Parameters of its environment.
    pub params: &'a Params,
    /// The sample's raw folder: what a guard records there is kept with it.
    pub raw: &'a Path,
    /// The guest.
    pub lab: &'a mut dyn Lab,
}

/// Watches the surroundings of every sample.
///
/// A failure of either call spoils the sample. When it is one that passes ([`model::Code::is_passing`]) the sample is
/// taken again in the same guest, as often as the parameter `samples` allows; after that it is invalid with the reason.
pub trait Guard {
    /// Called before a sample. May wait, within a bound of its own, until the host is quiet, and gives the time that it
    /// waited, which the journal keeps apart from measuring.
    fn before(&mut self, sample: &mut Sample<'_>) -> Result<Duration, Failed>;
    /// Called after a sample that has values: says whether it may be kept.
    fn after(&mut self, sample: &mut Sample<'_>) -> Result<(), Failed>;
}

/// What a stopping rule decided after a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Cases that are not measured in later blocks any more.
    pub settled: Vec<String>,
    /// Error spent with this look, of a level of 0.05 over all looks.
    pub spent: Option<f64>,
    /// Half-width of each case that was looked at, as a ratio minus 1; `None` without an interval.
    pub half_widths: BTreeMap<String, Option<f64>>,
}

/// Decides between blocks what is still to be measured.
pub trait Stopping {
    /// Called once when every boot of a block of the plan has ended; all files of it are on disk.
    ///
    /// # Errors
    /// Results that cannot be read. The campaign then stops, and can be resumed.
    fn look(
        &mut self,
        dir: &Path,
        file: &CampaignFile,
        state: &State,
        block: u32,
    ) -> Result<Look, CampaignError>;

    /// Called when everything planned has ended and alerts are to be confirmed: names the cases with one.
    ///
    /// # Errors
    /// As [`Stopping::look`].
    fn alerts(&mut self, _: &Path, _: &CampaignFile) -> Result<Vec<String>, CampaignError> {
        Ok(Vec::new())
    }
}

/// A boot whose guests are of no use any more, and have not been ended yet.
pub struct Spoiled<'a> {
    /// Name of the boot.
    pub boot: &'a str,
    /// Why it failed.
    pub reason: &'a str,
    /// Where what tells why is kept.
    pub forensics: &'a Path,
    /// Its guests.
    pub lab: &'a mut dyn Lab,
}

/// Holds guests that failed until somebody has looked at them. Nothing is measured meanwhile.
pub trait Keeper {
    /// Gives whether they were held; what tells why they failed was collected before.
    fn hold(&mut self, spoiled: &mut Spoiled<'_>) -> bool;
}

impl<S: Stopping + ?Sized> Stopping for Box<S> {
    fn look(
        &mut self,
        dir: &Path,
        file: &CampaignFile,
        state: &State,
        block: u32,
    ) -> Result<Look, CampaignError> {
        (**self).look(dir, file, state, block)
    }

    fn alerts(&mut self, dir: &Path, file: &CampaignFile) -> Result<Vec<String>, CampaignError> {
        (**self).alerts(dir, file)
    }
}

/// No guard: nothing is waited for, everything is kept. No rule: everything planned is measured. No keeper: what failed is ended.
struct Nothing;

impl Guard for Nothing {
    fn before(&mut self, _: &mut Sample<'_>) -> Result<Duration, Failed> {
        Ok(Duration::ZERO)
    }
    fn after(&mut self, _: &mut Sample<'_>) -> Result<(), Failed> {
        Ok(())
    }
}

impl Keeper for Nothing {
    fn hold(&mut self, _: &mut Spoiled<'_>) -> bool {
        false
    }
}

impl Stopping for Nothing {
    fn look(&mut self, _: &Path, _: &CampaignFile, _: &State, _: u32) -> Result<Look, CampaignError> {
        Ok(Look::default())
    }
}

/// All hooks of one call.
pub struct Hooks<'a> {
    pub(super) observer: &'a mut dyn Observer,
    pub(super) guard: Box<dyn Guard + 'a>,
    pub(super) stopping: Box<dyn Stopping + 'a>,
    pub(super) keeper: Box<dyn Keeper + 'a>,
    pub(super) after_block: AfterBlock<'a>,
    pub(super) before_boot: BeforeBoot<'a>,
}

/// The boot of the host that is there, for a boot of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostBoot {
    /// The right one.
    Right,
    /// Another one is needed: the campaign is interrupted, and goes on when the host has booted.
    Wanted,
    /// There will be none: the boot of the guest fails with this.
    Broken(Failed),
}

/// Is asked before each boot of a guest whether the host is in the boot that the environment needs, for a block.
pub type BeforeBoot<'a> = Box<dyn FnMut(&CampaignFile, &EnvironmentPlan, u32) -> HostBoot + 'a>;

/// Is told of each block whose boots have all ended, also of those that ended in an earlier call: the campaign's directory, and
/// those of the block's repeats, which do not change any more unless somebody asks for it.
pub type AfterBlock<'a> = Box<dyn FnMut(&Path, &[PathBuf]) + 'a>;

impl<'a> Hooks<'a> {
    /// An observer, and nothing that waits, judges or stops.
    pub fn new(observer: &'a mut dyn Observer) -> Hooks<'a> {
        Hooks {
            observer,
            guard: Box::new(Nothing),
            stopping: Box::new(Nothing),
            keeper: Box::new(Nothing),
            after_block: Box::new(|_, _| {}),
            before_boot: Box::new(|_, _, _| HostBoot::Right),
        }
    }

    /// Watches every sample.
    pub fn guard(mut self, guard: impl Guard + 'a) -> Self {
        self.guard = Box::new(guard);
        self
    }

    /// Looks at the results after every block.
    pub fn stopping(mut self, rule: impl Stopping + 'a) -> Self {
        self.stopping = Box::new(rule);
        self
    }

    /// Is told of blocks that have ended.
    pub fn after_block(mut self, told: AfterBlock<'a>) -> Self {
        self.after_block = told;
        self
    }

    /// Says which boot of the host a boot of a guest needs.
    pub fn before_boot(mut self, asked: BeforeBoot<'a>) -> Self {
        self.before_boot = asked;
        self
    }

    /// Holds guests that failed.
    pub fn keeper(mut self, keeper: impl Keeper + 'a) -> Self {
        self.keeper = Box::new(keeper);
        self
    }
}
