//! Several hosts in words: whom a sentence is about.

use analyze::{AboutHosts, ComparedHost, ComparedHosts, Comparison};
use edge::visible;
use model::counted;

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

/// Planned blocks of a host.
pub(crate) fn planned_blocks(host: &ComparedHost) -> u32 {
    host.shards.iter().map(|shard| (shard.last + 1).saturating_sub(shard.first)).sum()
}
