//! What a bisection would take, by the spread of a pilot: simulated with the rules that it goes by.

use super::bench::{Bench, Measured};
use crate::Error;
use crate::bisect::{Limits, Plan};
use analyze::show;
use builds::Store;
use formats::perf_conf::effect;
use model::Role;
use serde::Serialize;
use stats::{BISECT_SESSION_RATIO, BisectDesign, BisectForesight};
use std::collections::BTreeMap;
use std::io::Write;
use vm::guest::image::Cache;

/// Simulated bisections of the step that is said, and of each step that is tried.
const RUNS: u64 = 200;
const RUNS_OF_A_STEP: u64 = 60;
/// A step that is named in fewer of them is hopeless.
const HOPELESS: f64 = 0.5;
/// Seconds of a build where none of this recipe is in the cache.
const BUILD: f64 = 600.0;

/// What is foreseen.
#[derive(Serialize)]
pub(super) struct Foreseen {
    /// Seconds of a boot with its case, by the plan.
    boot_seconds: f64,
    /// Seconds of a build, by those of this recipe in the cache; none without any.
    build_seconds: Option<f64>,
    /// Boots that the budget has room for.
    boots_in_budget: f64,
    /// By a pilot.
    pilot: Option<Simulated>,
}

#[derive(Serialize)]
struct Simulated {
    /// The standard deviation between boots, of the logarithm where changes are ratios.
    boot_sd: f64,
    /// The step that is said, as a ratio less 1.
    effect: f64,
    /// Shares of outcomes, means of boots and builds.
    right: f64,
    wrong: f64,
    boots: f64,
    builds: f64,
    hours: f64,
    /// The smallest step that is named in 4 of 5, as a ratio less 1; none if none is.
    least: Option<f64>,
}

/// Looks ahead; without a pilot only at what a boot and a build take.
pub(super) fn foresee(
    plan: &Plan,
    bench: &Bench<'_>,
    limits: &Limits,
    err: &mut dyn Write,
) -> Result<Foreseen, Error> {
    let good = Measured { name: "good".to_owned(), params: BTreeMap::new() };
    let (prepared, _) = bench.plan(&[good], 0, None)?;
    for note in prepared.notes.iter().chain(&prepared.file.warnings) {
        writeln!(err, "warning: {note}")?;
    }
    let boot_seconds = prepared.estimate.seconds.max(1e-3);
    let build_seconds = of_a_build(plan)?;
    let boots = limits.seconds / boot_seconds;
    let boots_in_budget = limits.boots.map_or(boots, |most| boots.min(f64::from(most)));
    let pilot = match &bench.how.pilot {
        None => None,
        Some(_) => {
            let seconds = (boot_seconds, build_seconds.unwrap_or(BUILD));
            Some(simulated(plan, bench, seconds, boots_in_budget)?)
        }
    };
    Ok(Foreseen { boot_seconds, build_seconds, boots_in_budget, pilot })
}

/// The median of what builds of this recipe took.
fn of_a_build(plan: &Plan) -> Result<Option<f64>, Error> {
    let store = Store::open(Cache::from_env()?.root())?;
    let built = store.all().into_iter().filter(|record| record.recipe == plan.recipe);
    let mut seconds: Vec<f64> = built.map(|record| record.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    Ok(seconds.get(seconds.len() / 2).copied())
}

fn simulated(
    plan: &Plan,
    bench: &Bench<'_>,
    (boot, build): (f64, f64),
    budget: f64,
) -> Result<Simulated, Error> {
    let text = &bench.how.effect;
    let wanted = effect(text.trim()).filter(|effect| *effect > 0.0);
    let effect = wanted.ok_or_else(|| format!("--effect {text}: want a size above 0, such as 5%"))?;
    let boot_sd = spread(bench)?;
    let design = BisectDesign {
        commits: plan.last(),
        step: effect.ln_1p(),
        boot_sd,
        session_sd: boot_sd * BISECT_SESSION_RATIO.sqrt(),
        build_cost: build / boot,
        budget,
        unbuildable: 0,
    };
    let BisectForesight { right, wrong, boots, builds, .. } = design.foresee(RUNS);
    Ok(Simulated {
        boot_sd,
        effect,
        right,
        wrong,
        boots,
        builds,
        hours: (boots * boot + builds * build) / 3600.0,
        least: design.least(RUNS_OF_A_STEP),
    })
}

/// The standard deviation between boots of the row in the pilot.
fn spread(bench: &Bench<'_>) -> Result<f64, Error> {
    let Some(pilot) = &bench.how.pilot else { return Err("no pilot".into()) };
    let shown = show(&bench.options, pilot)?;
    let asked = analyze::as_ids_say(&bench.options.conf, bench.row);
    let named = |row: &&analyze::ShownRow| {
        let id = model::readable(&row.id);
        row.id.contains(&*asked) || id.contains(&*asked) || row.metric == *asked
    };
    let found: Vec<&analyze::ShownRow> = shown.rows.iter().filter(named).collect();
    let exact = found.iter().find(|row| row.id == *asked || model::readable(&row.id) == *asked);
    let only = exact.or_else(|| found.iter().find(|row| row.role == Role::Primary)).or_else(|| found.first());
    let Some(row) = only else {
        let (row, pilot) = (edge::quoted(bench.row), pilot.display());
        return Err(format!("--pilot {pilot}: it has no row '{row}'").into());
    };
    let ln: Vec<f64> = row.sample.values.iter().map(|v| v.ln()).filter(|v| v.is_finite()).collect();
    let mean = ln.iter().sum::<f64>() / ln.len().max(1) as f64;
    if ln.len() < 3 {
        return Err(format!(
            "--pilot {}: row {} has {} boots; 3 or more tell a spread",
            pilot.display(),
            row.id,
            ln.len()
        )
        .into());
    }
    let sd = (ln.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (ln.len() - 1) as f64).sqrt();
    // What does not vary at all would be found by any budget.
    Ok(sd.max(1e-6))
}

impl Foreseen {
    /// Whether the step that is said would not be found within the budget.
    pub fn is_hopeless(&self) -> bool {
        self.pilot.as_ref().is_some_and(|pilot| pilot.right < HOPELESS)
    }

    /// Refuses a budget within which nothing would come out.
    pub fn refuse(&self) -> Result<(), Error> {
        let Some(pilot) = self.pilot.as_ref().filter(|_| self.is_hopeless()) else { return Ok(()) };
        Err(format!(
            "a step of {} would be found in {:.0} % of such bisections: {}; give a longer --budget, or a quieter row",
            percent(pilot.effect),
            pilot.right * 100.0,
            least(pilot)
        )
        .into())
    }

    /// For people, or programs.
    pub fn tell(&self, plan: &Plan, limits: &Limits, json: bool, out: &mut dyn Write) -> Result<(), Error> {
        if json {
            model::json::write_pretty(&mut *out, self)?;
            return Ok(writeln!(out)?);
        }
        let commits = model::counted(plan.last(), "commit");
        writeln!(out, "{commits} from {} to {}", plan.short(0), plan.short(plan.last()))?;
        let build = match self.build_seconds {
            Some(seconds) => format!("a build {seconds:.0} s, as those of this recipe in the cache"),
            None => format!("a build is taken to be {BUILD:.0} s: none of this recipe is in the cache"),
        };
        writeln!(out, "a boot takes some {:.0} s, {build}", self.boot_seconds)?;
        writeln!(
            out,
            "the budget of {:.1} h has room for {:.0} boots",
            limits.seconds / 3600.0,
            self.boots_in_budget
        )?;
        let Some(pilot) = &self.pilot else {
            writeln!(out, "--pilot RESULT tells how many are needed, by the spread of a result of this row")?;
            return Ok(());
        };
        writeln!(
            out,
            "boots differ by {:.2} % (standard deviation); a step of {} is named rightly in {:.0} % and wrongly in {:.0} % of {RUNS} simulated \
             bisections, with {:.0} boots, {:.0} builds, {:.1} h on average",
            pilot.boot_sd * 100.0,
            percent(pilot.effect),
            pilot.right * 100.0,
            pilot.wrong * 100.0,
            pilot.boots,
            pilot.builds,
            pilot.hours
        )?;
        writeln!(
            out,
            "{}{}",
            least(pilot),
            if self.is_hopeless() { "; this budget is hopeless" } else { "" }
        )?;
        Ok(())
    }
}

fn percent(ratio: f64) -> String {
    report::numbers::percent(ratio)
}

fn least(pilot: &Simulated) -> String {
    match pilot.least {
        Some(least) => format!("the smallest step that is named in 4 of 5 is {}", percent(least)),
        None => "not even a step of 50% is named in 4 of 5".to_owned(),
    }
}
