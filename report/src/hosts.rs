//! What each of several hosts says of a row.

use crate::numbers;
use crate::rows::{RowView, glyph};
use crate::sentence;
use analyze::{Comparison, HostsDiffer, Verdict};
use edge::visible;
use std::collections::BTreeMap;

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
