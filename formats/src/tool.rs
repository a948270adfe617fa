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

/// Lines with their numbers, counted from 1. A last one without its newline is left alone: every tool ends its lines, so it
/// was cut off, and half a number is another number.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let whole = text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default();
    (1u32..).zip(whole.lines())
}
