//! Counts the measurements that failed, by case, and tests whether the candidate fails more often (statistics.md, "Failures").

use crate::frame::{Frame, FrameMetric, NONE};
use crate::input::LoadedSide;
use crate::input::repeat::Repeat;
use crate::pairing::{Pairing, Replicates};
use crate::scale::Signs;
use crate::{Attempts, CaseFailures, FailureVerdict};
use model::failure::Scope;
use model::{Code, Keys, Role};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Boots of which all must have failed before total loss alone decides.
const BOOTS_OF_TOTAL_LOSS: usize = 3;

/// The word for a failure that tells no code.
const NO_CODE: &str = "failed";

/// Failures of one candidate and the baseline.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures {
    /// Of each case with failures, whether they are on one side only; empty when nothing failed at all.
    one_sided: Vec<Option<bool>>,
    /// Cases with failures.
    pub cases: Vec<CaseFailures>,
}

impl Failures {
    /// Whether measurements of a case failed on one side only, or on one of them more often; `None` when none did.
    pub fn are_one_sided(&self, case: usize) -> Option<bool> {
        self.one_sided.get(case).copied().flatten()
    }
}

/// A row of a file whose measurement came to nothing.
struct Lost {
    file: usize,
    row: usize,
    /// Why, when it is a failure: its code and what was seen.
    failure: Option<(Option<Code>, String)>,
}

/// Failed attempts by case, with the first one's words.
#[derive(Default)]
struct Counted {
    of_case: BTreeMap<usize, (Attempts, String)>,
    /// Guests that failed outside any case.
    of_boots: (Attempts, String),
}

/// Where failures are looked for.
pub(crate) struct Search<'a> {
    frame: &'a Frame,
    files: &'a [Repeat],
    sides: &'a [LoadedSide],
    alpha: f64,
    /// Rows without a value of a metric that decides, by file and row.
    lost: BTreeMap<(usize, usize), Lost>,
}

impl<'a> Search<'a> {
    /// Looks through the cells without a value; `signs` tell those whose value is a failure.
    pub fn new(
        frame: &'a Frame,
        files: &'a [Repeat],
        sides: &'a [LoadedSide],
        signs: &[Signs],
        alpha: f64,
    ) -> Search<'a> {
        let mut search = Search { frame, files, sides, alpha, lost: BTreeMap::new() };
        for (file, repeat) in files.iter().enumerate().filter(|(_, repeat)| !repeat.invalid.is_empty()) {
            search.cells(file, repeat);
        }
        for (file, row, metric) in signs.iter().flat_map(|signs| &signs.failed).copied() {
            if search.decides(file, row, metric) {
                let path = files.get(file).map_or("", |f| &f.path);
                let said = format!("{path}: a value that is not positive where none can be measured");
                search.lost.entry((file, row)).or_insert(Lost { file, row, failure: Some((None, said)) });
            }
        }
        search
    }

    /// The rows of a file that have a cell without a value.
    fn cells(&mut self, file: usize, repeat: &Repeat) {
        // What ended a guest is said of every case that was still to be measured in it: one cause, told once.
        let mut told: Vec<&str> = Vec::new();
        for cell in &repeat.invalid {
            let after = repeat.rows.partition_point(|row| row.first <= cell.cell);
            let Some(row) = after.checked_sub(1) else { continue };
            let Some(found) = repeat.rows.get(row) else { continue };
            let slots = self.frame.slots.get(file).and_then(|s| s.get(found.table as usize));
            let position = cell.cell - found.first;
            let metric = slots.and_then(|slots| slots.iter().position(|slot| *slot == position));
            if !metric.is_some_and(|metric| self.decides(file, row, metric))
                || self.lost.contains_key(&(file, row))
            {
                continue;
            }
            let of_guest = cell.code().is_some_and(|code| code.scope() == Scope::Guest);
            let again = of_guest && told.contains(&cell.reason.as_str());
            if of_guest {
                told.push(&cell.reason);
            }
            let line = repeat.cells.get(cell.cell as usize).map_or(0, |c| c.line);
            let failure = (cell.is_failure() && !again)
                .then(|| (cell.code(), format!("{}:{line}: {}", repeat.path, cell.reason)));
            self.lost.insert((file, row), Lost { file, row, failure });
        }
    }

    /// The failures of a pairing.
    pub fn of(&self, pairing: &Pairing) -> Failures {
        let a = self.count(0, &pairing.a);
        let b = self.count(pairing.candidate + 1, &pairing.b);
        let mut found: Vec<(Option<usize>, CaseFailures)> = Vec::new();
        let cases: BTreeSet<usize> = a.of_case.keys().chain(b.of_case.keys()).copied().collect();
        for case in cases {
            let Some(known) = self.frame.cases.get(case) else { continue };
            let workload = self.frame.workloads.get(known.workload as usize).map_or("", |w| &w.name);
            let of = |side: &Counted, replicates: &Replicates| {
                let (mut attempts, first) = side.of_case.get(&case).cloned().unwrap_or_default();
                attempts.tried = attempts.failed + self.measured(case, replicates);
                (attempts, first)
            };
            let (a, b) = (of(&a, &pairing.a), of(&b, &pairing.b));
            let name = (known.id.clone(), workload, &*known.category, Keys::clone(&known.keys));
            found.push((Some(case), failures(name, pairing.candidate, a, b)));
        }
        if a.of_boots.0.failed + b.of_boots.0.failed > 0 {
            let workload = self.frame.workloads.first().map_or("", |w| &w.name);
            let name = (format!("{workload}/boot"), workload, "", Keys::default());
            found.push((None, failures(name, pairing.candidate, a.of_boots, b.of_boots)));
        }
        if found.is_empty() {
            return Failures::default();
        }
        self.decide(&mut found, pairing);
        let mut one_sided = vec![None; self.frame.cases.len()];
        for (case, failures) in &found {
            if let Some(flag) = case.and_then(|case| one_sided.get_mut(case)) {
                *flag = Some(failures.is_one_sided());
            }
        }
        let mut cases: Vec<CaseFailures> = found.into_iter().map(|(_, failures)| failures).collect();
        cases.sort_by(|x, y| {
            x.verdict.cmp(&y.verdict).then(y.crashes.cmp(&x.crashes)).then(x.p.total_cmp(&y.p))
        });
        Failures { one_sided, cases }
    }

    /// Sets q and verdicts. The family is all cases; those without any failure could not have reached a small p by chance
    /// either, whatever fails more, and so cost the others nothing (Tarone 1990).
    fn decide(&self, found: &mut [(Option<usize>, CaseFailures)], pairing: &Pairing) {
        let p: Vec<f64> = found.iter().map(|(_, failures)| failures.p).collect();
        for ((case, failures), q) in found.iter_mut().zip(stats::holm(&p)) {
            failures.q = q;
            let case = *case;
            let boots = |side: &Replicates| match case {
                Some(case) => self.present(case, side).count(),
                None => side.files.len(),
            };
            let lost = |mine: &Attempts, other: &Attempts, side: &Replicates| {
                mine.failed == mine.tried && other.failed < other.tried && boots(side) >= BOOTS_OF_TOTAL_LOSS
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
        self.present(case, side).filter(|place| !self.lost.contains_key(place)).count()
    }

    /// Whether a metric of a row decides about the row: it is primary, or nothing of its workload is.
    fn decides(&self, file: usize, row: usize, metric: usize) -> bool {
        let table = self.files.get(file).and_then(|f| f.table_of(f.rows.get(row)?));
        let workload = table.and_then(|t| self.frame.workloads.iter().find(|w| w.name == t.workload));
        workload.is_some_and(|w| {
            let primary = |m: &FrameMetric| m.conf.role == Role::Primary;
            w.metrics.get(metric).is_some_and(primary) || !w.metrics.iter().any(primary)
        })
    }

    /// What of a side failed: as its run.json tells, which knows of every attempt, else as the cells do.
    fn count(&self, side: usize, replicates: &Replicates) -> Counted {
        let mut out = Counted::default();
        let run = self.sides.get(side).and_then(|side| side.run.as_ref());
        match run.filter(|run| run.ended.is_some()) {
            Some(run) => {
                let cases = self.cases_by_id(replicates);
                for failed in &run.failures {
                    let said = || format!("{}: {}", failed.boot, failed.reason);
                    match &failed.case {
                        Some(id) => out.add(cases.get(id.as_str()).copied(), failed.code, said),
                        None => add(&mut out.of_boots, failed.code, said),
                    }
                }
                out.of_boots.0.tried = run.started as usize;
            }
            None => {
                let of_side = self.lost.values().filter(|lost| replicates.files.contains(&lost.file));
                for lost in of_side {
                    if let Some((code, said)) = &lost.failure {
                        out.add(self.case_of(lost.file, lost.row), *code, || said.clone());
                    }
                }
                let own = self.files.get(replicates.files.clone()).unwrap_or_default();
                out.of_boots.0.tried = own.iter().map(|f| f.boots.len().max(1)).sum();
            }
        }
        out
    }

    /// Cases by the ids that the files of a side have for them.
    fn cases_by_id(&self, replicates: &Replicates) -> HashMap<&str, usize> {
        let mut out = HashMap::new();
        for case in 0..self.frame.cases.len() {
            for (file, row) in self.present(case, replicates) {
                if let Some(id) = self.files.get(file).and_then(|f| f.case_ids.get(row)) {
                    out.insert(id.as_str(), case);
                }
            }
        }
        out
    }

    /// The case of a row of a file.
    fn case_of(&self, file: usize, row: usize) -> Option<usize> {
        let is = |case: &usize| {
            self.frame.pointers.get(case * self.frame.width + file).is_some_and(|p| *p as usize == row)
        };
        (0..self.frame.cases.len()).find(is)
    }
}

/// The counts of a case on both sides, with their test.
fn failures(
    (id, workload, category, case): (String, &str, &str, Keys),
    candidate: usize,
    (a, first_a): (Attempts, String),
    (b, first_b): (Attempts, String),
) -> CaseFailures {
    CaseFailures {
        id,
        workload: workload.to_owned(),
        category: category.to_owned(),
        case,
        candidate,
        p: stats::fisher_exact(a.failed, a.tried, b.failed, b.tried).unwrap_or(1.0),
        q: 1.0,
        verdict: FailureVerdict::Undecided,
        crashes: if a.crashes() == 0 { b.crashes() } else { 0 },
        first: if first_b.is_empty() { first_a } else { first_b },
        a,
        b,
    }
}

impl Counted {
    fn add(&mut self, case: Option<usize>, code: Option<Code>, said: impl FnOnce() -> String) {
        if let Some(case) = case {
            add(self.of_case.entry(case).or_default(), code, said);
        }
    }
}

fn add((attempts, first): &mut (Attempts, String), code: Option<Code>, said: impl FnOnce() -> String) {
    attempts.failed += 1;
    *attempts.codes.entry(code.map_or(NO_CODE, Code::word).to_owned()).or_default() += 1;
    if first.is_empty() {
        *first = said();
    }
}
