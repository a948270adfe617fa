//! What a comparison that is yet to be measured will be able to say: `perfvt plan`, and a dry run with `--pilot`.

mod result;
mod simulate;

use crate::family::{Members, shares};
use crate::options::CompareOptions;
use crate::precision::is_case;
use crate::row::POWER;
use crate::scale::on_scale;
use crate::show::{ShownRow, show};
use crate::{AnalyzeError, MIN_BLOCKS, TestChoice};
use formats::perf_conf::{Conf, MetricConf};
use model::{Case, Role, Scale};
use rayon::prelude::*;
pub use result::{Advice, Boots, Effects, Plan, PlanFamily, PlanRow, Power};
pub use simulate::MOST_BOOTS;
use simulate::{Change, End, FamilyOf, Pages, Shares};
use stats::{Boundary, Look};
use std::collections::BTreeMap;
use std::path::Path;

/// The chance with which the upper bound of a pilot's SD holds the true one; the lower bound fails as seldom.
pub const CONFIDENCE: f64 = 0.8;
/// SDs are looked at in steps of this ratio, so that rows that are alike are simulated once.
const STEP: f64 = 0.04;

/// What is asked of a plan.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The change that must not be missed, as a ratio minus 1; without it twice each metric's `min_effect`.
    pub effect: Option<f64>,
    /// Boots of each side for which power and effect are told; without it as many as the pilot has.
    pub boots: Option<usize>,
    /// Rows that do not gate, too.
    pub all: bool,
    /// The campaign that is planned.
    pub design: Option<Design>,
}

impl Asked {
    fn check(&self) -> Result<(), AnalyzeError> {
        if let Some(wrong) = self.effect.filter(|e| !(e.is_finite() && *e > 0.0)) {
            return Err(AnalyzeError::Option(format!(
                "effect = {wrong}: want a ratio above 0, 0.02 for 2 %"
            )));
        }
        if let Some(wrong) = self.boots.filter(|boots| !(2..=MOST_BOOTS).contains(boots)) {
            return Err(AnalyzeError::Option(format!(
                "boots = {wrong}: want a number from 2 to {MOST_BOOTS}"
            )));
        }
        Ok(())
    }
}

/// The design of a campaign that is planned.
#[derive(Clone, Debug)]
pub struct Design {
    /// Blocks that hold both sides.
    pub blocks: usize,
    /// Where a stopping rule looks first; its ceiling is [`Asked::boots`].
    pub floor: Option<u32>,
    /// Its rows: cases with the canonical names of metrics.
    pub rows: Vec<(Case, String)>,
}

/// What a comparison will be able to find, taking the spread of one side for both: each row's verdict is simulated, with the
/// model that it will have, the family that it will be in and the band that it must leave.
///
/// # Errors
/// As [`show`]; an effect that is not positive; fewer than two boots.
pub fn plan(options: &CompareOptions, path: &Path, asked: &Asked) -> Result<Plan, AnalyzeError> {
    asked.check()?;
    // What is shown does not change the family.
    let everything = CompareOptions { only: Default::default(), metrics: Vec::new(), ..options.clone() };
    let shown = show(&everything, path)?;
    let pilot: Vec<Pilot<'_>> = shown.rows.iter().map(|row| Pilot::of(row, &options.conf)).collect();
    let planned = Planned::of(&pilot, asked, options);
    let family = planned.family;
    let blocks = match (&asked.design, options.test) {
        (_, TestChoice::Welch | TestChoice::Student) => false,
        (_, TestChoice::Blocked) => true,
        (Some(design), TestChoice::Auto) => design.blocks >= MIN_BLOCKS,
        // Sides of perfvt's own can be measured in turns; of other tools' files nothing is known.
        (None, TestChoice::Auto) => shown.side.host_boots.is_some(),
    };
    let members = Members { all_rows: family.all_rows };
    let filtered = !options.only.is_empty() || !options.metrics.is_empty();
    let kept = |row: &&Pilot<'_>| {
        (options.metrics.is_empty() || options.metrics.contains(&row.shown.metric))
            && options.only.keeps(&row.shown.id, &row.shown.case)
    };
    let mut rows: Vec<&Pilot<'_>> = planned.rows.iter().copied().filter(kept).collect();
    let before = rows.len();
    rows.retain(|row| asked.all || filtered || members.has(row.shown.role));
    let hidden = before - rows.len();
    rows.sort_by_key(|row| row.shown.role != Role::Primary);
    let questions: Vec<Question> =
        rows.iter().map(|row| row.question(asked, members.has(row.shown.role))).collect();
    let look = asked.design.as_ref().and_then(|d| d.floor).zip(asked.boots).map(|(floor, ceiling)| {
        let n = u32::try_from(ceiling).unwrap_or(u32::MAX);
        Look::Planned { boundary: Boundary::of(floor.min(n), n), n }
    });
    let of = FamilyOf { size: family.size, level: family.alpha_rows };
    let pages = Pages::draw(options, of, blocks, look.as_ref(), MOST_BOOTS);
    let answers = answers(&pages, &questions, asked.design.is_none());
    let rows =
        (rows.iter().zip(&questions)).map(|(row, question)| row.planned(asked, question, &answers)).collect();
    let mut warnings = shown.warnings;
    warnings.extend(crate::warnings::losses(shown.side.losses.iter(), "`perfvt show` lists all"));
    Ok(Plan {
        side: shown.side,
        alpha: options.alpha,
        power: POWER,
        confidence: CONFIDENCE,
        effect: asked.effect,
        at: asked.boots,
        planned: asked.design.is_some(),
        blocks,
        family,
        unknown: planned.unknown,
        hidden,
        spelled: shown.spelled,
        warnings,
        rows,
    })
}

/// A row of the pilot, with what perf.conf says of its metric.
struct Pilot<'a> {
    shown: &'a ShownRow,
    conf: MetricConf,
}

/// The rows that will be compared.
struct Planned<'p, 'a> {
    rows: Vec<&'p Pilot<'a>>,
    family: PlanFamily,
    /// Rows of which the pilot tells nothing.
    unknown: usize,
}

impl<'p, 'a> Planned<'p, 'a> {
    fn of(pilot: &'p [Pilot<'a>], asked: &Asked, options: &CompareOptions) -> Planned<'p, 'a> {
        let Some(design) = &asked.design else {
            let rows: Vec<&Pilot<'_>> = pilot.iter().collect();
            let members = rows.iter().map(|row| Member {
                category: (&row.shown.workload, &row.shown.category),
                case: row.shown.case.to_string(),
                conf: &row.conf,
                log: row.shown.scale == Scale::Log,
            });
            let family = family(&members.collect::<Vec<_>>(), options.alpha, false);
            return Planned { rows, family, unknown: 0 };
        };
        let confs: Vec<MetricConf> =
            design.rows.iter().map(|(case, metric)| conf_of(&options.conf, &case.workload, metric)).collect();
        let members = design.rows.iter().zip(&confs).map(|((case, _), conf)| Member {
            category: (&case.workload, &case.category),
            case: case.keys.to_string(),
            conf,
            log: conf.scale.is_none_or(|scale| scale == Scale::Log),
        });
        let family = family(&members.collect::<Vec<_>>(), options.alpha, design.floor.is_some());
        let is = |row: &Pilot<'_>, (case, metric): &(Case, String)| {
            let shown = row.shown;
            shown.metric == *metric
                && is_case((&shown.workload, &shown.category, &shown.case), case, &options.conf)
        };
        let found: Vec<Option<&Pilot<'_>>> =
            design.rows.iter().map(|wanted| pilot.iter().find(|row| is(row, wanted))).collect();
        let unknown = found.iter().filter(|row| row.is_none()).count();
        Planned { rows: found.into_iter().flatten().collect(), family, unknown }
    }
}

/// What of a row decides its family.
struct Member<'a> {
    category: (&'a str, &'a str),
    case: String,
    conf: &'a MetricConf,
    log: bool,
}

/// The family of these rows. `looked`: a rule stops, so that categories have no scores.
fn family(rows: &[Member<'_>], alpha: f64, looked: bool) -> PlanFamily {
    let family = Members::among(rows.iter().map(|row| row.conf.role));
    let members = || rows.iter().filter(|row| family.has(row.conf.role));
    let mut cases: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    // A category has a score when its rows on the log scale are of two cases or more.
    let scored = !looked
        && members()
            .filter(|row| row.log)
            .any(|row| *cases.entry(row.category).or_insert(&row.case) != row.case);
    // Deterministic metrics are outside, as long as they are what they should be.
    let size = members().filter(|row| !row.conf.exact).count().max(1);
    PlanFamily { size, all_rows: family.all_rows, alpha_rows: shares(alpha, scored).0 }
}

fn conf_of(conf: &Conf, workload: &str, metric: &str) -> MetricConf {
    conf.section(workload).map_or_else(|| MetricConf::undeclared(metric), |s| s.metric(s.canonical(metric)))
}

/// What is simulated for a row.
#[derive(Clone, Copy, Debug)]
struct Question {
    /// The change with the upper and with the lower bound of the SD; none where it is unknown.
    changes: Option<[Change; 2]>,
    effect: f64,
    boots: usize,
}

/// What came out for one end of a range.
#[derive(Clone, Copy, Debug)]
struct Answer {
    boots: Option<usize>,
    shares: Shares,
    effect: Option<f64>,
}

/// A question's name: those of the same name have the same answer.
type Key = (End, [u64; 5], u64, usize);

const ENDS: [End; 2] = [End::Promised, End::Hoped];

impl Question {
    fn keys(&self) -> Option<[(Key, Change); 2]> {
        let [upper, lower] = self.changes?;
        let key = |end, change: Change| ((end, change.key(), self.effect.to_bits(), self.boots), change);
        Some([key(End::Promised, upper), key(End::Hoped, lower)])
    }
}

/// The answers to all questions. `search`: how many boots suffice is asked, too.
fn answers(pages: &Pages<'_>, questions: &[Question], search: bool) -> BTreeMap<Key, Answer> {
    let asked: BTreeMap<Key, Change> = questions.iter().filter_map(Question::keys).flatten().collect();
    let answer = |(key, change): (Key, Change)| {
        let (end, _, effect, boots) = key;
        let effect = f64::from_bits(effect);
        // Of an effect that may lie within the band half of all estimates do, however many boots there are.
        let decided = effect > change.margin || change.exact;
        let answer = Answer {
            boots: if search && decided { pages.boots(&change, effect, end) } else { None },
            shares: pages.shares(&change, effect, boots, end),
            effect: pages.effect(&change, boots, end),
        };
        (key, answer)
    };
    asked.into_par_iter().map(answer).collect()
}

impl<'a> Pilot<'a> {
    fn of(shown: &'a ShownRow, conf: &Conf) -> Pilot<'a> {
        Pilot { shown, conf: conf_of(conf, &shown.workload, &shown.metric) }
    }

    /// Mean and SD on the row's scale: of the unit alone where nothing depends on it.
    fn moments(&self) -> Option<(f64, f64)> {
        let free = self.conf.min_effect_abs.is_none_or(|b| b <= 0.0);
        let found = stats::moments(&on_scale(&self.shown.sample.values, self.shown.scale)).ok()?;
        let (mean, sd) = (found.mean, found.sd?);
        Some(match self.shown.scale {
            Scale::Log => (if free { 1.0 } else { mean.exp() }, sd),
            Scale::Linear => {
                let unit = if free && mean != 0.0 { mean.abs() } else { 1.0 };
                (mean / unit, sd / unit)
            }
        })
    }

    fn question(&self, asked: &Asked, gates: bool) -> Question {
        let n = self.shown.sample.n;
        let effect = asked.effect.unwrap_or(2.0 * self.conf.min_effect);
        let change = |(base, sd): (f64, f64), end: End| {
            let level = match end {
                End::Promised => CONFIDENCE,
                End::Hoped => 1.0 - CONFIDENCE,
            };
            let sd = stats::sd_bound(sd, n as f64 - 1.0, level).ok()?;
            Some(Change {
                scale: self.shown.scale,
                base,
                sd: in_steps(sd, end),
                margin: self.conf.min_effect,
                margin_abs: self.conf.min_effect_abs,
                exact: self.conf.exact,
                in_family: gates,
            })
        };
        let changes = self.moments().and_then(|moments| {
            let [upper, lower] = ENDS.map(|end| change(moments, end));
            Some([upper?, lower?])
        });
        Question { changes, effect, boots: asked.boots.unwrap_or(n).clamp(2, MOST_BOOTS) }
    }

    fn planned(&self, asked: &Asked, question: &Question, answers: &BTreeMap<Key, Answer>) -> PlanRow {
        let row = self.shown;
        let found = question.keys().and_then(|keys| {
            let [low, high] = keys.map(|(key, _)| answers.get(&key).copied());
            Some((low?, high?))
        });
        let power = |share: fn(&Shares) -> f64| {
            found.map(|(promised, hoped)| Power { low: share(&promised.shares), high: share(&hoped.shares) })
        };
        let varies = found.is_some() && row.sample.sd != Some(0.0);
        let advice = match (varies, row.spread) {
            (false, _) if row.sample.sd == Some(0.0) => Advice::Nothing,
            (_, None) => Advice::Unknown,
            (_, Some(spread)) if spread.within > spread.between => Advice::Iterations,
            (_, Some(_)) => Advice::Boots,
        };
        PlanRow {
            id: row.id.clone(),
            workload: row.workload.clone(),
            category: row.category.clone(),
            case: row.case.clone(),
            role: row.role,
            n: row.sample.n,
            cv: row.sample.cv,
            effect: question.effect,
            boots: found
                .filter(|_| asked.design.is_none())
                .map(|(promised, hoped)| Boots { low: hoped.boots, high: promised.boots }),
            at: question.boots,
            power: power(|shares| shares.family),
            power_alone: power(|shares| shares.alone),
            mde: found.map(|(promised, hoped)| Effects { low: hoped.effect, high: promised.effect }),
            spread: row.spread,
            advice,
        }
    }
}

/// An SD of the grid, on the side that promises no more than the SD itself.
fn in_steps(sd: f64, end: End) -> f64 {
    let steps = sd.ln() / STEP;
    let steps = match end {
        End::Promised => steps.ceil(),
        End::Hoped => steps.floor(),
    };
    if sd > 0.0 { (STEP * steps).exp() } else { sd }
}
