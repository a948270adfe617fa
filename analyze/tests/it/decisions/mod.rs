//! How often the program decides: pages of rows of many kinds, drawn, judged, and what is decided counted.
//!
//! Many pages are judged by the definitions alone, and some of each kind through the program, which says the same of every row.
//! `cargo test -p perfvt-analyze --test it decisions -- --ignored --nocapture` prints the long table; `PERFVT_ROWS` says over how
//! many rows of each kind.

mod draws;
mod forks;
mod kinds;
mod model;
mod page;
mod rates;
mod table;

use rates::Kind;

/// Rows of each kind that every run of the tests has time for.
const QUICK: u64 = 12_000;

/// The program says of pages of these kinds what the definitions say, and those keep their limits.
fn hold(kinds: Vec<Kind>, first_seed: u64) {
    for (seed, kind) in (first_seed..).zip(kinds) {
        let first = seed << 32;
        for number in first..first + 2 {
            let page = kind.page(kind.rows, number);
            let (program, model) = (page.by_program(), page.by_model());
            assert_eq!(program.rows, model.rows, "{}", kind.name);
            assert_eq!(program.fails, model.fails, "{}, page {number}", kind.name);
            for (one, other) in program.intervals.iter().zip(&model.intervals) {
                let near = |x: f64, y: f64| (x / y - 1.0).abs() < 1e-9;
                assert!(near(one.1.0, other.1.0) && near(one.2.1, other.2.1), "{}", kind.name);
            }
        }
        let tally = kind.tally(kind.rows, first..first + QUICK.div_ceil(kind.rows as u64));
        let rate = kind.rate(&tally);
        assert!(kind.holds(&rate), "{}: {} beyond {}", kind.name, rate.share, kind.bound(&rate));
    }
}

#[test]
fn unchanged_pages_are_hardly_ever_decided() {
    hold(kinds::tables(), 100);
}

#[test]
fn unchanged_campaigns_are_hardly_ever_decided_whatever_time_does_to_them() {
    hold(kinds::campaigns(), 500);
}

#[test]
fn two_campaigns_of_one_build_are_hardly_ever_decided() {
    hold(kinds::sessions(), 600);
}

#[test]
fn a_change_of_a_fifth_in_one_row_of_a_page_is_found() {
    hold(kinds::changed(), 200);
}

#[test]
fn intervals_after_choosing_hold_the_truth() {
    hold(kinds::chosen(), 400);
}

#[test]
fn rows_on_the_edge_of_the_band_are_seldom_called_equivalent() {
    hold(kinds::at_the_edge(), 300);
}
