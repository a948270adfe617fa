//! One workload's section, with every layer applied.

use super::metric::MetricConf;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// A workload.
#[derive(Clone, Debug)]
pub struct Section {
    /// The workload's name: what stands between the brackets.
    pub name: String,
    /// What is said of the test in reports; the ancestor's `%s` stands for the session length, `\n` for a line end.
    pub desc: String,
    /// Matches the whole name of a result file.
    pub result_file_pattern: Regex,
    /// How many leading columns are keys when `keys` is empty.
    pub ignore_col: usize,
    /// Columns that the classic table computes anew from the printed means.
    pub avg_update: Vec<AvgUpdate>,
    /// Canonical names of the key columns.
    pub keys: Vec<String>,
    /// Metrics in the order of declaration.
    pub metrics: Vec<MetricConf>,
    /// Metrics that are computed for each repeat.
    pub derived: Vec<Derived>,
    /// Canonical metric and key names by the name in the file.
    pub(super) aliases: BTreeMap<String, String>,
    /// Names in the file that mean a metric in some categories only.
    pub(super) limited_aliases: Vec<LimitedAlias>,
    /// Canonical category names by the name in the file.
    pub(super) category_aliases: BTreeMap<String, String>,
    /// Which layer gave each option; metrics by field: `metric.CPU.direction`.
    pub(super) origins: BTreeMap<String, Origin>,
    /// The options that a `[DEFAULT]` gave.
    pub(super) inherited: BTreeSet<String>,
}

/// Another name of a column, in the categories that a pattern fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LimitedAlias {
    pub canonical: String,
    pub written: String,
    pub category: String,
}

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The layer as it was named: `built in` or a path.
    pub file: String,
    /// 1-based line.
    pub line: u32,
}

/// What the built-in layer is called in origins.
pub(super) const BUILTIN_NAME: &str = "built in";

impl Origin {
    /// Whether it is perfvt's own perf.conf.
    pub fn is_builtin(&self) -> bool {
        self.file == BUILTIN_NAME
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_builtin() { f.write_str(BUILTIN_NAME) } else { write!(f, "{}:{}", self.file, self.line) }
    }
}

/// One `dst,num,den` of `avg_update`: the printed mean of column `dst` becomes that of `num` divided by that of `den`.
/// Columns count from 0, keys included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvgUpdate {
    /// The column that is replaced.
    pub dst: usize,
    /// The numerator.
    pub num: usize,
    /// The denominator.
    pub den: usize,
    /// Canonical name that column `dst` must have, otherwise the triple does not apply to the table: an optional fourth
    /// element, which the ancestor ignores. Positions differ between the generations of a file, names do not.
    pub only: Option<String>,
}

/// A ratio of two metrics, computed for each repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Canonical name of the result.
    pub name: String,
    /// Canonical names of which the first that the table has is the numerator.
    pub numerator: Vec<String>,
    /// Likewise the denominator.
    pub denominator: Vec<String>,
}

impl Section {
    /// [`Section::desc`] as reports show it, for sessions of these lengths (seconds, as files write them).
    pub fn description(&self, lengths: &[&str]) -> String {
        let length = if lengths.is_empty() { "?".to_owned() } else { lengths.join(" or ") };
        self.desc.replace("%s", &length).replace("\\n", "\n").trim_end().to_owned()
    }

    /// The canonical name of a metric or key column.
    pub fn canonical<'a>(&'a self, written: &'a str) -> &'a str {
        self.aliases.get(written).map_or(written, String::as_str)
    }

    /// The canonical names of a table's columns, by its canonical category: some aliases hold in some categories only, and
    /// not where a column has the canonical name already.
    pub fn canonical_columns<'a>(&'a self, category: &str, columns: &[&'a str]) -> Vec<&'a str> {
        let mut names: Vec<&str> = columns.iter().map(|written| self.canonical(written)).collect();
        for alias in &self.limited_aliases {
            let is_here = glob(alias.category.as_bytes(), category.as_bytes());
            if is_here
                && !names.contains(&alias.canonical.as_str())
                && let Some(at) = columns.iter().position(|written| *written == alias.written)
                && let Some(name) = names.get_mut(at)
            {
                *name = &alias.canonical;
            }
        }
        names
    }

    /// The canonical name of a category.
    pub fn canonical_category<'a>(&'a self, written: &'a str) -> &'a str {
        self.category_aliases.get(written).map_or(written, String::as_str)
    }

    /// What is declared of a metric, by canonical name: an exact entry before one with `*`.
    pub fn declared(&self, canonical: &str) -> Option<&MetricConf> {
        self.metrics
            .iter()
            .find(|m| m.name == canonical)
            .or_else(|| self.metrics.iter().find(|m| glob(m.name.as_bytes(), canonical.as_bytes())))
    }

    /// What is known of a metric, under its own name; [`MetricConf::undeclared`] when perf.conf does not name it.
    pub fn metric(&self, canonical: &str) -> MetricConf {
        match self.declared(canonical) {
            Some(metric) => MetricConf { name: canonical.to_owned(), ..metric.clone() },
            None => MetricConf::undeclared(canonical),
        }
    }

    /// Which columns of a table are keys, by position: those that `keys` names and `None` padding; the first `ignore_col`
    /// without `keys`, or when the table has none of them.
    pub fn key_columns(&self, columns: &[&str]) -> Vec<bool> {
        let named =
            |column: &&str| *column == PADDING || self.keys.iter().any(|key| key == self.canonical(column));
        if columns.iter().any(named) {
            columns.iter().map(named).collect()
        } else {
            (0..columns.len()).map(|index| index < self.ignore_col).collect()
        }
    }

    /// Which layer gave an option: `ignore_col`, `alias.CPU`, `metric.CPU.direction`.
    pub fn origin(&self, option: &str) -> Option<&Origin> {
        self.origins.get(option)
    }

    /// Every option that some layer set, with the layer.
    pub fn origins(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.origins.iter().map(|(option, origin)| (option.as_str(), origin))
    }
}

/// The name of a column that pads a table (ffsb's `Category:SUM`) and means nothing.
pub(super) const PADDING: &str = "None";

/// Whether `text` matches `pattern`, in which `*` stands for any text. Needs no more than pattern times text steps.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when a comparison fails: behind the last star, one byte further in the text than before.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match (pattern.get(p), retry) {
            (Some(b'*'), _) => {
                retry = Some((p + 1, t + 1));
                p += 1;
            }
            (Some(&wanted), _) if wanted == byte => (p, t) = (p + 1, t + 1),
            (_, Some((behind, from))) => {
                (p, t) = (behind, from);
                retry = Some((behind, from + 1));
            }
            _ => return false,
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|&byte| byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_stands_for_any_text() {
        let matches = |pattern: &str, text: &str| glob(pattern.as_bytes(), text.as_bytes());
        assert!(matches("rx_intr_*", "rx_intr_sum") && matches("*", "") && matches("a*b*c", "a-b-b-c"));
        assert!(!matches("rx_intr_*", "tx_intr_0") && !matches("a*b", "ab-") && !matches("ab", "a"));
        assert!(matches("*a*b", "aab") && matches("a**", "a") && !matches("", "a") && matches("*ab", "aaab"));
        assert!(
            !matches(&"a*".repeat(50), &"b".repeat(1000))
                && !matches(&("a*".repeat(50) + "c"), &"a".repeat(1000))
        );
    }
}
