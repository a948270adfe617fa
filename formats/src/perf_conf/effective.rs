//! The effective configuration: what every option came to, where from, and what says nothing.

use super::metric::{MetricConf, Zero};
use super::section::{AvgUpdate, Origin, Section};
use model::{Direction, Role, Scale};
use std::mem::discriminant;

/// One option of a section with its effective value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective<'c> {
    /// Its name: `ignore_col`, `alias.CPU`, `metric.CPU.direction`.
    pub option: &'c str,
    /// Its value, as a perf.conf would say it.
    pub value: String,
    /// Which layer and line gave it.
    pub origin: &'c Origin,
}

/// An option that a layer sets and that does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Where it stands.
    pub origin: Origin,
    /// Its section.
    pub section: String,
    /// Its name.
    pub option: String,
    /// Why it does nothing.
    pub why: Why,
}

/// Why an option does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// A later line of the same file says it again.
    SetAgain(u32),
    /// It stands in `[DEFAULT]`, and no section is left that takes it from there.
    EverySection,
    /// `ignore_col`, beside the names of the key columns and where those stand.
    Outvoted {
        /// The names.
        keys: String,
        /// Where they are set.
        origin: Origin,
    },
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::SetAgain(line) => write!(f, "line {line} sets it again"),
            Why::EverySection => f.write_str("every section sets it itself"),
            Why::Outvoted { keys, origin } => write!(f, "keys = {keys} ({origin}) names the key columns"),
        }
    }
}

/// Sentences on options that do nothing: one for each kind of reason in each file, with the first of them and the lines of the
/// others.
pub fn told(idle: &[Idle]) -> Vec<String> {
    let mut groups: Vec<Vec<&Idle>> = Vec::new();
    for one in idle {
        let is_alike = |other: &Idle| {
            other.origin.file == one.origin.file && discriminant(&other.why) == discriminant(&one.why)
        };
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| is_alike(first))) {
            Some(group) => group.push(one),
            None => groups.push(vec![one]),
        }
    }
    let sentence = |group: &Vec<&Idle>| {
        let (first, others) = group.split_first()?;
        let lines: Vec<String> = others.iter().map(|one| one.origin.line.to_string()).collect();
        Some(match others {
            [] => first.to_string(),
            [other] => format!("{first}; nor has {} in line {}", other.option, other.origin.line),
            _ => format!("{first}; nor have {} others, in lines {}", lines.len(), lines.join(", ")),
        })
    };
    groups.iter().filter_map(sentence).collect()
}

impl std::fmt::Display for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Idle { origin, section, option, why } = self;
        write!(f, "{}:{}: {option} in [{section}] has no effect: {why}", origin.file, origin.line)
    }
}

/// An `ignore_col` that the names of `keys` outvote, unless both say the same.
pub(super) fn outvoted(section: &Section) -> Option<Idle> {
    let (origin, keys) = (section.origin("ignore_col")?, section.origin("keys")?);
    let alike = section.keys.is_empty() || section.ignore_col == section.keys.len();
    (!alike && !origin.is_builtin()).then(|| Idle {
        origin: origin.clone(),
        section: section.name.clone(),
        option: "ignore_col".to_owned(),
        why: Why::Outvoted { keys: section.keys.join(" "), origin: keys.clone() },
    })
}

impl Section {
    /// Every option that some layer set, with what it came to.
    pub fn effective(&self) -> Vec<Effective<'_>> {
        self.origins()
            .filter_map(|(option, origin)| Some(Effective { option, value: self.value(option)?, origin }))
            .collect()
    }

    fn value(&self, option: &str) -> Option<String> {
        match option {
            "result_file_pattern" => {
                let whole = self.result_file_pattern.as_str();
                Some(
                    whole.strip_prefix("^(?:").and_then(|w| w.strip_suffix(")$")).unwrap_or(whole).to_owned(),
                )
            }
            "ignore_col" => Some(self.ignore_col.to_string()),
            "avg_update" => Some(self.avg_update.iter().map(triple).collect::<Vec<_>>().join("|")),
            "desc" => Some(self.desc.clone()),
            "keys" => Some(self.keys.join(" ")),
            named => self.named(named),
        }
    }

    fn named(&self, option: &str) -> Option<String> {
        let (kind, name) = option.split_once('.')?;
        let written = |aliases: &std::collections::BTreeMap<String, String>| -> Vec<String> {
            aliases.iter().filter(|(_, to)| *to == name).map(|(from, _)| from.clone()).collect()
        };
        match kind {
            "alias" => {
                let mut names = written(&self.aliases);
                let limited = self.limited_aliases.iter().filter(|alias| alias.canonical == name);
                names.extend(limited.map(|alias| format!("{} @ {}", alias.written, alias.category)));
                Some(names.join(" | "))
            }
            "category_alias" => Some(written(&self.category_aliases).join(" | ")),
            "derived" => {
                let derived = self.derived.iter().find(|derived| derived.name == name)?;
                Some(format!("{} / {}", derived.numerator.join(" | "), derived.denominator.join(" | ")))
            }
            _ => {
                let (name, field) = name.rsplit_once('.')?;
                field_of(self.metrics.iter().find(|metric| metric.name == name)?, field)
            }
        }
    }
}

fn triple(triple: &AvgUpdate) -> String {
    let AvgUpdate { dst, num, den, only } = triple;
    let only = only.as_ref().map(|name| format!(",{name}")).unwrap_or_default();
    format!("{dst},{num},{den}{only}")
}

fn field_of(metric: &MetricConf, field: &str) -> Option<String> {
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    Some(match field {
        "unit" if metric.unit.is_empty() => "-".to_owned(),
        "unit" => metric.unit.clone(),
        "direction" => match metric.direction {
            Direction::HigherIsBetter => "higher",
            Direction::LowerIsBetter => "lower",
            Direction::Informational => "none",
        }
        .to_owned(),
        "role" => match metric.role {
            Role::Primary => "primary",
            Role::Important => "important",
            Role::Secondary => "secondary",
        }
        .to_owned(),
        "scale" => match metric.scale? {
            Scale::Log => "log",
            Scale::Linear => "linear",
        }
        .to_owned(),
        "min_effect" => format!("{}%", (metric.min_effect * 1e6).round() / 1e4),
        "min_effect_abs" => metric.min_effect_abs?.to_string(),
        "kind" | "count" => yes(metric.kind_count),
        "exact" => yes(metric.exact),
        "zero" => match metric.zero? {
            Zero::Value => "value",
            Zero::Failed => "failed",
        }
        .to_owned(),
        _ => return None,
    })
}
