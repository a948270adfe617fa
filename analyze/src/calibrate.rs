//! How much sessions of one build differ (`perfvt calibrate`): the variance between them, pooled over the rows of the family.

use crate::about::describe_side;
use crate::comparability::{Sides, class_of, is_build};
use crate::family::Members;
use crate::frame::Frame;
use crate::input::repeat::Repeat;
use crate::input::{self, LoadedSide};
use crate::noise::{NOISE_FORMAT, NoiseFile, NoiseRow, NoiseSource, content_word};
use crate::options::CompareOptions;
use crate::replicates::{Replicates, of_workload};
use crate::row::{Escaped, Failing, gather};
use crate::scale::{Signs, scale_of};
use crate::sessions::name_of;
use crate::warnings::{blocking, note};
use crate::{AnalyzeError, DifferenceClass, Warning};
use edge::{quoted, visible};
use model::Scale;
use model::counted;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

/// Finds how much sessions differ, from directories that hold the same build.
///
/// A session is a campaign in a boot of a host; of other tools' files each directory or file that is given is one. Every row of
/// the family (primary ones; without any, all) with values in two sessions counts, on its own scale.
///
/// # Errors
/// As [`crate::compare`]; a single session; no row that has two; directories of several builds, without `options.force`.
pub fn calibrate(options: &CompareOptions, directories: &[PathBuf]) -> Result<NoiseFile, AnalyzeError> {
    options.check()?;
    let mut sides =
        directories.iter().map(|d| input::load_one(d, options)).collect::<Result<Vec<_>, AnalyzeError>>()?;
    let builds = builds(&sides);
    if let (Some(builds), false) = (&builds, options.force) {
        return Err(AnalyzeError::Sides(format!(
            "calibrating with results of more than one build: {builds}; what a build changes would count as what sessions do, \
             and hide real changes of that size: give results of one build, or say with --force that these are one"
        )));
    }
    let declared = crate::compare::declared(&sides, options)?;
    let (sources, sessions) = by_session(&mut sides);
    if sessions.len() < 2 {
        return Err(AnalyzeError::Sides(format!(
            "calibrating with {} of one session: how much sessions differ shows in two or more alone; give another \
             campaign of the same build, of another day or another boot of the host",
            counted(directories.len(), "directory")
        )));
    }
    let mut warnings = warnings(sessions.len(), sides.len());
    warnings.extend(copies(&sessions));
    let (mut files, mut replicates) = (Vec::new(), Vec::new());
    for own in sessions.into_values() {
        let range: Range<usize> = files.len()..files.len() + own.len();
        let (complete, of_workload) = (own.len(), of_workload(&own));
        files.extend(own);
        replicates.push(Replicates { files: range, complete, of_workload, ..Replicates::default() });
    }
    let frame = Frame::align(&mut files, &options.conf, &declared)?;
    let signs = Signs::of(&frame, &files, 0..files.len());
    let mut found = Found::default();
    let all = || frame.workloads.iter().flat_map(|w| &w.metrics);
    let members = Members::among(all().map(|metric| metric.conf.role));
    let read = Aligned { frame: &frame, files: &files, sessions: &replicates, signs: &signs, members };
    for case in 0..frame.cases.len() {
        found.add_case(&read, case);
    }
    let session = stats::session_variance(&found.values).map_err(|_| {
        AnalyzeError::Sides(
            "calibrating: no row of the family has values that vary in two sessions; give campaigns of the same cases"
                .into(),
        )
    })?;
    warnings.extend(builds.map(forced));
    warnings.extend(unlike(&sides));
    warnings.extend(crate::warnings::losses(sides.iter().flat_map(|s| &s.losses), "`perfvt show` lists all"));
    Ok(NoiseFile {
        format: NOISE_FORMAT,
        perfvt: env!("CARGO_PKG_VERSION").to_owned(),
        sources,
        warnings: warnings.into_iter().map(|w| format!("{}; {}", w.text, w.advice)).collect(),
        session,
        rows: found.rows,
    })
}

/// The directories, and their files by session.
fn by_session(sides: &mut [LoadedSide]) -> (Vec<NoiseSource>, BTreeMap<String, Vec<Repeat>>) {
    let mut sources = Vec::new();
    let mut sessions: BTreeMap<String, Vec<Repeat>> = BTreeMap::new();
    for (index, side) in sides.iter_mut().enumerate() {
        let own: Vec<Repeat> = std::mem::take(&mut side.repeats);
        let about = describe_side(side, &own);
        sources.push(NoiseSource {
            path: about.path,
            campaign: side.run.as_ref().map(|r| r.campaign.clone()),
            repeats: about.repeats,
            host_boots: about.host_boots,
            date_unix: about.date_unix,
            contents: own.iter().map(|repeat| content_word(repeat.content)).collect(),
        });
        for repeat in own {
            let name = name_of(&repeat).unwrap_or_else(|| format!("directory {index:09}"));
            sessions.entry(name).or_default().push(repeat);
        }
    }
    (sources, sessions)
}

/// Files that are byte for byte those of another session: they are no session of their own.
fn copies(sessions: &BTreeMap<String, Vec<Repeat>>) -> Option<Warning> {
    let all = || sessions.values().flatten().map(|repeat| repeat.content);
    let count = all().count() - all().collect::<BTreeSet<u64>>().len();
    (count > 0).then(|| {
        let text = format!("{} byte for byte equal to another one", counted(count, "repeat"));
        let advice = "a copy is no other session, and makes sessions look alike; leave it out";
        note("identical-repeats", text, advice, count)
    })
}

/// What was read, aligned.
struct Aligned<'a> {
    frame: &'a Frame,
    files: &'a [Repeat],
    sessions: &'a [Replicates],
    signs: &'a Signs,
    /// The metrics that form the family.
    members: Members,
}

/// Rows, and of each the values of each session, as logarithms or relative to the mean.
#[derive(Default)]
struct Found {
    rows: Vec<NoiseRow>,
    values: Vec<Vec<Vec<f64>>>,
}

impl Found {
    fn add_case(&mut self, read: &Aligned<'_>, case: usize) {
        let Aligned { frame, files, sessions, signs, members } = *read;
        let Some(found) = frame.cases.get(case) else { return };
        let Some(workload) = frame.workloads.get(found.workload as usize) else { return };
        for (index, metric) in workload.metrics.iter().enumerate() {
            // A deterministic metric is the same in every session.
            if !members.has(metric.conf.role) || metric.conf.exact {
                continue;
            }
            let place = (found.workload as usize, index);
            let (scale, _) = scale_of(&metric.conf, [Some(signs), None], place);
            let failing = Failing::of(&metric.conf, scale);
            let values: Vec<Vec<f64>> =
                sessions.iter().map(|s| gather(frame, files, s, case, index, failing).values).collect();
            let id = format!("{}/{}", found.id, Escaped(&metric.conf.name));
            self.add(id, &values, scale);
        }
    }

    /// Adds a row, if it has two sessions and varies.
    fn add(&mut self, id: String, sessions: &[Vec<f64>], scale: Scale) {
        let all: Vec<f64> = sessions.iter().flatten().copied().collect();
        let Ok(mean) = stats::mean(&all) else { return };
        let varies = all.iter().any(|v| Some(v) != all.first());
        let with_values = || sessions.iter().filter(|values| !values.is_empty());
        if !varies || with_values().count() < 2 || (scale == Scale::Linear && mean == 0.0) {
            return;
        }
        let on_scale = |v: &f64| match scale {
            Scale::Log => v.ln(),
            Scale::Linear => v / mean.abs(),
        };
        let values: Vec<Vec<f64>> = sessions.iter().map(|s| s.iter().map(on_scale).collect()).collect();
        let means: Vec<f64> = values.iter().filter_map(|s| stats::mean(s).ok()).collect();
        let Some(sd_between) = stats::moments(&means).ok().and_then(|m| m.sd) else { return };
        let n = with_values().map(Vec::len).min().unwrap_or_default();
        self.rows.push(NoiseRow { id, sessions: means.len(), n, sd_between });
        self.values.push(values);
    }
}

/// What is to be known of so many sessions in so many directories.
fn warnings(sessions: usize, directories: usize) -> Vec<Warning> {
    let mut out = Vec::new();
    if sessions == 2 {
        let text = "TWO SESSIONS: how much sessions differ is hardly known from one difference of each row";
        let advice =
            "calibrate with five campaigns of the same build or more, over days and boots of the host";
        out.push(blocking("two-sessions", text, advice, sessions));
    }
    if sessions < directories {
        let text = format!("{directories} directories hold {sessions} sessions: some belong to one campaign");
        out.push(note("same-campaign", text, "what differs between campaigns does not show in them", 1));
    }
    out
}

/// Facts that say what was measured, and on which the directories differ, or the files of one, with their values.
fn builds(sides: &[LoadedSide]) -> Option<String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for (a, b, name, class) in unequal(sides) {
        if is_build(&name, class) {
            let said = |side: &LoadedSide| {
                side.facts.get(&name).map_or("unknown".to_owned(), |v| quoted(v).to_string())
            };
            let text = format!("{} ({}: {}, {}: {})", visible(&name), a.label, said(a), b.label, said(b));
            found.entry(name).or_insert(text);
        }
    }
    for side in sides {
        for (name, values) in
            side.mixed.iter().filter(|(name, values)| is_build(name, class_of(name, values)))
        {
            let values = values.iter().map(|v| quoted(v).to_string()).collect::<Vec<_>>().join(", ");
            found
                .entry(name.clone())
                .or_insert_with(|| format!("{} (in {}: {values})", visible(name), side.label));
        }
    }
    let list: Vec<String> = found.into_values().collect();
    (!list.is_empty()).then(|| list.join("; "))
}

/// The facts on which directories differ from the first, with what that means.
fn unequal<'s>(sides: &'s [LoadedSide]) -> Vec<(&'s LoadedSide, &'s LoadedSide, String, DifferenceClass)> {
    let (Some(first), factors) = (sides.first(), BTreeSet::new()) else { return Vec::new() };
    let of = |side: &'s LoadedSide| {
        let differences = Sides { a: &first.facts, b: &side.facts, factors: &factors }.differences();
        differences.into_iter().map(move |(name, class)| (first, side, name, class))
    };
    sides.iter().skip(1).flat_map(of).collect()
}

/// What is said of several builds that the user calls one.
fn forced(builds: String) -> Warning {
    let text = format!("NOT ONE BUILD: {builds}; --force takes them for one");
    blocking(
        "not-same-build",
        text,
        "what a build changes counts as what sessions do, and hides real changes",
        1,
    )
}

/// Other facts on which directories of one build on one host do not differ.
fn unlike(sides: &[LoadedSide]) -> Option<Warning> {
    let names: BTreeSet<String> = (unequal(sides).into_iter())
        .filter(|(.., name, class)| *class == DifferenceClass::Suspicious && !is_build(name, *class))
        .map(|(.., name, _)| name)
        .collect();
    let list = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| {
        let text = format!("the directories differ in what should be equal: {list}");
        let advice = "what that changes counts as sessions, and hides real changes; calibrate with campaigns of one host in one state";
        note("not-same-host", text, advice, names.len())
    })
}
