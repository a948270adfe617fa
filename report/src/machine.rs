//! What the facts of several sides say together.

use analyze::Side;
use std::collections::BTreeSet;

/// The machine of sides that recorded none.
pub(crate) const UNKNOWN: &str = "unknown machine";

/// A fact that is known and equal on all sides.
pub(crate) fn same(sides: &[&Side], name: &str) -> Option<String> {
    let values: BTreeSet<Option<&String>> = sides.iter().map(|s| s.facts.get(name)).collect();
    match values.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(only)] => Some((*only).clone()),
        _ => None,
    }
}

/// The machine by the facts of the sides: its name, else its processor.
pub(crate) fn machine(sides: &[&Side]) -> String {
    let of = |side: &&Side| {
        let fact = |name: &str| side.facts.get(name).filter(|v| !v.is_empty());
        let processor = || {
            let model = fact("host.cpu.model")?;
            Some(match fact("host.cpu.count") {
                Some(count) => format!("{model}, {count} CPUs"),
                None => model.clone(),
            })
        };
        fact("host.name").or(fact("host.hostname")).cloned().or_else(processor)
    };
    let names: BTreeSet<String> = sides.iter().filter_map(of).collect();
    match names.len() {
        0 => UNKNOWN.to_owned(),
        _ => names.into_iter().collect::<Vec<_>>().join(" and "),
    }
}
