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
    (1u32..).zip(whole_lines(text).lines())
}

/// A text without what stands behind its last newline.
pub(crate) fn whole_lines(text: &str) -> &str {
    text.rfind('\n').and_then(|end| text.get(..=end)).unwrap_or_default()
}

/// Why a last line without its end is not believed.
pub(crate) const NO_END: &str =
    "the last line has no end: the file may be cut off; end the line with a newline if it is whole";

/// The number of a last line without its newline, if there is one that holds anything.
pub(crate) fn line_without_end(text: &str) -> Option<u32> {
    let whole = whole_lines(text);
    let rest = text.get(whole.len()..).unwrap_or_default();
    // A file that was preallocated ends in zeros.
    let anything = !rest.trim_matches(['\0', ' ', '\t', '\r']).is_empty();
    anything.then(|| u32::try_from(whole.matches('\n').count()).unwrap_or(u32::MAX).saturating_add(1))
}
