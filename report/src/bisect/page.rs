//! The page of a bisection: one file without network and without script.

use super::words::{change, check, rest, sentence, short, standing, time, way};
use super::{Bisected, BisectedCommit, Outcome, Standing};
use crate::command_line::command_line;
use crate::html::{Axis, Card, Document, Figure, breakable, card, contents, foreign, minus};
use maud::{Markup, html};
use model::{counted, readable};

/// What it adds to the style of every page.
const STYLE: &str = "svg.over { display: block; width: 100%; height: 120px; overflow: visible; }\n\
svg.over rect { fill: var(--strongline); }\nsvg.over rect.set { fill: var(--worse-fill); }\nsvg.over line { stroke: var(--line); }\n\
svg.over circle { fill: var(--bg); stroke: var(--ink); stroke-width: 1.5; }\nsvg.over circle.good { fill: var(--better-fill); }\n\
svg.over circle.bad { fill: var(--worse-fill); }\nsvg.over text { font-size: 11px; fill: var(--quiet); }\n\
.commits td, .commits th { border-bottom: 1px solid var(--line); }\n.commits .num { text-align: right; }\n.commits code { white-space: nowrap; }\n\
tr.likeliest { font-weight: bold; }\n#method pre { white-space: pre-wrap; overflow-wrap: anywhere; }\n";
/// Commits of the table; those that were neither measured nor are likely are counted.
const LISTED: usize = 200;
/// The height of a picture.
const HEIGHT: f64 = 120.0;

/// The page. Equal input gives equal bytes.
pub fn page(of: &Bisected) -> String {
    let row = readable(&of.row).into_owned();
    let title = format!("Bisection of {row}");
    let about = sentence(of);
    let body = html! {
        header { (summary(of, &row)) }
        (contents([("range", "Range"), ("values", "Values"), ("commits", "Commits"), ("method", "Method")], None))
        main {
            (over(of))
            (values(of))
            (commits(of))
            (method(of))
        }
    };
    let version = of.perfvt.as_str();
    Document { title: &title, about: &about, version, style: STYLE, ..Document::default() }.page(&body)
}

fn summary(of: &Bisected, row: &str) -> Markup {
    let by = of.last().and_then(|last| last.change).map(|[by, ..]| by).or(of.change);
    let (sign, tone) = match (of.outcome, by) {
        (Outcome::Named, Some(by)) if way(of, by) == "worse" => ("▼", "worse"),
        (Outcome::Named, _) => ("▲", "better"),
        (Outcome::NotReproduced | Outcome::Same, _) => ("=", "quiet"),
        _ => ("?", "open"),
    };
    let mut figures = Vec::new();
    if let Some(by) = by {
        figures.push(Figure {
            value: html! { (minus(&change(of, by))) },
            what: html! { "from parent to commit" },
        });
    }
    if let Some(commit) = of.commit() {
        let share = commit.share * 100.0;
        figures.push(Figure {
            value: html! { (format!("{share:.0} %")) },
            what: html! { "probability before the final comparison" },
        });
    }
    figures.push(Figure {
        value: html! { (of.boots) },
        what: html! { "boots, " (counted(of.builds as usize, "build")) ", " (time(of.seconds)) },
    });
    let mut lines = vec![
        ("Row", html! { (breakable(row)) " (" (foreign(&of.unit)) ")" }),
        (
            "Range",
            html! { (foreign(&of.range)) ", " (counted(of.commits.len().saturating_sub(1), "commit")) },
        ),
        ("Machine", foreign(&of.machine)),
    ];
    if let Some(ends) = &of.ends {
        let text = format!("{}, {} of both", change(of, ends.change), counted(ends.rounds, "round"));
        lines.push(("Ends", html! { (minus(&text)) }));
    }
    let more = html! {
        @for one in &of.checks { p { b { (foreign(&one.check)) } ": " (foreign(&minus(&check(of, one)))) } }
        @if let Some(rest) = rest(of) { p { (foreign(&minus(&rest))) } }
    };
    let answer = html! { span.sign { (sign) } " " (foreign(&minus(&sentence(of)))) };
    card(&Card { tone, answer, figures, lines, more })
}

/// Where something is over the range, in percent of the width.
fn x(of: &Bisected, at: usize) -> f64 {
    (at as f64 + 0.5) / of.commits.len().max(1) as f64 * 100.0
}

/// The probabilities over the range.
fn over(of: &Bisected) -> Markup {
    let top = of.commits.iter().map(|commit| commit.share).fold(0.0, f64::max);
    let width = (100.0 / of.commits.len().max(1) as f64).max(0.05);
    let height = |share: f64| if top > 0.0 { share / top * (HEIGHT - 20.0) } else { 0.0 };
    let label = format!(
        "The probability that each commit is the one, over {}. {}",
        of.range,
        of.set.iter().filter_map(|at| of.commits.get(*at)).take(10).map(told).collect::<Vec<_>>().join("; ")
    );
    html! {
        section #range aria-labelledby="h-range" {
            h2 #h-range { "Over the range" }
            p.caption { "How likely each commit is the one, the good end left. Coloured: the smallest set that holds it with a probability of .95." }
            svg.over role="img" aria-label=(edge::visible(&label)) {
                line x1="0%" x2="100%" y1=(HEIGHT - 19.0) y2=(HEIGHT - 19.0) {}
                @for (at, commit) in of.commits.iter().enumerate().filter(|(_, commit)| commit.share > 0.0) {
                    @let h = height(commit.share).max(1.0);
                    rect class=[of.set.contains(&at).then_some("set")] x=(format!("{:.3}%", x(of, at) - width / 2.0)) y=(format!("{:.1}", HEIGHT - 20.0 - h))
                        width=(format!("{width:.3}%")) height=(format!("{h:.1}")) { title { (edge::visible(&told(commit))) } }
                }
                text x="0" y=(HEIGHT - 4.0) { "good" }
                text x="100%" y=(HEIGHT - 4.0) text-anchor="end" { "bad" }
            }
        }
    }
}

fn told(commit: &BisectedCommit) -> String {
    format!("{} {:.1} %: {}", short(&commit.id), commit.share * 100.0, commit.subject)
}

/// Every value over the range.
fn values(of: &Bisected) -> Markup {
    let all = || of.commits.iter().flat_map(|commit| commit.values.iter().copied());
    // Where changes are ratios, equal ratios are equal ways.
    let log = of.is_ratio && all().all(|value| value > 0.0);
    let scaled = |value: f64| if log { value.ln() } else { value };
    let people = |value: f64| minus(&crate::numbers::significant(if log { value.exp() } else { value }, 4));
    let axis = Axis::of(all().map(scaled));
    let last = of.commits.len().saturating_sub(1);
    html! {
        section #values aria-labelledby="h-values" {
            h2 #h-values { "Every boot" }
            @match axis {
                None => { p.caption { "Nothing was measured." } }
                Some(axis) => {
                    p.caption { "A circle is a boot of a commit, in " (foreign(&of.unit)) "; " (people(axis.lo())) " below, " (people(axis.hi())) " above"
                        @if log { ", equal ratios equally far apart" } ". Filled: the ends." }
                    svg.over role="img" aria-label="The values of all boots over the range; the table below has their means." {
                        line x1="0%" x2="100%" y1=(HEIGHT - 1.0) y2=(HEIGHT - 1.0) {}
                        @for (at, commit) in of.commits.iter().enumerate() {
                            @for value in &commit.values {
                                @let y = HEIGHT - 10.0 - axis.at(scaled(*value)) / 100.0 * (HEIGHT - 20.0);
                                circle class=[if at == 0 { Some("good") } else { (at == last).then_some("bad") }] cx=(format!("{:.3}%", x(of, at)))
                                    cy=(format!("{y:.1}")) r="3.5" {}
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What is told of a commit: it was touched, or is likely.
fn is_told(of: &Bisected, at: usize, commit: &BisectedCommit) -> bool {
    of.set.contains(&at) || !matches!(commit.standing, Standing::Untouched | Standing::Same)
}

fn commits(of: &Bisected) -> Markup {
    let rows: Vec<(usize, &BisectedCommit)> =
        of.commits.iter().enumerate().filter(|(at, commit)| is_told(of, *at, commit)).collect();
    let left = of.commits.len() - rows.len().min(LISTED);
    html! {
        section #commits aria-labelledby="h-commits" {
            h2 #h-commits { "Commits" }
            div.scroll tabindex="0" role="region" aria-label="Commits" {
                table.commits {
                    thead { tr { th scope="col" { "Commit" } th.num scope="col" { "Probability" } th.num scope="col" { "Mean" }
                        th scope="col" { "State" } th scope="col" { "Subject" } } }
                    tbody { @for (at, commit) in rows.iter().take(LISTED) {
                        tr class=[(of.likeliest == Some(*at)).then_some("likeliest")] {
                            th scope="row" { code { (short(&commit.id)) } }
                            td.num { @if *at > 0 { (format!("{:.1} %", commit.share * 100.0)) } }
                            td.num { (mean(commit)) }
                            td { (standing(commit)) }
                            td { (foreign(&commit.subject)) }
                        }
                    } }
                }
            }
            @if left > 0 { p.caption { (counted(left, "other commit")) " of the range: neither built nor likely, or the same files as one before." } }
        }
    }
}

fn mean(commit: &BisectedCommit) -> String {
    if commit.values.is_empty() {
        return String::new();
    }
    let mean = commit.values.iter().sum::<f64>() / commit.values.len() as f64;
    minus(&crate::numbers::significant(mean, 4))
}

fn method(of: &Bisected) -> Markup {
    html! {
        section #method aria-labelledby="h-method" {
            h2 #h-method { "Method" }
            p { "Each round boots the good end and other commits once each, in random order, in fresh guests. Both ends are measured first, until their paired t \
                is beyond a bar that allows for looking after every round. Then the commits that tell most are probed; for each place of the step the values have \
                two levels, a part that a round has in common and an error, whose sizes are integrated out, and commits that touch documents and tests alone begin with a lower \
                probability. It stops at .95 with the commit and its parent measured; both are then measured afresh in blocks, by a sequential test at .01." }
            p { "Commits that do not build or boot are never measured and never cleared; commits that make the same files are one." }
            p { "Repository: " (breakable(&of.repository)) ", built by the recipe " (foreign(&of.recipe)) "." }
            pre { code { (foreign(&command_line(&of.command))) } }
        }
    }
}
