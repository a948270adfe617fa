//! The stopping rule of a campaign: `analyze` looks at what `collect` has measured so far.

use crate::args::Run;
use crate::{Error, chain};
use analyze::{AnalyzeError, CasePrecision, CompareOptions, precision};
use collect::campaign::setup::Until;
use collect::campaign::{CampaignError, Look, Stopping};
use formats::perf_conf::effect;
use model::journal::State;
use model::{CampaignFile, Case, Rule};
use stats::{Boundary, CEILING_MAX, FLOOR_MIN, Look as LookAt};
use std::path::Path;

/// The most boots of each environment with `--until` and without `--repeat`.
const DEFAULT_CEILING: u32 = 30;

/// Judges with the intervals that `perfvt compare` shows.
pub struct ByRule {
    options: CompareOptions,
}

impl ByRule {
    /// With these perf.conf layers and defaults otherwise.
    pub fn new(options: CompareOptions) -> ByRule {
        ByRule { options }
    }

    /// How narrow the intervals of these cases are. A campaign that has no values yet has no intervals.
    fn precision(
        &self,
        dir: &Path,
        file: &CampaignFile,
        block: u32,
        cases: &[Case],
    ) -> Result<Vec<CasePrecision>, CampaignError> {
        // Environments that were joined later are looked at by nobody.
        let planned: Vec<usize> = file
            .blocks
            .iter()
            .filter(|b| !b.sequential)
            .flat_map(|b| &b.boots)
            .map(|b| b.environment)
            .collect();
        let environments: Vec<String> = (file.environments.iter().enumerate())
            .filter(|(index, _)| planned.contains(index))
            .map(|(_, environment)| environment.name.clone())
            .collect();
        match precision(&self.options, dir, &environments, cases) {
            Err(AnalyzeError::NoResults { .. } | AnalyzeError::NoRepeats { .. }) => Ok(Vec::new()),
            other => other.map_err(|error| CampaignError::Look { block, reason: chain(&error) }),
        }
    }
}

impl Stopping for ByRule {
    fn look(
        &mut self,
        dir: &Path,
        file: &CampaignFile,
        state: &State,
        block: u32,
    ) -> Result<Look, CampaignError> {
        let Rule::Until { half_width, floor, ceiling, .. } = file.rule else { return Ok(Look::default()) };
        if block < floor || block > ceiling {
            return Ok(Look::default());
        }
        let open: Vec<Case> =
            file.cases.iter().filter(|c| !state.settled.contains_key(&c.id())).cloned().collect();
        if open.is_empty() {
            return Ok(Look::default());
        }
        let found = self.precision(dir, file, block, &open)?;
        let mut look = Look {
            spent: Some(LookAt::Planned { boundary: Boundary::of(floor, ceiling), n: block }.spent(0.05)),
            ..Look::default()
        };
        for (case, of_case) in open.iter().zip(found) {
            let narrow = of_case.half_width.is_some_and(|half| half <= half_width);
            if narrow && of_case.n >= floor as usize {
                look.settled.push(case.id());
            }
            look.half_widths.insert(case.id(), of_case.half_width);
        }
        Ok(look)
    }

    fn alerts(&mut self, dir: &Path, file: &CampaignFile) -> Result<Vec<String>, CampaignError> {
        if file.environments.len() < 2 {
            return Ok(Vec::new());
        }
        let last = file.blocks.last().map_or(0, |b| b.block);
        let found = self.precision(dir, file, last, &file.cases)?;
        Ok(file.cases.iter().zip(found).filter(|(_, of)| of.alert).map(|(case, _)| case.id()).collect())
    }
}

/// What `run` is told of stopping, checked: boots of each environment (at most), and the rule.
pub fn asked(args: &Run) -> Result<(Option<u32>, Option<Until>), Error> {
    let Some(text) = &args.until else { return Ok((args.repeat, None)) };
    let floor = args.floor.unwrap_or(FLOOR_MIN);
    let ceiling = args.repeat.unwrap_or(DEFAULT_CEILING.max(floor));
    if floor < FLOOR_MIN {
        return Err(format!("--floor {floor}: a rule looks at {FLOOR_MIN} boots at the earliest").into());
    }
    if ceiling < floor || ceiling > CEILING_MAX {
        return Err(format!(
            "--repeat {ceiling}: with --until it is the most boots of an environment; want {floor} (the floor) to {CEILING_MAX}"
        )
        .into());
    }
    let budget_seconds = args.budget.as_deref().map(budget).transpose()?;
    let until = Until { half_width: width(text)?, floor, budget_seconds };
    Ok((Some(ceiling), Some(until)))
}

/// `ci=2%`.
fn width(text: &str) -> Result<f64, Error> {
    let value = text.trim().strip_prefix("ci=").and_then(|width| effect(width.trim()));
    value.filter(|width| *width > 0.0).ok_or_else(|| {
        format!(
            "--until {text}: want ci=WIDTH, ci=2% for example: a case is settled when the 95 % intervals of its primary \
             metrics reach no further than that to either side"
        )
        .into()
    })
}

/// `90m`, `2h`, `1h 30m`.
pub(crate) fn budget(text: &str) -> Result<u64, Error> {
    let time: Option<jiff::SignedDuration> = text.trim().parse().ok();
    let seconds = time.map(|t| t.as_secs()).and_then(|s| u64::try_from(s).ok()).filter(|s| *s > 0);
    seconds.ok_or_else(|| format!("--budget {text}: want a time with its unit, 90m or 2h for example").into())
}

/// What a rule does, for people.
pub fn describe(file: &CampaignFile) -> Vec<String> {
    let mut out = Vec::new();
    if let Rule::Until { half_width, floor, ceiling, budget_seconds } = file.rule {
        out.push(format!(
            "a case stops when its intervals reach {:.3} % or less to either side; looks after each block from {floor} to {ceiling}{}",
            half_width * 100.0,
            budget_seconds.map_or(String::new(), |s| format!("; no block begins after {s} s"))
        ));
    }
    if let Some(blocks) = file.confirm {
        out.push(format!(
            "cases with a row that is REGRESSED or CHANGED are measured again, in {blocks} blocks more"
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Verb};
    use clap::Parser;

    fn of(line: &str) -> Result<(Option<u32>, Option<Until>), String> {
        let words = format!("perfvt run netperf {line}");
        match Args::try_parse_from(words.split_whitespace()).map_err(|e| e.to_string())?.verb {
            Verb::Run(run) => asked(&run).map_err(|e| e.to_string()),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn a_rule_has_a_floor_a_ceiling_and_a_budget() {
        assert_eq!(of("").unwrap(), (None, None));
        let until = |half_width, floor, budget_seconds| Some(Until { half_width, floor, budget_seconds });
        assert_eq!(of("--until ci=2%").unwrap(), (Some(30), until(0.02, 5, None)));
        let all = "--until ci=0.01 --floor 6 --repeat 40 --budget 90m";
        assert_eq!(of(all).unwrap(), (Some(40), until(0.01, 6, Some(5400))));
        assert_eq!(of("--repeat 3 --confirm=7").unwrap(), (Some(3), None));
    }

    #[test]
    fn what_no_rule_can_do_is_refused_with_the_way_out() {
        for (line, part) in [
            ("--until 2%", "want ci=WIDTH"),
            ("--until ci=0%", "want ci=WIDTH"),
            ("--until ci=2% --floor 3", "5 boots at the earliest"),
            ("--until ci=2% --floor 9 --repeat 8", "want 9 (the floor) to 200"),
            ("--until ci=2% --repeat 201", "to 200"),
            ("--until ci=2% --budget 90", "with its unit"),
            ("--until ci=2% --budget -5m", "budget"),
            ("--floor 6", "--until"),
            ("--budget 2h", "--until"),
            ("--env a --join", "--out"),
        ] {
            let error = of(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
