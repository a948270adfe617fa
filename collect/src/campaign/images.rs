//! The images of guests that have ended (`check_image`): in a corrupt one nothing counts that was measured in it.

use super::boot::Boot;
use super::hooks::Hooks;
use super::interrupted;
use super::repeat::{Repeat, raw_name};
use super::{Campaign, CampaignError};
use crate::lab::Failed;
use model::journal::Event;
use model::run::RUN_FORMAT;
use model::store::{self, RUN_FILE};
use model::{Case, Code, EnvironmentPlan, RunFile};
use std::path::Path;
use vm::guest::checked::Images;

/// What was found, image by image, among the logs of a boot.
const FILE: &str = "check-image.txt";

impl Campaign {
    /// Checks images whose guests have ended. Samples of the boot that have values lose them where one is corrupt: a guest that read
    /// other bytes than it wrote did other work.
    pub(super) fn check_images(
        &mut self,
        images: Images,
        hooks: &mut Hooks<'_>,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
        logs: &Path,
    ) -> Result<(), CampaignError> {
        if images.is_empty() {
            return Ok(());
        }
        let found = images.check();
        store::write_atomically(&logs.join(FILE), found.lines.as_bytes())?;
        for leaks in &found.leaks {
            hooks.observer.told(&boot.environment.name, leaks);
        }
        self.note_leaks(boot.environment, &found.leaks)?;
        let Some(failed) = found.failed else { return Ok(()) };
        // A check that ended with perfvt has found nothing.
        if failed.code != Code::ImageCorrupt && interrupted::asked(hooks.observer).is_some() {
            return Ok(());
        }
        self.last_failure = Some(failed.clone());
        for (order, case) in self.measured_in(boot, repeat) {
            self.take_back(hooks, boot, repeat, (order, &case), &failed)?;
        }
        Ok(())
    }

    /// The cases that have values of a boot, with their position in it.
    fn measured_in(&self, boot: &Boot<'_>, repeat: &Repeat) -> Vec<(u32, Case)> {
        let mut all: Vec<(u32, Case)> = Vec::new();
        let of_boot = repeat.measurements().iter().filter(|m| m.boot == boot.name && m.value().is_some());
        for measurement in of_boot {
            let known = all.iter().any(|(_, case)| case.id() == measurement.case);
            let case = self.file.cases.iter().find(|case| case.id() == measurement.case);
            if let (false, Some(case)) = (known, case) {
                all.push((measurement.order, case.clone()));
            }
        }
        all
    }

    /// Writes down that a case has no values after all. Its raw output stays where it is.
    fn take_back(
        &mut self,
        hooks: &mut Hooks<'_>,
        boot: &Boot<'_>,
        repeat: &mut Repeat,
        (order, case): (u32, &Case),
        failed: &Failed,
    ) -> Result<(), CampaignError> {
        let metrics = self.metrics(case, boot.params);
        let host_boot = self.host_boot.clone();
        let cell = boot.cell(case, &metrics, order, &host_boot);
        let raw = raw_name(case, order, boot.attempt);
        let raw = if repeat.dir().join(&raw).is_dir() { raw } else { String::new() };
        repeat.store(&cell, &raw, &Err(failed.clone()))?;
        let event = Event::CaseFinished {
            boot: boot.name.clone(),
            case: case.id(),
            invalid: Some(failed.to_string()),
            code: Some(failed.code),
            seconds: 0.0,
        };
        self.tell(hooks, event)
    }

    /// Adds what leaks to the warnings of an environment, each sentence once.
    fn note_leaks(&self, environment: &EnvironmentPlan, leaks: &[String]) -> Result<(), CampaignError> {
        let path = self.dir.join(&environment.name).join(RUN_FILE);
        if leaks.is_empty() || !path.exists() {
            return Ok(());
        }
        let mut run: RunFile = store::read_json(&path, RUN_FORMAT)?;
        let new: Vec<String> = leaks.iter().filter(|leak| !run.warnings.contains(leak)).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        run.warnings.extend(new);
        Ok(store::write_json(&path, &run)?)
    }
}
