//! What is said about the whole comparison: the sides, and every warning.

use crate::comparability;
use crate::hosts;
use crate::input::LoadedSide;
use crate::input::repeat::{BootName, Repeat};
use crate::options::CompareOptions;
use crate::pairing::{Classed, Pairing};
use crate::replicates::Replicates;
use crate::warnings::{self, blocking, note};
use crate::{DifferenceClass, Family, Nearest, Row, Side, Warning};
use model::counted;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What is said about the whole.
pub(crate) struct About<'a> {
    pub options: &'a CompareOptions,
    pub sides: &'a [LoadedSide],
    pub files: &'a [Repeat],
    pub ranges: &'a [Range<usize>],
    pub pairings: &'a [Pairing],
    pub rows: &'a [Row],
}

impl About<'_> {
    fn files_of(&self, side: usize) -> &[Repeat] {
        self.ranges.get(side).and_then(|r| self.files.get(r.clone())).unwrap_or_default()
    }

    pub fn sides(&self) -> Vec<Side> {
        self.sides.iter().enumerate().map(|(i, side)| describe_side(side, self.files_of(i))).collect()
    }

    pub fn warnings(
        &self,
        families: &[Family],
        differences: &[Classed],
        nearest: &[Nearest],
        diagnosed: Vec<Warning>,
    ) -> Vec<Warning> {
        let mut out = self.comparability_warnings(differences);
        let facts = self.sides.iter().map(|s| &s.facts);
        out.extend(comparability::unknown_factors(&self.options.factors, facts));
        out.extend(self.collector_warnings());
        out.extend(self.session_warnings());
        out.extend(self.replicate_warnings());
        out.extend(jobs(self.sides));
        if families.iter().any(|f| f.all_rows) && !self.rows.is_empty() {
            let text = "no metric is declared primary, so that all rows form the family that is corrected";
            out.push(note(
                "no-primary",
                text,
                "declare what gates in perf.conf: metric.NAME = UNIT higher primary",
                self.rows.len(),
            ));
        }
        out.extend(warnings::unmatched(self.rows, nearest.iter().any(|near| !near.flags.is_empty())));
        out.extend(self.losses());
        out.extend(decimals(self.sides));
        for side in self.sides {
            out.extend(side.notes.iter().cloned());
        }
        out.extend(diagnosed);
        out.extend(warnings::pooled(self.rows));
        out
    }

    fn label(&self, side: usize) -> &str {
        self.sides.get(side).map_or("", |s| s.label.as_str())
    }

    fn comparability_warnings(&self, differences: &[Classed]) -> Vec<Warning> {
        let mut out = Vec::new();
        for (pairing, classed) in self.pairings.iter().zip(differences) {
            // What different hosts mean is said in words of its own.
            let told = |name: &str, class| class == DifferenceClass::Blocking && name == comparability::HOST;
            let of = |class| -> Vec<&str> {
                let own = classed.iter().filter(|(n, c)| *c == class && !told(n, *c));
                own.map(|(n, _)| n.as_str()).collect()
            };
            out.extend(hosts::apart(self.sides, pairing, classed, self.options));
            let pair = format!("{} and {}", self.label(0), self.label(pairing.candidate + 1));
            let blocked = of(DifferenceClass::Blocking);
            if !blocked.is_empty() {
                let what = if pairing.comparability.blocked {
                    ""
                } else {
                    " (metrics that grow with the session only)"
                };
                let text = format!("{pair} were not measured alike{what}: {}", blocked.join(", "));
                out.push(if self.options.force {
                    blocking("forced", format!("{text}; --force judges them all the same"), "", blocked.len())
                } else {
                    let advice = "measure both alike, name what is compared with --factor, or judge all the same with --force";
                    blocking("not-comparable", text, advice, blocked.len())
                });
            }
            let suspicious = of(DifferenceClass::Suspicious);
            if !suspicious.is_empty() {
                let text = format!("{pair} differ in what should be equal: {}", suspicious.join(", "));
                let advice = "if this is what is being compared, name it with --factor";
                out.push(blocking("suspicious", text, advice, suspicious.len()));
            }
        }
        for side in self.sides {
            for (name, values) in &side.mixed {
                let text = format!("{}: its files differ in {name}: {}", side.label, values.join(" | "));
                out.push(blocking(
                    "mixed-side",
                    text,
                    "compare the groups of files on their own",
                    values.len(),
                ));
            }
        }
        out
    }

    /// What the collector noted; emulation and missing pins under names of their own.
    fn collector_warnings(&self) -> Vec<Warning> {
        let mut out = Vec::new();
        let sides = |is: &dyn Fn(&LoadedSide) -> bool| -> Vec<&str> {
            self.sides.iter().filter(|s| is(s)).map(|s| s.label.as_str()).collect()
        };
        let emulated = sides(&|s| s.facts.get("accel").is_some_and(|a| a == "tcg"));
        if !emulated.is_empty() {
            let text = format!("measured under TCG (emulation): {}", emulated.join(", "));
            let advice =
                "differences of an emulated guest need not exist on KVM; do not gate a release on them";
            out.push(blocking("tcg", text, advice, emulated.len()));
        }
        let unpinned = sides(&|s| s.facts.get("placement.cpus").is_some_and(|p| p.contains("unpinned")));
        if !unpinned.is_empty() {
            let text = format!("guests ran unpinned: {}", unpinned.join(", "));
            let advice = "expect several times the spread between boots; pin them with numa_node = -1 on a host with enough CPUs";
            out.push(note("unpinned", text, advice, unpinned.len()));
        }
        let unfinished: Vec<&str> =
            self.sides.iter().filter(|s| is_unfinished(s)).map(|s| s.label.as_str()).collect();
        if !unfinished.is_empty() {
            let text =
                format!("the campaign of {} has not ended: what follows is a part", unfinished.join(", "));
            let advice = "wait for it, or finish it with `perfvt resume`; `--fail-on unfinished` refuses it";
            out.push(blocking("unfinished", text, advice, unfinished.len()));
        }
        out.extend(self.sides.iter().filter_map(changed_facts));
        let mut sentences: Vec<(&str, usize)> = Vec::new();
        for sentence in self.sides.iter().filter_map(|s| s.run.as_ref()).flat_map(|r| &r.warnings) {
            match sentences.iter_mut().find(|(s, _)| *s == sentence) {
                Some((_, count)) => *count += 1,
                None => sentences.push((sentence, 1)),
            }
        }
        let said = |s: &str| !unpinned.is_empty() && s.contains("unpinned");
        out.extend(sentences.into_iter().filter(|(s, _)| !said(s)).map(|(s, n)| note("campaign", s, "", n)));
        out
    }

    /// What is to be known of the sessions of each pair of sides.
    fn session_warnings(&self) -> Vec<Warning> {
        let of = |pairing: &Pairing| {
            let both = |r: &&Row| r.candidate == pairing.candidate && r.a.n > 0 && r.b.n > 0;
            let rows = self.rows.iter().filter(both).count();
            let labels = (self.label(0), self.label(pairing.candidate + 1));
            pairing
                .sessions
                .banner(labels, self.options, pairing.session_part(self.options), rows)
                .filter(|_| rows > 0)
        };
        self.pairings
            .iter()
            .filter_map(of)
            .chain(self.learnt_warnings())
            .chain(self.noise_warning())
            .collect()
    }

    /// Candidates that `--noise` was learnt from.
    fn learnt_warnings(&self) -> Vec<Warning> {
        let Some(noise) = &self.options.noise else { return Vec::new() };
        let of = |pairing: &&Pairing| pairing.learnt > 0 && pairing.sessions.weight > 0.0;
        let told = |pairing: &Pairing| {
            let text = format!(
                "{} was learnt from {} of {} itself, so that its own change counts as what sessions do: it is not used",
                noise.path,
                counted(pairing.learnt, "repeat"),
                self.label(pairing.candidate + 1),
            );
            let advice = "run `perfvt calibrate` with results of one build, without the candidate's";
            blocking("noise-of-sides", text, advice, pairing.learnt)
        };
        self.pairings.iter().filter(of).map(told).collect()
    }

    /// What is to be known of the file that tells how much sessions differ.
    fn noise_warning(&self) -> Option<Warning> {
        let noise = self.options.noise.as_ref()?;
        match noise.session {
            None => {
                let text = format!(
                    "{} holds noise floors, which an older perfvt wrote: they cannot tell sessions from a change, and \
                     nothing rests on them",
                    noise.path
                );
                Some(blocking("old-noise", text, "run `perfvt calibrate` again with the same directories", 1))
            }
            Some(found) if found.sessions <= 2 => {
                let text = format!(
                    "{} rests on two sessions, which hardly tell how much sessions differ",
                    noise.path
                );
                Some(blocking("two-sessions", text, "calibrate with five campaigns of one build or more", 2))
            }
            Some(_) => None,
        }
    }

    fn replicate_warnings(&self) -> Vec<Warning> {
        let mut sides: Vec<(String, usize)> = Vec::new();
        for pairing in self.pairings {
            let rows = || self.rows.iter().filter(|row| row.candidate == pairing.candidate);
            if sides.is_empty() {
                let of_rows = most_values(rows().map(|row| (&*row.workload, row.a.n)));
                sides.extend(replicates(self.label(0), &pairing.a, &of_rows));
            }
            let of_rows = most_values(rows().map(|row| (&*row.workload, row.b.n)));
            sides.extend(replicates(self.label(pairing.candidate + 1), &pairing.b, &of_rows));
        }
        let sessions = self.pairings.iter().any(|p| p.sessions.are_replicates());
        let known = self.files.iter().any(|f| !f.boots.is_empty());
        let unit = if sessions {
            "session"
        } else if known {
            "boot"
        } else {
            "repeat"
        };
        let mut out: Vec<Warning> = warnings::few_boots(&sides, unit).into_iter().collect();
        let split = self.files.iter().filter(|f| f.boots.len() > 1).count();
        if split > 0 {
            let text = format!(
                "{} put together from several boots after a resume; each row still rests on one boot",
                counted(split, "repeat")
            );
            out.push(note("split-repeats", text, "they are left out of boot scores and drift", split));
        }
        for (index, side) in self.sides.iter().enumerate() {
            let Some(run) = &side.run else { continue };
            out.extend(warnings::missing_repeats(&side.label, run, self.files_of(index).len()));
        }
        out.extend(warnings::sequential(self.rows));
        out
    }

    fn losses(&self) -> Vec<Warning> {
        let advice = "they are listed under the sides; --strict makes them an error";
        let mut out = warnings::losses(self.sides.iter().flat_map(|s| &s.losses), advice);
        // Cells of one line are told apart by their metric; with several candidates the baseline's stand in several rows.
        let mut places: BTreeSet<(&str, &str, String)> = BTreeSet::new();
        for row in self.rows {
            for loss in row.a.invalid.iter().chain(&row.b.invalid) {
                let cell = format!("{}/{}/{}", row.category, *row.case, row.metric);
                places.insert((&loss.place, &loss.reason, cell));
            }
        }
        if let Some((place, reason, _)) = places.first() {
            let text =
                format!("{} without a value; the first: {place}: {reason}", counted(places.len(), "cell"));
            out.push(note("lost-cells", text, "each stands with its reason in its row", places.len()));
        }
        out
    }
}

/// How many values the row of each workload has that has most of them.
fn most_values<'a>(rows: impl Iterator<Item = (&'a str, usize)>) -> BTreeMap<&'a str, usize> {
    let mut out: BTreeMap<&str, usize> = BTreeMap::new();
    for (workload, n) in rows {
        let most = out.entry(workload).or_default();
        *most = (*most).max(n);
    }
    out
}

/// How many replicates each workload of a side has; the workload is named where there are several. Files may hold one case
/// each, so that it is the values of a row that count.
fn replicates(label: &str, side: &Replicates, of_rows: &BTreeMap<&str, usize>) -> Vec<(String, usize)> {
    let several = side.of_workload.len() > 1;
    let name = |workload: &str| if several { format!("{label} ({workload})") } else { label.to_owned() };
    let values = |workload: &str, files: usize| match of_rows.get(workload) {
        Some(values) if *values > 0 => files.min(*values),
        _ => files,
    };
    side.of_workload.iter().map(|(workload, n)| (name(workload), values(workload, *n))).collect()
}

/// Facts that changed between the boots of a side: its values were not taken under the same conditions.
fn changed_facts(side: &LoadedSide) -> Option<Warning> {
    let changes = &side.run.as_ref()?.changes;
    let first = changes.first()?;
    let unknown = || "unknown".to_owned();
    let one = format!(
        "{} ({} -> {})",
        first.fact,
        first.was.clone().unwrap_or_else(unknown),
        first.is.clone().unwrap_or_else(unknown)
    );
    let names: BTreeSet<&str> = changes.iter().map(|c| c.fact.as_str()).collect();
    let others = match names.len() {
        1 => String::new(),
        n => format!(
            " and {} more: {}",
            n - 1,
            names.into_iter().filter(|n| *n != first.fact).collect::<Vec<_>>().join(", ")
        ),
    };
    let text = format!("{}: the host or the guest changed between its boots: {one}{others}", side.label);
    // A host that was rebooted in between is told by its own warnings; anything else is suspicious.
    let advice =
        "measure this side again under one set of conditions, or compare the groups of boots on their own";
    Some(if changes.iter().all(|c| c.fact == "host.boot_id") {
        note("changed-side", text, "", changes.len())
    } else {
        blocking("changed-side", text, advice, changes.len())
    })
}

/// What reports say of a side.
pub(crate) fn describe_side(side: &LoadedSide, files: &[Repeat]) -> Side {
    let (boots, host_boots) = boots(files);
    let of_run = side.run.as_ref().and_then(|r| i64::try_from(r.started_unix_ns / 1_000_000_000).ok());
    let length = ["session-length", "param.l"].iter().find_map(|n| side.facts.get(*n).cloned());
    Side {
        label: side.label.clone(),
        path: side.path.display().to_string(),
        repeats: files.len(),
        boots,
        host_boots,
        date_unix: of_run.or_else(|| files.iter().filter_map(Repeat::date_unix).min()),
        session_length: length,
        facts: side.facts.clone(),
        losses: side.losses.clone(),
        unfinished: is_unfinished(side),
    }
}

/// Whether the campaign that measured a side has not ended.
fn is_unfinished(side: &LoadedSide) -> bool {
    side.run.as_ref().is_some_and(|run| run.ended == Some(false))
}

/// Distinct guest boots and host boots of files, when they are known.
fn boots(files: &[Repeat]) -> (Option<usize>, Option<usize>) {
    let names: BTreeSet<&BootName> = files.iter().flat_map(|r| &r.boots).collect();
    let hosts: BTreeSet<&str> =
        names.iter().map(|b| b.host_boot.as_str()).filter(|h| !h.is_empty()).collect();
    let known = |n: usize| (n > 0).then_some(n);
    (known(names.len()), known(hosts.len()))
}

/// Folders of jobs that lie side by side: more than two are the jobs of one side as a rule.
fn jobs(sides: &[LoadedSide]) -> Option<Warning> {
    let parent = sides.first()?.path.parent()?;
    let name =
        |side: &LoadedSide| side.path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"job-"));
    let beside = |side: &LoadedSide| side.path.parent() == Some(parent) && name(side);
    (sides.len() > 2 && sides.iter().all(beside)).then(|| {
        let folder = if parent.as_os_str().is_empty() { "." } else { &*parent.to_string_lossy() };
        let text = format!("{} jobs of {folder} are compared, each as a side of its own", sides.len());
        let advice = "jobs of one build are one side: put those of each build into a folder of its own, and give these two folders";
        blocking("jobs-as-sides", text, advice, sides.len())
    })
}

/// Tables that differ in their decimal mark: where a file has no other cell, `1.234` may be a thousand.
fn decimals(sides: &[LoadedSide]) -> Option<Warning> {
    let first = |mark: char| sides.iter().find_map(|side| side.decimals.get(&mark));
    let (comma, point) = (first(',')?, first('.')?);
    let text = format!(
        "{} has decimal commas and {} decimal points; each file is read by what its own cells tell",
        comma.display(),
        point.display()
    );
    let advice = "where a number of three digits behind its mark is a thousand, write it without the mark";
    Some(note("mixed-decimals", text, advice, 1))
}
