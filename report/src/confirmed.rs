//! What a campaign said of an event, as text for a terminal.

use crate::numbers::{percent, significant};
use analyze::history::{ConfirmSeen, Confirmation, Confirmed, ConfirmedSeries, Confirming};
use edge::visible;
use std::fmt::Write;

/// The outcome, the builds, and each row with its numbers.
pub fn confirmed(confirming: &Confirming, said: &Confirmed) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}: {}, {}", confirming.event, word(said.outcome), sentence(said.outcome));
    for environment in &confirming.environments {
        let _ = writeln!(out, "  {:<8} {}", visible(&environment.name), visible(&environment.build));
    }
    if let Some(seen) = &said.together {
        let [share, low, high] =
            [seen.estimate, seen.interval.low, seen.interval.high].map(|x| significant(100.0 * x, 2));
        let n = said.rows.len();
        let _ = writeln!(
            out,
            "  the {n} rows together have {share} % of their steps, 99 % interval {low} to {high} %, {} blocks",
            seen.n
        );
    }
    for (row, of) in confirming.rows.iter().zip(&said.rows) {
        let _ = writeln!(out, "  {}: {}", visible(&row.series), of.outcome.word());
        for (name, seen) in [("after", &of.after), ("newest", &of.newest)] {
            if let Some(seen) = seen {
                let _ = writeln!(out, "    {name:<6} {}", numbers(row, seen));
            }
        }
    }
    out
}

/// The outcome in capitals.
fn word(outcome: Confirmation) -> String {
    outcome.word().to_uppercase()
}

fn sentence(outcome: Confirmation) -> &'static str {
    match outcome {
        Confirmation::Confirmed => "the first build behind the step differs from the last before it",
        Confirmation::FixedSince => "the first build behind the step differed, and the newest does not",
        Confirmation::Host => "both builds are alike when they are measured in turns: it is the host's",
        Confirmation::Open => "the campaign shows neither a difference nor that there is none",
    }
}

/// An estimate with its interval, on the scale on which people read it.
fn numbers(row: &ConfirmedSeries, seen: &ConfirmSeen) -> String {
    let on = |x: f64| {
        if row.is_ratio() { percent(x.exp_m1()) } else { significant(x, 3) }
    };
    format!(
        "{}, 99 % interval {} to {}, p {}, {} blocks",
        on(seen.estimate),
        on(seen.interval.low),
        on(seen.interval.high),
        significant(seen.p, 2),
        seen.n
    )
}
