//! A page: values of its rows, written as files and compared by the program.

use crate::session_pages::{Session, through_the_program};
use crate::support;

use analyze::{Comparison, FailOn, Interval, Row, Verdict, compare, gate};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use support::{Env, series, with_conf};

/// Rows of a page, where its kind says nothing else.
pub const ROWS: usize = 24;

/// The values of a row: those of A and those of B, in the order of the blocks where there are any.
pub type Pair = [Vec<f64>; 2];

/// In what form a page is written.
#[derive(Clone, Copy, PartialEq)]
pub enum Layout {
    /// Two tables of one value a line; no block joins their repeats.
    Tables,
    /// Two environments of one campaign, interleaved: a block for each repeat.
    Campaign,
    /// Two campaigns in one boot of one host; values are logarithms.
    Sessions,
}

/// How perf.conf declares the metric.
#[derive(Clone, Copy)]
pub struct Metric {
    pub log: bool,
    /// `min_effect`.
    pub margin: f64,
}

impl Metric {
    fn text(self) -> String {
        let scale = if self.log { "log" } else { "linear" };
        format!("Mbit/s higher primary {scale} min_effect={}%", 100.0 * self.margin)
    }
}

/// A page that was drawn.
pub struct Page {
    pub layout: Layout,
    pub metric: Metric,
    pub values: Vec<Pair>,
    /// Further sessions of the same build, row by row, from which it is calibrated how much sessions differ.
    pub build: Vec<Vec<Session>>,
}

/// What is said of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// p ≤ .05.
    pub low: bool,
    pub decided: bool,
    pub gates: bool,
    pub equivalent: bool,
}

/// What is said of a page.
pub struct Judged {
    pub rows: Vec<Said>,
    /// The gate fails for a change.
    pub fails: bool,
    /// Of each decided row its number, its interval after choosing, and that of the row by itself.
    pub intervals: Vec<(usize, Interval, Interval)>,
}

impl Page {
    /// What the program says.
    pub fn by_program(&self) -> Judged {
        let page = self.compared();
        assert_eq!(page.rows.len(), self.values.len());
        let said = |row: &Row| Said {
            low: row.p_model.is_some_and(|p| p <= 0.05),
            decided: row.verdict.is_decided_change(),
            gates: row.gates,
            equivalent: row.verdict == Verdict::Equivalent,
        };
        let decided = page.rows.iter().enumerate().filter(|(_, row)| row.verdict.is_decided_change());
        Judged {
            rows: page.rows.iter().map(said).collect(),
            fails: gate(&page, &[FailOn::Change], 0).is_some_and(|gate| gate.failed),
            intervals: decided
                .filter_map(|(place, row)| Some((place, row.ratio_ci_fcr?, row.ratio_ci?)))
                .collect(),
        }
    }

    fn compared(&self) -> Comparison {
        let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
        let (section, paths) = match self.layout {
            Layout::Tables => {
                let write = |side: usize| table(root.path(), ["a.csv", "b.csv"][side], &self.values, side);
                ("[csv]\nmetric.rate", [write(0), write(1)])
            }
            Layout::Campaign => {
                let write =
                    |side: usize| environment(["base", "head"][side], &self.values, side).write(root.path());
                ("[netperf]\nmetric.throughput", [write(0), write(1)])
            }
            Layout::Sessions => return through_the_program(&self.build, &self.values, &self.metric.text()),
        };
        with_conf(&format!("{section} = {}\n", self.metric.text()), |options| {
            options.paths = paths.into();
            compare(options).unwrap()
        })
    }
}

/// One side as a table with a heading.
fn table(root: &Path, name: &str, values: &[Pair], side: usize) -> PathBuf {
    let mut text = String::from("case,metric,repeat,value\n");
    for (case, row) in values.iter().enumerate() {
        for (repeat, value) in (1..).zip(&row[side]) {
            writeln!(text, "c{case:02},rate,{repeat},{value}").unwrap();
        }
    }
    let path = root.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Categories of a page that has several, this many rows of each.
pub const CATEGORIES: [&str; 6] =
    ["TCP_STREAM (RX)", "TCP_MAERTS (TX)", "TCP_RR", "TCP_CRR", "UDP_STREAM", "UDP_RR"];
pub const OF_CATEGORY: usize = 19;

/// The rows of each category. A page of exactly so many has all of them, in this order.
pub fn of_category(values: &[Pair]) -> usize {
    if values.len() == OF_CATEGORY * CATEGORIES.len() { OF_CATEGORY } else { values.len() }
}

/// One side as an environment, with a block for each repeat.
fn environment(name: &'static str, values: &[Pair], side: usize) -> Env {
    let of_case = |(case, row): (usize, &Pair)| {
        let category = CATEGORIES[case / of_category(values)];
        series(category, 64 + case as u32, "throughput", "Mbit/s", &row[side])
    };
    // As `perfvt run` plans them.
    Env { mirrored: true, ..Env::new(name, values.iter().enumerate().map(of_case).collect()) }
}
