//! Which guests do which workloads on which machines, and why they do not: `guests.html`, made from the entries alone.

use super::entry::{Entry, Guest};
use super::shell;
use crate::date;
use crate::html::foreign;
use analyze::{Comparison, Side};
use maud::{Markup, html};
use model::counted;
use std::collections::{BTreeMap, BTreeSet};

/// Name of the page.
pub(super) const PAGE: &str = "guests.html";
/// Guests and workloads of the table; the newest of each that are beyond stand in the list of results alone.
const GUESTS: usize = 200;
const WORKLOADS: usize = 40;
/// Characters of a reason.
const REASON: usize = 160;
/// What the built-in guest is called in results, and for people.
const BUILTIN: [&str; 2] = ["builtin", "built-in"];
/// The workload of guests that did not come as far as any.
const BOOT: &str = "boot";

/// What the guests of a comparison did, side by side: each side is a guest, each workload a line.
pub(super) fn of_comparison(comparison: &Comparison) -> Vec<Guest> {
    let candidates: Vec<&Side> = comparison.b.iter().collect();
    let mut all = Vec::new();
    for (place, side) in std::iter::once(&comparison.a).chain(candidates).enumerate() {
        let Some(name) = name(side) else { continue };
        let mut lines = Lines::default();
        for row in &comparison.rows {
            let of_b = place.checked_sub(1);
            let sample = match of_b {
                None => &row.a,
                Some(candidate) if row.candidate == candidate => &row.b,
                Some(_) => continue,
            };
            lines.measured(&row.workload, sample.n);
        }
        for failures in &comparison.failures {
            let attempts = match place.checked_sub(1) {
                None if failures.candidate == 0 => &failures.a,
                Some(candidate) if failures.candidate == candidate => &failures.b,
                _ => continue,
            };
            let workload = if failures.category.is_empty() { BOOT } else { failures.workload.as_str() };
            lines.failed(workload, (attempts.tried, attempts.failed), &failures.first, attempts.codes.keys());
        }
        all.extend(lines.guests(&name, side));
    }
    all
}

/// The same of one side alone: its rows with how often they were measured, and what was lost of them.
pub(super) fn of_run(shown: &analyze::Shown) -> Vec<Guest> {
    let Some(name) = name(&shown.side) else { return Vec::new() };
    let mut lines = Lines::default();
    // A case that was lost in a boot is lost for each of its metrics.
    let mut lost = BTreeSet::new();
    for row in &shown.rows {
        lines.measured(&row.workload, row.sample.n);
        for loss in &row.sample.invalid {
            let file = loss.place.split_once(':').map_or(loss.place.as_str(), |(file, _)| file);
            if lost.insert((&row.workload, &row.category, &row.case, file)) {
                // How often it was tried, one side's rows do not tell.
                lines.failed(&row.workload, (0, 1), &loss.reason, std::iter::empty());
            }
        }
    }
    lines.guests(&name, &shown.side)
}

/// What a side's guest is called; `None` where none was, or nobody recorded it.
fn name(side: &Side) -> Option<String> {
    let named = side.facts.get("param.guest").map(|name| name.trim()).filter(|name| !name.is_empty())?;
    Some(if BUILTIN.contains(&named) { "built-in guest".to_owned() } else { edge::text::cut(named) })
}

/// What a guest did, by workload.
#[derive(Default)]
struct Lines(BTreeMap<String, Line>);

#[derive(Default)]
struct Line {
    values: usize,
    tried: usize,
    failed: usize,
    why: String,
}

impl Lines {
    fn measured(&mut self, workload: &str, values: usize) {
        if values > 0 {
            self.0.entry(workload.to_owned()).or_default().values += values;
        }
    }

    fn failed<'a>(
        &mut self,
        workload: &str,
        (tried, failed): (usize, usize),
        first: &str,
        codes: impl Iterator<Item = &'a String>,
    ) {
        if (tried, failed) == (0, 0) {
            return;
        }
        let line = self.0.entry(workload.to_owned()).or_default();
        line.tried += tried;
        line.failed += failed;
        if line.why.is_empty() && failed > 0 {
            let codes: Vec<&str> = codes.map(String::as_str).collect();
            line.why = if first.is_empty() { codes.join(", ") } else { first.to_owned() };
        }
    }

    fn guests(self, name: &str, side: &Side) -> Vec<Guest> {
        let system = side.facts.get("guest.os").or_else(|| side.facts.get("guest.kernel"));
        let system = system.map(|system| edge::text::cut(system)).unwrap_or_default();
        let guest = |(workload, line): (String, Line)| Guest {
            name: name.to_owned(),
            system: system.clone(),
            workload,
            values: line.values,
            tried: line.tried,
            failed: line.failed,
            why: edge::visible(&line.why).chars().take(REASON).collect(),
        };
        self.0.into_iter().map(guest).collect()
    }
}

/// A guest's newest result of a workload on a machine.
type Newest<'a> = BTreeMap<(&'a str, &'a str, &'a str), (&'a Entry, &'a Guest)>;

/// The page; `None` where no entry tells of a guest. Entries come newest first.
pub(super) fn page(title: &str, entries: &[Entry]) -> Option<String> {
    let mut newest: Newest<'_> = BTreeMap::new();
    for entry in entries {
        for guest in
            entry.guests.iter().filter(|guest| guest.values > 0 || guest.tried > 0 || guest.failed > 0)
        {
            let key = (guest.name.as_str(), entry.machine.as_str(), guest.workload.as_str());
            newest.entry(key).or_insert((entry, guest));
        }
    }
    let rows: BTreeSet<(&str, &str)> = newest.keys().map(|(guest, machine, _)| (*guest, *machine)).collect();
    let columns: BTreeSet<&str> = newest.keys().map(|(_, _, workload)| *workload).collect();
    if rows.is_empty() {
        return None;
    }
    let left = rows.len().saturating_sub(GUESTS) + columns.len().saturating_sub(WORKLOADS);
    let heading = format!("Guests of {}", edge::visible(title));
    let body = html! {
        header {
            h1 { "Guests" }
            p.caption { (counted(rows.len(), "guest")) " on machines; " a href="index.html" { "all results" } }
        }
        main {
            section aria-labelledby="support" {
                h2 #support { "What works where" }
                div.scroll tabindex="0" role="region" aria-label="Newest result of each guest, machine and workload" {
                    table.glance {
                        thead { tr {
                            th scope="col" { "Guest" } th scope="col" { "Machine" }
                            @for workload in columns.iter().take(WORKLOADS) { th scope="col" { (foreign(workload)) } }
                        } }
                        tbody { @for (guest, machine) in rows.iter().take(GUESTS) {
                            tr {
                                th scope="row" { (foreign(guest)) }
                                td { span.near { "on " } (foreign(machine)) }
                                @for workload in columns.iter().take(WORKLOADS) { td {
                                    @if let Some((entry, of)) = newest.get(&(*guest, *machine, *workload)) {
                                        span.near { (foreign(workload)) ", " } (cell(entry, of))
                                    }
                                } }
                            }
                        } }
                    }
                }
                p.caption {
                    "The newest result of each: ✓ all attempts gave values, ! some failed, ✗ none gave any, with the reason of the first. \
                     A guest is called by its definition; boots that failed before any workload stand under boot."
                    @if left > 0 { " " (left) " further guests and workloads stand in the list of results alone." }
                }
            }
        }
    };
    Some(shell::page(&heading, None, &body))
}

/// The page of a site whose entries tell of no guest any more.
pub(super) fn empty(title: &str) -> String {
    let heading = format!("Guests of {}", edge::visible(title));
    let body = html! { main { h1 { "Guests" } p { "No result tells of a guest. " a href="index.html" { "All results" } } } };
    shell::page(&heading, None, &body)
}

/// The day of a result.
fn day(entry: &Entry) -> String {
    date::utc(Some(entry.when())).chars().take("2026-01-01".len()).collect()
}

/// How it stands, with the way to the result and to the picture of what failed.
fn cell(entry: &Entry, guest: &Guest) -> Markup {
    let (sign, class, word) = match (guest.values, guest.failed) {
        (_, 0) => ("✓", "quiet", "works"),
        (0, _) => ("✗", "worse", "fails"),
        _ => ("!", "changed", "fails at times"),
    };
    let folder = format!("r/{}/", entry.id);
    html! {
        p.said {
            span.badge.(class) { (sign) " " (word) } " "
            a href={ (folder) "index.html" } { (day(entry)) }
        }
        @if guest.failed > 0 {
            p.said {
                (guest.failed)
                @if guest.tried > 0 { " of " (guest.tried) }
                " failed: "
                (foreign(&guest.why)) " "
                @if entry.run_page { a href={ (folder) "run.html" } { "log and last screen" } }
            }
        }
        @if !guest.system.is_empty() { p.said { span.unit { (foreign(&guest.system)) } } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::entry::Kind;

    fn entry(id: &str, machine: &str, guests: Vec<Guest>) -> Entry {
        Entry {
            format: 1,
            perfvt: "0".into(),
            id: id.into(),
            kind: Kind::Comparison,
            title: "a → b".into(),
            machine: machine.into(),
            accel: None,
            workloads: vec!["netperf".into()],
            measured_unix: Some(1_700_000_000),
            published_unix: 1_700_000_000,
            samples: String::new(),
            sentences: Vec::new(),
            brief: Vec::new(),
            verdicts: BTreeMap::new(),
            rows: 1,
            data: Vec::new(),
            run_page: true,
            guests,
        }
    }

    fn guest(name: &str, workload: &str, (values, tried, failed): (usize, usize, usize), why: &str) -> Guest {
        Guest {
            name: name.into(),
            system: "Debian 12".into(),
            workload: workload.into(),
            values,
            tried,
            failed,
            why: why.into(),
        }
    }

    #[test]
    fn the_newest_result_of_each_guest_machine_and_workload_is_shown_with_why_it_fails() {
        let entries = [
            entry(
                "20260101-0123456789ab",
                "h1",
                vec![
                    guest("debian", "iozone", (0, 0, 0), ""),
                    guest("debian", "netperf", (9, 0, 0), ""),
                    guest("<b>win</b>", "boot", (0, 2, 2), "panic: <script>"),
                ],
            ),
            entry("20250101-0123456789ab", "h1", vec![guest("debian", "netperf", (0, 3, 3), "older")]),
            entry("20240101-0123456789ab", "h2", vec![guest("debian", "fio", (4, 9, 1), "hang")]),
        ];
        let page = page("Site", &entries).unwrap();
        for part in [
            "✓ works",
            "✗ fails",
            "! fails at times",
            "2 of 2 failed: panic: &lt;script&gt;",
            "1 of 9 failed: hang",
            "href=\"r/20260101-0123456789ab/run.html\"",
            "&lt;b&gt;win&lt;/b&gt;",
            "3 guests on machines",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("iozone"), "what nobody measured neither works nor fails: {page}");
        assert!(!page.contains("older") && !page.contains("<script"), "{page}");
        assert!(super::page("Site", &[entry("20260101-0123456789ab", "h1", Vec::new())]).is_none());
    }
}
