//! `metric.NAME = …`: what a number means.

use super::refusal::Refusal;
use super::suggest::closest;
use crate::rhs::parse_finite;
use edge::quoted;
use model::{Direction, Role, Scale};

/// The effect that counts when perf.conf names none, as a ratio minus 1.
pub const DEFAULT_MIN_EFFECT: f64 = 0.05;

/// What perf.conf says of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricConf {
    /// Canonical name; `*` stands for any text (`rx_intr_*`).
    pub name: String,
    /// Unit as text; empty for plain counts.
    pub unit: String,
    /// Which way is better.
    pub direction: Direction,
    /// Whether it gates.
    pub role: Role,
    /// The scale of the comparison; `None`: logarithmic if all values are positive.
    pub scale: Option<Scale>,
    /// Smallest effect that matters, as a ratio minus 1: 0.05.
    pub min_effect: f64,
    /// Smallest difference that matters, in `unit`.
    pub min_effect_abs: Option<f64>,
    /// The value grows with the length of the session.
    pub kind_count: bool,
    /// The value is deterministic: any difference is a change.
    pub exact: bool,
    /// What a value of 0 is; `None`: see [`MetricConf::zero`].
    pub zero: Option<Zero>,
}

/// What a value of 0 is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zero {
    /// A value: no allocation, no error, no retransmitted segment.
    Value,
    /// A measurement that failed: a run that was finished has moved something.
    Failed,
}

impl MetricConf {
    /// A metric of which nothing is declared: neither way is better, and it explains without gating.
    pub fn undeclared(name: &str) -> Self {
        MetricConf {
            name: name.to_owned(),
            unit: String::new(),
            direction: Direction::Informational,
            role: Role::Secondary,
            scale: None,
            min_effect: DEFAULT_MIN_EFFECT,
            min_effect_abs: None,
            kind_count: false,
            exact: false,
            zero: None,
        }
    }

    /// What a value of 0 is: as declared; else a failed measurement where the scale is declared logarithmic and the metric
    /// neither counts nor is deterministic, and a value elsewhere.
    pub fn zero(&self) -> Zero {
        let never = self.scale == Some(Scale::Log) && !self.kind_count && !self.exact;
        self.zero.unwrap_or(if never { Zero::Failed } else { Zero::Value })
    }
}

/// The fields that one layer sets; the others keep what the layer below says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricFields {
    /// See [`MetricConf::unit`].
    pub unit: Option<String>,
    /// See [`MetricConf::direction`].
    pub direction: Option<Direction>,
    /// See [`MetricConf::role`].
    pub role: Option<Role>,
    /// See [`MetricConf::scale`].
    pub scale: Option<Scale>,
    /// See [`MetricConf::min_effect`].
    pub min_effect: Option<f64>,
    /// See [`MetricConf::min_effect_abs`].
    pub min_effect_abs: Option<f64>,
    /// See [`MetricConf::kind_count`].
    pub kind_count: Option<bool>,
    /// See [`MetricConf::exact`].
    pub exact: Option<bool>,
    /// See [`MetricConf::zero`].
    pub zero: Option<Zero>,
}

/// Words that a metric line may hold besides its unit.
const WORDS: [&str; 13] = [
    "higher",
    "lower",
    "none",
    "primary",
    "important",
    "secondary",
    "log",
    "linear",
    "count",
    "exact",
    "min_effect",
    "min_effect_abs",
    "zero",
];

impl MetricFields {
    /// Reads `UNIT WORD.. NAME=VALUE..`: the unit stands first (`-` for a plain number), the rest in any order.
    pub(super) fn parse(value: &str) -> Result<Self, Refusal> {
        let mut fields = MetricFields::default();
        for (index, token) in value.split_ascii_whitespace().enumerate() {
            if let Some((name, value)) = token.split_once('=') {
                fields.assign(name, value)?;
            } else if !fields.word(token) {
                let near = closest(token, WORDS);
                if index > 0 || near.is_some_and(|word| word.len() > 4) {
                    let reason = format!(
                        "{} is not a word that a metric takes (the unit stands first)",
                        quoted(token)
                    );
                    return Err((reason, near.map(str::to_owned)));
                }
                fields.unit = Some(if token == "-" { String::new() } else { token.to_owned() });
            }
        }
        Ok(fields)
    }

    /// Takes a word that stands alone; false when it is none.
    fn word(&mut self, token: &str) -> bool {
        match token {
            "higher" => self.direction = Some(Direction::HigherIsBetter),
            "lower" => self.direction = Some(Direction::LowerIsBetter),
            "none" => self.direction = Some(Direction::Informational),
            "primary" => self.role = Some(Role::Primary),
            "important" => self.role = Some(Role::Important),
            "secondary" => self.role = Some(Role::Secondary),
            "log" => self.scale = Some(Scale::Log),
            "linear" => self.scale = Some(Scale::Linear),
            "count" => self.kind_count = Some(true),
            "exact" => self.exact = Some(true),
            _ => return false,
        }
        true
    }

    fn assign(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        const NAMES: [&str; 10] = [
            "unit",
            "direction",
            "role",
            "scale",
            "min_effect",
            "min_effect_abs",
            "kind",
            "exact",
            "count",
            "zero",
        ];
        let refuse = |takes: &str| Err((format!("{name} takes {takes}, not {}", quoted(value)), None));
        let yes_or_no = match value {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => None,
        };
        match (name, value, yes_or_no) {
            ("unit", ..) => self.unit = Some(if value == "-" { String::new() } else { value.to_owned() }),
            ("min_effect", ..) => match effect(value) {
                Some(effect) => self.min_effect = Some(effect),
                None => return refuse("a percentage such as 3%"),
            },
            ("min_effect_abs", ..) => match parse_finite(value).filter(|v| *v >= 0.0) {
                Some(effect) => self.min_effect_abs = Some(effect),
                None => return refuse("a number in the metric's unit"),
            },
            ("exact", _, Some(exact)) => self.exact = Some(exact),
            ("count", _, Some(count)) => self.kind_count = Some(count),
            ("kind", "count", _) => self.kind_count = Some(true),
            ("kind", "value", _) => self.kind_count = Some(false),
            ("kind", ..) => return refuse("'count' or 'value'"),
            ("zero", "value", _) => self.zero = Some(Zero::Value),
            ("zero", "failed", _) => self.zero = Some(Zero::Failed),
            ("zero", ..) => return refuse("'value' or 'failed'"),
            ("exact" | "count", ..) => return refuse("'yes' or 'no'"),
            ("direction", "higher" | "lower" | "none", _)
            | ("role", "primary" | "important" | "secondary", _)
            | ("scale", "log" | "linear", _) => {
                self.word(value);
            }
            ("direction", ..) => return refuse("'higher', 'lower' or 'none'"),
            ("role", ..) => return refuse("'primary', 'important' or 'secondary'"),
            ("scale", ..) => return refuse("'log' or 'linear'"),
            _ => {
                return Err((
                    format!("{} is not a field of a metric", quoted(name)),
                    closest(name, NAMES).map(str::to_owned),
                ));
            }
        }
        Ok(())
    }

    /// Sets the fields of `metric` that this layer names, and says which they were.
    pub(super) fn apply(&self, metric: &mut MetricConf) -> Vec<&'static str> {
        let mut set = Vec::new();
        let mut field = |name, given: bool| {
            if given {
                set.push(name);
            }
        };
        field("unit", copy(&self.unit, &mut metric.unit));
        field("direction", copy(&self.direction, &mut metric.direction));
        field("role", copy(&self.role, &mut metric.role));
        field("scale", self.scale.is_some());
        metric.scale = self.scale.or(metric.scale);
        field("min_effect", copy(&self.min_effect, &mut metric.min_effect));
        field("min_effect_abs", self.min_effect_abs.is_some());
        metric.min_effect_abs = self.min_effect_abs.or(metric.min_effect_abs);
        field("kind", copy(&self.kind_count, &mut metric.kind_count));
        field("exact", copy(&self.exact, &mut metric.exact));
        field("zero", self.zero.is_some());
        metric.zero = self.zero.or(metric.zero);
        set
    }
}

/// Copies a value that is given, and says whether it was.
fn copy<T: Clone>(given: &Option<T>, to: &mut T) -> bool {
    if let Some(value) = given {
        *to = value.clone();
    }
    given.is_some()
}

/// An effect as a ratio minus 1, from `3%` or `0.03`. A bare number of 1 or more is refused, because it was surely meant
/// as a percentage.
pub fn effect(text: &str) -> Option<f64> {
    let value = match text.strip_suffix('%') {
        Some(percent) => parse_finite(percent)? / 100.0,
        None => parse_finite(text).filter(|value| *value < 1.0)?,
    };
    (value >= 0.0).then_some(value)
}
