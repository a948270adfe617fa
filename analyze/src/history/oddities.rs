//! What is odd of the points of a lake, each in a sentence: nothing of it is an error, and nothing of it is silent.

use super::FEWEST_POINTS;
use super::events::StepEvent;
use super::series::{Night, Series};
use crate::Warning;
use crate::clock::day;
use crate::warnings::note;
use lake::Part;
use model::counted;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A gap is longer than so many seconds ..
const GAP: i64 = 60 * 86_400;
/// .. and than so many times what lies between two nights otherwise.
const GAPS: i64 = 5;
/// 2000-01-01: before it no lake had a point; a clock that was never set begins in 1970.
const FIRST: i64 = 946_684_800;
/// So many names that may have changed are told.
const RENAMED: usize = 3;
/// A clock may be so many seconds ahead.
const AHEAD: i64 = 86_400;

/// All of it.
pub(super) fn of(series: &[Series], events: &[StepEvent], now: i64) -> Vec<Warning> {
    let all = [
        goes_on(series),
        clock(series, now),
        again(series),
        placeless(series),
        same_build(events),
        units(series),
        no_logarithm(series),
        equal(series),
        gaps(series),
    ];
    all.into_iter().flatten().chain(maybe_renamed(series)).collect()
}

/// Nights that something is true of: how many, in how many series, and the first.
fn nights<'a>(
    series: &'a [Series],
    is: impl Fn(&'a Series, usize, &'a Night) -> bool,
) -> Option<(usize, usize, &'a Series, &'a Night)> {
    let (mut count, mut of, mut first) = (0, 0, None);
    for one in series {
        let found = one.nights.iter().enumerate().filter(|(at, night)| is(one, *at, night));
        let before = count;
        for (_, night) in found {
            count += 1;
            first = first.or(Some((one, night)));
        }
        of += usize::from(count > before);
    }
    let (one, night) = first?;
    Some((count, of, one, night))
}

fn goes_on(series: &[Series]) -> Option<Warning> {
    let of: Vec<&Series> = series.iter().filter(|s| !s.formerly.is_empty()).collect();
    let first = of.first()?;
    let text = match of.len() {
        1 => format!("{} was called {} before", first.name, first.formerly.join(" and ")),
        n => {
            format!("{n} series had another name before: {} was {}", first.name, first.formerly.join(" and "))
        }
    };
    Some(note("renamed", text, "perfvt lake alias LAKE lists what is said of names", of.len()))
}

/// Clocks that were never set, or that are ahead.
fn clock(series: &[Series], now: i64) -> Option<Warning> {
    let is = |_: &Series, _: usize, night: &Night| night.at < FIRST || night.at > now.saturating_add(AHEAD);
    let (count, _, one, night) = nights(series, is)?;
    let text = format!(
        "{} measured before the year 2000 or in the time to come, the first on {} ({})",
        were(count),
        day(night.at),
        one.name
    );
    let advice = "the clock of its host was wrong: --time of `perfvt lake add` says when it was";
    Some(note("clock", text, advice, count))
}

/// A build that comes again behind others, in series that are in the order of time; or a commit that was measured before an older
/// one, in those in the order of commits.
fn again(series: &[Series]) -> Option<Warning> {
    let mut odd: HashSet<(*const Series, usize)> = HashSet::new();
    for one in series {
        let by_commit = one.nights.iter().all(|night| night.ordinal.is_some());
        let (mut seen, mut latest): (HashMap<&str, usize>, i64) = (HashMap::new(), i64::MIN);
        for (at, night) in one.nights.iter().enumerate() {
            let back = seen.insert(&night.build, at).is_some_and(|last| last + 1 < at);
            if (by_commit && night.at < latest) || (!by_commit && back && !night.build.is_empty()) {
                odd.insert((std::ptr::from_ref(one), at));
            }
            latest = latest.max(night.at);
        }
    }
    let (count, _, one, night) = nights(series, |one, at, _| odd.contains(&(std::ptr::from_ref(one), at)))?;
    let text = format!(
        "{} of a build that a later one had followed already, the first on {} ({}, {})",
        are(count),
        day(night.at),
        night.build,
        one.name
    );
    Some(note("order", text, "an older build was measured again, or a clock jumped back", count))
}

/// Commits of which no repository has told, in series where it has told of others.
fn placeless(series: &[Series]) -> Option<Warning> {
    let mixed = |one: &Series| one.nights.iter().any(|n| n.ordinal.is_some());
    let (count, of, one, night) = nights(series, |one, _, night| night.ordinal.is_none() && mixed(one))?;
    let what = night.commit.as_deref().filter(|c| !c.is_empty()).unwrap_or("no commit");
    let text = format!(
        "{} of commits that are in no repository that is known here, the first of {what} ({}); {of} series are in the order of \
         time, not of commits",
        are(count),
        one.name
    );
    Some(note(
        "no-repository",
        text,
        "`perfvt lake add LAKE RESULT --repository DIR` tells where they lie",
        count,
    ))
}

/// Steps with one build on both sides.
fn same_build(events: &[StepEvent]) -> Option<Warning> {
    let is = |e: &&StepEvent| !e.first_after.is_empty() && e.last_before.as_deref() == Some(&e.first_after);
    let names: Vec<&str> = events.iter().filter(is).map(|e| e.name.as_str()).collect();
    let first = names.first()?;
    let text = match names.len() {
        1 => {
            format!("{first} lies between two points of one build, which was measured twice: no build did it")
        }
        n => format!(
            "{n} events lie between two points of one build, which was measured twice ({first} ..): no build did them"
        ),
    };
    Some(note("same-build", text, "look for what changed on the host", names.len()))
}

fn units(series: &[Series]) -> Option<Warning> {
    let changed = |one: &Series, at: usize| {
        let before = at.checked_sub(1).and_then(|at| one.nights.get(at));
        before.zip(one.nights.get(at)).is_some_and(|(before, night)| before.unit != night.unit)
    };
    let (count, of, one, night) = nights(series, |one, at, _| changed(one, at))?;
    let at = one.nights.iter().position(|n| std::ptr::eq(n, night)).unwrap_or_default();
    let before = at.checked_sub(1).and_then(|at| one.nights.get(at)).map_or("", |n| n.unit.as_str());
    let or = |unit: &'_ str| if unit.is_empty() { "none".to_owned() } else { unit.to_owned() };
    let text = format!(
        "the unit changed {} in {of} series, the first on {} from {} to {} ({}); the level begins anew there",
        times(count),
        day(night.at),
        or(before),
        or(&night.unit),
        one.name
    );
    Some(note("unit", text, "", count))
}

fn no_logarithm(series: &[Series]) -> Option<Warning> {
    let (count, of, one, night) = nights(series, |_, _, night| !night.x.is_finite())?;
    let text = format!(
        "{} with values of 0 or less among others that are ratios, in {of} series, the first on {} ({}); they take part in \
         nothing",
        points(count),
        day(night.at),
        one.name
    );
    Some(note("no-logarithm", text, "", count))
}

fn equal(series: &[Series]) -> Option<Warning> {
    let is = |one: &&Series| {
        let first = one.nights.first().map(|night| night.x);
        one.nights.len() >= FEWEST_POINTS && one.nights.iter().all(|night| Some(night.x) == first)
    };
    let of: Vec<&Series> = series.iter().filter(is).collect();
    let first = of.first()?;
    let text = format!("{} series have one value at all points, such as {}", of.len(), first.name);
    Some(note("equal", text, "nothing varies there: any other value that stays is a step", of.len()))
}

/// Nights without points for months.
fn gaps(series: &[Series]) -> Option<Warning> {
    let mut longest: Option<(i64, &Series, i64, i64)> = None;
    let mut of = 0;
    for one in series {
        let mut times: Vec<i64> = one.nights.iter().map(|night| night.at).collect();
        times.sort_unstable();
        let mut between: Vec<(i64, i64, i64)> = times
            .windows(2)
            .filter_map(|w| Some((w.get(1)? - w.first()?, *w.first()?, *w.get(1)?)))
            .collect();
        between.sort_unstable();
        let usual = between.get(between.len() / 2).map_or(0, |gap| gap.0);
        let Some((gap, from, to)) = between.pop() else { continue };
        if gap < GAP || between.is_empty() || gap < usual.saturating_mul(GAPS) {
            continue;
        }
        of += 1;
        if longest.is_none_or(|(other, ..)| gap > other) {
            longest = Some((gap, one, from, to));
        }
    }
    let (gap, one, from, to) = longest?;
    let text = format!(
        "{of} series have a gap of months, the longest of {} days from {} to {} ({})",
        gap / 86_400,
        day(from),
        day(to),
        one.name
    );
    Some(note("gap", text, "a step across it may have been any build of that time", of))
}

/// Series that ended, each with one that began then and differs from it in one part of the name alone.
fn maybe_renamed(series: &[Series]) -> Vec<Warning> {
    let mut by: HashMap<(Part, [&str; 5]), Vec<&Series>> = HashMap::new();
    for s in series {
        let parts = [
            (Part::Machine, [&s.case, &s.metric]),
            (Part::Case, [&s.machine, &s.metric]),
            (Part::Metric, [&s.machine, &s.case]),
        ];
        for (part, [one, other]) in parts {
            by.entry((part, [one, other, &s.env, &s.unit, &s.direction])).or_default().push(s);
        }
    }
    let mut found: BTreeMap<(Part, &str, &str), (usize, i64, i64)> = BTreeMap::new();
    for ((part, _), group) in &by {
        let Some((old, new, ended, began)) = successor(group) else { continue };
        let of = found.entry((*part, value(old, *part), value(new, *part))).or_insert((0, ended, began));
        of.0 += 1;
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, (count, ..))| std::cmp::Reverse(*count));
    let told = |((part, old, new), (count, ended, began)): ((Part, &str, &str), (usize, i64, i64))| {
        let word = part.word();
        let text = format!(
            "{count} series of {word} {old} ended on {}, and as many of {word} {new} began on {}",
            day(ended),
            day(began)
        );
        note(
            "maybe-renamed",
            text,
            &format!("if that is another name: perfvt lake alias LAKE {word} '{old}' '{new}'"),
            count,
        )
    };
    found.into_iter().take(RENAMED).map(told).collect()
}

fn value(series: &Series, part: Part) -> &str {
    match part {
        Part::Machine => &series.machine,
        Part::Case => &series.case,
        Part::Metric => &series.metric,
    }
}

/// Of series that differ in one part of their names: the only one that ended, and the only one that began, if it began then.
fn successor<'a>(group: &[&'a Series]) -> Option<(&'a Series, &'a Series, i64, i64)> {
    let ends =
        |s: &Series| Some((s.nights.iter().map(|n| n.at).min()?, s.nights.iter().map(|n| n.at).max()?));
    let all: Vec<(&Series, i64, i64)> =
        group.iter().filter_map(|s| ends(s).map(|(first, last)| (*s, first, last))).collect();
    let (first, last) = (all.iter().map(|s| s.1).min()?, all.iter().map(|s| s.2).max()?);
    let mut ended = all.iter().filter(|s| s.2 < last);
    let mut began = all.iter().filter(|s| s.1 > first);
    let (old, new) = (ended.next()?, began.next()?);
    let is_only = ended.next().is_none() && began.next().is_none();
    (is_only && old.2 < new.1 && new.1 - old.2 <= GAP).then_some((old.0, new.0, old.2, new.1))
}

fn points(n: usize) -> String {
    counted(n, "point")
}

fn were(n: usize) -> String {
    format!("{} {}", points(n), if n == 1 { "was" } else { "were" })
}

fn are(n: usize) -> String {
    format!("{} {}", points(n), if n == 1 { "is" } else { "are" })
}

fn times(n: usize) -> String {
    if n == 1 { "once".to_owned() } else { format!("{n} times") }
}
