//! What the design of a campaign can see, told before hours are spent on one that sees nothing: `analyze` simulates its verdicts.

use crate::Error;
use analyze::{Asked, Blind, CompareOptions, MOST_PLANNED, PlanRule};
use collect::workload::find;
use formats::perf_conf::{Conf, MetricConf};
use model::{CampaignFile, Case, Rule};
use std::io::Write;
use std::path::Path;

/// Boots that vary by less than this (SD of the logarithm) are too much to hope for.
const LEAST_SPREAD: f64 = 0.01;

/// What to say of a design that sees too little.
fn said(blind: Blind, boots: u32, until: bool) -> String {
    let counted = |n: usize, one: &str, many: &str| {
        if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
    };
    let rows = counted(blind.rows, "row that gates", "rows that gate");
    let boots = counted(boots as usize, "boot", "boots");
    let most = if until { "at most " } else { "" };
    let way_out =
        if until { "take more boots, or fewer cases" } else { "take more boots, fewer cases, or --until" };
    match blind.spread {
        Some(spread) => format!(
            "with {most}{boots} a side and {rows}, a change of {} is found at the gate in 4 of 5 comparisons only \
             where boots vary by less than {}; {way_out}",
            percent(blind.effect),
            percent(spread)
        ),
        None => format!("with {most}{boots} a side no change of any size can be found; {way_out}"),
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

/// What is asked of the comparison of a candidate, an environment behind the first, with as many boots as can be simulated;
/// `None` when it has no rows.
fn asked_of(file: &CampaignFile, candidate: usize, conf: &Conf) -> Option<Asked> {
    let rows = rows(file, candidate, conf).filter(|rows| !rows.is_empty())?;
    let rule = match file.rule {
        Rule::Fixed { .. } => None,
        Rule::Until { floor, half_width, .. } => Some(PlanRule { floor, half_width }),
    };
    let boots = usize::try_from(boots_of(file)).unwrap_or(MOST_PLANNED).min(MOST_PLANNED);
    let design = analyze::Design { blocks: blocks_of(file, candidate), rule, rows };
    Some(Asked { boots: Some(boots), design: Some(design), ..Asked::default() })
}

/// What is to be asked of a pilot so that it tells what this campaign will be able to see; of the candidate that has most rows.
///
/// # Errors
/// Says why a campaign compares nothing.
fn asked(file: &CampaignFile, conf: &Conf) -> Result<Asked, String> {
    let count = |asked: &Asked| asked.design.as_ref().map_or(0, |design| design.rows.len());
    let all = (1..file.environments.len()).filter_map(|candidate| asked_of(file, candidate, conf));
    let Some(most) = all.max_by_key(count) else {
        return Err("--pilot: the campaign compares nothing with which a pilot could help; name a second environment by --env, \
                    or take `perfvt plan DIR`"
            .into());
    };
    match boots_of(file) {
        boots @ 0..2 => Err(format!(
            "--pilot: with {boots} boot of each side nothing is found, whatever the pilot says; take --repeat 5 or more"
        )),
        _ => Ok(most),
    }
}

/// Says what a campaign will be able to find, by the boots of a pilot.
pub fn foresee(
    file: &CampaignFile,
    pilot: &Path,
    options: &CompareOptions,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let asked = asked(file, &options.conf)?;
    let plan = analyze::plan(options, pilot, &asked)?;
    if plan.rows.is_empty() {
        let none =
            "has no row in common with the campaign; its cases and metrics must be those that are planned";
        return Err(format!("--pilot {}: {none}", pilot.display()).into());
    }
    writeln!(out, "\nwhat will be seen, by {}", pilot.display())?;
    let boots = boots_of(file);
    if asked.boots.is_some_and(|looked_at| looked_at < boots as usize) {
        writeln!(out, "of {boots} boots {MOST_PLANNED} are looked at, the most that are simulated")?;
    }
    out.write_all(report::plan(&plan).as_bytes())?;
    Ok(())
}

/// `5 %`, `0.6 %`, `0.04 %`.
fn percent(fraction: f64) -> String {
    let percent = 100.0 * fraction;
    let digits = if percent < 0.1 { 2 } else { 1 };
    let text = format!("{percent:.digits$}");
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// The rows that the first environment and a candidate have in common: cases with canonical names of metrics.
fn rows(file: &CampaignFile, candidate: usize, conf: &Conf) -> Option<Vec<(Case, String)>> {
    let workload = find(&file.workload)?;
    let sides = [file.environments.first()?.to_params(), file.environments.get(candidate)?.to_params()];
    let mut all = Vec::new();
    for case in &file.cases {
        let [ours, theirs] = sides.each_ref().map(|side| workload.metrics(&case.category, side, file.exits));
        let section = conf.section(&case.workload);
        let canonical = |name: &String| {
            section.map_or_else(|| MetricConf::undeclared(name), |s| s.metric(s.canonical(name))).name
        };
        all.extend(
            ours.iter().filter(|name| theirs.contains(name)).map(|name| (case.clone(), canonical(name))),
        );
    }
    Some(all)
}

/// A warning, when a campaign of several environments cannot find twice the change that matters in the rows that gate, as they
/// are judged by these options: of the candidate for which it sees least.
pub fn warning(file: &CampaignFile, options: &CompareOptions) -> Option<String> {
    let asked = (1..file.environments.len()).filter_map(|candidate| asked_of(file, candidate, &options.conf));
    let blind = asked.filter_map(|asked| analyze::blind(options, &asked, LEAST_SPREAD));
    let spread = |blind: &Blind| blind.spread.unwrap_or(0.0);
    let least = blind.min_by(|a, b| spread(a).total_cmp(&spread(b)))?;
    Some(said(least, boots_of(file), matches!(file.rule, Rule::Until { .. })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_design_that_sees_too_little_is_told_with_the_way_out() {
        let blind = Blind { rows: 114, effect: 0.1, spread: Some(0.004) };
        assert_eq!(
            said(blind, 3, false),
            "with 3 boots a side and 114 rows that gate, a change of 10 % is found at the gate in 4 of 5 comparisons only \
             where boots vary by less than 0.4 %; take more boots, fewer cases, or --until"
        );
        assert_eq!(
            said(Blind { rows: 1, spread: None, ..blind }, 1, false),
            "with 1 boot a side no change of any size can be found; take more boots, fewer cases, or --until"
        );
        let until = said(blind, 5, true);
        assert!(
            until.starts_with("with at most 5 boots a side")
                && until.ends_with("take more boots, or fewer cases")
        );
    }

    #[test]
    fn percentages_are_as_long_as_they_need_to_be() {
        assert_eq!([0.05, 0.0056, 0.0004, 0.025].map(percent), ["5 %", "0.6 %", "0.04 %", "2.5 %"]);
    }
}
