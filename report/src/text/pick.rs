//! Which rows fit a screen.

use super::table::Layout;
use crate::rows::RowView;
use analyze::Verdict;

/// So many lines of rows fit a screen beside the answer, the categories and the notes.
const LINES: usize = 22;

/// Rows that are listed, and how many of the same kind are not.
pub(super) struct Picked<'a> {
    /// In the order in which they came.
    pub listed: Vec<RowView<'a>>,
    /// Rows that something was decided of, or that are missing or broken, and are not listed.
    pub decided: usize,
}

/// Picks from rows that stand in the order of their gravity, with the layout in which they fit. What was decided of rows that count
/// comes first, then what else got better or worse; where there are few rows that count, all of them are listed.
pub(super) fn pick<'a>(views: &[RowView<'a>], all: bool, width: usize) -> (Picked<'a>, Layout) {
    if all {
        return (Picked { listed: views.to_vec(), decided: 0 }, Layout::of(width));
    }
    let picked = within(views, LINES / Layout::of(width).lines());
    let layout = Layout::fitting(width, &picked.listed);
    (within(views, LINES / layout.lines()), layout)
}

fn within<'a>(views: &[RowView<'a>], room: usize) -> Picked<'a> {
    let few = views.iter().filter(|v| v.counts).count() <= room.div_ceil(2);
    let (mut wanted, others): (Vec<_>, Vec<_>) =
        views.iter().partition(|v| v.counts && (few || is_decided(v)));
    wanted.extend(others.into_iter().filter(|v| is_good_or_bad(v)));
    let (listed, rest) = wanted.split_at(wanted.len().min(room));
    Picked {
        listed: listed.iter().copied().cloned().collect(),
        decided: rest.iter().filter(|v| is_decided(v)).count(),
    }
}

fn is_good_or_bad(view: &RowView<'_>) -> bool {
    matches!(view.row.verdict, Verdict::Regressed | Verdict::Improved)
}

/// Something was decided, or nothing can be.
fn is_decided(view: &RowView<'_>) -> bool {
    !matches!(view.row.verdict, Verdict::Equivalent | Verdict::Inconclusive)
}
