//! How many boots rows need, and how much sessions differ, as texts.

use crate::columns::Columns;
use crate::numbers::{NONE, percent, percent_plain, significant, size, trimmed};
use crate::show::{head, name, warnings};
use analyze::{Advice, Boots, MOST_BOOTS, Means, NoiseFile, Plan, PlanRow};
use edge::visible;
use model::counted;
use model::readable;
use std::fmt::Write;

/// A line for each row: its spread, the boots that its effect needs, how often it is found, what to add.
pub fn plan(plan: &Plan) -> String {
    let mut out = if plan.planned { String::new() } else { head(&plan.side) };
    heading(plan, &mut out);
    let mut titles = vec!["n", "CV"];
    if !plan.planned {
        titles.extend(["between", "within"]);
    }
    if plan.effect.is_none() {
        titles.push("effect");
    }
    if !plan.planned {
        titles.push(if plan.sessions.is_some() { "sessions" } else { "boots" });
        titles.push("equal");
    }
    if plan.at.is_none() {
        titles.push("with");
    }
    titles.extend(["power", "found"]);
    if plan.rule.is_some() {
        titles.push("boots taken");
    }
    titles.push("add ");
    let mut table = Columns::new(&titles);
    for row in &plan.rows {
        let name = name(&plan.spelled, &row.id, (&row.workload, &row.category, &row.case));
        table.row(&readable(&name), cells(row, plan));
    }
    table.write(&mut out);
    endings(plan, &mut out);
    warnings(&mut out, &plan.warnings);
    legend(plan, &mut out);
    out
}

/// What is asked, and how rows will be judged.
fn heading(plan: &Plan, out: &mut String) {
    let effect = match plan.effect {
        Some(effect) => format!("a change of {}", percent(effect)),
        None => "a change of twice each metric's min_effect".to_owned(),
    };
    let several = plan.sessions.as_ref().is_some_and(|sessions| sessions.count > 1);
    let of = if several { "in each session" } else { "on each side" };
    let with = plan.at.map_or(String::new(), |at| format!(" with {} {of}", counted(at, "boot")));
    let rows = if plan.family.all_rows { "row, none of them primary," } else { "primary row" };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "how often the verdict finds {effect}{with}, simulated\n{} decided together at alpha {}; {}",
        counted(plan.family.size, rows),
        trimmed(plan.family.alpha_rows),
        measured(plan)
    );
    for sentence in assumed(plan) {
        let _ = writeln!(out, "{sentence}");
    }
    out.push('\n');
}

/// How both sides will be measured and judged.
fn measured(plan: &Plan) -> String {
    match &plan.sessions {
        Some(sessions) if sessions.count == 1 => {
            "each side in a session of its own, by Welch's test with the noise file".to_owned()
        }
        Some(sessions) => {
            format!(
                "each side in {} sessions of its own, which are the replicates of Welch's test",
                sessions.count
            )
        }
        None if plan.blocks => "measured in turns in one campaign, by blocks from 5 boots on".to_owned(),
        None => "by Welch's test".to_owned(),
    }
}

/// What is taken for granted of sessions, blocks and the rule, a sentence each.
fn assumed(plan: &Plan) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(other) = &plan.other {
        out.push(format!(
            "the spread is that of {} and {} together: the mean of both variances; CV, between and within are the first one's",
            visible(&plan.side.label),
            visible(other)
        ));
    }
    if let Some(sessions) = &plan.sessions {
        let known = &sessions.variance;
        let by = match &sessions.noise {
            Some(path) => format!("as {} says", visible(path)),
            None => "as the pilot's own do".to_owned(),
        };
        out.push(format!(
            "sessions differ by an SD of {} ({} df) {by}; more boots do not make that smaller, more sessions do",
            percent_plain(known.tau2.sqrt() * 100.0),
            known.df.floor()
        ));
    } else if let Some(beside) = &plan.beside {
        out.push(format!(
            "what boots of a block have in common cancels: as much as in the pilot's blocks beside {}",
            visible(beside)
        ));
    } else if plan.blocks {
        out.push(
            "boots of a block are taken to be no more alike than others: the pilot was measured beside nothing"
                .to_owned(),
        );
    }
    if let Some(rule) = &plan.rule {
        out.push(format!(
            "a row stops when its interval reaches {} or less to either side, by itself: a case waits for the widest of its rows; \
             looks from {} on",
            percent(rule.half_width),
            counted(rule.floor as usize, "boot")
        ));
    }
    out
}

/// What is said of all rows.
fn endings(plan: &Plan, out: &mut String) {
    let primary = || plan.rows.iter().filter(|r| r.role == model::Role::Primary);
    let boots: Option<Vec<usize>> =
        primary().filter_map(|r| r.boots).map(|boots| boots.high).collect::<Option<Vec<usize>>>();
    if let Some(most) = boots.and_then(|boots| boots.into_iter().max()) {
        let _ = writeln!(
            out,
            "\n{} on each side serve every primary row whose spread is known",
            counted(most, "boot")
        );
    }
    let sessions: Option<Vec<usize>> =
        primary().filter_map(|r| r.sessions).map(|sessions| sessions.high).collect::<Option<Vec<usize>>>();
    if let Some(most) = sessions.and_then(|sessions| sessions.into_iter().max()) {
        let _ = writeln!(
            out,
            "\n{} of each side serve every primary row whose spread is known",
            counted(most, "session")
        );
    }
    if let Some(next) = next(plan) {
        let _ = writeln!(out, "next: {next}");
    }
    if plan.unknown > 0 {
        let _ =
            writeln!(out, "\nof {} of the campaign the pilot tells nothing", counted(plan.unknown, "row"));
    }
    if plan.hidden > 0 {
        let _ = writeln!(
            out,
            "\n{} that do not gate: --all shows them, or --metric NAME",
            counted(plan.hidden, "row")
        );
    }
}

/// A spread of fewer boots says little: its own error is as large as it is.
const FEW: usize = 5;

/// What to do, where boots are what is asked.
fn next(plan: &Plan) -> Option<String> {
    if plan.planned || plan.sessions.is_some() {
        return None;
    }
    let primary: Vec<&PlanRow> = plan.rows.iter().filter(|r| r.role == model::Role::Primary).collect();
    let least = primary.iter().map(|r| r.n).filter(|n| *n > 0).min()?;
    if least < FEW {
        return Some(format!(
            "{} tell little of the spread, so the ranges are wide: measure {FEW} on each side, then ask again",
            counted(least, "boot")
        ));
    }
    let out_of_reach = primary.iter().filter(|r| r.boots.is_some_and(|boots| boots.high.is_none())).count();
    if out_of_reach > 0 {
        return Some(format!(
            "{} may need more than {MOST_BOOTS} boots: make the host quieter (`perfvt doctor`), measure fewer cases at once, or ask \
             for a larger change (--effect)",
            counted(out_of_reach, "row")
        ));
    }
    let most = primary.iter().filter_map(|r| r.boots?.high).max()?;
    if most <= least {
        return Some("the boots that are there are enough".to_owned());
    }
    Some(format!(
        "`perfvt run .. --repeat {most}`, or `perfvt resume CAMPAIGN --repeat {most}` for more of the same campaign"
    ))
}

/// What the columns mean.
fn legend(plan: &Plan, out: &mut String) {
    let of_all = percent(plan.power);
    if plan.sessions.is_some() {
        let _ = writeln!(
            out,
            "\nsessions: of each side, of {} each, so that {of_all} of comparisons find the effect",
            plan.at.map_or("so many boots".to_owned(), |at| counted(at, "boot"))
        );
    } else if !plan.planned {
        let _ = writeln!(out, "\nboots: on each side, so that {of_all} of comparisons find the effect");
    } else {
        out.push('\n');
    }
    if !plan.planned {
        let _ = writeln!(
            out,
            "equal: as many, so that {of_all} of comparisons without a change show it: EQUIVALENT, the 90% interval within \
             min_effect"
        );
    }
    let _ = writeln!(
        out,
        "power: the share of comparisons{} that find the effect, given the family: none of its other rows changed\n\
         found: the smallest change that {of_all} of them find\n\
         the cautious end of a range (the lower power, more boots, the larger change) holds for {} of pilots, the other end is \
         what may be",
        if plan.at.is_none() { " with so many boots on each side" } else { "" },
        percent(plan.confidence),
    );
    if plan.rule.is_some() {
        out.push_str("boots taken: on each side until the rule stops the row, on average\n");
    }
    out.push_str(match plan.sessions {
        Some(_) => "add: what makes the estimate sharper, more sessions of each side; or measure both in turns\n",
        None => {
            "add: what makes the estimate sharper at least cost, boots or longer sessions (iterations); boots help in \
             any case, also where nothing is known of the spread within them\n"
        }
    });
    if !plan.planned && plan.rows.iter().any(|r| r.spread.is_some()) {
        out.push_str("between, within: SD between boots, and SD that the intervals within a boot explain, in the row's unit\n");
    }
}

fn cells(row: &PlanRow, plan: &Plan) -> Vec<String> {
    let part = |v: Option<f64>| v.map_or(String::new(), |v| significant(v, 3));
    let mut out = vec![row.n.to_string(), row.cv.map_or(NONE.to_owned(), |cv| percent_plain(cv * 100.0))];
    if !plan.planned {
        out.extend([part(row.spread.map(|s| s.between)), part(row.spread.map(|s| s.within))]);
    }
    if plan.effect.is_none() {
        out.push(percent(row.effect));
    }
    if !plan.planned {
        out.push(row.boots.or(row.sessions).map_or(NONE.to_owned(), boots));
        out.push(row.equal.map_or(NONE.to_owned(), boots));
    }
    if plan.at.is_none() {
        out.push(row.at.to_string());
    }
    let power = row.power.map(|power| {
        // Rounded away from what is promised and hoped for.
        range(
            format!("{:.2}", (100.0 * power.low).floor() / 100.0),
            format!("{:.2}", (100.0 * power.high).ceil() / 100.0),
        )
    });
    let found = row.mde.map(|found| {
        let end = |effect: Option<f64>| effect.map_or("any size".to_owned(), size);
        match (found.low, found.high) {
            (None, None) => "nothing".to_owned(),
            (low, None) => format!("{} at best", end(low)),
            (low, high) => range(end(low), end(high)),
        }
    });
    out.extend([power.unwrap_or(NONE.to_owned()), found.unwrap_or(NONE.to_owned())]);
    if plan.rule.is_some() {
        let taken = |means: Means| range(format!("{:.1}", means.low), format!("{:.1}", means.high));
        out.push(row.mean_boots.map_or(NONE.to_owned(), taken));
    }
    out.push(word(row.advice, plan).to_owned());
    out
}

/// `6 to 19`, `4`, `60 to >200`.
fn boots(boots: Boots) -> String {
    match (boots.low, boots.high) {
        (None, None) => format!(">{MOST_BOOTS}"),
        (low, high) => {
            let end = |n: Option<usize>| n.map_or(format!(">{MOST_BOOTS}"), |n| n.to_string());
            range(end(low), end(high))
        }
    }
}

fn range(low: String, high: String) -> String {
    if low == high { low } else { format!("{low} to {high}") }
}

fn word(advice: Advice, plan: &Plan) -> &'static str {
    match advice {
        Advice::Boots | Advice::Iterations | Advice::Unknown if plan.sessions.is_some() => "sessions",
        Advice::Boots | Advice::Unknown => "boots",
        Advice::Iterations => "iterations",
        Advice::Nothing => "nothing, it does not vary",
    }
}

/// How much sessions differ, what it was found from, and a line for each row.
pub fn noise(noise: &NoiseFile) -> String {
    let found = &noise.session;
    let sd = |variance: f64| percent_plain(variance.sqrt() * 100.0);
    let mut out = format!(
        "sessions of one build differ by an SD of {} ({} df), boots of a session by {} ({} df)\n\
         pooled over {} and {}\n",
        sd(found.tau2),
        found.df.floor(),
        sd(found.sigma2),
        found.sigma2_df.floor(),
        counted(found.rows, "row"),
        counted(found.sessions, "session"),
    );
    for source in &noise.sources {
        let campaign = source.campaign.as_deref().map(|c| format!(", campaign {}", visible(c)));
        let (path, date) = (visible(&source.path), crate::date::utc(source.date_unix));
        let repeats = counted(source.repeats, "repeat");
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  {path}: {repeats}, {date}{}", campaign.unwrap_or_default());
    }
    out.push_str("\nn: the fewest boots of a session; SD: between the means of the row's sessions\n\n");
    let mut table = Columns::new(&["sessions", "n", "SD"]);
    for row in &noise.rows {
        let cells = vec![row.sessions.to_string(), row.n.to_string(), percent_plain(row.sd_between * 100.0)];
        table.row(&readable(&row.id), cells);
    }
    table.write(&mut out);
    out
}
