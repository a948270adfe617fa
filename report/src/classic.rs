//! The ancestor's table for the page: cells come computed and rounded from `analyze::classic`.

use analyze::classic::ClassicGroup;

/// The classic table of one workload of one candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassicTable {
    /// Workload, perf.conf's section.
    pub workload: String,
    /// Index into [`analyze::Comparison::b`].
    pub candidate: usize,
    /// Categories with their tables, from `analyze::classic::Classic::groups`.
    pub groups: Vec<ClassicGroup>,
}
