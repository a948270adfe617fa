//! How the rows were judged, and what each word claims.

use super::{foreign, verdict_class};
use crate::numbers;
use crate::rows::{claim, glyph, meaning, verdict_rank};
use crate::sentence::{candidate_label, correction, family};
use analyze::{Comparison, Reason, Verdict};
use maud::{Markup, html};

const REASONS: [Reason; 10] = [
    Reason::ChangedSmall,
    Reason::Failures,
    Reason::Suggestive,
    Reason::Noisy,
    Reason::Open,
    Reason::NoVariance,
    Reason::NoScale,
    Reason::Exact,
    Reason::OneReplicate,
    Reason::NotComparable,
];

pub(super) fn section(comparison: &Comparison) -> Markup {
    let mut verdicts = Verdict::ALL;
    verdicts.sort_by_key(|v| verdict_rank(*v));
    html! {
        section #method aria-labelledby="h-method" {
            h2 #h-method { "Method" }
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
            h3 { "What this page does not claim" }
            ul {
                li { "A row that is not significant is not shown to be equal: that is what EQUIVALENT is for." }
                li { "Intervals hold for each row by itself; EQUIVALENT is not adjusted for the number of rows." }
                li { "The boot score tells how rows moved together. It hides rows that moved against the others." }
                li { "Student, Welch on the raw scale, Mann-Whitney and permutation stand beside the verdict and do \
                      not feed it." }
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
                    "auto" => ": differences within blocks where the plan has at least 5 complete ones, else Welch; \
                               on the log scale for throughput, rates, latency and time, on the linear scale for \
                               counts and percentages.",
                    _ => ", as it was asked for.",
                }
            }
            dt { "alpha" }
            dd { (method.alpha) ", two-sided" }
            dt { "Band" }
            dd {
                "m = " (numbers::percent(method.min_effect)) " unless a metric or a noise floor says more; \
                 a ratio is small inside [1/(1+m), 1+m]."
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
