//! Every verb over damaged, hostile and misplaced input: a seeded command line each, judged by what must hold whatever
//! the input is. Nothing here boots a guest, and no case is excepted.
//!
//! A case that fails keeps its folder and names its seed; `PERFVT_MUTATION_SEED=N cargo test -p perfvt
//! mutation::a_thousand -- --nocapture` runs that one again.

use crate::mutation_support;

use mutation_support::soak::{Soak, chosen_seeds};

#[test]
fn a_thousand_mutated_command_lines_end_as_documented_and_show_no_wrong_number() {
    let _turn = testing::busy();
    Soak::over(chosen_seeds().unwrap_or(1..1_001)).run();
}

#[test]
#[ignore = "soak: minutes"]
fn twenty_thousand_mutated_command_lines_end_as_documented_and_show_no_wrong_number() {
    let _turn = testing::busy();
    Soak::over(1_001..21_001).run();
}
