//! The answer for each candidate at the top of the page: the verdict with its size, where it got worse, whether to trust it,
//! what changed, and what to do next.

use super::card::{Card, Figure, card};
use super::published::Published;
use super::{breakable, categories, foreign, minus, notes, verdict_class};
use crate::brief;
use crate::comparable;
use crate::next::{Next, next};
use crate::rows::{RowView, by_gravity, glyph, verdict_rank};
use crate::sentence::{self, Counts, counts};
use crate::whom;
use analyze::{Comparison, Decision, Level, Summary, Trust, Verdict, areas, trust};
use maud::{Markup, html};
use model::counted;

/// So many areas are named.
const AREAS: usize = 5;

/// One candidate and what is asked of it.
struct Asked<'c> {
    comparison: &'c Comparison,
    summary: &'c Summary,
    counts: Counts<'c>,
    /// Its rows that can gate, gravest first.
    rows: Vec<RowView<'c>>,
    trust: Trust<'c>,
    published: Option<&'c Published>,
}

/// A card for each candidate.
pub(super) fn cards(comparison: &Comparison, views: &[RowView<'_>], published: Option<&Published>) -> Markup {
    html! {
        @for summary in &comparison.summary {
            @let asked = Asked::of(comparison, summary, views, published);
            (card(&Card {
                tone: asked.tone(),
                answer: asked.answer(),
                figures: asked.figures(),
                lines: asked.lines(),
                more: html! { (chips(&asked)) (categories::table(comparison, summary)) },
            }))
        }
    }
}

impl<'c> Asked<'c> {
    fn of(
        comparison: &'c Comparison,
        summary: &'c Summary,
        views: &[RowView<'c>],
        published: Option<&'c Published>,
    ) -> Self {
        let own = |v: &&RowView<'c>| v.row.candidate == summary.candidate && v.counts;
        let mut rows: Vec<RowView<'c>> = views.iter().filter(own).cloned().collect();
        by_gravity(&mut rows);
        let (counts, trust) = (counts(comparison, summary), trust(comparison, summary));
        Asked { comparison, summary, counts, rows, trust, published }
    }

    fn n(&self, verdict: Verdict) -> usize {
        self.counts.verdicts.get(&verdict).copied().unwrap_or(0)
    }

    /// Something failed on the candidate more often, or there alone.
    fn broken(&self) -> usize {
        let own = |f: &&analyze::CaseFailures| f.candidate == self.summary.candidate && f.alarms();
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
        let total = counted(self.counts.total, "row");
        let improved = self.n(Verdict::Improved);
        let open = self.n(Verdict::Inconclusive) + self.n(Verdict::Invalid);
        let regressed = brief::regressions(self.comparison, self.summary);
        html! {
            @if self.comparison.b.len() > 1 { bdi { (sentence::candidate_label(self.comparison, self.summary.candidate)) } ": " }
            @if self.broken() > 0 { span.sign { "✖" } " " (sentence::listed(&sentence::broken(self.comparison, self.summary))) }
            @if self.broken() > 0 && regressed.is_some() { "; " }
            @if let Some(regressed) = regressed { span.sign { (glyph(Verdict::Regressed)) } " " (regressed) }
            @else if self.broken() > 0 { }
            @else if self.categories() > 0 {
                span.sign { (glyph(Verdict::Regressed)) } " No single row, but " (counted(self.categories(), "area")) " regressed as a whole"
            }
            @else if self.summary.comparable_primary() == 0 { span.sign { "×" } " Nothing was decided" }
            @else if open > 0 { span.sign { (glyph(Verdict::Inconclusive)) } " No regression was found; " (open) " of " (total) " undecided" }
            @else if improved > 0 { span.sign { (glyph(Verdict::Improved)) } " No regression; " (improved) " of " (total) " improved" }
            @else { span.sign { (glyph(Verdict::Equivalent)) } " No regression was found in " (total) }
        }
    }

    /// The largest change that was decided; where nothing was, there is no number to look at.
    fn figures(&self) -> Vec<Figure> {
        let first = brief::first(&self.rows).map(|view| Figure {
            value: html! { (minus(&view.change.text)) },
            what: html! {
                @if view.row.verdict == Verdict::Regressed { "worst: " } @else { "largest change: " }
                a href={ "#r" (view.index) } { (foreign(&brief::named(view))) }
                @if let Some((lo, hi)) = view.change.ci.as_deref().and_then(ends) {
                    ", 95% sure between " span.ci { (minus(lo)) } " and " span.ci { (minus(hi)) }
                }
            },
        });
        first.into_iter().collect()
    }

    fn lines(&self) -> Vec<(&'static str, Markup)> {
        let open = || {
            brief::open(self.comparison, self.summary)
                .map(|text| ("Open", html! { (sentence::upper(&text)) "." }))
        };
        let found = self.n(Verdict::Regressed) + self.categories() + self.broken() > 0;
        let lines = [
            self.areas().map(|areas| ("Where", areas)),
            if found { None } else { open() },
            whom::whom_by_name(self.comparison).map(|whom| {
                ("Hosts", html! { (foreign(&sentence::upper(&whom))) ". " a href="#hosts" { "Each host" } })
            }),
            Some(("Trust", self.trust())),
            Some(("Comparable", self.comparable())),
            Some(("Next", self.next())),
        ];
        lines.into_iter().flatten().collect()
    }

    /// Areas that got worse, the worst first; nothing where the one row is all there is to say.
    fn areas(&self) -> Option<Markup> {
        let areas = areas(self.comparison, self.summary);
        let mut workloads = areas.iter().map(|a| a.workload);
        let first = workloads.next()?;
        let several = workloads.any(|w| w != first);
        let more = areas.len().saturating_sub(AREAS);
        if let [only] = areas.as_slice()
            && only.score.is_none()
        {
            return None;
        }
        Some(html! {
            ul.areas {
                @for area in areas.iter().take(AREAS) {
                    li {
                        span.sign { (glyph(Verdict::Regressed)) } " "
                        @if several { (foreign(area.workload)) " " }
                        b { (foreign(area.category)) } " " (minus(&brief::area(self.comparison, area)))
                    }
                }
                @if more > 0 { li { "and " a href="#rows" { (more) " more" } } }
            }
        })
    }

    /// One of three decisions, and what it rests on.
    fn trust(&self) -> Markup {
        let trust = &self.trust;
        let sign = match trust.decision {
            Decision::Rely => "✓",
            Decision::MeasureAgain => "!",
            Decision::DoNotDecide => "×",
        };
        let more = trust.against.len().saturating_sub(1);
        let notes = self.comparison.warnings.iter().filter(|w| w.level == Level::Note).count();
        let open: Vec<String> = [
            (trust.undecided - trust.noisy.min(trust.undecided), "undecided"),
            (trust.noisy, "too noisy to decide"),
            (trust.missing, "missing on one side"),
            (trust.invalid, "not to be judged"),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
        html! {
            strong { (sign) " " (sentence::upper(brief::decision(trust.decision))) @if trust.against.is_empty() { "." } @else { ":" } }
            // The text may begin with the label of a side, which is as its owner writes it.
            @if let Some(warning) = trust.against.first() { " " (notes::stopped(&warning.text)) }
            @if self.comparison.method.forced { " Rows that cannot be compared were compared all the same (--force)." }
            @if more > 0 { " " a href="#notes" { "And " (counted(more, "more reason")) } "." }
            @if self.summary.comparable_primary() == 0 && self.counts.total > 0 {
                " " (sentence::upper(&sentence::nothing_decided(&self.counts))) "."
            }
            @if trust.below_gate { " No change passes the stricter test of the gate." }
            @if !open.is_empty() { " Of " (counted(trust.rows, "row")) ": " (open.join(", ")) "." }
            @if trust.decision == Decision::Rely && notes > 0 { " " a href="#notes" { (counted(notes, "note")) } " to read." }
        }
    }

    /// Whether the sides can be held against each other.
    fn comparable(&self) -> Markup {
        html! { bdi { (comparable::said(self.comparison, self.summary)) } ". " a href="#changes" { "All facts" } }
    }

    /// What to do, what Trust asks for first, with the command to type.
    fn next(&self) -> Markup {
        let worst = self.rows.first().map(|view| view.index);
        let advice = self.trust.against.first().map(|w| &w.advice).filter(|advice| !advice.is_empty());
        html! {
            @if let Some(advice) = advice { (notes::stopped(&sentence::upper(advice))) " " }
            @if self.broken() > 0 { "See what " a href="#failures" { "failed" } " first. " }
            @match next(self.comparison, self.summary, worst) {
                Next::Explain(row, typed) => {
                    "Look at " a href={ "#r" (row) } { "the worst row" } "; every number behind it: " (self.typed(&typed))
                }
                Next::Notes => { "Read the " a href="#notes" { "notes" } ": they say why no row could be judged." }
                Next::Plan(typed) => { "To decide the rest, measure more boots; how many: " (self.typed(&typed)) }
                Next::Nothing => { @if self.broken() == 0 && advice.is_none() { "Nothing has to be done." } }
            }
        }
    }

    /// A command; on a page of a site the steps that bring the results to where it finds them.
    fn typed(&self, command: &str) -> Markup {
        let data = self.published.map(|p| p.data.as_slice()).unwrap_or_default();
        html! {
            @if !data.is_empty() {
                "download " @for (i, d) in data.iter().enumerate() {
                    @if i > 0 { ", " } a href=(d.file) { (foreign(&d.file)) }
                } ", then "
            }
            code {
                @for d in data { (breakable(&crate::command_line::command_line(&["tar".into(), "xzf".into(), d.file.clone()]))) " && " }
                (breakable(command))
            }
        }
    }
}

/// The ends of an interval as it is written: `[-1.2, +3.4]`.
fn ends(ci: &str) -> Option<(&str, &str)> {
    ci.strip_prefix('[')?.strip_suffix(']')?.split_once(", ")
}

/// Counts by verdict: of the rows that gate, and of the others behind a plus. Each leads to the rows; the script shows those alone.
fn chips(asked: &Asked<'_>) -> Markup {
    let mut verdicts = Verdict::ALL;
    verdicts.sort_by_key(|v| verdict_rank(*v));
    html! {
        ul.counts aria-label="Rows by verdict" {
            @for verdict in verdicts {
                @let gating = asked.n(verdict);
                @let all = asked.summary.all.get(&verdict).copied().unwrap_or(0);
                @let link = html! { a href="#rows" data-v=(verdict.word()) { (verdict.word()) } };
                @if gating == 0 && all > 0 {
                    li.other { (glyph(verdict)) " " (link) " in " (counted(all, "other row")) }
                } @else if gating > 0 {
                    li class=(verdict_class(verdict)) {
                        b { (glyph(verdict)) " " (gating) } " " (link)
                        @if all > gating { span.others { " +" (all - gating) " other" } }
                    }
                }
            }
        }
    }
}
