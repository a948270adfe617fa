//! Several hosts: which of them a comparison is about, and what is to be said of them.

use crate::comparability::HOST;
use crate::input::LoadedSide;
use crate::options::CompareOptions;
use crate::pairing::{Classed, Pairing};
use crate::warnings::{blocking, note};
use crate::{AboutHosts, ComparedHosts, DifferenceClass, Row, Warning};
use model::{Role, counted};
use stats::HOSTS_RANDOM_MIN;

/// The chance of a note that the hosts differ on a page on which they do not.
const DIFFER: f64 = 0.01;

/// The hosts of a comparison, and what a reader must know of them; `None` where they are not several.
pub(crate) fn told(sides: &[LoadedSide], rows: &[Row], out: &mut Vec<Warning>) -> Option<ComparedHosts> {
    let hosts = compared(sides, rows)?;
    out.extend(warnings(&hosts, rows));
    Some(hosts)
}

/// The hosts of a comparison with what came out of each.
fn compared(sides: &[LoadedSide], rows: &[Row]) -> Option<ComparedHosts> {
    let hosts = &sides.iter().find_map(|side| side.hosted.as_ref())?.hosts;
    let mut each = hosts.each.clone();
    for of_row in rows.iter().filter_map(|row| row.hosts.as_deref()) {
        for (host, found) in each.iter_mut().zip(&of_row.each) {
            host.complete = host.complete.max(found.blocks);
        }
    }
    let about =
        if hosts.planned >= HOSTS_RANDOM_MIN { AboutHosts::HostsLikeThese } else { AboutHosts::TheseHosts };
    Some(ComparedHosts { about, planned: hosts.planned, farm: hosts.farm.clone(), each })
}

/// What a reader must know of the hosts.
fn warnings(hosts: &ComparedHosts, rows: &[Row]) -> Vec<Warning> {
    let names = |of: &[&str]| of.join(", ");
    let mut out = Vec::new();
    let missing: Vec<&str> = hosts.missing().map(|host| host.name.as_str()).collect();
    if !missing.is_empty() {
        let text = format!(
            "{} of {} gave no complete block: {}; the sentences are about the others",
            missing.len(),
            counted(hosts.each.len(), "host"),
            names(&missing)
        );
        let advice =
            "see what became of them (perfvt farm status), and have them measured (perfvt farm retry)";
        out.push(note("missing-hosts", text, advice, missing.len()));
    }
    let single: Vec<&str> = hosts.each.iter().filter(|h| h.complete == 1).map(|h| h.name.as_str()).collect();
    if !single.is_empty() {
        let has = if single.len() == 1 { "has" } else { "have" };
        let counts = match hosts.about {
            AboutHosts::TheseHosts => {
                "no error can be taken from it, so that the estimate of these hosts is without it"
            }
            AboutHosts::HostsLikeThese => {
                "it counts as the others do, and says nothing of whether the hosts differ"
            }
        };
        let text = format!("{} {has} one complete block: {counts}", names(&single));
        out.push(note("one-block-hosts", text, "measure five blocks on each host", single.len()));
    }
    out.extend(differ(hosts, rows));
    out
}

/// Rows whose effect differs from host to host, at a family-wise level over the rows that count (Holm 1979).
fn differ(hosts: &ComparedHosts, rows: &[Row]) -> Option<Warning> {
    let any_primary = rows.iter().any(|row| row.role == Role::Primary);
    let counts = |row: &&Row| !any_primary || row.role == Role::Primary;
    let p: Vec<f64> =
        rows.iter().filter(counts).filter_map(|row| Some(row.hosts.as_deref()?.differ?.p)).collect();
    let found = stats::holm(&p).into_iter().filter(|p| *p <= DIFFER).count();
    (found > 0).then(|| {
        let whom = match hosts.about {
            AboutHosts::TheseHosts => {
                "the mean over these hosts says little of any one of them, and nothing of others"
            }
            AboutHosts::HostsLikeThese => "the intervals have it in them; another host may differ as much",
        };
        let text = format!(
            "the change of {} differs from host to host by more than chance: {whom}",
            counted(found, "row")
        );
        note("hosts-differ", text, "look at the table of the hosts, and at what differs between them", found)
    })
}

/// Sides that were measured on different hosts and share none.
pub(crate) fn apart(
    sides: &[LoadedSide],
    pairing: &Pairing,
    classed: &Classed,
    options: &CompareOptions,
) -> Option<Warning> {
    classed.iter().find(|(name, class)| name == HOST && *class == DifferenceClass::Blocking)?;
    let (a, b) = (sides.first()?, sides.get(pairing.candidate + 1)?);
    let of = |side: &LoadedSide| {
        let name = side.facts.get("host.name").or(side.facts.get(HOST)).map_or("", String::as_str);
        format!("{} on {}", side.label, edge::quoted(name))
    };
    let text = format!(
        "{} and {} were measured on different hosts, and no host measured both: what the hosts do cannot be told from the change \
         ({HOST})",
        of(a),
        of(b)
    );
    Some(if options.force {
        blocking("forced", format!("{text}; --force judges them all the same"), "", 1)
    } else {
        let advice = "measure both on each host (perfvt run --env .. --env .. there, then compare the campaigns; or perfvt farm \
                      submit), name the host as what is compared with --factor host.id, or judge all the same with --force";
        blocking("different-hosts", text, advice, 1)
    })
}
