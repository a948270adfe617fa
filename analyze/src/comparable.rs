//! Whether the sides can be held against each other, said up front: what differs and matters, and what nobody recorded.

use crate::comparability::{class_of, is_build};
use crate::input::LoadedSide;
use crate::pairing::{Classed, Pairing};
use crate::{Comparable, ComparableAnswer, DifferenceClass, Interleaving, Summary};

/// What decides whether two results can be held against each other, and the facts that tell it: perfvt's own, and those that old
/// headers have.
const DECIDES: [(&str, &[&str]); 6] = [
    ("host", &["host.id", "host.name"]),
    ("CPU", &["host.cpu.model"]),
    ("acceleration", &["accel"]),
    ("QEMU", &["qemu.version", "kvm-userspace-ver"]),
    ("host kernel", &["host.kernel", "kvm_version"]),
    ("guest kernel", &["guest.kernel", "guest-kernel-ver"]),
];

/// Those that belong to a boot of a host.
const OF_HOST: [&str; 3] = ["host", "CPU", "host kernel"];

/// Adds it to the summary of each candidate.
pub(crate) fn tell(
    summaries: &mut [Summary],
    sides: &[LoadedSide],
    pairings: &[Pairing],
    differences: &[Classed],
) {
    let Some(a) = sides.first() else { return };
    for (summary, (pairing, classed)) in summaries.iter_mut().zip(pairings.iter().zip(differences)) {
        if let Some(b) = sides.get(pairing.candidate + 1) {
            summary.comparable = comparable([a, b], pairing, classed);
        }
    }
}

fn comparable([a, b]: [&LoadedSide; 2], pairing: &Pairing, classed: &Classed) -> Comparable {
    let mut differ: Vec<&(String, DifferenceClass)> =
        classed.iter().filter(|(_, class)| *class != DifferenceClass::Other).collect();
    differ.sort_by_key(|(name, class)| (gravity(*class), !decides(name)));
    let mut mixed: Vec<String> = Vec::new();
    for (name, values) in a.mixed.iter().chain(&b.mixed) {
        let class = class_of(name, values);
        let matters = class == DifferenceClass::Suspicious || is_build(name, class);
        if matters && !mixed.contains(name) {
            mixed.push(name.clone());
        }
    }
    let known = |side: &LoadedSide, facts: &[&str]| facts.iter().any(|fact| side.facts.contains_key(*fact));
    // What was measured in one boot of one host has one host, whatever was recorded of it.
    let one_host = matches!(pairing.sessions.standing, Interleaving::Interleaved | Interleaving::Partly);
    let unknown: Vec<&str> = (DECIDES.iter())
        .filter(|(what, facts)| !(known(a, facts) && known(b, facts) || one_host && OF_HOST.contains(what)))
        .map(|(what, _)| *what)
        .collect();
    let odd = differ.iter().any(|(_, class)| *class == DifferenceClass::Suspicious);
    let answer = if pairing.comparability.blocked {
        ComparableAnswer::No
    } else if pairing.comparability.counts_blocked || odd || !mixed.is_empty() || !unknown.is_empty() {
        ComparableAnswer::InPart
    } else {
        ComparableAnswer::Yes
    };
    Comparable { answer, differ: differ.into_iter().map(|(name, _)| name.clone()).collect(), mixed, unknown }
}

/// What is told first: what forbids to compare, then what should be equal.
fn gravity(class: DifferenceClass) -> u8 {
    match class {
        DifferenceClass::Blocking => 0,
        DifferenceClass::Suspicious => 1,
        DifferenceClass::Intended => 2,
        DifferenceClass::Software => 3,
        DifferenceClass::Other => 4,
    }
}

fn decides(name: &str) -> bool {
    DECIDES.iter().any(|(_, facts)| facts.contains(&name))
}

/// What people call a fact that decides whether results can be held against each other; others have their own name alone.
pub fn in_words(fact: &str) -> Option<&'static str> {
    match fact {
        "session-length" | "param.l" => Some("session length"),
        _ => DECIDES.iter().find(|(_, facts)| facts.contains(&fact)).map(|(what, _)| *what),
    }
}
