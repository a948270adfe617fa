//! What the readers of tool output have in common.

/// Output of a tool that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tool} output, line {line}: {reason}")]
pub struct ToolError {
    /// The tool.
    pub tool: &'static str,
    /// Line, counted from 1.
    pub line: u32,
    /// What is wrong.
    pub reason: String,
}

/// A finite number that is not negative.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0)
}

/// Lines with their numbers, counted from 1.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1u32..).zip(text.lines())
}
