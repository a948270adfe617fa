//! What a pilot tells of a row, and what is asked of it.

use super::blocks::{Blocks, Paired};
use super::result::{Advice, Boots, Effects, Means, PlanRow, Power};
use super::simulate::{End, Pages, Shares};
use super::values::{Change, Size};
use super::{Asked, CONFIDENCE, SHARED_STEP, STEP};
use crate::scale::on_scale;
use crate::show::{Shown, ShownRow};
use formats::perf_conf::{Conf, MetricConf};
use model::Scale;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// A row of the pilot, with what perf.conf says of its metric.
pub(super) struct Pilot<'a> {
    pub shown: &'a ShownRow,
    pub conf: MetricConf,
    /// Boots that the spread is taken from.
    n: usize,
    /// What the blocks of the pilot tell of it.
    paired: Option<Paired>,
    /// How it varies; `None` where it has one value.
    varies: Option<Varies>,
}

/// How a row varies, on its scale.
#[derive(Clone, Copy, Debug)]
struct Varies {
    /// The mean: of the unit alone where nothing depends on it.
    base: f64,
    /// Variance between boots, without what is common to a block.
    own: f64,
    /// Variance of what is common to a block.
    shared: f64,
    df: f64,
}

/// What is simulated for a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// The change with the upper and with the lower bound of the SD; none where it is unknown.
    changes: Option<[Change; 2]>,
    effect: f64,
    size: Size,
}

/// What came out for one end of a range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    boots: Option<usize>,
    sessions: Option<usize>,
    shares: Shares,
    effect: Option<f64>,
    mean_boots: Option<f64>,
    equal: Option<usize>,
    share_equal: f64,
}

/// A question's name: those of the same name have the same answer.
pub(super) type Key = (End, [u64; 6], u64, usize);

const ENDS: [End; 2] = [End::Promised, End::Hoped];

impl Question {
    /// Boots of each side, of each session.
    pub fn boots(&self) -> usize {
        self.size.boots
    }

    fn keys(&self) -> Option<[(Key, Change); 2]> {
        let [upper, lower] = self.changes?;
        let key = |end, change: Change| ((end, change.key(), self.effect.to_bits(), self.size.boots), change);
        Some([key(End::Promised, upper), key(End::Hoped, lower)])
    }
}

/// What is looked for beside how often a change is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// Nothing: the design is settled.
    Nothing,
    /// How many boots suffice.
    Boots,
    /// How many sessions suffice; power is told for so many.
    Sessions(usize),
}

/// The answers to all questions.
pub(super) fn answers(pages: &Pages<'_>, questions: &[Question], search: Search) -> BTreeMap<Key, Answer> {
    let asked: BTreeMap<Key, Change> = questions.iter().filter_map(Question::keys).flatten().collect();
    let sessions = if let Search::Sessions(count) = search { count } else { 1 };
    let answer = |(key, change): (Key, Change)| {
        let (end, _, effect, boots) = key;
        let effect = f64::from_bits(effect);
        let row = pages.row(change, effect, end);
        // Of an effect that may lie within the band half of all estimates do, however many boots there are.
        let decided = effect > change.margin || change.exact;
        let size = Size { boots, sessions };
        let answer = Answer {
            boots: if search == Search::Boots && decided { row.boots(effect, sessions) } else { None },
            sessions: match search {
                Search::Sessions(_) if decided => row.sessions(effect, boots),
                _ => None,
            },
            shares: row.shares(effect, size),
            effect: row.effect(size),
            mean_boots: row.mean_boots(),
            equal: match search {
                Search::Nothing => None,
                Search::Boots => row.equal(None),
                Search::Sessions(_) => row.equal(Some(boots)),
            },
            share_equal: row.share_equal(size),
        };
        (key, answer)
    };
    asked.into_par_iter().map(answer).collect()
}

impl<'a> Pilot<'a> {
    /// What the pilot tells of a row; `other`: the second result, if there is one.
    pub fn of(
        shown: &'a ShownRow,
        conf: &Conf,
        sides: (&Shown, Option<&Shown>),
        blocks: &Blocks,
    ) -> Pilot<'a> {
        let (own, other) = sides;
        let paired = blocks.rows.get(&shown.id).copied();
        let conf = super::conf_of(conf, &shown.workload, &shown.metric);
        let mut found = varies(shown, &conf, &own.sessions, paired.as_ref());
        let same = |row: &&ShownRow| row.id == shown.id && row.scale == shown.scale;
        let second = other.and_then(|other| Some((other, other.rows.iter().find(same)?)));
        let mut n = shown.sample.n;
        if let Some((other, row)) = second {
            n += row.sample.n;
            // Blocks of both sides have told of both already.
            if paired.is_none() {
                found = both(found, varies(row, &conf, &other.sessions, None));
            }
        }
        Pilot { shown, conf, n, paired, varies: found }
    }

    /// `apart`: nothing is common to boots of both sides.
    pub fn question(&self, asked: &Asked, size: Size, gates: bool, apart: bool) -> Question {
        let effect = asked.effect.unwrap_or(2.0 * self.conf.min_effect);
        let change = |varies: Varies, end: End| {
            let level = match end {
                End::Promised => CONFIDENCE,
                End::Hoped => 1.0 - CONFIDENCE,
            };
            let Varies { base, own, shared, df } = varies;
            let (own, shared) = if apart { (own + shared, 0.0) } else { (own, shared) };
            let bound = |variance: f64, step: f64| {
                Some(in_steps(stats::sd_bound(variance.sqrt(), df, level).ok()?, step, end))
            };
            Some(Change {
                scale: self.shown.scale,
                base,
                sd: bound(own, STEP)?,
                shared: bound(shared, SHARED_STEP)?,
                margin: self.conf.min_effect,
                margin_abs: self.conf.min_effect_abs,
                exact: self.conf.exact,
                in_family: gates,
            })
        };
        let changes = self.varies.and_then(|varies| {
            let [upper, lower] = ENDS.map(|end| change(varies, end));
            Some([upper?, lower?])
        });
        Question { changes, effect, size }
    }

    pub fn planned(&self, question: &Question, answers: &BTreeMap<Key, Answer>, search: Search) -> PlanRow {
        let row = self.shown;
        let found = question.keys().and_then(|keys| {
            let [low, high] = keys.map(|(key, _)| answers.get(&key).copied());
            Some((low?, high?))
        });
        let power = |share: fn(&Shares) -> f64| {
            let ends = |(x, y): (f64, f64)| Power { low: x.min(y), high: x.max(y) };
            // A rule that stops late finds more: either end may be the lower one.
            found.map(|(promised, hoped)| ends((share(&promised.shares), share(&hoped.shares))))
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
            n: self.n,
            cv: row.sample.cv,
            correlation: self
                .paired
                .filter(|paired| paired.total > 0.0)
                .map(|paired| (1.0 - paired.within / paired.total).clamp(-1.0, 1.0)),
            effect: question.effect,
            boots: found
                .filter(|_| search == Search::Boots)
                .map(|(promised, hoped)| Boots { low: hoped.boots, high: promised.boots }),
            sessions: found
                .filter(|_| matches!(search, Search::Sessions(_)))
                .map(|(promised, hoped)| Boots { low: hoped.sessions, high: promised.sessions }),
            equal: found
                .filter(|_| search != Search::Nothing)
                .map(|(promised, hoped)| Boots { low: hoped.equal, high: promised.equal }),
            power_equal: found.map(|(promised, hoped)| {
                let (x, y) = (promised.share_equal, hoped.share_equal);
                Power { low: x.min(y), high: x.max(y) }
            }),
            at: question.size.boots,
            power: power(|shares| shares.family),
            power_alone: power(|shares| shares.alone),
            mde: found.map(|(promised, hoped)| Effects { low: hoped.effect, high: promised.effect }),
            mean_boots: found.and_then(|(promised, hoped)| {
                Some(Means { low: hoped.mean_boots?, high: promised.mean_boots? })
            }),
            spread: row.spread,
            advice,
        }
    }
}

/// The mean variance of two sides, which is what the error of their difference rests on, with Satterthwaite's degrees of freedom.
/// A side of one value tells nothing.
fn both(a: Option<Varies>, b: Option<Varies>) -> Option<Varies> {
    let (Some(one), Some(two)) = (a, b) else { return a.or(b) };
    let sum = one.own + two.own;
    let parts = one.own * one.own / one.df + two.own * two.own / two.df;
    let df = if parts > 0.0 { sum * sum / parts } else { one.df + two.df };
    Some(Varies { own: 0.5 * sum, df, ..one })
}

/// How a row varies: by the blocks that both sides of the pilot have; else within its sessions; else between all of its boots.
fn varies(
    shown: &ShownRow,
    conf: &MetricConf,
    sessions: &[Option<String>],
    paired: Option<&Paired>,
) -> Option<Varies> {
    let free = conf.min_effect_abs.is_none_or(|b| b <= 0.0);
    let values = on_scale(&shown.sample.values, shown.scale);
    let found = stats::moments(&values).ok()?;
    let (mean, sd) = (found.mean, found.sd?);
    let (base, unit) = match shown.scale {
        Scale::Log => (if free { 1.0 } else { mean.exp() }, 1.0),
        Scale::Linear => {
            let unit = if free && mean != 0.0 { mean.abs() } else { 1.0 };
            (mean / unit, unit)
        }
    };
    let square = unit * unit;
    if let Some(Paired { within, total, df }) = paired {
        return Some(Varies {
            base,
            own: within / square,
            shared: (total - within).max(0.0) / square,
            df: *df,
        });
    }
    let (variance, df) =
        within_sessions(shown, &values, sessions).unwrap_or((sd * sd, values.len() as f64 - 1.0));
    Some(Varies { base, own: variance / square, shared: 0.0, df })
}

/// Variance within sessions and its degrees of freedom, where there are several, one of them with two boots.
fn within_sessions(shown: &ShownRow, values: &[f64], sessions: &[Option<String>]) -> Option<(f64, f64)> {
    let mut of: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (value, source) in values.iter().zip(&shown.sample.sources) {
        let session = sessions.get(source.0 as usize)?.as_deref()?;
        of.entry(session).or_default().push(*value);
    }
    if of.len() < 2 || shown.sample.sources.len() != values.len() {
        return None;
    }
    let (mut squares, mut df) = (0.0, 0.0);
    for own in of.values().filter(|own| own.len() > 1) {
        let own_df = own.len() as f64 - 1.0;
        squares += own_df * stats::moments(own).ok()?.sd?.powi(2);
        df += own_df;
    }
    (df > 0.0).then(|| (squares / df, df))
}

/// An SD of the grid, on the side that promises no more than the SD itself.
fn in_steps(sd: f64, step: f64, end: End) -> f64 {
    let steps = sd.ln() / step;
    let steps = match end {
        End::Promised => steps.ceil(),
        End::Hoped => steps.floor(),
    };
    if sd > 0.0 { (step * steps).exp() } else { sd }
}
