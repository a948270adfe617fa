//! Counts the measurements that failed, by case, and tests whether the candidate fails more often (statistics.md, "Failures").

use crate::frame::{Frame, NONE};
use crate::input::LoadedSide;
use crate::input::repeat::{InvalidCell, Repeat};
use crate::pairing::{Pairing, Replicates};
use crate::row::Signs;
use crate::{Attempts, CaseFailures, FailureVerdict};
use model::{Keys, Role};
use std::collections::BTreeMap;

/// Boots of which all must have failed before total loss alone decides.
const BOOTS_OF_TOTAL_LOSS: usize = 3;

/// The word for a failure that tells no code.
const NO_CODE: &str = "failed";

/// Failures of one candidate and the baseline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures {
    /// Of each case, whether only one side failed; empty when nothing failed at all.
    one_sided: Vec<bool>,
    /// Cases with failures.
    pub cases: Vec<CaseFailures>,
}

impl Failures {
    /// Whether measurements of a case failed on one side only, or on one of them more often.
    pub fn are_one_sided(&self, case: usize) -> bool {
        self.one_sided.get(case).copied().unwrap_or(false)
    }
}

/// Whether a cell without a value is a measurement that failed; else what was measured cannot be read, or the surroundings
/// spoiled it.
pub(crate) fn is_failure(_cell: &InvalidCell) -> bool {
    true
}

/// What of one side failed: attempts by case, with the place and the reason of the first.
#[derive(Default)]
struct OfSide(BTreeMap<usize, (Attempts, String)>);

/// Where failures are looked for.
pub(crate) struct Search<'a> {
    pub frame: &'a Frame,
    pub files: &'a [Repeat],
    pub sides: &'a [LoadedSide],
    pub signs: &'a [Signs],
    pub alpha: f64,
}

impl Search<'_> {
    /// The failures of a pairing.
    pub fn of(&self, pairing: &Pairing) -> Failures {
        let a = self.side(0, &pairing.a);
        let b = self.side(pairing.candidate + 1, &pairing.b);
        if a.0.is_empty() && b.0.is_empty() {
            return Failures::default();
        }
        let mut found: Vec<(usize, CaseFailures)> = Vec::new();
        let mut cases: Vec<usize> = a.0.keys().chain(b.0.keys()).copied().collect();
        cases.sort_unstable();
        cases.dedup();
        for case in cases {
            let Some(known) = self.frame.cases.get(case) else { continue };
            let workload = self.frame.workloads.get(known.workload as usize).map_or("", |w| &w.name);
            let of = |side: &OfSide, replicates: &Replicates| match side.0.get(&case) {
                Some((attempts, first)) => {
                    (Attempts { tried: attempts.failed + self.measured(case, replicates), ..attempts.clone() }, first.clone())
                }
                None => (Attempts { tried: self.measured(case, replicates), ..Attempts::default() }, String::new()),
            };
            let ((a, first_a), (b, first_b)) = (of(&a, &pairing.a), of(&b, &pairing.b));
            let p = stats::fisher_exact(a.failed, a.tried, b.failed, b.tried).unwrap_or(1.0);
            let crashes = if a.crashes() == 0 { b.crashes() } else { 0 };
            found.push((
                case,
                CaseFailures {
                    id: known.id.clone(),
                    workload: workload.to_owned(),
                    category: known.category.to_string(),
                    case: Keys::clone(&known.keys),
                    candidate: pairing.candidate,
                    p,
                    q: 1.0,
                    verdict: FailureVerdict::Undecided,
                    crashes,
                    first: if first_b.is_empty() { first_a } else { first_b },
                    a,
                    b,
                },
            ));
        }
        self.decide(&mut found, pairing);
        let mut one_sided = vec![false; self.frame.cases.len()];
        for (case, failures) in &found {
            if let Some(flag) = one_sided.get_mut(*case) {
                *flag = failures.is_one_sided();
            }
        }
        let mut cases: Vec<CaseFailures> = found.into_iter().map(|(_, failures)| failures).collect();
        cases.sort_by(|x, y| x.verdict.cmp(&y.verdict).then(y.crashes.cmp(&x.crashes)).then(x.p.total_cmp(&y.p)));
        Failures { one_sided, cases }
    }

    /// Sets q and verdicts. All cases are in the family: those without failures have a p of 1.
    fn decide(&self, found: &mut [(usize, CaseFailures)], pairing: &Pairing) {
        let mut p = vec![1.0; self.frame.cases.len().max(found.len())];
        for (slot, (_, failures)) in p.iter_mut().zip(found.iter()) {
            *slot = failures.p;
        }
        let boots = |case: usize, side: &Replicates| self.present(case, side).count();
        for ((case, failures), q) in found.iter_mut().zip(stats::holm(&p)) {
            failures.q = q;
            let lost = |mine: &Attempts, other: &Attempts, side: &Replicates| {
                mine.failed == mine.tried && other.failed < other.tried && boots(*case, side) >= BOOTS_OF_TOTAL_LOSS
            };
            let (a, b) = (&failures.a, &failures.b);
            failures.verdict = if (q <= self.alpha && b.rate() > a.rate()) || lost(b, a, &pairing.b) {
                FailureVerdict::FailsMore
            } else if (q <= self.alpha && a.rate() > b.rate()) || lost(a, b, &pairing.a) {
                FailureVerdict::FailsLess
            } else {
                FailureVerdict::Undecided
            };
        }
    }

    /// Files of a side that have a case, with its row.
    fn present<'s>(&'s self, case: usize, side: &'s Replicates) -> impl Iterator<Item = (usize, usize)> + 's {
        side.files.clone().filter_map(move |file| {
            let pointer = *self.frame.pointers.get(case * self.frame.width + file)?;
            (pointer != NONE).then_some((file, pointer as usize))
        })
    }

    /// How many files of a side have the case measured.
    fn measured(&self, case: usize, side: &Replicates) -> usize {
        self.present(case, side).filter(|(file, row)| !self.failed_in(*file, *row)).count()
    }

    /// Whether a row of a file is a failed measurement: a metric that decides has none.
    fn failed_in(&self, file: usize, row: usize) -> bool {
        self.failing(file).iter().any(|(failed, _)| *failed == row)
            || self.signs.iter().any(|s| s.failed.iter().any(|f| (f.0, f.1) == (file, row) && self.decides(f.0, f.1, f.2)))
    }

    /// Whether a metric of a row decides about the row: it is primary, or nothing of its workload is.
    fn decides(&self, file: usize, row: usize, metric: usize) -> bool {
        let table = self.files.get(file).and_then(|f| f.table_of(f.rows.get(row)?));
        let workload = table.and_then(|t| self.frame.workloads.iter().find(|w| w.name == t.workload));
        workload.is_some_and(|w| {
            let any = w.metrics.iter().any(|m| m.conf.role == Role::Primary);
            !any || w.metrics.get(metric).is_some_and(|m| m.conf.role == Role::Primary)
        })
    }

    /// Rows of a file in which a metric that decides has no value because the measurement failed, with its cell.
    fn failing(&self, file: usize) -> Vec<(usize, &InvalidCell)> {
        let Some(repeat) = self.files.get(file) else { return Vec::new() };
        let mut out: Vec<(usize, &InvalidCell)> = Vec::new();
        for cell in repeat.invalid.iter().filter(|cell| is_failure(cell)) {
            let after = repeat.rows.partition_point(|row| row.first <= cell.cell);
            let Some(row) = after.checked_sub(1) else { continue };
            if out.last().is_some_and(|(last, _)| *last == row) {
                continue;
            }
            let Some(found) = repeat.rows.get(row) else { continue };
            let slots = self.frame.slots.get(file).and_then(|s| s.get(found.table as usize));
            let position = cell.cell - found.first;
            let metric = slots.and_then(|slots| slots.iter().position(|slot| *slot == position));
            if metric.is_some_and(|metric| self.decides(file, row, metric)) {
                out.push((row, cell));
            }
        }
        out
    }

    /// What of a side failed.
    fn side(&self, side: usize, replicates: &Replicates) -> OfSide {
        let mut out = OfSide::default();
        for file in replicates.files.clone() {
            let Some(repeat) = self.files.get(file) else { continue };
            for (row, cell) in self.failing(file) {
                let line = repeat.cells.get(cell.cell as usize).map_or(0, |c| c.line);
                out.add(self.case_of(file, row), NO_CODE, || format!("{}:{line}: {}", repeat.path, cell.reason));
            }
        }
        let signs = self.signs.get(side).map_or(&[][..], |s| &s.failed);
        let mut counted: Vec<(usize, usize)> = Vec::new();
        for (file, row, metric) in signs {
            if counted.contains(&(*file, *row)) || !self.decides(*file, *row, *metric) {
                continue;
            }
            counted.push((*file, *row));
            let path = self.files.get(*file).map_or("", |f| &f.path);
            out.add(self.case_of(*file, *row), NO_CODE, || format!("{path}: a value that is not positive"));
        }
        out
    }

    /// The case of a row of a file.
    fn case_of(&self, file: usize, row: usize) -> Option<usize> {
        (0..self.frame.cases.len())
            .find(|case| self.frame.pointers.get(case * self.frame.width + file).is_some_and(|p| *p as usize == row))
    }
}

impl OfSide {
    fn add(&mut self, case: Option<usize>, code: &str, first: impl Fn() -> String) {
        let Some(case) = case else { return };
        let (attempts, text) = self.0.entry(case).or_insert_with(|| (Attempts::default(), first()));
        attempts.failed += 1;
        *attempts.codes.entry(code.to_owned()).or_default() += 1;
        if text.is_empty() {
            *text = first();
        }
    }
}
