//! Counts the measurements that failed, by case, and tests whether the candidate fails more often (statistics.md, "Failures").

use crate::frame::{Frame, FrameMetric, NONE};
use crate::input::LoadedSide;
use crate::input::repeat::Repeat;
use crate::pairing::Pairing;
use crate::replicates::Replicates;
use crate::scale::{Signs, said_of_failed};
use crate::{Attempts, CaseFailures, FailedSide, FailureVerdict};
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
    /// Of each case with failures, whose they are where they are of one side alone; empty when nothing failed at all.
    sides: Vec<Option<Option<FailedSide>>>,
    /// Cases with failures.
    pub cases: Vec<CaseFailures>,
}

impl Failures {
    /// Whose failures those of a case are; `None` when nothing of it failed.
    pub fn side(&self, case: usize) -> Option<Option<FailedSide>> {
        self.sides.get(case).copied().flatten()
    }
}

/// A row of a file whose measurement came to nothing.
struct Lost {
    /// The case of the row.
    case: Option<usize>,
    /// A value that is a failure, which no run.json tells of.
    is_value: bool,
    /// Why, when it is a failure: its code and what was seen.
    failure: Option<(Option<Code>, String)>,
}

/// Failed attempts of one case, or of guests outside any.
#[derive(Clone, Default)]
struct Tally {
    attempts: Attempts,
    /// What was seen at the first.
    first: String,
    /// Repeats in which one failed: numbers that run.json tells, else files as they were read (a table is read as one for each
    /// of its repeats, all of one path).
    boots: BTreeSet<String>,
}

/// Failed attempts of a side.
#[derive(Default)]
struct Counted {
    of_case: BTreeMap<usize, Tally>,
    /// Of cases that no file of either side has a row of, by their ids: nothing was ever measured of them.
    of_unseen: BTreeMap<String, Tally>,
    /// Guests that failed outside any case.
    of_guests: Tally,
}

/// Where failures are looked for.
pub(crate) struct Search<'a> {
    frame: &'a Frame,
    files: &'a [Repeat],
    sides: &'a [LoadedSide],
    alpha: f64,
    /// Some metric is primary, so that only primary ones decide.
    any_primary: bool,
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
        let primary = |m: &FrameMetric| m.conf.role == Role::Primary;
        let any_primary = frame.workloads.iter().any(|w| w.metrics.iter().any(primary));
        let mut search = Search { frame, files, sides, alpha, any_primary, lost: BTreeMap::new() };
        for (file, repeat) in files.iter().enumerate().filter(|(_, repeat)| !repeat.invalid.is_empty()) {
            search.cells(file, repeat);
        }
        for (file, row, metric) in signs.iter().flat_map(|signs| &signs.failed).copied() {
            if search.decides(file, row, metric) {
                let failure = Some((None, said_of_failed(frame, files, (file, row, metric))));
                let lost = Lost { case: None, is_value: true, failure };
                search.lost.entry((file, row)).or_insert(lost);
            }
        }
        search.find_cases();
        search
    }

    /// The case of each row that came to nothing, in one pass.
    fn find_cases(&mut self) {
        if self.lost.is_empty() {
            return;
        }
        for (place, row) in self.frame.pointers.iter().enumerate().filter(|(_, row)| **row != NONE) {
            let (case, file) = (place / self.frame.width.max(1), place % self.frame.width.max(1));
            if let Some(lost) = self.lost.get_mut(&(file, *row as usize)) {
                lost.case = Some(case);
            }
        }
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
            self.lost.insert((file, row), Lost { case: None, is_value: false, failure });
        }
    }

    /// The failures of a pairing.
    pub fn of(&self, pairing: &Pairing) -> Failures {
        let a = self.count(0, &pairing.a, &pairing.b);
        let b = self.count(pairing.candidate + 1, &pairing.b, &pairing.a);
        let mut found: Vec<(Option<usize>, Case)> = Vec::new();
        let cases: BTreeSet<usize> = a.of_case.keys().chain(b.of_case.keys()).copied().collect();
        for case in cases {
            let Some(known) = self.frame.cases.get(case) else { continue };
            let workload = self.frame.workloads.get(known.workload as usize).map_or("", |w| &w.name);
            let of = |side: &Counted, replicates: &Replicates| {
                let mut tally = side.of_case.get(&case).cloned().unwrap_or_default();
                tally.attempts.tried = tally.attempts.failed + self.measured(case, replicates);
                tally
            };
            let name =
                (known.id.clone(), workload.to_owned(), known.category.to_string(), Keys::clone(&known.keys));
            found.push((
                Some(case),
                Case::new(name, pairing.candidate, of(&a, &pairing.a), of(&b, &pairing.b)),
            ));
        }
        let unseen: BTreeSet<&String> = a.of_unseen.keys().chain(b.of_unseen.keys()).collect();
        for id in unseen {
            let of = |side: &Counted| {
                let mut tally = side.of_unseen.get(id).cloned().unwrap_or_default();
                tally.attempts.tried = tally.attempts.failed;
                tally
            };
            let mut parts = id.splitn(3, '/').map(str::to_owned);
            let mut part = || parts.next().unwrap_or_default();
            let name = (id.clone(), part(), part(), Keys::default());
            found.push((None, Case::new(name, pairing.candidate, of(&a), of(&b))));
        }
        if a.of_guests.attempts.failed + b.of_guests.attempts.failed > 0 {
            let run = |side: usize| self.sides.get(side).and_then(|side| side.run.as_ref());
            let workload =
                run(pairing.candidate + 1).or(run(0)).map_or(String::new(), |run| run.workload.clone());
            let name = (format!("{workload}/boot"), workload, String::new(), Keys::default());
            found.push((None, Case::new(name, pairing.candidate, a.of_guests, b.of_guests)));
        }
        if found.is_empty() {
            return Failures::default();
        }
        self.decide(&mut found);
        let mut sides = vec![None; self.frame.cases.len()];
        for (case, found) in &found {
            if let Some(side) = case.and_then(|case| sides.get_mut(case)) {
                *side = Some(found.counts.side());
            }
        }
        let mut cases: Vec<CaseFailures> = found.into_iter().map(|(_, case)| case.counts).collect();
        cases.sort_by(|x, y| {
            x.verdict.cmp(&y.verdict).then(y.crashes.cmp(&x.crashes)).then(x.p.total_cmp(&y.p))
        });
        Failures { sides, cases }
    }

    /// Sets q and verdicts. The family is all cases; those without any failure could not have reached a small p by chance
    /// either, whatever fails more, and so cost the others nothing (Tarone 1990).
    fn decide(&self, found: &mut [(Option<usize>, Case)]) {
        let p: Vec<f64> = found.iter().map(|(_, case)| case.counts.p).collect();
        for ((_, case), q) in found.iter_mut().zip(stats::holm(&p)) {
            case.counts.q = q;
            let lost = |mine: &Attempts, boots: usize, other: &Attempts| {
                mine.failed == mine.tried && boots >= BOOTS_OF_TOTAL_LOSS && other.failed < other.tried
            };
            let (a, b) = (&case.counts.a, &case.counts.b);
            case.counts.verdict = if (q <= self.alpha && b.rate() > a.rate()) || lost(b, case.boots[1], a) {
                FailureVerdict::FailsMore
            } else if (q <= self.alpha && a.rate() > b.rate()) || lost(a, case.boots[0], b) {
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

    /// Whether a metric of a row decides about the row: it is primary, or nothing is.
    fn decides(&self, file: usize, row: usize, metric: usize) -> bool {
        let table = self.files.get(file).and_then(|f| f.table_of(f.rows.get(row)?));
        let workload = table.and_then(|t| self.frame.workloads.iter().find(|w| w.name == t.workload));
        let metric = workload.and_then(|w| w.metrics.get(metric));
        metric.is_some_and(|m| !self.any_primary || m.conf.role == Role::Primary)
    }

    /// What of a side failed. Of a directory whose run.json knows every attempt its list counts, of others what the cells say;
    /// and of both the values that are failures.
    fn count(&self, side: usize, replicates: &Replicates, other: &Replicates) -> Counted {
        let (mut out, mut told) = (Counted::default(), BTreeSet::new());
        if let Some(run) = self.sides.get(side).and_then(|side| side.run.as_ref()) {
            let cases = self.cases_by_id(replicates, other);
            for failed in &run.failures {
                let said = || format!("{}: {}", failed.boot, failed.reason);
                let tally = match &failed.case {
                    Some(id) => match cases.get(id.as_str()) {
                        Some(case) => out.of_case.entry(*case).or_default(),
                        None => out.of_unseen.entry(id.clone()).or_default(),
                    },
                    None => &mut out.of_guests,
                };
                tally.add(failed.repeat.to_string(), failed.code, said);
                told.insert(failed.repeat);
            }
            out.of_guests.attempts.tried = run.started as usize;
        }
        // A list that tells of nothing in a repeat explains no cell of it: the campaign was begun by a perfvt that kept none.
        let is_told = |f: &Repeat| f.tells_attempts && f.number.is_some_and(|number| told.contains(&number));
        let own = replicates.files.clone();
        for ((file, _), lost) in self.lost.iter().filter(|((file, _), _)| own.contains(file)) {
            if !self.files.get(*file).is_some_and(|f| lost.is_value || !is_told(f)) {
                continue;
            }
            if let (Some(case), Some((code, said))) = (lost.case, &lost.failure) {
                out.of_case.entry(case).or_default().add(format!("file {file}"), *code, || said.clone());
            }
        }
        let untold = self.files.get(own).unwrap_or_default().iter().filter(|f| !f.tells_attempts);
        out.of_guests.attempts.tried += untold.map(|f| f.boots.len().max(1)).sum::<usize>();
        out
    }

    /// Cases by the ids that the files of both sides have for them.
    fn cases_by_id(&self, one: &Replicates, other: &Replicates) -> HashMap<&str, usize> {
        let mut out = HashMap::new();
        for case in 0..self.frame.cases.len() {
            for (file, row) in self.present(case, one).chain(self.present(case, other)) {
                if let Some(id) = self.files.get(file).and_then(|f| f.case_ids.get(row)) {
                    out.insert(id.as_str(), case);
                }
            }
        }
        out
    }
}

/// The counts of a case on both sides.
struct Case {
    counts: CaseFailures,
    /// Repeats of A and of B in which an attempt failed.
    boots: [usize; 2],
}

impl Case {
    fn new(
        (id, workload, category, case): (String, String, String, Keys),
        candidate: usize,
        a: Tally,
        b: Tally,
    ) -> Case {
        let (of_a, of_b) = (&a.attempts, &b.attempts);
        let p = stats::fisher_exact(of_a.failed, of_a.tried, of_b.failed, of_b.tried).unwrap_or(1.0);
        let crashes = if of_a.crashes() == 0 { of_b.crashes() } else { 0 };
        let counts = CaseFailures {
            id,
            workload,
            category,
            case,
            candidate,
            p,
            q: 1.0,
            verdict: FailureVerdict::Undecided,
            crashes,
            expected: None,
            first: if b.first.is_empty() { a.first } else { b.first },
            a: a.attempts,
            b: b.attempts,
        };
        Case { counts, boots: [a.boots.len(), b.boots.len()] }
    }
}

impl Tally {
    fn add(&mut self, boot: String, code: Option<Code>, said: impl FnOnce() -> String) {
        self.attempts.failed += 1;
        *self.attempts.codes.entry(code.map_or(NO_CODE, Code::word).to_owned()).or_default() += 1;
        self.boots.insert(boot);
        if self.first.is_empty() {
            self.first = said();
        }
    }
}
