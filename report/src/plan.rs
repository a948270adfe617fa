//! How many boots rows need, and how much sessions differ, as texts.

use crate::columns::Columns;
use crate::numbers::counted;
use crate::numbers::{NONE, percent, percent_plain, significant, size};
use crate::show::{head, name, warnings};
use analyze::{Advice, NoiseFile, Plan, PlanRow};
use edge::visible;
use model::readable;
use std::fmt::Write;

/// A line for each row: its spread, the boots that its effect needs, what to add.
pub fn plan(plan: &Plan) -> String {
    let mut out = head(&plan.side);
    let effect = match plan.effect {
        Some(effect) => format!("a change of {}", percent(effect)),
        None => "a change as large as each metric's min_effect".to_owned(),
    };
    let (alpha, power) = (plan.alpha, percent(plan.power));
    // Writing to a String cannot fail.
    let _ =
        writeln!(out, "boots on each side that find {effect} (Welch's test, alpha {alpha}, power {power})\n");
    let titles = &["n", "CV", "between", "within", "effect", "boots", "found with n", "add "];
    let mut table = Columns::new(titles);
    for row in &plan.rows {
        let name = name(&plan.spelled, &row.id, (&row.workload, &row.category, &row.case));
        table.row(&readable(&name), cells(row, plan));
    }
    table.write(&mut out);
    if let Some(most) =
        plan.rows.iter().filter(|r| r.role == model::Role::Primary).map(|r| r.boots).max().flatten()
    {
        let _ = writeln!(
            out,
            "\n{} on each side serve every primary row whose spread is known",
            counted(most, "boot")
        );
    }
    warnings(&mut out, &plan.warnings);
    out.push_str(
        "\nfound with n: the smallest change that a comparison with as many boots on each side finds\n\
         add: what makes the estimate sharper at least cost, boots or longer sessions (iterations); boots help in \
         any case, also where nothing is known of the spread within them\n",
    );
    if plan.rows.iter().any(|r| r.spread.is_some()) {
        out.push_str("between, within: SD between boots, and SD that the intervals within a boot explain, in the row's unit\n");
    }
    out
}

fn cells(row: &PlanRow, plan: &Plan) -> Vec<String> {
    let part = |v: Option<f64>| v.map_or(String::new(), |v| significant(v, 3));
    let boots = match (row.boots, row.advice) {
        (Some(boots), _) => boots.to_string(),
        // Constants need no more than the two that a comparison needs at all.
        (None, Advice::Nothing) => "2".to_owned(),
        (None, _) => NONE.to_owned(),
    };
    let effect = if plan.effect.is_some() { String::new() } else { percent(row.effect) };
    vec![
        row.n.to_string(),
        row.cv.map_or(NONE.to_owned(), |cv| percent_plain(cv * 100.0)),
        part(row.spread.map(|s| s.between)),
        part(row.spread.map(|s| s.within)),
        effect,
        boots,
        row.mde.map_or(NONE.to_owned(), |m| size(m.up)),
        word(row.advice).to_owned(),
    ]
}

fn word(advice: Advice) -> &'static str {
    match advice {
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
