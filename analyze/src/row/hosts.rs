//! Rows by host: their values parted, put together again, and what each host alone says (statistics.md, "Hosts").

use super::design::{Design, Hosts, Part};
use crate::Row;
use crate::options::Correction;
use crate::pairing::{PairHost, PairHosts, of_block};
use crate::verdict::{Judgement, verdict};
use rayon::prelude::*;
use stats::Block;
use std::collections::BTreeMap;

/// The part of values whose blocks lie in a range; those of a host stand side by side.
fn span<'v>(values: &'v [f64], blocks: &'v [u32], host: &PairHost) -> (&'v [f64], &'v [u32]) {
    let own = |block: &&u32| host.holds(**block);
    let Some(start) = blocks.iter().position(|block| host.holds(*block)) else { return (&[], &[]) };
    let end = start + blocks.iter().skip(start).take_while(own).count();
    (values.get(start..end).unwrap_or_default(), blocks.get(start..end).unwrap_or_default())
}

/// Values of both sides with their blocks, by host.
pub(crate) fn by_host<'v>(
    pair: &PairHosts,
    a: (&'v [f64], &'v [u32]),
    b: (&'v [f64], &'v [u32]),
    later: &BTreeMap<u32, bool>,
) -> Hosts<'v> {
    let parts = pair.each.iter().map(|host| {
        let ((a, blocks_a), (b, blocks_b)) = (span(a.0, a.1, host), span(b.0, b.1, host));
        let block = |id: &u32| Block {
            a: of_block(a, blocks_a, *id),
            b: of_block(b, blocks_b, *id),
            b_later: later.get(id).copied().filter(|_| host.in_order),
        };
        let blocks = || host.plan.iter().map(block).filter(Block::is_complete).collect();
        Part { a, b, blocks: host.blocked.then(blocks) }
    });
    Hosts { random: pair.random, parts: parts.collect() }
}

/// The hosts of a row that was judged by them, again.
pub(crate) fn hosts_again(row: &Row) -> Option<Hosts<'_>> {
    let hosts = row.hosts.as_deref()?;
    let (mut at_a, mut at_b) = (0, 0);
    let mut parts = Vec::with_capacity(hosts.each.len());
    for host in &hosts.each {
        let (a, b) = (at_a..at_a + host.a, at_b..at_b + host.b);
        (at_a, at_b) = (a.end, b.end);
        let (blocks_a, blocks_b) = (row.a.blocks.get(a.clone())?, row.b.blocks.get(b.clone())?);
        let (a, b) = (row.a.values.get(a)?, row.b.values.get(b)?);
        let in_order = !host.b_later.is_empty();
        let block = |id: &u32| Block {
            a: of_block(a, blocks_a, *id),
            b: of_block(b, blocks_b, *id),
            b_later: in_order.then(|| host.b_later.contains(id)),
        };
        let ids = blocks_a.chunk_by(|x, y| x == y).filter_map(|same| same.first());
        let blocks = host.blocked.then(|| ids.map(block).filter(Block::is_complete).collect());
        parts.push(Part { a, b, blocks });
    }
    Some(Hosts { random: hosts.random, parts })
}

/// The verdicts of each host alone, its p corrected within the family that this host's rows are: what a comparison of its own
/// campaign would say. `judgements` are those of the rows.
pub(crate) fn judge_each(rows: &mut [Row], judgements: &[Judgement], correction: Correction) {
    let evidence = |row: &Row, judgement: &Judgement| -> Vec<Judgement> {
        let Some(hosts) = hosts_again(row) else { return Vec::new() };
        let design =
            Design { exact: judgement.exact, ..super::design_of(row, None, None, judgement.alpha, None) };
        let of = |part| Judgement { evidence: design.of_host(part).outcome().1, q: None, ..*judgement };
        hosts.parts.iter().map(of).collect()
    };
    let mut each: Vec<Vec<Judgement>> =
        rows.par_iter().zip(judgements).map(|(row, judgement)| evidence(row, judgement)).collect();
    let candidates = rows.iter().map(|row| row.candidate).max().map_or(0, |most| most + 1);
    let hosts = each.iter().map(Vec::len).max().unwrap_or(0);
    for (candidate, host) in (0..candidates).flat_map(|c| (0..hosts).map(move |h| (c, h))) {
        // The row's own q says that it is of the family, whose rows are the same on every host.
        let family: Vec<(usize, f64)> = (rows.iter().zip(&each).enumerate())
            .filter(|(_, (row, _))| row.candidate == candidate && row.q.is_some())
            .filter_map(|(at, (_, of))| Some((at, of.get(host)?.testable_p()?)))
            .collect();
        let p: Vec<f64> = family.iter().map(|(_, p)| *p).collect();
        for ((at, _), q) in family.iter().zip(correction.adjust(&p)) {
            if let Some(judgement) = each.get_mut(*at).and_then(|of| of.get_mut(host)) {
                judgement.q = Some(q);
            }
        }
    }
    for (row, judgements) in rows.iter_mut().zip(each) {
        let Some(hosts) = row.hosts.as_deref_mut() else { continue };
        for (host, judgement) in hosts.each.iter_mut().zip(judgements) {
            (host.verdict, host.reason) = verdict(&judgement);
            host.q = judgement.q;
        }
    }
}
