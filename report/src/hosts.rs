//! Several hosts in words: whom a sentence is about, and what each host says of a row.

use crate::numbers;
use crate::rows::{RowView, glyph};
use crate::sentence;
use analyze::{AboutHosts, ComparedHost, ComparedHosts, Comparison, HostsDiffer, Verdict};
use edge::visible;
use model::counted;
use std::collections::BTreeMap;

/// So many hosts are named in a sentence.
const NAMED: usize = 8;

/// Whom the sentences are about: `on these 3 hosts`, `on hosts like these 5`; nothing where the hosts are not several.
pub(crate) fn whom(comparison: &Comparison) -> Option<String> {
    let hosts = comparison.hosts.as_ref()?;
    let n = hosts.heard().count();
    Some(match (hosts.about, n) {
        (_, 0) => "on no host".to_owned(),
        (AboutHosts::TheseHosts, 1) => "on this one host".to_owned(),
        (AboutHosts::TheseHosts, n) => format!("on these {n} hosts"),
        (AboutHosts::HostsLikeThese, 1) => "on hosts like this one".to_owned(),
        (AboutHosts::HostsLikeThese, n) => format!("on hosts like these {n}"),
    })
}

/// The same with their names: `on these 2 hosts: h1, h2; no complete block on h3`.
pub(crate) fn whom_by_name(comparison: &Comparison) -> Option<String> {
    let (whom, hosts) = (whom(comparison)?, comparison.hosts.as_ref()?);
    let part = |head: &str, hosts: String| if hosts.is_empty() { hosts } else { format!("{head}{hosts}") };
    Some(format!(
        "{whom}{}{}{}",
        part(": ", named(hosts.heard())),
        part("; with one block and left out: ", named(hosts.left_out())),
        part("; no complete block on ", named(hosts.missing()))
    ))
}

/// Why it is about these or about hosts like them.
pub(crate) fn why(hosts: &ComparedHosts) -> String {
    let planned = counted(hosts.planned, "host");
    match hosts.about {
        AboutHosts::TheseHosts => format!(
            "{planned} were planned, fewer than five: an estimate is the mean of the hosts' own, its error that within them, and nothing \
             is said of other hosts"
        ),
        AboutHosts::HostsLikeThese => format!(
            "{planned} were planned, five or more: each host is one value, so that what differs from host to host is part of the error"
        ),
    }
}

/// What is given to perfvt to see the hosts again: the farm, or the campaign of each; nothing where the hosts are not several.
pub(crate) fn given(comparison: &Comparison) -> Vec<String> {
    let Some(hosts) = &comparison.hosts else { return Vec::new() };
    match comparison.a.path.split_once("/shards/*/").filter(|_| hosts.farm.is_some()) {
        Some((farm, _)) => vec![farm.to_owned()],
        None => hosts.each.iter().flat_map(|host| &host.shards).map(|shard| shard.path.clone()).collect(),
    }
}

fn named<'h>(hosts: impl Iterator<Item = &'h ComparedHost>) -> String {
    let names: Vec<String> = hosts.map(|host| visible(&host.name).into_owned()).collect();
    let more = names.len().saturating_sub(NAMED);
    let shown: Vec<String> = names.into_iter().take(NAMED).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// What one host says of a row.
pub(crate) struct HostLine {
    /// Its name.
    pub host: String,
    /// Its complete blocks.
    pub blocks: usize,
    /// B against A.
    pub change: String,
    /// The 95 % interval of that; empty without one.
    pub ci: String,
    /// The verdict of this host alone.
    pub verdict: Verdict,
    /// That verdict with its sign and reason, or why there is none.
    pub said: String,
}

/// What each host says of a row; nothing where they are not several.
pub(crate) fn lines(view: &RowView<'_>) -> Vec<HostLine> {
    let (Some(hosts), Some(row)) = (&view.comparison.hosts, view.row.hosts.as_deref()) else {
        return Vec::new();
    };
    let each = row.each.iter().zip(&hosts.each).map(|(found, host)| {
        let change =
            numbers::change_of((found.ratio, found.ratio_ci), (found.diff, found.diff_ci), &view.scaled);
        let reason = found.reason.map_or(String::new(), |reason| format!(" ({})", reason.word()));
        let said = match (found.blocks, found.counted) {
            (0, _) => "no complete block".to_owned(),
            (1, true) => "one block: an estimate without an error".to_owned(),
            (1, false) => "one block: left out, it has no error".to_owned(),
            _ => format!("{} {}{reason}", glyph(found.verdict), found.verdict.word()),
        };
        HostLine {
            host: visible(&host.name).into_owned(),
            blocks: found.blocks,
            change: change.text,
            ci: change.ci.unwrap_or_default(),
            verdict: found.verdict,
            said,
        }
    });
    each.collect()
}

/// How much the hosts differ: `the hosts differ: F = 12.1, p = 0.0003`; `no sign that the hosts differ: ...`.
pub(crate) fn differ(view: &RowView<'_>) -> Option<String> {
    let HostsDiffer { f, p, .. } = view.row.hosts.as_deref()?.differ?;
    let head =
        if p <= view.comparison.method.alpha { "the hosts differ" } else { "no sign that the hosts differ" };
    Some(format!("{head}: F = {}, p = {}", numbers::significant(f, 3), numbers::exact_p(p)))
}

/// The verdicts of one host over the rows that count: `4: 1▼ 3≈`.
pub(crate) fn counts(comparison: &Comparison, candidate: usize, host: usize) -> String {
    let mut by_rank: BTreeMap<u8, (Verdict, usize)> = BTreeMap::new();
    let mut total = 0;
    let own = |row: &&analyze::Row| row.candidate == candidate && sentence::gates(comparison, row);
    for row in comparison.rows.iter().filter(own) {
        let Some(found) = row.hosts.as_deref().and_then(|hosts| hosts.each.get(host)) else { continue };
        by_rank.entry(crate::rows::verdict_rank(found.verdict)).or_insert((found.verdict, 0)).1 += 1;
        total += 1;
    }
    let parts: Vec<String> = by_rank.values().map(|(verdict, n)| format!("{n}{}", glyph(*verdict))).collect();
    format!("{total}: {}", parts.join(" "))
}

/// Planned blocks of a host.
pub(crate) fn planned_blocks(host: &ComparedHost) -> u32 {
    host.shards.iter().map(|shard| (shard.last + 1).saturating_sub(shard.first)).sum()
}
