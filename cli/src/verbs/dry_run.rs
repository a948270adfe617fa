//! `perfvt run --dry-run`: a plan, as people read it.

use crate::Error;
use crate::stopping;
use collect::campaign::setup::{NO_GUEST, Prepared};
use collect::config::{reference, shipped};
use collect::environment::{EnvironmentSpec, Place, Room};
use edge::visible;
use model::counted;
use model::ids::cpu_list;
use model::{BootPlan, CampaignFile, EnvironmentPlan, Origin, Params};
use report::campaign::duration;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// What a plan shows beside itself.
pub struct View {
    /// Keys that have their defaults, too.
    pub verbose: bool,
    /// Seconds of the quick profile, where it would spare much.
    pub quick: Option<f64>,
    /// How many things of this host are in the way.
    pub in_the_way: usize,
}

/// Shows what a campaign would do.
pub fn show_plan(prepared: &Prepared, view: &View, out: &mut dyn Write) -> Result<(), Error> {
    let file = &prepared.file;
    let boots = file.boots().count();
    writeln!(
        out,
        "{}, {}: {} x {} x {} = {}, about {} and {} MB",
        file.workload,
        file.scenario,
        counted(file.environments.len(), "environment"),
        counted(file.blocks.len(), "boot"),
        counted(file.cases.len(), "case"),
        counted(boots * file.cases.len(), "cell"),
        duration(prepared.estimate.seconds),
        prepared.estimate.bytes.div_ceil(1_000_000)
    )?;
    for sentence in &prepared.estimate.boots {
        writeln!(out, "{sentence}")?;
    }
    if let Some(seconds) = view.quick {
        writeln!(
            out,
            "with --profile quick, a few cases of a few seconds each: about {}",
            duration(seconds)
        )?;
    }
    match view.in_the_way {
        0 => writeln!(out, "nothing of this host is in the way")?,
        n => writeln!(out, "in the way here: {}, told at the end", counted(n, "thing"))?,
    }
    writeln!(out)?;
    show_overview(prepared, out)?;
    writeln!(out)?;
    for sentence in stopping::describe(file) {
        writeln!(out, "{sentence}")?;
    }
    let guests = file.network != NO_GUEST;
    if guests {
        writeln!(out, "acceleration {}, network {}, seed {}", file.accel, file.network, file.seed)?;
    } else {
        writeln!(out, "on the host alone, no guest is booted; seed {}", file.seed)?;
        if file.accel != NO_GUEST {
            writeln!(out, "acceleration {} of each QEMU that it starts", file.accel)?;
        }
    }
    for warning in &file.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    let keys = Keys::of(file, view.verbose);
    for (environment, room) in file.environments.iter().zip(&prepared.stage.rooms) {
        writeln!(out, "\nenvironment {}", environment.name)?;
        match &room.place {
            Place::Guests(spec) => show_guests(&keys, environment, (room, spec), out)?,
            Place::Host(host) => {
                writeln!(out, "  placement: on CPUs {}", cpu_list(&host.cpus))?;
                keys.show(environment, out)?;
            }
        }
    }
    show_order(file, out)
}

/// The cases, and the boots in their order.
fn show_order(file: &CampaignFile, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(out, "\ncases")?;
    for case in &file.cases {
        writeln!(out, "  {}", model::readable(&case.id()))?;
    }
    writeln!(out, "\nboots, in order")?;
    for block in &file.blocks {
        let name = |b: &BootPlan| file.environments.get(b.environment).map_or("?", |e| e.name.as_str());
        let names: Vec<&str> = block.boots.iter().map(name).collect();
        writeln!(out, "  block {}: {}", block.block, names.join(", "))?;
    }
    Ok(())
}

/// One environment of a plan: its guests, where they run, its parameters, and QEMU's command lines.
fn show_guests(
    keys: &Keys<'_>,
    environment: &EnvironmentPlan,
    (room, spec): (&Room, &EnvironmentSpec),
    out: &mut dyn Write,
) -> Result<(), Error> {
    for line in room.portraits() {
        writeln!(out, "  guest {line}")?;
    }
    if let Some(told) = spec.told() {
        for (name, machine) in told.machines {
            writeln!(out, "  machine {name}: {machine}")?;
        }
        for (name, link) in told.links {
            writeln!(out, "  link to {name}: {link}")?;
        }
        writeln!(out, "  way of the data: {}", told.way)?;
    }
    for line in spec.plan().to_string().lines() {
        writeln!(out, "  placement: {line}")?;
    }
    keys.show(environment, out)?;
    for (guest, words) in spec.guests.iter().zip(spec.command_lines()) {
        let words: Vec<String> = words.into_iter().map(for_a_shell).collect();
        writeln!(out, "  {} {}", guest.qemu, words.join(" "))?;
    }
    Ok(())
}

/// A word as a shell takes it; commas and equals signs need no quotes.
pub(super) fn for_a_shell(word: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+=,.:/@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    Params::quoted([word.as_str()]).unwrap_or(word)
}

/// Differences of an environment that the overview names; the others are counted.
const NAMED: usize = 4;

/// A line for each environment: in what it differs from the first, its kernel and its guest.
fn show_overview(prepared: &Prepared, out: &mut dyn Write) -> Result<(), Error> {
    let environments = &prepared.file.environments;
    let head = ["environment", "differs in", "kernel", "guest"].map(str::to_owned);
    let mut lines = vec![head];
    for (environment, room) in environments.iter().zip(&prepared.stage.rooms) {
        let differs = match environments.first() {
            Some(first) if first.name != environment.name => differences(first, environment),
            _ => "-".to_owned(),
        };
        let guests = room.guests();
        let (kernel, guest) = match guests.as_slice() {
            [] => ("this host's".to_owned(), "none".to_owned()),
            guests => (
                several(guests.iter().map(|(kernel, _)| kernel.as_str())),
                several(guests.iter().map(|(_, guest)| guest.as_str())),
            ),
        };
        lines.push([visible(&environment.name).into_owned(), differs, kernel, guest]);
    }
    let width = |column: usize| lines.iter().filter_map(|l| l.get(column)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..4).map(|column| width(column).unwrap_or(0)).collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// What there is of each guest, once where all have the same.
fn several<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut seen: Vec<&str> = all.collect();
    seen.dedup();
    visible(&seen.join(", ")).into_owned()
}

/// `mem=1024 nic_model=e1000`; `mem unset`.
fn differences(first: &EnvironmentPlan, other: &EnvironmentPlan) -> String {
    let keys: BTreeSet<&String> = first.params.keys().chain(other.params.keys()).collect();
    let value = |of: &EnvironmentPlan, key: &str| of.params.get(key).map(|param| param.value.clone());
    let changed = keys.into_iter().filter(|key| value(first, key) != value(other, key));
    let named = changed.map(|key| match value(other, key) {
        Some(value) => format!("{key}={value}"),
        None => format!("{key} unset"),
    });
    let mut named: Vec<String> = named.collect();
    if named.is_empty() {
        return "nothing".to_owned();
    }
    let more = named.len().saturating_sub(NAMED);
    named.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", visible(&named.join(" ")))
}

/// Which keys of a plan are shown.
struct Keys<'p> {
    file: &'p CampaignFile,
    defaults: BTreeMap<&'static str, Option<&'static str>>,
    verbose: bool,
}

impl<'p> Keys<'p> {
    fn of(file: &'p CampaignFile, verbose: bool) -> Keys<'p> {
        let defaults = reference::of(&file.workload).map(|known| (known.key, known.default)).collect();
        Keys { file, defaults, verbose }
    }

    /// Nobody set it, and no environment has another value.
    fn is_default(&self, key: &str, value: &str, origin: &Origin) -> bool {
        let nobody = match origin {
            Origin::BuiltIn => true,
            Origin::File { path, .. } => {
                shipped::is_own(path) && self.defaults.get(key).is_some_and(|d| *d == Some(value))
            }
            Origin::Flag(_) => false,
        };
        let same = |e: &EnvironmentPlan| e.params.get(key).is_some_and(|p| p.value == value);
        nobody && self.file.environments.iter().all(same)
    }

    /// Every parameter that was set or differs, with its origin; all others, and every key without a value, when asked for.
    fn show(&self, environment: &EnvironmentPlan, out: &mut dyn Write) -> Result<(), Error> {
        let set = environment.params.iter().map(|(key, param)| {
            let origin = match &param.origin {
                Origin::BuiltIn => String::new(),
                origin => format!("    ({origin})"),
            };
            let line = format!("{key} = {}{origin}", param.value);
            (key.as_str(), (line, self.is_default(key, &param.value, &param.origin)))
        });
        let unset = reference::of(&self.file.workload);
        let unset = unset.filter(|known| !environment.params.contains_key(known.key));
        let unset = unset.map(|known| {
            (known.key, (format!("{}: unset; {}", known.key, known.otherwise), !self.is_elsewhere(known.key)))
        });
        let all: BTreeMap<&str, (String, bool)> = unset.chain(set).collect();
        for (line, _) in all.values().filter(|(_, hidden)| self.verbose || !hidden) {
            writeln!(out, "  {line}")?;
        }
        let hidden = all.values().filter(|(_, hidden)| *hidden).count();
        if hidden > 0 && !self.verbose {
            writeln!(out, "  {} with their defaults are not shown: -v shows them", counted(hidden, "key"))?;
        }
        Ok(())
    }

    /// Some environment has a value of it.
    fn is_elsewhere(&self, key: &str) -> bool {
        self.file.environments.iter().any(|e| e.params.contains_key(key))
    }
}
