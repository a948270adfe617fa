//! What a page is made of.

use crate::ClassicTable;
use analyze::{Comparison, Shown, Side};

/// What was made of the copies of a stage.
#[derive(Clone, Debug)]
pub enum Content {
    /// Two sides or more.
    Comparison(Box<Comparison>, Vec<ClassicTable>),
    /// One side.
    Run(Box<Shown>),
}

/// The sides of a result.
pub(super) fn sides(content: &Content) -> Vec<&Side> {
    match content {
        Content::Comparison(c, _) => std::iter::once(&c.a).chain(&c.b).collect(),
        Content::Run(shown) => vec![&shown.side],
    }
}
