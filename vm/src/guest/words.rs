//! What the tables of kinds (ways, buses, networks) have in common.

/// Words with commas, as people read a list.
macro_rules! listed {
    ($first:literal $(, $other:literal)*) => { concat!($first $(, ", ", $other)*) };
}
