//! Confirming a step by a campaign of its own: how often the decision is right and wrong, by simulation of whole campaigns that stop
//! when it is made. Seeds are fixed.
//!
//! `cargo test -p perfvt-stats confirm -- --ignored --nocapture` prints the long table.

use stats::*;
use std::sync::Arc;

const FLOOR: u32 = 5;
const CEILING: u32 = 40;

/// What is true, in logarithms.
#[derive(Clone, Copy)]
struct Truth {
    /// The step as the history has it.
    step: f64,
    /// How much of it the first build behind it has, and the newest.
    after: f64,
    newest: f64,
    /// SD of a boot.
    boot: f64,
    /// Rows of the event, all of one kind.
    rows: usize,
    /// How much of it the first row has, where that differs from the others.
    lone: Option<f64>,
    /// The share of a boot's variance that all of its rows have in common.
    common: f64,
}

/// One campaign: what it comes to, and after how many blocks it stops.
fn campaign(of: Truth, boundary: &Arc<Boundary>, random: &mut SplitMix64) -> (Confirmation, u32) {
    let row = |step| ConfirmRow { step, spread: None, after: Vec::new(), newest: Some(Vec::new()) };
    let mut rows = vec![row(of.step); of.rows];
    for block in 1..=CEILING {
        let shared = [(); 3].map(|()| of.common.sqrt() * random.next_normal());
        for (at, row) in rows.iter_mut().enumerate() {
            let has = of.lone.filter(|_| at == 0).unwrap_or(of.after);
            let mut boot = |level: f64, shared: f64| {
                level + of.boot * (shared + (1.0 - of.common).sqrt() * random.next_normal())
            };
            // A day of the host is in all three, and in none of the differences.
            let before = boot(0.0, shared[0]);
            row.after.push((block, boot(has * of.step, shared[1]) - before));
            row.newest.as_mut().unwrap().push(boot(of.newest * of.step, shared[2]) - before);
        }
        if block >= FLOOR {
            let said = confirm(&rows, boundary);
            if said.settled || block == CEILING {
                return (said.outcome, block);
            }
        }
    }
    unreachable!()
}

/// Shares of the outcomes (confirmed, fixed since, host, open), and the mean number of blocks.
fn shares(of: Truth, campaigns: u32, seed: u64) -> ([f64; 4], f64) {
    let boundary = Boundary::of(FLOOR, CEILING);
    let mut random = SplitMix64::new(seed);
    let (mut counts, mut blocks) = ([0u32; 4], 0u32);
    for _ in 0..campaigns {
        let (outcome, n) = campaign(of, &boundary, &mut random);
        counts[outcome as usize] += 1;
        blocks += n;
    }
    let share = |count: u32| f64::from(count) / f64::from(campaigns);
    (counts.map(share), f64::from(blocks) / f64::from(campaigns))
}

fn standard_error(rate: f64, n: u32) -> f64 {
    (rate * (1.0 - rate) / f64::from(n)).sqrt()
}

/// A step of 5 % where boots vary by 3 %, in one row.
const USUAL: Truth =
    Truth { step: 0.05, after: 1.0, newest: 1.0, boot: 0.03, rows: 1, lone: None, common: 0.0 };

fn false_confirmations(campaigns: u32) {
    for (rows, seed) in [(1, 1), (5, 2), (20, 3)] {
        let n = campaigns / rows as u32;
        let of = Truth { after: 0.0, newest: 0.0, rows, ..USUAL };
        let ([confirmed, fixed, host, open], blocks) = shares(of, n, seed);
        println!(
            "{rows} rows, nothing is there: confirmed {confirmed:.4}, fixed since {fixed:.4}, host {host:.3}, open {open:.3}, {blocks:.1} blocks"
        );
        let bound = CONFIRM_LEVEL + 3.0 * standard_error(CONFIRM_LEVEL, n);
        assert!(confirmed + fixed <= bound, "{rows} rows: {confirmed} {fixed}");
    }
}

#[test]
fn what_is_not_there_is_confirmed_in_one_event_of_a_hundred_at_most_whatever_its_number_of_rows() {
    false_confirmations(2_000);
}

#[test]
fn a_true_step_is_confirmed_and_what_is_the_hosts_is_called_the_hosts() {
    let (found, blocks) = shares(USUAL, 400, 10);
    assert!(found[0] > 0.97 && found[2] < 0.01, "{found:?}");
    assert!(blocks < 22.0, "{blocks}");
    let (nothing, _) = shares(Truth { after: 0.0, newest: 0.0, ..USUAL }, 400, 11);
    assert!(nothing[2] > 0.6, "{nothing:?}");
    let large = Truth { step: 0.10, after: 0.0, newest: 0.0, ..USUAL };
    let (nothing, blocks) = shares(large, 400, 12);
    assert!(nothing[2] > 0.98 && blocks < 20.0, "{nothing:?} {blocks}");
}

/// Events that are called the host's though a step is there: of one row, of many that all have half of it, and of many of which one
/// has three quarters of it by itself.
fn false_hosts(campaigns: u32) {
    for (rows, common, seed) in [(1, 0.0, 40), (5, 0.0, 41), (20, 0.0, 42), (20, 0.5, 43)] {
        let n = campaigns / rows as u32;
        for (after, lone) in [(1.0, None), (0.5, None), (0.0, Some(1.0)), (0.0, Some(HOST_ROW_SHARE))] {
            let of = Truth { after, newest: after, rows, common, lone, ..USUAL };
            let (found, blocks) = shares(of, n, seed);
            println!(
                "{rows} rows, common {common}, {after} of the step, one row {lone:?}: host {:.4}, {found:.3?}, {blocks:.1} blocks",
                found[2]
            );
            let bound = 0.01 + 3.0 * standard_error(0.01, n);
            assert!(found[2] <= bound, "{rows} rows, {common}, {after}, {lone:?}: {found:?}");
        }
    }
}

#[test]
fn an_event_of_many_rows_is_called_the_hosts_where_it_is_and_a_true_step_is_not() {
    false_hosts(1_000);
    let nothing = Truth { after: 0.0, newest: 0.0, rows: 20, ..USUAL };
    let (found, _) = shares(nothing, 40, 44);
    assert!(found[2] > 0.8, "{found:?}");
    // One row that says too little leaves it open, and so does one that moved the other way.
    let none = [0.001, -0.001, 0.0015, -0.0005, 0.0, 0.0005, -0.0012, 0.001];
    let most = none.map(|v| v + 0.09);
    assert_eq!(outcome(&[row(0.1, &none, None), row(0.1, &none, None)]), (Confirmation::Host, true));
    assert_eq!(outcome(&[row(0.1, &none, None), row(0.1, &none[..4], None)]).0, Confirmation::Open);
    assert_eq!(outcome(&[row(0.1, &none, None), row(-0.1, &most, None)]).0, Confirmation::Open);
    // Each block counts that holds all rows, whichever row lacks one.
    let mut gaps = row(0.1, &none, None);
    gaps.after.retain(|(block, _)| *block != 2);
    let said = confirm(&[row(0.1, &none, None), gaps], &Boundary::of(FLOOR, CEILING));
    assert_eq!(said.together.unwrap().n, 7);
}

#[test]
fn a_step_that_was_mended_is_told_from_one_that_is_there_still() {
    let mended = Truth { step: 0.10, newest: 0.0, ..USUAL };
    let (mended, _) = shares(mended, 300, 20);
    assert!(mended[1] > 0.95, "{mended:?}");
    let (there, _) = shares(Truth { step: 0.10, ..USUAL }, 300, 21);
    assert!(there[0] > 0.98 && there[1] < 0.01, "{there:?}");
    // Half of it or more is left: that is not mended.
    let (half, _) = shares(Truth { step: 0.10, newest: 0.6, ..USUAL }, 300, 22);
    assert!(half[1] < 0.01, "{half:?}");
}

fn row(step: f64, after: &[f64], newest: Option<&[f64]>) -> ConfirmRow {
    let after = (1..).zip(after.iter().copied()).collect();
    ConfirmRow { step, spread: None, after, newest: newest.map(<[f64]>::to_vec) }
}

fn outcome(rows: &[ConfirmRow]) -> (Confirmation, bool) {
    let said = confirm(rows, &Boundary::of(FLOOR, CEILING));
    (said.outcome, said.settled)
}

#[test]
fn no_band_of_tolerance_plays_a_part_and_the_side_does() {
    // A true 3 % under a step that was seen as 3.5 %, measured well: no band of 5 % hides it.
    let small = [-0.030, -0.031, -0.029, -0.0305, -0.0302, -0.0297];
    assert_eq!(outcome(&[row(-0.035, &small, None)]), (Confirmation::Confirmed, true));
    // As large towards the other side: neither the step nor its absence.
    assert_eq!(outcome(&[row(0.035, &small, None)]), (Confirmation::Open, false));
}

#[test]
fn values_without_any_spread_are_decided_by_how_many_they_are() {
    let same = [0.0; 6];
    assert_eq!(outcome(&[row(0.1, &same, None)]), (Confirmation::Host, true));
    assert_eq!(outcome(&[row(0.1, &[0.1; 5], None)]), (Confirmation::Open, false));
    assert_eq!(outcome(&[row(0.1, &[0.1; 9], None)]), (Confirmation::Confirmed, true));
    assert_eq!(outcome(&[row(0.1, &[0.1; 9], Some(&[0.0; 9]))]), (Confirmation::FixedSince, true));
}

#[test]
fn what_cannot_be_read_says_nothing_and_breaks_nothing() {
    let clear = [-0.101, -0.099, -0.1, -0.102, -0.098, -0.1];
    for odd in [
        row(-0.1, &[], None),
        row(-0.1, &clear[..4], None),
        row(0.0, &clear, None),
        row(f64::NAN, &clear, None),
        row(-0.1, &[f64::NAN; 9], None),
        row(-0.1, &[f64::INFINITY; 9], Some(&[])),
    ] {
        assert_eq!(outcome(std::slice::from_ref(&odd)), (Confirmation::Open, false), "{odd:?}");
    }
    assert_eq!(outcome(&[]), (Confirmation::Open, false));
    // Beside a row that is clear, one that says nothing only makes the demand higher.
    let said = confirm(&[row(-0.1, &clear, None), row(-0.1, &[], None)], &Boundary::of(FLOOR, CEILING));
    assert_eq!(said.outcome, Confirmation::Confirmed);
    assert_eq!(said.rows[1].outcome, Confirmation::Open);
    // The first build behind the step moved, and nothing is known of the newest: more blocks may tell.
    assert_eq!(outcome(&[row(-0.1, &clear, Some(&[]))]), (Confirmation::Confirmed, false));
}

#[test]
#[ignore = "minutes: how often a confirmation is right and wrong"]
fn table_of_confirmations() {
    let campaigns: u32 =
        std::env::var("PERFVT_CAMPAIGNS").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000);
    false_confirmations(campaigns);
    false_hosts(campaigns / 2);
    for (after, lone) in [(0.0, None), (0.0, Some(0.5)), (0.0, Some(0.7)), (0.7, None)] {
        for (rows, common) in [(5, 0.0), (20, 0.0), (20, 0.5)] {
            let of = Truth { after, newest: after, rows, common, lone, ..USUAL };
            let (found, blocks) = shares(of, campaigns / 40, 50);
            println!(
                "{rows} rows, common {common}, {after} of the step, one row {lone:?}: {found:.3?}, {blocks:.1} blocks"
            );
        }
    }
    for (step, boot) in [(0.10, 0.03), (0.05, 0.03), (0.05, 0.08), (0.03, 0.01), (0.02, 0.03)] {
        for (name, after, newest) in [
            ("there", 1.0, 1.0),
            ("seven tenths of it there", 0.7, 0.7),
            ("mended", 1.0, 0.0),
            ("nothing", 0.0, 0.0),
        ] {
            let of = Truth { step, after, newest, boot, ..USUAL };
            let ([confirmed, fixed, host, open], blocks) = shares(of, campaigns / 40, 30);
            println!(
                "step {step} boot SD {boot}, {name}: confirmed {confirmed:.3}, fixed since {fixed:.3}, host {host:.3}, open {open:.3}, {blocks:.1} blocks"
            );
        }
    }
}
