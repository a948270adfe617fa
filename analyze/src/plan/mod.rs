//! What a comparison that is yet to be measured will be able to say: `perfvt plan`, and a dry run with `--pilot`.

mod blocks;
mod equal;
mod hosts;
mod limits;
mod pilot;
mod result;
mod sight;
mod simulate;
mod values;

use crate::family::{Members, shares};
use crate::noise::Noise;
use crate::options::CompareOptions;
use crate::precision::is_case;
use crate::row::POWER;
use crate::show::{Shown, ShownRow, show};
use crate::warnings::note;
use crate::{AnalyzeError, MIN_BLOCKS, TestChoice, Warning};
use blocks::Blocks;
use formats::perf_conf::{Conf, MetricConf};
pub use hosts::{AskedOfHosts, HostsPlan, HostsPlanRow, plan_hosts};
use limits::FamilyOf;
use model::{Case, Role, Scale, counted};
use pilot::{Pilot, Question, Search, answers};
pub use result::{Advice, Boots, Effects, Means, Plan, PlanFamily, PlanRow, PlanRule, PlanSessions, Power};
pub use sight::{Blind, blind};
pub use simulate::MOST_BOOTS;
use simulate::{Apart, Pages, Rule, Scheme};
use stats::{Boundary, SessionVariance};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use values::Size;

/// The chance with which the upper bound of a pilot's SD holds the true one; the lower bound fails as seldom.
pub const CONFIDENCE: f64 = 0.8;
/// The most boots of a side of which a plan can say anything.
pub const MOST_PLANNED: usize = 1000;
/// SDs are looked at in steps of this ratio, so that rows that are alike are simulated once.
const STEP: f64 = 0.04;
/// The same of what is common to a block: where rows are judged by blocks it cancels.
const SHARED_STEP: f64 = 0.25;

/// What is asked of a plan.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The change that must not be missed, as a ratio minus 1; without it twice each metric's `min_effect`.
    pub effect: Option<f64>,
    /// Boots of each side for which power and effect are told; without it as many as the pilot has.
    pub boots: Option<usize>,
    /// The sides share no session: so many sessions of each, of so many boots. How much sessions differ says `--noise`, or the
    /// pilot's own; with `--noise` alone it is one of each.
    pub sessions: Option<usize>,
    /// A second result, of the other side: the spread is that of both.
    pub other: Option<PathBuf>,
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
        if let Some(wrong) = self.boots.filter(|boots| !(2..=MOST_PLANNED).contains(boots)) {
            return Err(AnalyzeError::Option(format!(
                "boots = {wrong}: want a number from 2 to {MOST_PLANNED}"
            )));
        }
        if let Some(wrong) = self.sessions.filter(|sessions| !(1..=MOST_BOOTS).contains(sessions)) {
            return Err(AnalyzeError::Option(format!(
                "sessions = {wrong}: want a number from 1 to {MOST_BOOTS}"
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
    /// The rule that stops it; its ceiling is [`Asked::boots`].
    pub rule: Option<PlanRule>,
    /// Its rows: cases with the canonical names of metrics.
    pub rows: Vec<(Case, String)>,
}

/// What a comparison will be able to find, taking the spread of one side for both: each row's verdict is simulated, with the
/// model that it will have, the family that it will be in and the band that it must leave.
///
/// # Errors
/// As [`show`]; an effect that is not positive; fewer than two boots; sides of sessions of their own, of which nothing says how
/// much they differ.
pub fn plan(options: &CompareOptions, path: &Path, asked: &Asked) -> Result<Plan, AnalyzeError> {
    asked.check()?;
    let sessions = sessions(options, path, asked)?;
    // What is shown does not change the family.
    let everything = CompareOptions { only: Default::default(), metrics: Vec::new(), ..options.clone() };
    let shown = show(&everything, path)?;
    let other = asked.other.as_deref().map(|other| show(&everything, other)).transpose()?;
    let found = Blocks::of(&everything, path, asked.other.as_deref());
    let of_row = |row| Pilot::of(row, &options.conf, (&shown, other.as_ref()), &found);
    let pilot: Vec<Pilot<'_>> = shown.rows.iter().map(of_row).collect();
    let planned = Planned::of(&pilot, asked, options);
    let family = planned.family;
    let members = Members { all_rows: family.all_rows };
    let (rows, hidden) = looked_at(&planned, options, asked.all, members);
    let of_row = |row: &&Pilot<'_>| {
        let boots = asked.boots.unwrap_or(row.shown.sample.n).clamp(2, MOST_PLANNED);
        let size = Size { boots, sessions: sessions.as_ref().map_or(1, |sessions| sessions.count) };
        row.question(asked, size, members.has(row.shown.role), sessions.is_some())
    };
    let questions: Vec<Question> = rows.iter().map(of_row).collect();
    let search = match (&asked.design, &sessions) {
        (_, Some(apart)) => Search::Sessions(apart.count),
        (Some(_), None) => Search::Nothing,
        (None, None) => Search::Boots,
    };
    let scheme = scheme(options, asked, &shown, sessions.as_ref());
    let blocks = scheme.blocks;
    let most = questions.iter().map(Question::boots).max().unwrap_or(0);
    let most = if search == Search::Nothing { most } else { most.max(MOST_BOOTS) };
    let of = FamilyOf { size: family.size, level: family.alpha_rows };
    let pages = Pages::draw(options, of, scheme, most);
    let answers = answers(&pages, &questions, search);
    let rows = (rows.iter().zip(&questions)).map(|(row, question)| row.planned(question, &answers, search));
    let rows = rows.collect();
    let warnings = warnings(&shown, other.as_ref(), found.warning);
    Ok(Plan {
        side: shown.side,
        other: other.map(|other| other.side.label),
        alpha: options.alpha,
        power: POWER,
        confidence: CONFIDENCE,
        effect: asked.effect,
        at: asked.boots,
        planned: asked.design.is_some(),
        blocks,
        beside: found.beside,
        sessions,
        rule: asked.design.as_ref().and_then(|design| design.rule),
        family,
        unknown: planned.unknown,
        hidden,
        spelled: shown.spelled,
        warnings,
        rows,
    })
}

/// What must be known of one result or of two, and of their blocks.
fn warnings(shown: &Shown, other: Option<&Shown>, of_blocks: Option<Warning>) -> Vec<Warning> {
    let mut out = shown.warnings.clone();
    out.extend(of_blocks);
    out.extend(other.and_then(|other| alone(shown, other)));
    out.extend(other.into_iter().flat_map(|other| other.warnings.clone()));
    for side in std::iter::once(shown).chain(other) {
        out.extend(crate::warnings::losses(side.side.losses.iter(), "`perfvt show` lists all"));
    }
    out
}

/// Says that one of two results has rows that the other has not: of the first they vary as it does alone, of the second nothing
/// is planned.
fn alone(first: &Shown, second: &Shown) -> Option<Warning> {
    let lacks = |of: &Shown, row: &ShownRow| of.rows.iter().all(|other| other.id != row.id);
    let a = first.rows.iter().filter(|row| lacks(second, row)).count();
    let b = second.rows.iter().filter(|row| lacks(first, row)).count();
    let text = format!("{} of the first result alone, {} of the second", counted(a, "row"), b);
    let advice = "the first result's vary as it does, the second's are not planned";
    (a + b > 0).then(|| note("one-sided", text, advice, a + b))
}

/// The rows that are looked at, primary ones first, and how many others there are that do not gate.
fn looked_at<'p, 'a>(
    planned: &Planned<'p, 'a>,
    options: &CompareOptions,
    all: bool,
    members: Members,
) -> (Vec<&'p Pilot<'a>>, usize) {
    let filtered = !options.only.is_empty() || !options.metrics.is_empty();
    let kept = |row: &&Pilot<'_>| {
        (options.metrics.is_empty() || options.metrics.contains(&row.shown.metric))
            && options.only.keeps(&row.shown.id, &row.shown.case)
    };
    let mut rows: Vec<&'p Pilot<'a>> = planned.rows.iter().copied().filter(kept).collect();
    let before = rows.len();
    rows.retain(|row| all || filtered || members.has(row.shown.role));
    let hidden = before - rows.len();
    rows.sort_by_key(|row| row.shown.role != Role::Primary);
    (rows, hidden)
}

/// How the sides will be measured.
fn scheme(options: &CompareOptions, asked: &Asked, shown: &Shown, sessions: Option<&PlanSessions>) -> Scheme {
    if let Some(apart) = sessions {
        return Scheme { blocks: false, rule: None, apart: Some(apart.simulated()) };
    }
    // Sides of perfvt's own can be measured in turns; of other tools' files nothing is known.
    let known = asked.design.is_some() || shown.side.host_boots.is_some();
    let planned = asked.design.as_ref();
    Scheme { blocks: by_blocks(options, planned, known), rule: rule(asked), apart: None }
}

/// Whether rows are judged by blocks, from [`MIN_BLOCKS`] boots on.
fn by_blocks(options: &CompareOptions, design: Option<&Design>, known: bool) -> bool {
    match options.test {
        TestChoice::Welch | TestChoice::Student => false,
        TestChoice::Blocked => true,
        TestChoice::Auto => design.map_or(known, |design| design.blocks >= MIN_BLOCKS),
    }
}

/// The rule of the campaign that is planned.
fn rule(asked: &Asked) -> Option<Rule> {
    let of = asked.design.as_ref()?.rule?;
    let ceiling = u32::try_from(asked.boots?).ok()?;
    let boundary = Boundary::of(of.floor.min(ceiling), ceiling);
    Some(Rule { boundary, half_width: of.half_width })
}

/// The sessions of sides that share none; `None` where they are measured in turns.
fn sessions(
    options: &CompareOptions,
    path: &Path,
    asked: &Asked,
) -> Result<Option<PlanSessions>, AnalyzeError> {
    let way_out =
        "give --noise FILE (perfvt calibrate DIR.. writes it, of two campaigns of one build or more)";
    match (&options.noise, asked.sessions) {
        (None, None) => Ok(None),
        (Some(Noise { path, session: None, .. }), _) => Err(AnalyzeError::Option(format!(
            "noise = {path}: it is of an older perfvt and does not say how much sessions differ; let perfvt calibrate write \
             it again"
        ))),
        (Some(Noise { path, session: Some(variance), .. }), count) => {
            let count = count.unwrap_or(1);
            Ok(Some(PlanSessions { count, noise: Some(path.clone()), variance: *variance }))
        }
        (None, Some(1)) => Err(AnalyzeError::Option(format!(
            "sessions = 1: between sides of one session each no test decides without a noise file; {way_out}"
        ))),
        (None, Some(count)) => {
            let own = CompareOptions { only: Default::default(), metrics: Vec::new(), ..options.clone() };
            match crate::calibrate(&own, &[path.to_owned()]) {
                Ok(found) => Ok(Some(PlanSessions { count, noise: None, variance: found.session })),
                Err(AnalyzeError::Sides(_)) => Err(AnalyzeError::Option(format!(
                    "sessions = {count}: the pilot is of one session and does not tell how much sessions differ; {way_out}"
                ))),
                Err(other) => Err(other),
            }
        }
    }
}

impl PlanSessions {
    /// What is simulated of it.
    fn simulated(&self) -> Apart {
        let SessionVariance { tau2, df, .. } = self.variance;
        let bound = |level: f64| stats::sd_bound(tau2.sqrt(), df, level).unwrap_or(tau2.sqrt());
        let part = self.noise.is_some().then_some(stats::ErrorPart { variance: 2.0 * tau2, df });
        Apart { part, sd: [bound(CONFIDENCE), bound(1.0 - CONFIDENCE)] }
    }
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
        let (_, family) = family_of(design, options);
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

/// The family of a campaign that is planned, with what perf.conf says of each row.
fn family_of(design: &Design, options: &CompareOptions) -> (Vec<MetricConf>, PlanFamily) {
    let confs: Vec<MetricConf> =
        design.rows.iter().map(|(case, metric)| conf_of(&options.conf, &case.workload, metric)).collect();
    let members = design.rows.iter().zip(&confs).map(|((case, _), conf)| Member {
        category: (&case.workload, &case.category),
        case: case.keys.to_string(),
        conf,
        log: conf.scale.is_none_or(|scale| scale == Scale::Log),
    });
    let family = family(&members.collect::<Vec<_>>(), options.alpha, design.rule.is_some());
    (confs, family)
}

fn conf_of(conf: &Conf, workload: &str, metric: &str) -> MetricConf {
    conf.section(workload).map_or_else(|| MetricConf::undeclared(metric), |s| s.metric(s.canonical(metric)))
}
