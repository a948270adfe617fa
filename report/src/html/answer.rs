//! The answer for each candidate at the top of the page: the verdict, the three numbers that carry it, whether to trust it,
//! what changed, and what to do next.

use super::card::{Card, Figure, card};
use super::{breakable, categories, foreign, minus, signed_percent, verdict_class};
use crate::comparable;
use crate::next::{Next, next};
use crate::rows::{RowView, by_gravity, glyph, verdict_rank};
use crate::sentence::{self, Counts, counts};
use analyze::{Comparison, Level, Summary, Verdict};
use maud::{Markup, html};
use model::Direction;
use model::counted;

/// One candidate and what is asked of it.
struct Asked<'c> {
    comparison: &'c Comparison,
    summary: &'c Summary,
    counts: Counts<'c>,
    /// Its rows that can gate, gravest first.
    rows: Vec<RowView<'c>>,
}

/// A card for each candidate.
pub(super) fn cards(comparison: &Comparison, views: &[RowView<'_>]) -> Markup {
    let sentences = sentence::sentence(comparison);
    html! {
        @for (summary, sentence) in comparison.summary.iter().zip(&sentences) {
            @let asked = Asked::of(comparison, summary, views);
            (card(&Card {
                tone: asked.tone(),
                answer: asked.answer(),
                figures: asked.figures(),
                lines: asked.lines(),
                more: html! {
                    p.sentence { bdi { (sentence) } }
                    (chips(&asked))
                    (categories::table(comparison, summary))
                },
            }))
        }
    }
}

impl<'c> Asked<'c> {
    fn of(comparison: &'c Comparison, summary: &'c Summary, views: &[RowView<'c>]) -> Self {
        let own = |v: &&RowView<'c>| v.row.candidate == summary.candidate && v.counts;
        let mut rows: Vec<RowView<'c>> = views.iter().filter(own).cloned().collect();
        by_gravity(&mut rows);
        Asked { comparison, summary, counts: counts(comparison, summary), rows }
    }

    fn n(&self, verdict: Verdict) -> usize {
        self.counts.verdicts.get(&verdict).copied().unwrap_or(0)
    }

    /// Something failed on the candidate more often, or there alone.
    fn broken(&self) -> usize {
        let own = |f: &&analyze::CaseFailures| f.candidate == self.summary.candidate && f.is_worse();
        self.comparison.failures.iter().filter(own).count()
    }

    fn categories(&self) -> usize {
        self.summary.categories.iter().filter(|c| c.verdict == Verdict::Regressed).count()
    }

    /// As grave as the gravest finding: what failed, a category, a row that can gate.
    fn tone(&self) -> &'static str {
        let undecided = self.n(Verdict::Inconclusive) + self.n(Verdict::Invalid);
        match () {
            () if self.broken() + self.n(Verdict::Regressed) + self.categories() > 0 => "worse",
            () if undecided > 0 || self.counts.total == 0 => "open",
            () if self.n(Verdict::Improved) > 0 => "better",
            () => "quiet",
        }
    }

    /// The verdict in a few words, with its sign.
    fn answer(&self) -> Markup {
        let (total, noun) = (self.counts.total, self.counts.noun);
        let of = |n: usize| format!("{n} of {}", counted(total, noun));
        let regressed = self.n(Verdict::Regressed);
        let changed = self.n(Verdict::Improved);
        let open = self.n(Verdict::Inconclusive) + self.n(Verdict::Invalid);
        html! {
            @if self.comparison.b.len() > 1 { bdi { (sentence::candidate_label(self.comparison, self.summary.candidate)) } ": " }
            @if self.broken() > 0 { span.sign { "✖" } " " (counted(self.broken(), "case")) " failed more often, or on the candidate only" }
            @if self.broken() > 0 && regressed > 0 { "; " }
            @if regressed > 0 { span.sign { (glyph(Verdict::Regressed)) } " " (of(regressed)) " regressed" }
            @else if self.broken() > 0 { }
            @else if self.categories() > 0 {
                span.sign { (glyph(Verdict::Regressed)) } " no single row, but " (counted(self.categories(), "group")) " of rows regressed as a whole"
            }
            @else if self.summary.comparable_primary() == 0 { span.sign { "×" } " Nothing was decided" }
            @else if open > 0 { span.sign { (glyph(Verdict::Inconclusive)) } " No regression was found; " (of(open)) " undecided" }
            @else if changed > 0 { span.sign { (glyph(Verdict::Improved)) } " No regression; " (of(changed)) " improved" }
            @else { span.sign { (glyph(Verdict::Equivalent)) } " No regression was found in " (counted(total, noun)) }
        }
    }

    /// The row to look at first: the gravest of those that something was decided of, else the largest estimate.
    fn first(&self) -> Option<&RowView<'c>> {
        self.rows.first().filter(|v| v.row.verdict.is_decided_change()).or_else(|| {
            let size = |v: &&RowView<'_>| crate::rows::size(v.row);
            self.rows.iter().filter(|v| v.row.ratio.is_some()).max_by(|x, y| size(x).total_cmp(&size(y)))
        })
    }

    fn figures(&self) -> Vec<Figure> {
        let first = self.first().map(|view| Figure {
            value: html! { (minus(&view.change.text)) },
            what: html! {
                @match view.row.verdict {
                    Verdict::Regressed => "worst: ",
                    v if v.is_decided_change() => "largest change: ",
                    _ => "largest estimate, not decided: ",
                }
                a href={ "#r" (view.index) } { (foreign(&view.row.category)) " " (foreign(&view.case())) " " (foreign(&view.row.metric)) }
                @if let Some(ci) = &view.change.ci { " " span.ci { (minus(ci)) } }
            },
        });
        let together = self.summary.score.map(|score| Figure {
            value: html! { (signed_percent(score.ratio)) },
            what: html! {
                "all " (counted(score.rows, "row")) " together (boot score, " (better(score.direction)) "; no verdict) "
                span.ci { "[" (signed_percent(score.ci.0)) ", " (signed_percent(score.ci.1)) "]" }
            },
        });
        let (equal, open) = (self.n(Verdict::Equivalent), self.n(Verdict::Inconclusive));
        let split = (self.counts.total > 0).then(|| Figure {
            value: html! { (equal) " of " (self.counts.total) },
            what: html! { "shown to be equal (" (sentence::band(self.comparison)) "); " (open) " undecided" },
        });
        [first, together, split].into_iter().flatten().collect()
    }

    fn lines(&self) -> Vec<(&'static str, Markup)> {
        vec![("Trust", self.trust()), ("Comparable", self.comparable()), ("Next", self.next())]
    }

    /// Whether the numbers count: what speaks against them, the gravest in full.
    fn trust(&self) -> Markup {
        let blocking = || self.comparison.warnings.iter().filter(|w| w.level == Level::Blocking);
        let more = blocking().count().saturating_sub(1);
        let notes = self.comparison.warnings.iter().filter(|w| w.level == Level::Note).count();
        html! {
            @if self.comparison.method.forced {
                strong { "× No: " } "rows that cannot be compared were compared all the same (--force). "
            }
            @if let Some(warning) = blocking().next() {
                strong { "! With care: " } (foreign(&warning.text)) "."
                @if !warning.advice.is_empty() { " → " (foreign(&warning.advice)) "." }
                @if more > 0 { " " a href="#notes" { "And " (counted(more, "more note")) " like it" } "." }
            } @else if !self.comparison.method.forced {
                strong { "✓ Nothing speaks against it." }
                @if notes > 0 { " " a href="#notes" { (counted(notes, "note")) } " to read." }
            }
        }
    }

    /// Whether the sides can be held against each other.
    fn comparable(&self) -> Markup {
        html! { bdi { (comparable::said(self.comparison, self.summary)) } ". " a href="#changes" { "All facts" } }
    }

    /// What to do, with the command to type.
    fn next(&self) -> Markup {
        let worst = self.rows.first().map(|view| view.index);
        html! {
            @if self.broken() > 0 { "See what " a href="#failures" { "failed" } " first. " }
            @match next(self.comparison, self.summary, worst) {
                Next::Explain(row, typed) => {
                    "Look at " a href={ "#r" (row) } { "the worst row" } "; every number behind it: "
                    code { (breakable(&typed)) }
                }
                Next::Notes => { "Read the " a href="#notes" { "notes" } ": they say why no row could be judged." }
                Next::Plan(typed) => { "To decide the rest, measure more boots; how many: " code { (breakable(&typed)) } }
                Next::Nothing => { @if self.broken() == 0 { "Nothing has to be done." } }
            }
        }
    }
}

/// Counts by verdict: of the rows that gate, and of the others behind a plus.
fn chips(asked: &Asked<'_>) -> Markup {
    let mut verdicts = Verdict::ALL;
    verdicts.sort_by_key(|v| verdict_rank(*v));
    html! {
        ul.counts aria-label="Rows by verdict" {
            @for verdict in verdicts {
                @let gating = asked.n(verdict);
                @let all = asked.summary.all.get(&verdict).copied().unwrap_or(0);
                @if gating == 0 && all > 0 {
                    li.other { (glyph(verdict)) " " (verdict.word()) " in " (counted(all, "other row")) }
                } @else if gating > 0 {
                    li class=(verdict_class(verdict)) {
                        b { (glyph(verdict)) " " (gating) } " " (verdict.word())
                        @if all > gating { span.others { " +" (all - gating) " other" } }
                    }
                }
            }
        }
    }
}

/// Which way a score is better.
fn better(direction: Direction) -> &'static str {
    match direction {
        Direction::HigherIsBetter => "higher is better",
        Direction::LowerIsBetter => "lower is better",
        Direction::Informational => "neither way is better",
    }
}
