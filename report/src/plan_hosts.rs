//! What several hosts will find, as a text.

use crate::columns::Columns;
use crate::numbers::{NONE, percent, percent_plain, trimmed};
use crate::show::warnings;
use analyze::{Boots, HostsPlan, HostsPlanRow, MOST_BOOTS};
use edge::visible;
use model::{Role, counted, readable};
use std::fmt::Write;

/// From so many hosts on a sentence is about hosts like these.
const GENERAL: usize = 5;

/// A line for each row: how it varies within and between hosts, what so many hosts find, and how many it needs.
pub fn plan_hosts(plan: &HostsPlan) -> String {
    let mut out = String::new();
    heading(plan, &mut out);
    let mut table = Columns::new(&["block SD", "host SD", "effect", "power", "hosts", "blocks"]);
    for row in &plan.rows {
        table.row(&readable(&row.id), cells(row));
    }
    table.write(&mut out);
    endings(plan, &mut out);
    warnings(&mut out, &plan.warnings);
    let _ = write!(
        out,
        "\nblock SD: of the difference of one block on one host; host SD: of the hosts' own changes, beyond that\n\
         power: the share of comparisons on {} of {} each that find the effect\n\
         hosts: of {} each, so that {} of comparisons find it and the sentence is about hosts like these (five or more)\n\
         blocks: on each of {}, so that as many find it\n\
         the cautious end of a range (the lower power, the larger number) holds for {} of pilots\n",
        counted(plan.hosts, "host"),
        counted(plan.blocks, "block"),
        counted(plan.blocks, "block"),
        percent(plan.power),
        counted(plan.hosts, "host"),
        percent(plan.confidence),
    );
    out
}

fn heading(plan: &HostsPlan, out: &mut String) {
    let effect = match plan.effect {
        Some(effect) => format!("a change of {}", percent(effect)),
        None => "a change of twice each metric's min_effect".to_owned(),
    };
    let rows = if plan.all_rows { "row, none of them primary," } else { "primary row" };
    let whom = if plan.hosts >= GENERAL {
        "on hosts like these"
    } else {
        "on these hosts alone, because they are fewer than five"
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{} against {}: how often {} of {} each find {effect} {whom}\n\
         the pilot has {}; {} decided together, each at {}",
        visible(&plan.b),
        visible(&plan.a),
        counted(plan.hosts, "host"),
        counted(plan.blocks, "block"),
        counted(plan.pilot, "host"),
        counted(plan.family, rows),
        trimmed(plan.level),
    );
    if plan.pilot < 2 {
        out.push_str(
            "one host does not tell how much hosts differ: power is as if they did not, and falls where they do; measure a pilot of \
             three hosts or more\n",
        );
    }
    out.push('\n');
}

/// What to do: hosts before blocks.
fn endings(plan: &HostsPlan, out: &mut String) {
    let primary = || plan.rows.iter().filter(|row| plan.all_rows || row.role == Role::Primary);
    let most = |of: fn(&HostsPlanRow) -> Option<Boots>| -> Option<Option<usize>> {
        let all: Vec<Option<usize>> = primary().filter_map(of).map(|boots| boots.high).collect();
        let n = all.iter().try_fold(0, |most, n| n.map(|n| most.max(n)));
        (!all.is_empty()).then_some(n)
    };
    let (hosts, blocks) = (most(|row| row.hosts), most(|row| row.blocks));
    let next = match (hosts, blocks) {
        (None, _) => return,
        (Some(Some(n)), _) if n <= plan.hosts => {
            format!(
                "{} of {} serve every row that counts",
                counted(plan.hosts, "host"),
                counted(plan.blocks, "block")
            )
        }
        (Some(Some(n)), Some(Some(of_each))) => format!(
            "hosts before blocks: {} of {} each serve every row that counts, where {} need {} each and say less of others",
            counted(n, "host"),
            counted(plan.blocks, "block"),
            counted(plan.hosts, "host"),
            counted(of_each, "block")
        ),
        (Some(Some(n)), _) => format!(
            "hosts before blocks: {} of {} each serve every row that counts; on {} no number of blocks up to {MOST_BOOTS} does",
            counted(n, "host"),
            counted(plan.blocks, "block"),
            counted(plan.hosts, "host"),
        ),
        (Some(None), _) => format!(
            "no {MOST_BOOTS} hosts serve every row that counts: ask for a larger change (--effect), or find what differs between the hosts"
        ),
    };
    let _ = writeln!(out, "\nnext: {next}");
    if plan.hidden > 0 {
        let _ = writeln!(out, "\n{} that do not gate: --all shows them", counted(plan.hidden, "row"));
    }
}

fn cells(row: &HostsPlanRow) -> Vec<String> {
    let sd = |sd: Option<f64>| sd.map_or(NONE.to_owned(), |sd| percent_plain(sd * 100.0));
    let number = |boots: Option<Boots>| {
        let end = |n: Option<usize>| n.map_or(format!(">{MOST_BOOTS}"), |n| n.to_string());
        boots.map_or(NONE.to_owned(), |b| range(end(b.low), end(b.high)))
    };
    // Rounded away from what is promised and hoped for.
    let power = row.found.map(|found| {
        let (low, high) = ((100.0 * found.low).floor() / 100.0, (100.0 * found.high).ceil() / 100.0);
        range(format!("{low:.2}"), format!("{high:.2}"))
    });
    vec![
        sd(row.block_sd),
        sd(row.host_sd),
        percent(row.effect),
        power.unwrap_or(NONE.to_owned()),
        number(row.hosts),
        number(row.blocks),
    ]
}

fn range(low: String, high: String) -> String {
    if low == high { low } else { format!("{low} to {high}") }
}
