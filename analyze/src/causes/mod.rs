//! Profiles of both sides, laid over each other for the cases that changed.
//!
//! ```text
//!   run.json (where they lie) ──> folded stacks ──> tree (shares of each side) ──> Cause
//! ```

mod tree;

use crate::input::LoadedSide;
use crate::input::repeat::push_level;
use crate::{Cause, Flame, Row};
use formats::folded::Folded;
use formats::perf_conf::Conf;
use model::{Case, Keys, ProfiledCase, ProfiledStacks, readable};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};
use tree::{Counted, flame_of};

/// Of so many cases the profiles are read: of more a reader has no use.
const MOST_CASES: usize = 24;

/// Why a profile cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("reading the profile {path}: {reason}")]
pub struct ProfileError {
    path: String,
    reason: String,
}

/// The stacks of a profiled case by their source, in an environment's directory.
type Stacks = BTreeMap<String, Folded>;

/// One profile as a flame graph draws it.
///
/// # Errors
/// Its files are not there, or are none.
pub fn flame(environment: &Path, case: &ProfiledCase) -> Result<Flame, ProfileError> {
    let counted = stacks(environment, case)?
        .into_iter()
        .map(|(of, folded)| Counted { of, sides: [folded, Folded::default()] })
        .collect::<Vec<_>>();
    Ok(flame_of(&counted, false))
}

/// What profiles tell of the cases with a decided change.
pub(crate) fn causes(sides: &[LoadedSide], rows: &[Row], conf: &Conf) -> Vec<Cause> {
    let Some((a, candidates)) = sides.split_first() else { return Vec::new() };
    let mut known: BTreeSet<(usize, &str, &str, &Keys)> = BTreeSet::new();
    let mut causes = Vec::new();
    let moved = rows.iter().filter(|row| row.verdict.is_decided_change());
    // Rows that count come first, should there be too many.
    let (first, others): (Vec<&Row>, Vec<&Row>) = moved.partition(|row| row.gates);
    for row in first.into_iter().chain(others) {
        let Some(b) = candidates.get(row.candidate).filter(|b| is_profiled(a) || is_profiled(b)) else {
            continue;
        };
        if causes.len() < MOST_CASES && known.insert((row.candidate, &row.workload, &row.category, &row.case))
        {
            causes.push(cause([a, b], row, conf));
        }
    }
    causes
}

fn is_profiled(side: &LoadedSide) -> bool {
    side.run.as_ref().is_some_and(|run| run.profile.is_some())
}

fn cause(sides: [&LoadedSide; 2], row: &Row, conf: &Conf) -> Cause {
    let mut told = Vec::new();
    let mut found = sides.map(|side| of_side(side, row, conf, &mut told)).into_iter();
    let profile = match (found.next().flatten(), found.next().flatten()) {
        (Some(a), Some(b)) => difference(sides, a, b, &mut told),
        _ => None,
    };
    Cause {
        candidate: row.candidate,
        workload: row.workload.clone(),
        category: row.category.clone(),
        case: row.case.clone(),
        profile,
        told,
    }
}

/// The stacks of a side's case, and what is to be said of them.
fn of_side(side: &LoadedSide, row: &Row, conf: &Conf, told: &mut Vec<String>) -> Option<Stacks> {
    let label = &side.label;
    let Some(profile) = side.run.as_ref().and_then(|run| run.profile.as_ref()) else {
        told.push(format!("{label} was not profiled: set profiler = perf for it, too"));
        return None;
    };
    told.extend(profile.told.iter().map(|sentence| format!("{label}: {sentence}")));
    let Some(case) = profile.cases.iter().find(|known| is_same(&known.case, row, conf)) else {
        told.push(format!("{label}: there is no profile of {}", readable(&row.id)));
        return None;
    };
    match stacks(&side.path, case) {
        Ok(stacks) => Some(stacks),
        Err(error) => {
            told.push(format!("{label}: {error}"));
            None
        }
    }
}

/// Whether a case of a campaign is the one that a row calls by canonical names.
fn is_same(case: &Case, row: &Row, conf: &Conf) -> bool {
    let section = conf.section(&case.workload);
    let category = section.map_or(case.category.as_str(), |s| s.canonical_category(&case.category));
    let level = |(key, level): &(String, String)| {
        let mut canonical = String::new();
        push_level(&mut canonical, level);
        (section.map_or(key.as_str(), |s| s.canonical(key)).to_owned(), canonical)
    };
    let own: BTreeSet<(String, String)> = case.keys.0.iter().map(level).collect();
    case.workload == *row.workload
        && category == &*row.category
        && own == row.case.0.iter().cloned().collect::<BTreeSet<_>>()
}

/// Reads the stacks of a case. Names in a run.json are foreign: none leads out of the environment's directory.
fn stacks(environment: &Path, case: &ProfiledCase) -> Result<Stacks, ProfileError> {
    let inside = |name: &str| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    let mut found = Stacks::new();
    for stacks in &case.stacks {
        let file = Path::new(&case.folder).join(ProfiledStacks::file(&stacks.of));
        let failed = |reason: String| ProfileError { path: file.display().to_string(), reason };
        if !inside(&case.folder) || stacks.of.contains('/') {
            return Err(failed("its name leads out of the environment's directory".into()));
        }
        let packed = edge::read(environment.join(&file), edge::read::CONFIG);
        let packed = packed.map_err(|error| failed(error.to_string()))?;
        let folded = Folded::unpack(&packed).map_err(|error| failed(error.to_string()))?;
        found.insert(stacks.of.clone(), folded);
    }
    Ok(found)
}

/// Lays two profiles over each other: sources that both have, with samples.
fn difference(sides: [&LoadedSide; 2], a: Stacks, mut b: Stacks, told: &mut Vec<String>) -> Option<Flame> {
    let mut counted = Vec::new();
    let lacks = |side: &LoadedSide, of: &str| format!("{}: no samples of {of}", side.label);
    for (of, one) in a {
        let other = b.remove(&of).unwrap_or_default();
        let empty: Vec<String> = [(sides[0], &one), (sides[1], &other)]
            .into_iter()
            .filter(|(_, folded)| folded.samples() == 0)
            .map(|(side, _)| lacks(side, &of))
            .collect();
        if empty.is_empty() {
            counted.push(Counted { of, sides: [one, other] });
        }
        told.extend(empty);
    }
    told.extend(b.keys().map(|of| lacks(sides[0], of)));
    (!counted.is_empty()).then(|| flame_of(&counted, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_out_of_the_directory_is_refused() {
        let case = Case { workload: "w".into(), category: "c".into(), keys: Keys::default() };
        let of = |folder: &str, of: &str| ProfiledCase {
            case: case.clone(),
            folder: folder.into(),
            stacks: vec![ProfiledStacks { of: of.into(), samples: 1 }],
        };
        for (folder, name) in [("../x", "host"), ("/etc", "host"), ("profile/a", "../../x")] {
            let error = flame(Path::new("/nonexistent"), &of(folder, name)).unwrap_err().to_string();
            assert!(error.contains("leads out of"), "{error}");
        }
        let error = flame(Path::new("/nonexistent"), &of("profile/a", "host")).unwrap_err().to_string();
        assert!(error.starts_with("reading the profile profile/a/host.folded.gz: No such file"), "{error}");
    }
}
