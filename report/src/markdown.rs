//! GitHub-flavoured Markdown for a pull-request comment: summary, decided rows, the rest folded.

mod by_host;

use crate::command_line::command_line;
use crate::explain::warning_text;
use crate::gate::{self, Outcome};
use crate::rows::{self, AtGate, RowView, by_gravity, glyph};
use crate::sentence::{self, sentence};
use crate::sides;
use crate::statistics::{self, Statistic};
use crate::{Gate, failures, matching};
use analyze::{CategoryScore, Comparison, Level, Summary, Verdict};
use edge::visible;
use model::readable;
use std::fmt::Write;

/// How the comment looks.
#[derive(Clone, Debug)]
pub struct MarkdownOptions {
    /// Characters that the comment may have; GitHub takes 65,536.
    pub limit: usize,
    /// What `--fail-on` gave.
    pub gate: Option<Gate>,
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        MarkdownOptions { limit: 65_000, gate: None }
    }
}

/// Columns of the tables, by the names of their statistics.
pub(crate) const COLUMNS: [&str; 10] =
    ["verdict", "case", "metric", "a_spread", "b_spread", "change", "change_ci", "p_model", "q", "n"];

/// So many findings, failures and categories are listed.
const LISTED: usize = 20;

/// Kept free for the tail and the word about what was cut.
const RESERVE: usize = 2_500;

/// The comparison as a comment; never longer than the limit, with a word about what was cut.
pub fn markdown(comparison: &Comparison, options: &MarkdownOptions) -> String {
    let mut out = String::new();
    let mut budget = options.limit.saturating_sub(RESERVE);
    head(&mut out, comparison, options, budget);
    budget = budget.saturating_sub(out.chars().count());
    let mut views = rows::views(comparison);
    by_gravity(&mut views);
    let (decided, rest): (Vec<_>, Vec<_>) =
        views.into_iter().partition(|v| v.row.verdict.is_decided_change());
    let mut cut = 0;
    cut += table(&mut out, comparison, &decided, &mut budget);
    by_host::write(&mut out, comparison, &decided, &mut budget);
    known(&mut out, &decided, &mut budget);
    cut += folded(&mut out, comparison, &rest, &mut budget);
    if cut > 0 {
        let _ = writeln!(
            out,
            "\n**{cut} rows were left out of this comment**, which may not grow longer; \
             `--format text`, `json` or `csv` and the HTML page have all of them."
        );
    }
    tail(&mut out, comparison, &decided);
    out
}

/// What came of the gate, and what it found.
fn gated(out: &mut String, comparison: &Comparison, gate: &Gate) {
    let state = match Outcome::of(gate) {
        Outcome::Passed => "passed".to_owned(),
        other => format!("**{}**", other.words()),
    };
    let _ = writeln!(
        out,
        "Gate `{}`: {state}, exit code {}{}.\n",
        code(&gate.rule),
        gate.exit_code,
        gate::open(comparison, gate)
    );
    list(out, gate.said().map(|said| visible(said).into_owned()), gate.said().count(), "findings");
}

fn head(out: &mut String, comparison: &Comparison, options: &MarkdownOptions, budget: usize) {
    for line in sentence(comparison) {
        let _ = writeln!(out, "**{}**\n", escaped(&shortened(&line, 2_000)));
    }
    for line in matching::matched(comparison) {
        let _ = writeln!(out, "{}\n", escaped(&shortened(&line, 1_000)));
    }
    let nothing_meets = matching::nothing_meets(comparison);
    if nothing_meets {
        nearest(out, comparison);
    }
    if let Some(gate) = &options.gate {
        gated(out, comparison, gate);
    }
    let failed = comparison.failures.iter();
    let failed = failed.map(|f| format!("⚠ {}; the first: {}", failures::sentence(f), visible(&f.first)));
    list(out, failed, comparison.failures.len(), "cases with failures");
    for (name, side) in sides::named(comparison) {
        let lost = sides::lost(side, LISTED);
        if !lost.is_empty() {
            let _ = writeln!(out, "{}\n", escaped(&shortened(&sides::line(name, side), 600)));
            lost.iter().for_each(|loss| out.push_str(&format!("- {}\n", escaped(&shortened(loss, 600)))));
            out.push('\n');
        }
    }
    for summary in &comparison.summary {
        categories(out, comparison, summary);
    }
    let mut left = 0;
    for level in [Level::Blocking, Level::Note] {
        for warning in comparison.warnings.iter().filter(|w| w.level == level) {
            let mark = if level == Level::Blocking { "⚠ **blocking** " } else { "" };
            let line = format!("- {mark}{}\n", escaped(&shortened(&warning_text(warning), 1_000)));
            if out.chars().count() + line.chars().count() > budget / 2 {
                left += 1;
            } else {
                out.push_str(&line);
            }
        }
    }
    if left > 0 {
        let _ = writeln!(out, "- and {left} further notes");
    }
    if !comparison.warnings.is_empty() {
        out.push('\n');
    }
    if !nothing_meets {
        nearest(out, comparison);
    }
}

/// Cases that meet nobody, and what to type so that they do.
fn nearest(out: &mut String, comparison: &Comparison) {
    let near = matching::nearest(comparison);
    for near in near.iter().take(LISTED) {
        let way = match &near.flags {
            // As it is, because it is to be typed: a longer fence takes backticks.
            Some(flags) if flags.contains('`') => format!("; to compare them, add `` {flags} ``"),
            Some(flags) => format!("; to compare them, add `{flags}`"),
            None => matching::NO_FLAG.to_owned(),
        };
        let _ = writeln!(out, "- {}{way}", escaped(&shortened(&near.text, 600)));
    }
    if let Some(more) = near.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(out, "- and {more} further kinds of cases that meet nobody");
    }
    if !near.is_empty() {
        out.push('\n');
    }
}

/// Lines of a list; how many of what were left out.
fn list(out: &mut String, lines: impl Iterator<Item = String>, all: usize, what: &str) {
    for line in lines.take(LISTED) {
        let _ = writeln!(out, "- {}", escaped(&shortened(&line, 600)));
    }
    if all > LISTED {
        let _ = writeln!(out, "- and {} further {what}", all - LISTED);
    }
    if all > 0 {
        out.push('\n');
    }
}

/// The scores of categories at the gate: those that changed, and how many did not.
fn categories(out: &mut String, comparison: &Comparison, summary: &Summary) {
    let (decided, rest): (Vec<_>, Vec<_>) =
        summary.categories.iter().partition(|c| c.verdict.is_decided_change());
    if decided.is_empty() {
        return;
    }
    let _ = match comparison.b.len() {
        1 => writeln!(out, "Categories as a whole, at the gate:\n"),
        _ => writeln!(
            out,
            "Categories of {} as a whole, at the gate:\n",
            escaped(&shortened(&sentence::candidate_label(comparison, summary.candidate), 300))
        ),
    };
    let line = |c: &&CategoryScore| format!("{} {}", gate::name(c), gate::category(c));
    list(out, decided.iter().map(line), decided.len(), "categories");
    let equal = rest.iter().filter(|c| c.verdict == Verdict::Equivalent).count();
    if equal > 0 {
        let _ = writeln!(out, "Categories shown to be equal as a whole: {equal}.\n");
    }
    if rest.len() > equal {
        let _ =
            writeln!(out, "Categories as a whole of which nothing was decided: {}.\n", rest.len() - equal);
    }
}

/// A table of rows, as many as the budget allows; returns how many were cut.
fn table(out: &mut String, comparison: &Comparison, views: &[RowView<'_>], budget: &mut usize) -> usize {
    if views.is_empty() {
        return 0;
    }
    let candidates = comparison.b.len() > 1;
    let columns = statistics::selected(&COLUMNS);
    let head = heads(&columns, candidates);
    if head.len() > *budget {
        return views.len();
    }
    out.push_str(&head);
    *budget -= head.len();
    for (i, view) in views.iter().enumerate() {
        let line = line(&columns, view, candidates);
        let length = line.chars().count();
        if length > *budget {
            return views.len() - i;
        }
        *budget -= length;
        out.push_str(&line);
    }
    0
}

/// The heads and the rule below them.
fn heads(columns: &[&Statistic], candidates: bool) -> String {
    let (mut heads, mut rule) = (String::new(), String::new());
    if candidates {
        (heads, rule) = ("| candidate ".into(), "|:--".into());
    }
    for column in columns {
        let _ = write!(heads, "| {} ", statistics::lowercase(column.column.comment));
        rule.push_str(match () {
            () if column.is_interval() => "|:-:",
            () if column.is_numeric() => "|--:",
            () => "|:--",
        });
    }
    format!("{heads}|\n{rule}|\n")
}

fn line(columns: &[&Statistic], view: &RowView<'_>, candidates: bool) -> String {
    let row = view.row;
    let bold = |text: String| {
        if row.verdict.is_decided_change() && view.strong { format!("**{text}**") } else { text }
    };
    let known = if row.expected.is_some() { " (known)" } else { "" };
    let gated = view.at_gate().map_or(String::new(), |at_gate| format!(", {}", at_gate.word()));
    let mut cells = Vec::new();
    if candidates {
        cells.push(cell(&sentence::candidate_label(view.comparison, row.candidate)));
    }
    cells.extend(columns.iter().map(|column| match column.name {
        "verdict" => {
            let word = bold(row.verdict.word().to_owned());
            format!("{} {word}{}{known}{gated}", glyph(row.verdict), view.detail())
        }
        "case" => {
            cell(&format!("{} {} {}", visible(&row.workload), visible(&row.category), column.short(view)))
        }
        "a_spread" | "b_spread" => column.short(view),
        "change" => bold(cell(&column.short(view))),
        _ => cell(&column.short(view)),
    }));
    format!("| {} |\n", cells.join(" | "))
}

/// Changes that `--expect` names, with reason and expiry; the budget cuts them like rows.
fn known(out: &mut String, views: &[RowView<'_>], budget: &mut usize) {
    let lines = views.iter().filter_map(|view| {
        let known = shortened(&view.known()?, 500);
        Some(format!(
            "- {} `{}` {}\n",
            view.row.verdict.word(),
            code(&shortened(&readable(&view.row.id), 300)),
            escaped(&known)
        ))
    });
    let mut head = "\nKnown changes, which do not gate:\n\n";
    for line in lines {
        let length = head.len() + line.chars().count();
        if length > *budget {
            return;
        }
        *budget -= length;
        out.push_str(std::mem::take(&mut head));
        out.push_str(&line);
    }
}

/// What is not decided, under one fold for each verdict.
fn folded(out: &mut String, comparison: &Comparison, views: &[RowView<'_>], budget: &mut usize) -> usize {
    let mut cut = 0;
    for verdict in Verdict::ALL {
        let group: Vec<RowView<'_>> = views.iter().filter(|v| v.row.verdict == verdict).cloned().collect();
        if group.is_empty() {
            continue;
        }
        let open = format!(
            "\n<details><summary>{} {} {}: {}</summary>\n\n",
            glyph(verdict),
            group.len(),
            verdict.word(),
            rows::claim(verdict)
        );
        let close = "\n</details>\n";
        let frame = open.chars().count() + close.len();
        if frame + 300 > *budget {
            cut += group.len();
            continue;
        }
        *budget -= frame;
        out.push_str(&open);
        cut += table(out, comparison, &group, budget);
        out.push_str(close);
    }
    cut
}

fn tail(out: &mut String, comparison: &Comparison, decided: &[RowView<'_>]) {
    let families: Vec<String> =
        comparison.families.iter().filter_map(|f| sentence::family(comparison, f.candidate)).collect();
    let command = command_line(&comparison.method.command);
    let _ = write!(
        out,
        "\n<sub>perfvt {}; alpha {}; band {}; {}. The interval of a decided row is the one after choosing, else 95%.",
        escaped(&visible(&comparison.perfvt)),
        comparison.method.alpha,
        escaped(&sentence::band_in_full(comparison)),
        escaped(&shortened(&families.join("; "), 200))
    );
    for at_gate in
        AtGate::ALL.into_iter().filter(|at_gate| decided.iter().any(|v| v.at_gate() == Some(*at_gate)))
    {
        let _ = write!(out, " <i>{}</i>: {}.", at_gate.word(), escaped(at_gate.meaning()));
    }
    if !command.is_empty() {
        let _ = write!(out, " <code>{}</code>", escaped(&shortened(&command, 600)));
    }
    out.push_str("</sub>\n");
}

/// The first characters of a text, with an ellipsis when some were cut.
fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit).chain(['…']).collect()
}

/// A cell of a table; very long names are cut.
fn cell(text: &str) -> String {
    escaped(&shortened(text, 300))
}

/// Text that Markdown and HTML take for what it is; mentions and issue numbers do not become links.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Sites look for mentions and issues in what they have rendered, where `&#64;` is `@` again: a space of no width parts
            // the sign from the name.
            '@' => out.push_str("&#64;&#8203;"),
            '#' => out.push_str("&#35;&#8203;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    // A bare address would become a link.
    out.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
}

/// Text inside backticks.
fn code(text: &str) -> String {
    visible(text).replace('`', "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_neither_formats_nor_notifies() {
        let text = escaped("a|b *c* <script> @someone #12 [x](http://y)");
        assert_eq!(
            text,
            "a\\|b \\*c\\* &lt;script&gt; &#64;&#8203;someone &#35;&#8203;12 \\[x\\](http:&#47;&#47;y)"
        );
    }
}
