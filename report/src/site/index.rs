//! The index: what every machine says of every workload at a glance, then all results, newest first.

use super::entry::Entry;
use super::settings::Settings;
use super::shell;
use super::timeline::Summary;
use crate::date;
use crate::html::{foreign, verdict_class};
use crate::rows::{glyph, verdict_rank};
use analyze::Verdict;
use maud::{Markup, html};
use model::counted;
use std::collections::{BTreeMap, BTreeSet};

/// So many results of a machine and workload are open; the older ones are folded.
const OPEN: usize = 25;

/// Results by machine, then by workload, each newest first.
type Groups<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Vec<&'a Entry>>>;

pub(super) fn page(settings: &Settings, entries: &[Entry], history: Option<&Summary>) -> String {
    let mut groups: Groups<'_> = BTreeMap::new();
    for entry in entries {
        let workloads: Vec<&str> = entry.workloads.iter().map(String::as_str).collect();
        // A result without rows still has its place.
        let workloads = if workloads.is_empty() { vec!["no rows"] } else { workloads };
        for workload in workloads {
            groups.entry(&entry.machine).or_default().entry(workload).or_default().push(entry);
        }
    }
    let newest = entries.first().map(|e| date::utc(Some(e.when())));
    let body = html! {
        header {
            h1 { (foreign(&settings.title)) }
            p.caption {
                (counted(entries.len(), "result")) " of " (counted(groups.len(), "machine"))
                @if let Some(newest) = newest { ", the newest of " (newest) }
                ". " a href="feed.xml" { "Atom feed" }
                @if entries.iter().any(|entry| !entry.guests.is_empty()) { " · " a href=(super::guests::PAGE) { "Guests: what works where" } }
            }
        }
        main {
            @if let Some(history) = history { (of_history(history)) }
            @if entries.is_empty() {
                @if history.is_none() { p { "Nothing has been published yet." } }
            } @else {
                (glance(&groups))
                @for (machine, workloads) in &groups {
                    section {
                        h2 { (foreign(machine)) }
                        @for (workload, entries) in workloads {
                            h3 #(anchor(machine, workload)) { (foreign(workload)) }
                            (results(machine, workload, entries))
                        }
                    }
                }
                (legend())
            }
        }
    };
    shell::page(&settings.title, Some("feed.xml"), &body)
}

/// The way to the histories, with what is open.
fn of_history(history: &Summary) -> Markup {
    html! {
        section aria-labelledby="histories" {
            h2 #histories { a href="h/index.html" { "History" } }
            p {
                @match history.worse {
                    0 => span.badge.quiet { "≈ no open event got worse" },
                    worse => span.badge.worse { "▼ " (counted(worse, "open event")) " got worse" },
                }
                ", " (history.open) " open in all; " (history.series) " series with " (counted(history.points, "point"))
                @if history.newest.is_some() { ", the newest of " (date::utc(history.newest)) }
            }
        }
    }
}

/// An identifier that no name can break.
fn anchor(machine: &str, workload: &str) -> String {
    let hash = super::data::sha256(format!("{machine}\0{workload}").as_bytes());
    format!("g{}", hash.get(..10).unwrap_or_default())
}

/// The newest result of each machine and workload.
fn glance(groups: &Groups<'_>) -> Markup {
    let columns: BTreeSet<&str> = groups.values().flat_map(|w| w.keys().copied()).collect();
    html! {
        section aria-labelledby="glance" {
            h2 #glance { "Newest" }
            div.scroll tabindex="0" role="region" aria-label="Newest result of each machine and workload" {
                table.glance {
                    thead {
                        tr { th scope="col" { "Machine" } @for name in &columns { th scope="col" { (foreign(name)) } } }
                    }
                    tbody {
                        @for (machine, workloads) in groups {
                            tr {
                                th scope="row" { (foreign(machine)) }
                                @for name in &columns {
                                    td { @if let Some(newest) = workloads.get(name).and_then(|e| e.first()) {
                                        a href={ "#" (anchor(machine, name)) } {
                                            span.near { (foreign(name)) ", " } (date::utc(Some(newest.when())))
                                        }
                                        (outcome(newest))
                                    } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What came out with its size, in a line behind the sign of the gravest verdict; of an older entry the sentence.
fn outcome(entry: &Entry) -> Markup {
    let lines = if entry.brief.is_empty() { &entry.sentences } else { &entry.brief };
    let mut verdicts = Verdict::ALL;
    verdicts.sort_by_key(|v| verdict_rank(*v));
    let gravest = verdicts.into_iter().find(|v| entry.verdicts.get(v.word()).is_some_and(|n| *n > 0));
    html! {
        @for line in lines {
            p.said {
                @if let Some(verdict) = gravest { span.badge.(verdict_class(verdict)) { (glyph(verdict)) } " " }
                (foreign(line))
            }
        }
    }
}

fn results(machine: &str, workload: &str, entries: &[&Entry]) -> Markup {
    let (open, folded) = entries.split_at(entries.len().min(OPEN));
    html! {
        (table(machine, workload, open))
        @if !folded.is_empty() {
            details {
                summary { (counted(folded.len(), "older result")) }
                (table(machine, workload, folded))
            }
        }
    }
}

fn table(machine: &str, workload: &str, entries: &[&Entry]) -> Markup {
    let name = format!("Results of {} on {}", edge::visible(workload), edge::visible(machine));
    html! {
        div.scroll tabindex="0" role="region" aria-label=(name) {
            table.results {
                thead {
                    tr {
                        th scope="col" { "Measured" } th scope="col" { "Result" } th scope="col" { "Data" }
                    }
                }
                tbody { @for entry in entries { (row(entry)) } }
            }
        }
    }
}

fn row(entry: &Entry) -> Markup {
    let folder = format!("r/{}/", entry.id);
    html! {
        tr {
            td {
                @match entry.measured_unix {
                    Some(when) => (date::utc(Some(when))),
                    None => { "published " (date::utc(Some(entry.published_unix))) },
                }
            }
            td {
                a href={ (folder) "index.html" } { (foreign(&entry.title)) }
                @if let Some(accel) = &entry.accel { " " span.tag { (foreign(accel)) } }
                (outcome(entry))
            }
            td {
                @for data in &entry.data {
                    a href={ (folder) (data.file) } { (foreign(&data.file)) } " "
                    @if let Some(signer) = &data.signer { span.tag { "signed by " (foreign(signer)) } " " }
                }
                @if entry.run_page { a href={ (folder) "run.html" } { "run page" } " " }
                a href={ (folder) "sysinfo.html" } { "sysinfo" }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        p.caption {
            "The sign is that of the gravest row that gates: ▼ regressed, ▲ improved, ◆ changed, ∅ missing on a side, × not to be \
             judged, ? inconclusive (not shown to be equal), ≈ shown to be equivalent. Every result has the SHA-256 of its samples: \
             after unpacking an archive, " code { "sha256sum -c SHA256SUMS" } " checks each file, and "
            code { "sha256sum SHA256SUMS" } " gives the hash that its page shows."
        }
    }
}
