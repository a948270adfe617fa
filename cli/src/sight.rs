//! What the design of a campaign can see, told before hours are spent on one that sees nothing.
//!
//! A row that gates is decided by Holm's first step: with so many rows a change must be significant at alpha (0.05, of which the
//! scores of categories have a fifth) divided by their number. The power of the t-test at that level says how much boots may vary.

use analyze::{Asked, CompareOptions, MIN_BLOCKS, MIN_BLOCKS_IN_ORDER, MOST_BOOTS, SCORES_SHARE};
use collect::workload::find;
use formats::perf_conf::{Conf, MetricConf};
use model::{CampaignFile, Role, Rule, Scale};
use std::collections::BTreeMap;

/// A change is to be significant in so many of all comparisons.
const POWER: f64 = 0.8;
/// Boots that vary by less than this (SD of the logarithm) are too much to hope for.
const LEAST_SPREAD: f64 = 0.01;

/// What decides how much a comparison can see.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Design {
    /// Boots of each side.
    boots: u32,
    /// Blocks of the plan with both sides.
    blocks: usize,
    /// Rows that gate, of one candidate.
    rows: usize,
    /// Level of all of them together, two-sided.
    level: f64,
    /// The smallest change that matters, as a ratio minus 1.
    effect: f64,
    /// A stopping rule ends before, where it can.
    until: bool,
}

impl Design {
    /// The design of a candidate, an environment behind the first; `None` when it has no rows.
    fn of(file: &CampaignFile, candidate: usize, options: &CompareOptions) -> Option<Design> {
        let boots = boots_of(file);
        let blocks = blocks_of(file, candidate);
        let all = rows(file, candidate, &options.conf)?;
        let is_primary = |row: &&Row<'_>| row.metric.role == Role::Primary;
        let primary: Vec<&Row<'_>> = all.iter().filter(is_primary).collect();
        // Without a primary metric every row gates.
        let gating = if primary.is_empty() { all.iter().collect() } else { primary };
        let effect = gating.iter().map(|row| row.metric.min_effect).filter(|e| *e > 0.0).reduce(f64::min)?;
        let until = matches!(file.rule, Rule::Until { .. });
        // After a stopping rule there are no scores.
        let share = if !until && has_scores(&gating) { SCORES_SHARE } else { 0.0 };
        let level = options.alpha * (1.0 - share);
        Some(Design { boots, blocks, rows: gating.len(), level, effect, until })
    }

    /// Degrees of freedom: those of pairs within blocks, one less where the place within them is a term of the model; else of
    /// Welch's test with equal spreads.
    fn df(self) -> u32 {
        if self.blocks >= MIN_BLOCKS_IN_ORDER && !self.until {
            self.boots.saturating_sub(2)
        } else if self.blocks >= MIN_BLOCKS {
            self.boots.saturating_sub(1)
        } else {
            (2 * self.boots).saturating_sub(2)
        }
    }

    /// The largest SD (of the logarithm, between boots) with which the effect is significant as often as
    /// [`POWER`] says.
    fn largest_spread(self) -> Option<f64> {
        let delta = stats::noncentrality(f64::from(self.df()), self.level / self.rows as f64, POWER)?;
        Some(self.effect.ln_1p() / (delta * (2.0 / f64::from(self.boots)).sqrt()))
    }

    /// What to say of a design that sees too little.
    fn warning(self) -> Option<String> {
        let spread = self.largest_spread();
        if spread.is_some_and(|spread| spread >= LEAST_SPREAD) {
            return None;
        }
        let rows =
            if self.rows == 1 { "1 row that gates".into() } else { format!("{} rows that gate", self.rows) };
        let boots = if self.boots == 1 { "1 boot".into() } else { format!("{} boots", self.boots) };
        let most = if self.until { "at most " } else { "" };
        let way_out = if self.until {
            "take more boots, or fewer cases"
        } else {
            "take more boots, fewer cases, or --until"
        };
        Some(match spread {
            Some(spread) => format!(
                "with {most}{boots} a side and {rows}, a change of {} is significant at the gate in 4 of 5 comparisons only \
                 where boots vary by less than {}; {way_out}",
                percent(self.effect),
                percent(spread)
            ),
            None => format!("with {most}{boots} a side no change of any size can be found; {way_out}"),
        })
    }
}

/// Boots of each side, at most.
fn boots_of(file: &CampaignFile) -> u32 {
    match file.rule {
        Rule::Fixed { repeats } => repeats,
        Rule::Until { ceiling, .. } => ceiling,
    }
}

/// Blocks that hold the first environment and a candidate.
fn blocks_of(file: &CampaignFile, candidate: usize) -> usize {
    let both = |of: usize| move |b: &&model::BlockPlan| b.boots.iter().any(|boot| boot.environment == of);
    file.blocks.iter().filter(|b| !b.sequential).filter(both(0)).filter(both(candidate)).count()
}

/// What is to be asked of a pilot so that it tells what this campaign will be able to see; of the candidate that has most rows.
///
/// # Errors
/// Says why a campaign compares nothing.
pub fn asked(file: &CampaignFile, conf: &Conf) -> Result<Asked, String> {
    let of = |candidate| Some((candidate, rows(file, candidate, conf)?));
    let most = (1..file.environments.len()).filter_map(of).max_by_key(|(_, rows)| rows.len());
    let Some((candidate, rows)) = most.filter(|(_, rows)| !rows.is_empty()) else {
        return Err("--pilot: the campaign compares nothing with which a pilot could help; name a second environment by --env, \
                    or take `perfvt plan DIR`"
            .into());
    };
    let boots = boots_of(file);
    if boots < 2 {
        return Err(format!(
            "--pilot: with {boots} boot of each side nothing is found, whatever the pilot says; take --repeat 5 or more"
        ));
    }
    let floor = match file.rule {
        Rule::Fixed { .. } => None,
        Rule::Until { floor, .. } => Some(floor),
    };
    let row = |row: Row<'_>| Some((file.cases.get(row.case)?.clone(), row.metric.name));
    let design = analyze::Design {
        blocks: blocks_of(file, candidate),
        floor,
        rows: rows.into_iter().filter_map(row).collect(),
    };
    let boots = usize::try_from(boots).unwrap_or(MOST_BOOTS).min(MOST_BOOTS);
    Ok(Asked { effect: None, boots: Some(boots), all: false, design: Some(design) })
}

/// `5 %`, `0.6 %`, `0.04 %`.
fn percent(fraction: f64) -> String {
    let percent = 100.0 * fraction;
    let digits = if percent < 0.1 { 2 } else { 1 };
    let text = format!("{percent:.digits$}");
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// A row that will be compared.
struct Row<'a> {
    /// Workload and category.
    category: (&'a str, &'a str),
    /// Its case, by the place in the plan.
    case: usize,
    /// What perf.conf says of its metric.
    metric: MetricConf,
}

/// The rows that the first environment and a candidate have in common.
fn rows<'a>(file: &'a CampaignFile, candidate: usize, conf: &Conf) -> Option<Vec<Row<'a>>> {
    let workload = find(&file.workload)?;
    let sides = [file.environments.first()?.to_params(), file.environments.get(candidate)?.to_params()];
    let mut all = Vec::new();
    for (index, case) in file.cases.iter().enumerate() {
        let [ours, theirs] = sides.each_ref().map(|side| workload.metrics(&case.category, side, file.exits));
        let section = conf.section(&case.workload);
        let known = |name: &String| {
            section.map_or_else(|| MetricConf::undeclared(name), |s| s.metric(s.canonical(name)))
        };
        all.extend(ours.iter().filter(|name| theirs.contains(name)).map(|name| Row {
            category: (&case.workload, &case.category),
            case: index,
            metric: known(name),
        }));
    }
    Some(all)
}

/// Whether a category will have a score: its rows on the scale of logarithms are of two cases or more.
fn has_scores(gating: &[&Row<'_>]) -> bool {
    let mut cases: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let logarithmic = |row: &&&Row<'_>| row.metric.scale.is_none_or(|scale| scale == Scale::Log);
    gating.iter().filter(logarithmic).any(|row| *cases.entry(row.category).or_insert(row.case) != row.case)
}

/// A warning, when a campaign of several environments cannot see the change that matters in the rows that gate, as they are
/// judged by these options: of the candidate for which it sees least.
pub fn warning(file: &CampaignFile, options: &CompareOptions) -> Option<String> {
    let designs = (1..file.environments.len()).filter_map(|candidate| Design::of(file, candidate, options));
    let spread = |design: &Design| design.largest_spread().unwrap_or(0.0);
    designs.min_by(|a, b| spread(a).total_cmp(&spread(b)))?.warning()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(boots: u32, rows: usize) -> Design {
        let level = 0.05 * (1.0 - SCORES_SHARE);
        Design { boots, blocks: boots as usize, rows, level, effect: 0.05, until: false }
    }

    /// Against numbers by a numeric integral over the chi distribution, made by another program.
    #[test]
    fn the_largest_spread_is_that_of_the_noncentral_t_distribution() {
        for (boots, rows, df, wanted) in [
            (2, 1, 2, 0.007_712_887_6),
            (3, 114, 4, 0.004_292_902_9),
            (4, 1, 6, 0.019_448_498_5),
            (5, 114, 4, 0.005_542_113_8),
            (5, 8, 4, 0.010_933_769_9),
            (10, 114, 8, 0.015_105_821_2),
            (30, 114, 28, 0.037_890_374_8),
        ] {
            let design = design(boots, rows);
            let spread = design.largest_spread().unwrap();
            assert_eq!(design.df(), df);
            assert!((spread / wanted - 1.0).abs() < 1e-6, "{boots} boots, {rows} rows: {spread}");
        }
    }

    #[test]
    fn a_design_that_sees_too_little_is_told_with_the_way_out_and_others_are_not() {
        assert_eq!(
            design(3, 114).warning().unwrap(),
            "with 3 boots a side and 114 rows that gate, a change of 5 % is significant at the gate in 4 of 5 \
             comparisons only where boots vary by less than 0.4 %; take more boots, fewer cases, or --until"
        );
        assert!(design(5, 8).warning().is_none() && design(10, 114).warning().is_none());
        let one = design(1, 1).warning().unwrap();
        assert_eq!(
            one,
            "with 1 boot a side no change of any size can be found; take more boots, fewer cases, or --until"
        );
        assert_eq!(
            Design { until: true, ..design(10, 114) }.df(),
            9,
            "a rule's looks have no term for the place"
        );
        let until = Design { until: true, ..design(5, 114) }.warning().unwrap();
        assert!(
            until.starts_with("with at most 5 boots a side")
                && until.ends_with("take more boots, or fewer cases")
        );
    }

    #[test]
    fn only_a_category_with_several_cases_on_a_logarithmic_scale_has_a_score() {
        let row = |category, case, scale| {
            let metric = MetricConf { scale, ..MetricConf::undeclared("m") };
            Row { category: ("w", category), case, metric }
        };
        let (log, linear) = (Some(Scale::Log), Some(Scale::Linear));
        let scored = |rows: [Row<'_>; 3]| has_scores(&rows.iter().collect::<Vec<_>>());
        assert!(!scored([row("x", 0, log), row("x", 0, log), row("y", 1, log)]));
        assert!(!scored([row("x", 0, log), row("x", 1, linear), row("y", 2, None)]));
        assert!(scored([row("x", 0, log), row("y", 2, log), row("x", 1, None)]));
    }

    #[test]
    fn percentages_are_as_long_as_they_need_to_be() {
        assert_eq!([0.05, 0.0056, 0.0004, 0.025].map(percent), ["5 %", "0.6 %", "0.04 %", "2.5 %"]);
    }
}
