//! Which series there are, by name: those that were renamed go on under the new name.

use super::pattern::matches;
use lake::{Event, Part, Point, Said, SeriesId};
use std::collections::{BTreeMap, HashSet};

/// A series as it is called, with all of its points.
#[derive(Debug)]
pub(super) struct Named {
    /// Its identity: that of the newest of its points.
    pub id: SeriesId,
    /// `machine/case/metric/env`.
    pub name: String,
    /// The parts of its name.
    pub parts: Name,
    /// What it was called before.
    pub formerly: Vec<String>,
    /// Its points, in no order.
    pub points: Vec<Point>,
}

impl Named {
    /// Whether one of the patterns means it, under any of its names; without patterns all are meant.
    fn is_of(&self, patterns: &[String]) -> bool {
        let means = |pattern: &String| {
            std::iter::once(&self.name).chain(&self.formerly).any(|name| matches(pattern, name))
        };
        patterns.is_empty() || patterns.iter().any(means)
    }
}

/// An alias that counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alias {
    /// Which series it is of: a pattern of their old names.
    pub series: String,
    /// The part of the name.
    pub part: Part,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
}

/// What is said of names, later sentences over earlier ones.
pub(super) fn aliases(said: &[Event]) -> Vec<Alias> {
    let mut out: Vec<Alias> = Vec::new();
    for event in said {
        match &event.said {
            Said::Alias { part, old, new } => out.push(Alias {
                series: event.series.clone(),
                part: *part,
                old: old.clone(),
                new: new.clone(),
            }),
            Said::NoAlias { part, old } => out.retain(|a| a.part != *part || a.old != *old),
            _ => {}
        }
    }
    out
}

/// Machine, case and metric of a point.
pub(super) type Name = [String; 3];

/// A part of a name.
pub(super) fn part_of(name: &Name, part: Part) -> &String {
    let [machine, case, metric] = name;
    match part {
        Part::Machine => machine,
        Part::Case => case,
        Part::Metric => metric,
    }
}

pub(super) fn name_of(point: &Point) -> Name {
    [point.machine.clone(), point.case.clone(), point.metric.clone()]
}

/// A name as patterns are held against it.
pub(super) fn written(name: &Name, env: &str) -> String {
    let [machine, case, metric] = name;
    format!("{machine}/{case}/{metric}/{env}")
}

/// The name under which a series goes on. Aliases may follow each other; none is taken twice, so that this ends.
pub(super) fn resolved(mut name: Name, env: &str, aliases: &[Alias]) -> Name {
    let mut taken: HashSet<usize> = HashSet::new();
    loop {
        let of = |(at, alias): &(usize, &Alias)| {
            !taken.contains(at)
                && *part_of(&name, alias.part) == alias.old
                && matches(&alias.series, &written(&name, env))
        };
        let Some((at, alias)) = aliases.iter().enumerate().find(of) else { return name };
        let [machine, case, metric] = &mut name;
        match alias.part {
            Part::Machine => machine.clone_from(&alias.new),
            Part::Case => case.clone_from(&alias.new),
            Part::Metric => metric.clone_from(&alias.new),
        }
        taken.insert(at);
    }
}

/// Points of a series, and what its newest point says of it.
struct One {
    name: Name,
    env: String,
    points: Vec<Point>,
}

impl One {
    /// What two series have to have in common, beside the name, to be one.
    fn kind(&self) -> [Option<&str>; 4] {
        let last = self.points.iter().max_by_key(|p| p.measured_at);
        let of = |field: fn(&Point) -> &str| last.map(field);
        [
            of(|p| p.accel.as_str()),
            of(|p| p.scenario.as_deref().unwrap_or_default()),
            of(|p| p.unit.as_str()),
            of(|p| p.direction.as_str()),
        ]
    }
}

/// The series that are meant, those that were renamed together with those that they are now.
///
/// A series goes on as another one if that has the new name and the same environment, acceleration, scenario, unit and
/// direction, and is the only one that has. Else it has the new name, and stays one of its own.
pub(super) fn named(points: Vec<Point>, patterns: &[String], said: &[Event]) -> Vec<Named> {
    let mut by: BTreeMap<SeriesId, Vec<Point>> = BTreeMap::new();
    for point in points {
        by.entry(point.series_id).or_default().push(point);
    }
    let aliases = aliases(said);
    let mut all: BTreeMap<SeriesId, One> = BTreeMap::new();
    for (id, points) in by {
        let Some(last) = points.iter().max_by_key(|p| p.measured_at) else { continue };
        let (name, env) = (name_of(last), last.env.clone());
        all.insert(id, One { name, env, points });
    }
    let mut out = if aliases.is_empty() { each(all) } else { joined(all, &aliases) };
    out.retain(|named| named.is_of(patterns));
    out
}

fn each(all: BTreeMap<SeriesId, One>) -> Vec<Named> {
    let of = |(id, one): (SeriesId, One)| Named {
        id,
        name: written(&one.name, &one.env),
        parts: one.name,
        formerly: Vec::new(),
        points: one.points,
    };
    all.into_iter().map(of).collect()
}

/// Series of one name and kind, those that have it by an alias with what they were called.
#[derive(Default)]
struct Group {
    own: Vec<SeriesId>,
    renamed: Vec<(SeriesId, String)>,
}

impl Group {
    /// Which series the others go on as: the only one of this name, or, where none has it yet, the newest.
    fn heir(&self, all: &BTreeMap<SeriesId, One>) -> Option<SeriesId> {
        let newest =
            |id: &SeriesId| all.get(id).and_then(|one| one.points.iter().map(|p| p.measured_at).max());
        match self.own.as_slice() {
            [only] => Some(*only),
            [] => self.renamed.iter().map(|(id, _)| *id).max_by_key(newest),
            _ => None,
        }
    }

    /// Of two that were called the same nobody can tell which one goes on.
    fn is_alone(&self, name: &String) -> bool {
        self.renamed.iter().filter(|(_, other)| other == name).count() == 1
    }
}

fn joined(mut all: BTreeMap<SeriesId, One>, aliases: &[Alias]) -> Vec<Named> {
    let mut groups: BTreeMap<(String, [String; 4]), Group> = BTreeMap::new();
    for (id, one) in &mut all {
        let kind = one.kind().map(|word| word.unwrap_or_default().to_owned());
        let name = resolved(one.name.clone(), &one.env, aliases);
        let group = groups.entry((written(&name, &one.env), kind)).or_default();
        if name == one.name {
            group.own.push(*id);
        } else {
            group.renamed.push((*id, written(&one.name, &one.env)));
            one.name = name;
        }
    }
    let mut formerly: BTreeMap<SeriesId, Vec<String>> = BTreeMap::new();
    for group in groups.values() {
        let heir = group.heir(&all);
        for (id, name) in &group.renamed {
            let to = heir.filter(|_| group.is_alone(name)).unwrap_or(*id);
            formerly.entry(to).or_default().push(name.clone());
            if to == *id {
                continue;
            }
            let moved = all.remove(id).map(|old| old.points).unwrap_or_default();
            if let Some(one) = all.get_mut(&to) {
                one.points.extend(moved);
            }
        }
    }
    let mut out = each(all);
    for named in &mut out {
        named.formerly = formerly.remove(&named.id).unwrap_or_default();
    }
    out
}
