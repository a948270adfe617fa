//! The mail: what, how much, how it was measured, how to see it again.

use super::words::{change, check, named, rest, sentence, short, standing, time, way, with_interval};
use super::{Bisected, Outcome};
use crate::command_line::command_line;
use edge::visible;
use model::{counted, readable};
use std::fmt::Write;

/// Plain text, with a subject in its first line, as mailing lists of such projects take it.
pub fn mail(of: &Bisected) -> String {
    let mut out = String::new();
    let row = readable(&of.row);
    let row = visible(&row);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Subject: {}\n", subject(of, &row));
    let _ = writeln!(out, "Hello,\n");
    match (of.outcome, of.commit()) {
        (Outcome::Named, Some(commit)) => {
            let by = of.last().and_then(|last| last.change);
            let by = by.map_or(String::new(), |by| format!(", by {}", with_interval(of, by)));
            let _ = writeln!(out, "{row} changed with this commit{by}:\n");
            let _ = writeln!(out, "  commit {}", commit.id);
            let _ = writeln!(out, "  Author: {}", visible(&commit.author));
            let _ = writeln!(out, "  {}\n", edge::text::cut(&commit.subject));
        }
        _ => {
            let _ = writeln!(out, "{row} was bisected over {}: {}.\n", visible(&of.range), sentence(of));
        }
    }
    numbers(of, &mut out);
    measured(of, &mut out);
    let _ = writeln!(out, "How to see it again:\n\n  {}\n", command_line(&of.command));
    if let (Outcome::Named, Some(commit), Some(parent)) = (of.outcome, of.commit(), of.parent()) {
        let _ = writeln!(
            out,
            "or the two builds alone: perfvt ab {}..{} with the words of that command behind the range but --row, --budget and --check.\n",
            short(&parent.id),
            short(&commit.id)
        );
    }
    let _ = writeln!(out, "Measured by perfvt {}.", visible(&of.perfvt));
    out
}

fn subject(of: &Bisected, row: &str) -> String {
    match (of.outcome, of.commit(), of.last().and_then(|last| last.change)) {
        (Outcome::Named, Some(commit), Some([by, ..])) => {
            let tag = if way(of, by) == "worse" { "[regression] " } else { "" };
            format!("{tag}{row} {} since {}", change(of, by), named(commit))
        }
        _ => format!("{row}: bisected {}", visible(&of.range)),
    }
}

fn numbers(of: &Bisected, out: &mut String) {
    let parts = [("parent", of.parent()), ("commit", of.commit())];
    let any = parts.iter().any(|(_, commit)| commit.is_some_and(|commit| !commit.values.is_empty()));
    if any && of.outcome == Outcome::Named {
        let unit = visible(&of.unit);
        let unit =
            if unit.chars().any(char::is_alphanumeric) { format!(", in {unit}") } else { String::new() };
        let _ = writeln!(out, "Means of the rounds of the search{unit}:\n");
        for (name, commit) in parts {
            let Some(commit) = commit.filter(|commit| !commit.values.is_empty()) else { continue };
            let mean = commit.values.iter().sum::<f64>() / commit.values.len() as f64;
            let mean = crate::numbers::significant(mean, 4);
            let boots = counted(commit.values.len(), "boot");
            let _ = writeln!(out, "  {name}  {}  {mean}  ({boots})", short(&commit.id));
        }
        let _ = writeln!(out);
    }
    for one in &of.checks {
        let _ = writeln!(out, "- {}", check(of, one));
    }
    if let Some(rest) = rest(of) {
        let _ = writeln!(out, "- {rest}");
    }
    if of.outcome != Outcome::Named {
        for commit in of.set.iter().take(10).filter_map(|at| of.commits.get(*at)) {
            let share = commit.share * 100.0;
            let _ = writeln!(out, "- {share:.0} %: {}, {}", named(commit), standing(commit));
        }
    }
    let _ = writeln!(out);
}

fn measured(of: &Bisected, out: &mut String) {
    let _ = writeln!(
        out,
        "How it was measured: {} of {} were looked at on {}, in {} (the good end and other commits, a fresh guest each, in \
         random order within a round): {}, {}, {}. Rounds of both ends came first; a commit counts when its probability is at least \
         .95, and then it was measured afresh against its parent in blocks, until a sequential test at .01 was sure.\n",
        counted(of.commits.len().saturating_sub(1), "commit"),
        visible(&of.range),
        visible(&of.machine),
        counted(of.rounds, "round"),
        counted(of.boots as usize, "boot"),
        counted(of.builds as usize, "build"),
        time(of.seconds)
    );
}
