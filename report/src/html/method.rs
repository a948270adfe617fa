//! How the rows were judged, and what each word claims.

use super::{foreign, minus, verdict_class};
use crate::gate::shares;
use crate::numbers;
use crate::rows::{AtGate, BEYOND, REASONS, claim, glyph, meaning, verdict_rank};
use crate::sentence::{candidate_label, correction, family};
use analyze::{Comparison, Verdict};
use maud::{Markup, html};

pub(super) fn section(comparison: &Comparison) -> Markup {
    let mut verdicts = Verdict::ALL;
    verdicts.sort_by_key(|v| verdict_rank(*v));
    html! {
        section #method aria-labelledby="h-method" {
            h2 #h-method { "Method" }
            details open {
            summary { "How rows were judged, and what each word claims" }
            (thresholds(comparison))
            h3 { "What each verdict claims" }
            dl.claims {
                @for verdict in verdicts {
                    dt { span.badge.(verdict_class(verdict)) { (glyph(verdict)) " " (verdict.word()) } }
                    dd { (claim(verdict)) "." }
                }
            }
            h3 { "Reasons" }
            dl.claims {
                @for reason in REASONS { dt { code { (reason.word()) } } dd { (meaning(reason)) "." } }
            }
            h3 { "Marks and gate" }
            (gate_words(comparison))
            h3 { "What this page does not claim" }
            ul {
                li { "A row that is not significant is not shown to be equal: that is what EQUIVALENT is for." }
                li { "A 95% interval holds for its row by itself, and EQUIVALENT is not adjusted for the number of rows; the \
                      interval after choosing is." }
                li { "The boot score tells how rows moved together. It hides rows that moved against the others." }
                li { "Student, Welch on the raw scale, Mann-Whitney and permutation stand beside the verdict and do \
                      not feed it." }
            }
            }
        }
    }
}

/// The numbers in force.
fn thresholds(comparison: &Comparison) -> Markup {
    let method = &comparison.method;
    html! {
        dl.method {
            dt { "Replicate" }
            dd { "The boot of a guest where boots are known, else the result file; values inside one are reduced to \
                  one value first." }
            dt { "Test" }
            dd {
                code { (foreign(&method.test)) }
                @match method.test.as_str() {
                    "auto" => ": differences within blocks where the plan has at least 5 blocks with both, else Welch; \
                               on the log scale for throughput, rates, latency and time, on the linear scale for \
                               counts and percentages.",
                    _ => ", as it was asked for.",
                }
            }
            dt { "Degrees of freedom" }
            dd {
                "Welch: Satterthwaite's for sides of equal size, min(n) - 1 from twice the size on, between them in between. \
                 Blocks: their number - 1; from ten planned ones on the place within a block is a term of the model: - 2."
            }
            @if method.variance == "moderated" {
                dt { "Variance" }
                dd {
                    "moderated: each row's own variance s² with d degrees of freedom, and what those of the family have in \
                     common, s0² with d0, make one of (d0 s0² + d s²)/(d0 + d) with d0 + d (Smyth 2004). Rows outside the \
                     family, sides of different size and categories keep their own."
                }
            }
            dt { "alpha" }
            dd { (method.alpha) ", two-sided" }
            dt { "Band" }
            dd {
                "m = " (numbers::percent(method.min_effect)) " unless a metric says more. On the log scale \
                 a ratio is small " (minus(&numbers::band(method.min_effect))) ", which is 1/(1+m) to 1+m; on the linear \
                 scale within ±" (numbers::percent(method.min_effect)) " of A's mean, by Fieller's interval, which knows \
                 that this mean is an estimate. min_effect_abs in perf.conf names a difference that is too small, too."
            }
            dt { "Correction" }
            dd {
                bdi { (correction(&method.correction)) } " over one family per candidate."
                @for f in &comparison.families {
                    " " bdi { (candidate_label(comparison, f.candidate)) } ": "
                    @if let Some(text) = family(comparison, f.candidate) { bdi { (text) } } "."
                }
                " Rows outside the family use p, are drawn light and never gate."
            }
            dt { "Light colour" }
            dd { "differences below " (numbers::percent(method.light_below)) ", and metrics that are neither primary \
                  nor important" }
            dt { "Seed" }
            dd { (method.seed) ", of permutations and bootstraps" }
        }
    }
}

/// The words that stand beside verdicts, and those of the gate.
fn gate_words(comparison: &Comparison) -> Markup {
    let alpha = comparison.method.alpha;
    html! {
        dl.claims {
            dt { "events" }
            dd {
                "Rows of one case that changed alike are one event: the headline counts events, and rows in brackets."
            }
            dt { (BEYOND.0) }
            dd { (BEYOND.1) ". A verdict without this mark claims of the best estimate only that it lies outside." }
            dt { "interval after choosing" }
            dd {
                "Rows are looked at because they were decided, and those are the ones whose estimates came out large. \
                 For R decided rows in a family of N their intervals are at 1 - R·0.05/N (Benjamini and Yekutieli 2005): \
                 of all that are shown, at most a twentieth is expected to miss."
                @for f in comparison.families.iter().filter(|f| f.decided > 0) {
                    " " bdi { (candidate_label(comparison, f.candidate)) } ": R = " (f.decided) ", N = " (f.size) "."
                }
            }
            @for at_gate in AtGate::ALL { dt { (at_gate.word()) } dd { (at_gate.meaning()) "." } }
            dt { "the gate" }
            dd {
                "--fail-on asks two questions, and both together err with at most alpha = " (alpha) ": whether a single row \
                 changed (p corrected by Holm over the family), and whether a category did as a whole (the score of each \
                 boot over its rows, by Holm over categories), which sees a small change that all of them share."
                @for f in &comparison.families {
                    " " bdi { (candidate_label(comparison, f.candidate)) } ": " (shares(f)) "."
                }
                " Deterministic metrics have no p and count always."
            }
            dt { "failures" }
            dd {
                "Measurements that failed are an outcome: counted by case, tested by Fisher's exact test, corrected by \
                 Holm. They fail a gate by themselves, and keep rows of their case from being EQUIVALENT or IMPROVED."
            }
        }
    }
}
