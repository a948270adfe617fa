//! iozone's own analysis: for each operation the geometric mean of its throughput over all sizes of files and records.

use crate::comparison::{Comparison, Row};

/// The workload that has it.
const WORKLOAD: &str = "iozone";
/// What the throughput of an operation is called.
const THROUGHPUT: &str = "_Thro-KBps";
/// The factors of its cases.
pub const SIZES: [&str; 2] = ["size_kB", "record_kB"];

/// An operation of one candidate, over all cases that both sides have.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation<'a> {
    /// Index into [`Comparison::b`].
    pub candidate: usize,
    /// Category.
    pub category: &'a str,
    /// The metric: `Write_Thro-KBps`.
    pub metric: &'a str,
    /// Its unit.
    pub unit: &'a str,
    /// Its rows.
    pub rows: Vec<&'a Row>,
    /// Geometric mean of the baseline's means.
    pub a: f64,
    /// Of the candidate's.
    pub b: f64,
}

/// Every operation of which both sides have two cases or more, in the order of the rows. It is no test: the rows have those.
pub fn operations(comparison: &Comparison) -> Vec<Operation<'_>> {
    let mut found: Vec<Operation<'_>> = Vec::new();
    let of_both = |row: &&Row| row.a.mean.is_some() && row.b.mean.is_some();
    let throughput = |row: &&Row| *row.workload == *WORKLOAD && row.metric.ends_with(THROUGHPUT);
    for row in comparison.rows.iter().filter(throughput).filter(of_both) {
        let same = |o: &&mut Operation<'_>| {
            (o.candidate, o.category, o.metric, o.unit)
                == (row.candidate, &*row.category, &*row.metric, &*row.unit)
        };
        match found.iter_mut().find(same) {
            Some(operation) => operation.rows.push(row),
            None => found.push(Operation {
                candidate: row.candidate,
                category: &row.category,
                metric: &row.metric,
                unit: &row.unit,
                rows: vec![row],
                a: f64::NAN,
                b: f64::NAN,
            }),
        }
    }
    found.retain(|operation| operation.rows.len() > 1);
    found.into_iter().filter_map(with_means).collect()
}

/// The operation with its means; `None` where a mean is not above zero, which has no logarithm.
fn with_means(mut operation: Operation<'_>) -> Option<Operation<'_>> {
    let mean = |of: fn(&Row) -> Option<f64>| {
        let means: Vec<f64> = operation.rows.iter().filter_map(|row| of(row)).collect();
        stats::geometric_mean(&means).ok()
    };
    let (a, b) = (mean(|row| row.a.mean)?, mean(|row| row.b.mean)?);
    (operation.a, operation.b) = (a, b);
    Some(operation)
}
