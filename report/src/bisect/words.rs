//! The sentences of a bisection.

use super::{Bisected, BisectedCheck, BisectedCommit, Outcome, Standing};
use crate::numbers::significant;
use edge::visible;
use model::{Direction, counted};
use std::fmt::Write;

/// Commits of a set that are listed.
const LISTED: usize = 20;

/// A change as people read it: `-20.1 %` of a ratio, a difference with its unit.
pub(super) fn change(of: &Bisected, change: f64) -> String {
    if of.is_ratio {
        return format!("{}%", signed(change * 100.0));
    }
    format!("{} {}", signed(change), visible(&of.unit)).trim_end().to_owned()
}

fn signed(value: f64) -> String {
    let text = significant(value, 3);
    if value > 0.0 { format!("+{text}") } else { text }
}

/// A change with its interval.
pub(super) fn with_interval(of: &Bisected, [at, low, high]: [f64; 3]) -> String {
    format!("{} (99 % interval {} to {})", change(of, at), change(of, low), change(of, high))
}

/// Slower, faster or changed.
pub(super) fn way(of: &Bisected, change: f64) -> &'static str {
    match of.direction {
        Some(Direction::HigherIsBetter) if change < 0.0 => "worse",
        Some(Direction::LowerIsBetter) if change > 0.0 => "worse",
        Some(Direction::HigherIsBetter | Direction::LowerIsBetter) if change != 0.0 => "better",
        _ => "changed",
    }
}

/// Twelve digits and the subject.
pub(super) fn named(commit: &BisectedCommit) -> String {
    format!("{} \"{}\"", short(&commit.id), edge::text::cut(&commit.subject))
}

pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// How long, for people: `2 h 10 min`.
pub(super) fn time(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    match () {
        () if seconds < 90.0 => format!("{seconds:.0} s"),
        () if minutes < 90.0 => format!("{minutes:.0} min"),
        () => format!("{} h {:.0} min", (minutes / 60.0).floor(), minutes % 60.0),
    }
}

/// What came out, in a sentence.
pub(super) fn sentence(of: &Bisected) -> String {
    let commit = of.commit().map(named).unwrap_or_default();
    let by = of.last().and_then(|check| check.change);
    match of.outcome {
        Outcome::Named => {
            let by = by.map_or(String::new(), |by| format!(": {}", with_interval(of, by)));
            format!("{commit} is the commit{by}")
        }
        Outcome::Unconfirmed => format!(
            "{commit} was the most likely commit, and measured afresh against its parent it does not show the change; nothing is named"
        ),
        Outcome::Among => {
            let broken = of.set.iter().filter_map(|at| of.commits.get(*at)).filter(|c| is_broken(c)).count();
            format!(
                "one of {}; {} of them cannot be built or booted, so nothing tells them apart",
                counted(of.set.len(), "commit"),
                broken
            )
        }
        Outcome::Budget => format!(
            "the budget is spent; with a probability of 95 % it is one of {}, and more boots would tell them apart",
            counted(of.set.len(), "commit")
        ),
        Outcome::NotReproduced => {
            "does not reproduce: within half of the budget the ends do not differ beyond what boots differ"
                .to_owned()
        }
        Outcome::Same => {
            "both ends are the same files: nothing between them can have moved anything".to_owned()
        }
        Outcome::NoEnd => "an end of the range does not build or boot; take others".to_owned(),
        Outcome::Futile => "boots give no values any more; see the last rounds".to_owned(),
        Outcome::Unfinished => {
            let likely =
                of.commit().map(|one| format!("; so far {commit} is likely with {:.0} %", one.share * 100.0));
            format!("not finished{}; the same command goes on", likely.unwrap_or_default())
        }
    }
}

/// Standard errors by which the ends have to differ from what the named commit does before a rest is told: an estimate that ended its own
/// rounds is a little too large.
const REST: f64 = 4.0;
/// Standard errors of half a 99 % interval, that of a normal variable.
const HALF: f64 = 2.576;

/// That the named commit does not account for what the ends differ by: others of the range have a part in it.
pub(super) fn rest(of: &Bisected) -> Option<String> {
    let last = of.last().and_then(|check| check.change).filter(|_| of.outcome == Outcome::Named)?;
    let ends = of.ends.as_ref()?;
    let scaled = |change: f64| if of.is_ratio { change.ln_1p() } else { change };
    let [at, low, high] = last.map(scaled);
    let whole = scaled(ends.change);
    // Rounds that were all alike have no error.
    let own = ends.t.filter(|t| *t != 0.0).map_or(0.0, |t| (whole / t).abs());
    let error = own.hypot((high - low) / 2.0 / HALF);
    (error.is_finite() && (whole - at).abs() > REST * error).then(|| {
        format!(
            "the ends differ by {}: other commits of the range have a part in that; bisect what lies before this one and behind it",
            change(of, ends.change)
        )
    })
}

fn is_broken(commit: &BisectedCommit) -> bool {
    matches!(commit.standing, Standing::DoesNotBuild | Standing::DoesNotBoot)
}

/// What is known of a commit, in a few words.
pub(super) fn standing(commit: &BisectedCommit) -> String {
    match commit.standing {
        Standing::Measured => format!("measured, {}", counted(commit.values.len(), "boot")),
        Standing::Built => "built, not measured".to_owned(),
        Standing::DoesNotBuild => "does not build".to_owned(),
        Standing::DoesNotBoot => "does not boot".to_owned(),
        Standing::Same => "the same files as one before it".to_owned(),
        Standing::Untouched => "neither built nor measured".to_owned(),
    }
}

/// What a check says, in a line.
pub(super) fn check(of: &Bisected, check: &BisectedCheck) -> String {
    let what = match check.check.as_str() {
        "final" => "the commit against its parent, afresh",
        "revert" => "the bad end, and the bad end without the commit",
        "aligned" => "both with every function at a multiple of 64 bytes",
        other => other,
    };
    let said = match (check.outcome.as_str(), check.check.as_str()) {
        ("confirmed", "revert") => "taking it back mends it",
        ("confirmed", _) => "the difference is there",
        ("host" | "open", "aligned") => "no difference is shown: layout, not logic, is likely",
        ("host" | "open", "revert") => "taking it back is not shown to mend it",
        ("not-applicable", _) => "not measured",
        _ => "no difference is shown",
    };
    let why = check.why.as_deref().map(|why| format!(": {}", edge::text::cut(why))).unwrap_or_default();
    let by = check.change.map(|by| format!(", {}", with_interval(of, by))).unwrap_or_default();
    let blocks =
        if check.blocks > 0 { format!(", {}", counted(check.blocks, "block")) } else { String::new() };
    format!("{what}: {said}{why}{by}{blocks}")
}

/// The shares over the range, in at most `width` characters: the likeliest place is the highest.
pub fn bar(shares: &[f64], width: usize) -> String {
    const HEIGHTS: [char; 9] = ['.', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let width = width.clamp(1, shares.len().max(1));
    let mut sums = vec![0.0; width];
    for (at, share) in shares.iter().enumerate() {
        if let Some(sum) = sums.get_mut(at * width / shares.len()) {
            *sum += share;
        }
    }
    let top = sums.iter().copied().fold(0.0, f64::max);
    let height = |sum: &f64| -> char {
        let at = if top > 0.0 { (sum / top * 8.0).round() as usize } else { 0 };
        HEIGHTS.get(at).copied().unwrap_or('.')
    };
    sums.iter().map(height).collect()
}

/// For a terminal.
pub fn text(of: &Bisected) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", sentence(of));
    if let Some(ends) = &of.ends {
        let _ = writeln!(
            out,
            "ends: {} from good to bad, {} of both",
            change(of, ends.change),
            counted(ends.rounds, "round")
        );
    }
    for one in &of.checks {
        let _ = writeln!(out, "{}: {}", one.check, check(of, one));
    }
    if let Some(rest) = rest(of) {
        let _ = writeln!(out, "note: {rest}");
    }
    if of.commits.iter().any(|commit| commit.share > 0.0) {
        let shares: Vec<f64> = of.commits.iter().skip(1).map(|commit| commit.share).collect();
        let _ = writeln!(out, "good {} bad", bar(&shares, 64));
        for at in of.set.iter().take(LISTED) {
            if let Some(commit) = of.commits.get(*at) {
                let share = commit.share * 100.0;
                let _ = writeln!(out, "  {share:5.1} %  {}  {}", named(commit), standing(commit));
            }
        }
        if of.set.len() > LISTED {
            let _ = writeln!(out, "  and {} more", of.set.len() - LISTED);
        }
    }
    let _ = writeln!(
        out,
        "{}, {}, {} of {}",
        counted(of.boots as usize, "boot"),
        counted(of.builds as usize, "build"),
        time(of.seconds),
        time(of.budget_seconds)
    );
    out
}
