//! What is known of a row, one entry each: its names, how it is written, what it is, where it comes from.
//!
//! Every renderer reads [`TABLE`]: CSV, `explain` and the details of the page take the entries that say so, in the table's
//! order; the tables for people pick theirs by name. Nothing else defines a head, an explanation or a value.

mod table;

use crate::numbers::{self, significant};
use crate::rows::RowView;
use analyze::{Comparison, Interval, Mde, POWER, Row, Sample};
use edge::visible;
use std::borrow::Cow;
pub(crate) use table::TABLE;

/// One statistic, or another thing that is known of a row.
pub(crate) struct Statistic {
    /// Its stable name, also the head of its CSV column: the member of the JSON, with `p_` before those of `p`; what is not
    /// in the JSON has a name of its own.
    pub name: &'static str,
    /// Its head in lists for people.
    pub head: &'static str,
    /// What it is, in one line without a stop.
    pub help: &'static str,
    /// The function that gives it; its kind decides how the value is written.
    get: Get,
    /// Its text for people, where that is not the value as its kind is written.
    shown: Option<fn(&RowView<'_>) -> String>,
    /// Significant digits of a number.
    digits: i32,
    /// The list of `explain` and of the details that shows it.
    pub section: Option<Section>,
    /// CSV has it.
    pub csv: bool,
    /// How it stands in a table.
    pub column: Column,
}

/// How a statistic stands in a table for people.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    /// The head in the page; that of the statistic's lists unless a table says otherwise.
    pub page: &'static str,
    /// The head on the terminal.
    pub terminal: &'static str,
    /// The head in Markdown.
    pub comment: &'static str,
    /// Printed where there is no value.
    absent: &'static str,
    /// The row's colour runs through it.
    pub toned: bool,
}

/// The lists of an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// What is compared.
    Identity,
    /// Of each side.
    Sides,
    /// What judged the row.
    Model,
    /// On the scale of ratios.
    Ratio,
    /// In the row's unit.
    Difference,
    /// Tests, errors and what could have been found.
    Tests,
}

impl Section {
    /// The estimates of `explain` and of the page.
    pub const ESTIMATES: [Section; 4] = [Section::Model, Section::Ratio, Section::Difference, Section::Tests];
}

/// Where a value comes from, by its kind.
#[derive(Clone, Copy)]
enum Get {
    Text(for<'a> fn(&'a Comparison, &'a Row) -> Option<Cow<'a, str>>),
    Number(fn(&Comparison, &Row) -> Option<f64>),
    Within(fn(&Comparison, &Row) -> Option<f64>),
    P(fn(&Comparison, &Row) -> Option<f64>),
    Interval(fn(&Comparison, &Row) -> Option<Interval>),
    Effect(fn(&Comparison, &Row) -> Option<Mde>),
    Counts(fn(&Sample) -> usize),
    Numbers(fn(&Sample) -> Option<f64>),
    Percents(fn(&Sample) -> Option<f64>),
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Words.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// A band around zero, by its half width.
    Within(f64),
    /// A p value.
    P(f64),
    /// Two bounds.
    Interval(Interval),
    /// Effects that can be detected.
    Effect(Mde),
    /// A number of things on each side.
    Counts([usize; 2]),
    /// A number on each side.
    Numbers([Option<f64>; 2]),
    /// A share on each side.
    Percents([Option<f64>; 2]),
}

/// The entry of a name.
pub(crate) fn named(name: &str) -> Option<&'static Statistic> {
    TABLE.iter().find(|s| s.name == name)
}

/// The entries of several names, in the order of the names.
pub(crate) fn selected(names: &[&str]) -> Vec<&'static Statistic> {
    names.iter().filter_map(|name| named(name)).collect()
}

/// The entries of some sections: section after section, each in the table's order.
pub(crate) fn of_sections(sections: &[Section]) -> impl Iterator<Item = &'static Statistic> {
    sections.iter().flat_map(|section| TABLE.iter().filter(move |s| s.section == Some(*section)))
}

/// A head within a line: `Metric` is `metric`, `A mean` stays.
pub(crate) fn lowercase(head: &str) -> String {
    let mut letters = head.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(head.chars().skip(1)).collect()
        }
        _ => head.to_owned(),
    }
}

impl Statistic {
    /// The value of a row; `None` where it has none.
    pub fn value<'a>(&self, comparison: &'a Comparison, row: &'a Row) -> Option<Value<'a>> {
        let sides = [&row.a, &row.b];
        match self.get {
            Get::Text(get) => get(comparison, row).map(Value::Text),
            Get::Number(get) => get(comparison, row).map(Value::Number),
            Get::Within(get) => get(comparison, row).map(Value::Within),
            Get::P(get) => get(comparison, row).map(Value::P),
            Get::Interval(get) => get(comparison, row).map(Value::Interval),
            Get::Effect(get) => get(comparison, row).map(Value::Effect),
            Get::Counts(get) => Some(Value::Counts(sides.map(get))),
            Get::Numbers(get) => Some(Value::Numbers(sides.map(get))),
            Get::Percents(get) => Some(Value::Percents(sides.map(get))),
        }
    }

    /// It is a number or numbers, which stand to the right in a column.
    pub fn is_numeric(&self) -> bool {
        !matches!(self.get, Get::Text(_))
    }

    /// It has two ends.
    pub fn is_interval(&self) -> bool {
        matches!(self.get, Get::Interval(_))
    }

    /// Each side has one of its own.
    pub fn is_of_sides(&self) -> bool {
        matches!(self.get, Get::Counts(_) | Get::Numbers(_) | Get::Percents(_))
    }

    /// The names of its cells for machines: `a_mean`, `b_mean`; `ratio_lo90`, `ratio_hi90`; else its own.
    pub fn cell_names(&self) -> Vec<String> {
        match self.get {
            Get::Interval(_) => ["lo", "hi"].map(|end| self.name.replace("ci", end)).to_vec(),
            Get::Effect(_) => ["up", "down"].map(|end| format!("{}_{end}", self.name)).to_vec(),
            _ if self.is_of_sides() => ["a", "b"].map(|side| format!("{side}_{}", self.name)).to_vec(),
            _ => vec![self.name.to_owned()],
        }
    }

    /// Its text for lists, exact; `None` where there is no value.
    pub fn exact(&self, view: &RowView<'_>) -> Option<String> {
        let value = self.value(view.comparison, view.row)?;
        Some(match (self.shown, value) {
            (Some(shown), _) => shown(view),
            (None, Value::Effect(_)) => format!("{} with power {POWER}", numbers::mde(view.row)?),
            (None, Value::Counts(_) | Value::Numbers(_) | Value::Percents(_)) => {
                self.of_sides(view).join(" | ")
            }
            (None, value) => self.one(&value),
        })
    }

    /// A value that is one for both sides.
    fn one(&self, value: &Value<'_>) -> String {
        let number = |v: f64| significant(v, self.digits);
        match value {
            Value::Text(text) => visible(text).into_owned(),
            Value::Number(v) => number(*v),
            Value::Within(v) => format!("±{}", number(*v)),
            Value::P(p) => numbers::exact_p(*p),
            Value::Interval(Interval(lo, hi)) => format!("[{}, {}]", number(*lo), number(*hi)),
            _ => numbers::NONE.to_owned(),
        }
    }

    /// The texts of both sides, exact.
    pub fn of_sides(&self, view: &RowView<'_>) -> [String; 2] {
        let none = || numbers::NONE.to_owned();
        match self.value(view.comparison, view.row) {
            Some(Value::Counts(sides)) => sides.map(|n| n.to_string()),
            Some(Value::Numbers(sides)) => {
                sides.map(|v| v.map_or_else(none, |v| significant(v, self.digits)))
            }
            Some(Value::Percents(sides)) => sides.map(|v| v.and_then(numbers::share).unwrap_or_else(none)),
            _ => [none(), none()],
        }
    }

    /// Its text for a table, as short as may be.
    pub fn short(&self, view: &RowView<'_>) -> String {
        if let Some(shown) = self.shown {
            return shown(view);
        }
        let absent = || self.column.absent.to_owned();
        match self.value(view.comparison, view.row) {
            None => absent(),
            Some(Value::P(p)) => numbers::p_value(Some(p), view.comparison.method.alpha),
            Some(Value::Effect(_)) => numbers::mde(view.row).unwrap_or_else(absent),
            Some(Value::Counts([a, b])) if a == b => a.to_string(),
            Some(Value::Counts([a, b])) => format!("{a}/{b}"),
            Some(value) => self.one(&value),
        }
    }

    /// What a column is sorted by, if that is one number.
    pub fn sort_key(&self, view: &RowView<'_>) -> Option<f64> {
        match self.value(view.comparison, view.row)? {
            Value::Number(v) | Value::P(v) => Some(v).filter(|v| v.is_finite()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_side_has_one_of_stands_under_sides_and_nothing_else_does() {
        for statistic in TABLE.iter().filter(|s| s.section.is_some()) {
            assert_eq!(
                statistic.is_of_sides(),
                statistic.section == Some(Section::Sides),
                "{}",
                statistic.name
            );
        }
    }

    #[test]
    fn no_name_is_given_twice_and_each_has_its_line_of_help() {
        let mut names: Vec<String> = TABLE.iter().map(|s| s.name.to_owned()).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
        let mut heads: Vec<String> = TABLE.iter().filter(|s| s.csv).flat_map(|s| s.cell_names()).collect();
        heads.sort();
        assert!(heads.windows(2).all(|pair| pair[0] != pair[1]), "{heads:?}");
        for statistic in TABLE {
            let help = statistic.help;
            assert!(!help.is_empty() && !help.ends_with('.') && !help.contains('\n'), "{help}");
        }
    }

    #[test]
    fn every_column_of_every_table_is_an_entry() {
        let (wide, narrow) = (crate::text::WIDE_COLUMNS.concat(), crate::text::NARROW_COLUMNS.concat());
        for names in [&crate::html::COLUMNS[..], &crate::markdown::COLUMNS, &wide, &narrow] {
            assert_eq!(selected(names).len(), names.len(), "{names:?}");
        }
    }
}
