//! How a campaign stands: what its plan and its state say together, for `perfvt status`, progress and the page of a run.

use crate::campaign::{BootPlan, CampaignFile};
use crate::case::Case;
use crate::failure::Code;
use crate::journal::{CellState, State};
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of cells (environment x repeat x case).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cells {
    /// To be measured, as far as is known now.
    pub planned: u32,
    /// With values.
    pub valid: u32,
    /// Without, each with a reason.
    pub invalid: u32,
}

impl Cells {
    /// Cells that have not ended.
    pub fn pending(&self) -> u32 {
        self.planned.saturating_sub(self.valid + self.invalid)
    }

    fn count(&mut self, state: Option<&CellState>) {
        self.planned += 1;
        match state {
            Some(CellState::Valid) => self.valid += 1,
            Some(CellState::Invalid { .. }) => self.invalid += 1,
            None => {}
        }
    }
}

/// How a campaign stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Standing {
    /// All cells.
    pub cells: Cells,
    /// Those of each environment, by name.
    pub environments: BTreeMap<String, Cells>,
    /// Invalid cells by code; those from before there were codes count as `unknown`.
    pub invalid: BTreeMap<Code, u32>,
    /// Samples that were taken again, by code.
    pub again: BTreeMap<Code, u32>,
    /// Boots that failed.
    pub failed_boots: u32,
    /// Seconds waited for a quiet host.
    pub waited_seconds: f64,
    /// Seconds that the rest will take, learned from what was measured; absent before anything was.
    pub remaining_seconds: Option<f64>,
}

impl CampaignFile {
    /// Cases of a boot that the stopping rule still wants, with their position.
    pub fn wanted<'a>(
        &'a self,
        state: &'a State,
        block: u32,
        boot: &'a BootPlan,
    ) -> impl Iterator<Item = (u32, &'a Case)> {
        (0u32..)
            .zip(&boot.cases)
            .filter_map(|(order, index)| Some((order, self.cases.get(*index)?)))
            .filter(move |(_, case)| state.wanted(&case.id(), block))
    }
}

impl Standing {
    /// What a plan and a state come to.
    pub fn of(file: &CampaignFile, state: &State) -> Standing {
        let mut standing = Standing {
            again: state.again.clone(),
            failed_boots: state.failed_boots,
            waited_seconds: state.spent.waited,
            ..Standing::default()
        };
        let (mut pending, mut boots) = (Vec::new(), 0u32);
        for (block, boot) in file.boots() {
            let Some(environment) = file.environments.get(boot.environment) else { continue };
            let before = pending.len();
            for (_, case) in file.wanted(state, block, boot) {
                let id = case.id();
                let cell = state.cell(&environment.name, boot.repeat, &id);
                standing.cells.count(cell.as_ref());
                standing.environments.entry(environment.name.clone()).or_default().count(cell.as_ref());
                match cell {
                    Some(CellState::Invalid { code, .. }) => {
                        *standing.invalid.entry(code.unwrap_or(Code::Unknown)).or_default() += 1;
                    }
                    Some(CellState::Valid) => {}
                    None => pending.push(id),
                }
            }
            boots += u32::from(pending.len() > before);
        }
        standing.remaining_seconds = remaining(state, &pending, boots);
        standing
    }
}

/// Every pending cell as long as its case took so far, or else the average case, and every boot as long as boots took
/// beside their cases.
fn remaining(state: &State, pending: &[String], boots: u32) -> Option<f64> {
    if pending.is_empty() {
        return Some(0.0);
    }
    let spent = &state.spent;
    let mean = |(n, seconds): (u32, f64)| (n > 0).then(|| seconds / f64::from(n));
    let all = spent.cases.values().fold((0, 0.0), |sum, case| (sum.0 + case.0, sum.1 + case.1));
    let average = mean(all)?;
    let of = |case: &String| spent.cases.get(case).copied().and_then(mean).unwrap_or(average);
    let waits = if all.0 > 0 { spent.waited / f64::from(all.0) } else { 0.0 };
    let cells: f64 = pending.iter().map(of).sum::<f64>() + waits * pending.len() as f64;
    Some(cells + mean(spent.boots).unwrap_or(0.0) * f64::from(boots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::{BlockPlan, EnvironmentPlan, Rule};
    use crate::journal::Event;

    fn file() -> CampaignFile {
        let case = |size: &str| Case {
            workload: "w".into(),
            category: "c".into(),
            keys: [("size", size)].into_iter().collect(),
        };
        let boot = |environment, repeat| BootPlan { environment, repeat, cases: vec![0, 1] };
        let block = |n| BlockPlan { block: n, sequential: false, boots: vec![boot(0, n), boot(1, n)] };
        let environment = |name: &str| EnvironmentPlan {
            name: name.into(),
            params: BTreeMap::new(),
            factors: vec![],
            facts: BTreeMap::new(),
            secrets: BTreeMap::new(),
        };
        CampaignFile {
            format: 1,
            perfvt: String::new(),
            id: "c".into(),
            created_unix_ns: 0,
            seed: 0,
            argv: vec![],
            workload: "w".into(),
            scenario: "s".into(),
            accel: "tcg".into(),
            network: "user".into(),
            allow_unpinned: false,
            machine: None,
            farm: None,
            exits: false,
            warnings: vec![],
            rule: Rule::Fixed { repeats: 2 },
            confirm: None,
            environments: vec![environment("base"), environment("head")],
            cases: vec![case("1"), case("2")],
            blocks: vec![block(1), block(2)],
        }
    }

    fn boot(state: &mut State, name: &str, environment: &str, cases: &[(&str, Option<Code>, f64)]) {
        let (boot, environment) = (name.to_owned(), environment.to_owned());
        state.apply(0, &Event::BootStarted { boot, environment, repeat: 1, block: 1, attempt: 1 });
        for (case, code, seconds) in cases {
            let event = Event::CaseFinished {
                boot: name.into(),
                case: (*case).into(),
                invalid: code.map(|_| "x".into()),
                code: *code,
                seconds: *seconds,
            };
            state.apply(0, &event);
        }
        let total: f64 = cases.iter().map(|(_, _, s)| s).sum();
        state.apply(0, &Event::BootFinished { boot: name.into(), seconds: total + 5.0 });
    }

    #[test]
    fn the_rest_is_estimated_from_what_each_case_and_boot_took() {
        let mut state = State::default();
        assert_eq!(Standing::of(&file(), &state).remaining_seconds, None, "nothing is known yet");
        boot(&mut state, "b1", "base", &[("w/c/size=1", None, 2.0), ("w/c/size=2", None, 10.0)]);
        let standing = Standing::of(&file(), &state);
        assert_eq!(standing.cells, Cells { planned: 8, valid: 2, invalid: 0 });
        // Three boots of 5 s with 2 s and 10 s in each.
        assert_eq!(standing.remaining_seconds, Some(51.0));
        boot(&mut state, "b2", "head", &[("w/c/size=1", Some(Code::ToolFailed), 2.0)]);
        let standing = Standing::of(&file(), &state);
        assert_eq!(standing.environments["head"], Cells { planned: 4, valid: 0, invalid: 1 });
        assert_eq!(standing.invalid, [(Code::ToolFailed, 1)].into());
        assert_eq!(standing.cells.pending(), 5);
    }

    #[test]
    fn settled_cases_are_no_longer_planned() {
        let mut state = State::default();
        state.apply(
            0,
            &Event::Settled {
                block: 1,
                cases: vec!["w/c/size=1".into()],
                spent: None,
                half_widths: BTreeMap::new(),
            },
        );
        assert_eq!(Standing::of(&file(), &state).cells.planned, 6);
    }
}
