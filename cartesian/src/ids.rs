//! Numbers that stand for names, and pieces of text: what the parts of a program refer to one another by.

/// Number of a node.
pub(super) type NodeId = u32;
/// Number of a key.
pub(super) type KeyId = u32;
/// Number of a filter.
pub(super) type FilterId = u32;
/// Number of a guard.
pub(super) type GuardId = u32;
/// Number of a label: a name, or a variable with its name.
pub(super) type LabelId = u32;
/// Number of something that a filter asks for: `x`, or `(v=x)`.
pub(super) type AtomId = u32;

/// A piece of text: in the program's own store, or in that of the variant being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Text {
    start: u32,
    /// Length in the lower bits, flags in the upper two.
    len: u32,
}

impl Text {
    const OWN: u32 = 1 << 31;
    const ODD: u32 = 1 << 30;
    const LEN: u32 = Self::ODD - 1;

    /// Text in the program's store; `odd` when JSON must escape something in it.
    pub fn stored(start: usize, len: usize, odd: bool) -> Option<Text> {
        let (start, len) = (u32::try_from(start).ok()?, u32::try_from(len).ok()?);
        (len <= Self::LEN).then_some(Text { start, len: len | if odd { Self::ODD } else { 0 } })
    }

    /// Text in the store of one variant.
    pub fn own(start: usize, len: usize) -> Option<Text> {
        let (start, len) = (u32::try_from(start).ok()?, u32::try_from(len).ok()?);
        (len <= Self::LEN).then_some(Text { start, len: len | Self::OWN | Self::ODD })
    }

    /// A part of this text, in bytes from its start.
    pub fn part(self, range: std::ops::Range<usize>) -> Text {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let whole = self.len & Self::LEN;
        let from = narrow(range.start).min(whole);
        let to = narrow(range.end).clamp(from, whole);
        Text { start: self.start.saturating_add(from), len: (to - from) | (self.len & !Self::LEN) }
    }

    /// Whether JSON may have to escape something.
    pub fn is_odd(self) -> bool {
        self.len & Self::ODD != 0
    }

    /// Whether it lies in the variant's store.
    pub fn is_own(self) -> bool {
        self.len & Self::OWN != 0
    }

    /// Where it lies in its store.
    pub fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + (self.len & Self::LEN) as usize
    }
}
