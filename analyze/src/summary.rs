//! Counts of verdicts and boot scores (statistics.md, "Boot scores").

use crate::family::Members;
use crate::gate::{at_gate, blind_rows};
use crate::pairing::Pairing;
use crate::row::{POWER, interval};
use crate::scores::Scores;
use crate::verdict::{Estimate, Evidence, Judgement, Presence, verdict};
use crate::{CategoryScore, Family, MetricScore, ModelTest, Reason, Row, Summary, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// The summary of one candidate.
pub(crate) fn summary(
    rows: &[Row],
    pairing: &Pairing,
    family: &Family,
    categories: Vec<CategoryScore>,
) -> Summary {
    let members = Members { all_rows: family.all_rows };
    let of_candidate = || rows.iter().filter(|r| r.candidate == pairing.candidate);
    let interleaving = pairing.sessions.standing;
    let mut out = Summary { candidate: pairing.candidate, interleaving, categories, ..Summary::default() };
    for row in of_candidate() {
        *out.all.entry(row.verdict).or_default() += 1;
        if row.expected.is_some() {
            *out.expected_all.entry(row.verdict).or_default() += 1;
        }
        if members.has(row.role) {
            *out.primary.entry(row.verdict).or_default() += 1;
            out.capped += usize::from(row.reason == Some(Reason::OneSession));
            if row.expected.is_some() {
                *out.expected.entry(row.verdict).or_default() += 1;
            }
        }
    }
    let gating: Vec<&Row> = of_candidate().filter(|row| members.has(row.role)).collect();
    out.events = events(&gating);
    out.at_gate = at_gate(rows, pairing.candidate, family.all_rows);
    out.blind = blind_rows(rows, pairing.candidate, family.all_rows);
    let whole = (pairing.a.complete, pairing.b.complete);
    out.score = Scores::of_pair(&gating, pairing, whole).and_then(|s| s.score(pairing)).map(|s| s.0);
    let mut by_metric: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in of_candidate() {
        by_metric.entry((&row.workload, &row.metric)).or_default().push(row);
    }
    for ((workload, metric), rows) in by_metric {
        let complete = (pairing.a.complete_of(workload), pairing.b.complete_of(workload));
        if let Some((score, _)) = Scores::of_pair(&rows, pairing, complete).and_then(|s| s.score(pairing)) {
            out.per_metric.push(MetricScore { workload: workload.into(), metric: metric.into(), score });
        }
    }
    out
}

/// Cases with a decided row, by verdict: rows of a case that changed alike are one event.
fn events(gating: &[&Row]) -> BTreeMap<Verdict, usize> {
    let mut out = BTreeMap::new();
    let mut seen: BTreeSet<(Verdict, &str, &str, &model::Keys)> = BTreeSet::new();
    for row in gating.iter().filter(|r| r.verdict.is_decided_change()) {
        if seen.insert((row.verdict, &row.workload, &row.category, &row.case)) {
            *out.entry(row.verdict).or_default() += 1;
        }
    }
    out
}

/// The scores of categories that gate beside the rows: of two cases or more, because the score of one case is that case again.
/// After several looks there are none: their p is of one look. Where sessions are part of the difference there are none either.
pub(crate) fn categories(rows: &[Row], judgements: &[Judgement], pairing: &Pairing) -> Vec<CategoryScore> {
    let members = Members::among(rows.iter().map(|row| row.role));
    let counts = |r: &&Row| r.candidate == pairing.candidate && members.has(r.role);
    let mut out: Vec<CategoryScore> = Vec::new();
    let sessions = |r: &Row| r.candidate == pairing.candidate && r.session.is_some();
    if rows.iter().any(sessions) {
        return out;
    }
    if pairing.looks.is_some()
        || judgements.iter().zip(rows).any(|(j, r)| r.candidate == pairing.candidate && j.one_session)
    {
        return out;
    }
    let mut by_category: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    let judged =
        rows.iter().zip(judgements).filter(|(_, judgement)| judgement.comparable).map(|(row, _)| row);
    // What is left of a side that failed in part is a choice, which shows nothing.
    let whole = |r: &&Row| r.expected.is_none() && r.failed.is_none();
    for row in judged.filter(counts).filter(whole) {
        by_category.entry((&row.workload, &row.category)).or_default().push(row);
    }
    for ((workload, category), rows) in by_category {
        let complete = (pairing.a.complete_of(workload), pairing.b.complete_of(workload));
        let Some(scores) = Scores::of_pair(&rows, pairing, complete).filter(|s| s.cases > 1) else {
            continue;
        };
        let tested = scores.score(pairing).and_then(|(score, found)| {
            let ci90 = interval(found.ci90)?;
            Some((score, ci90, Some(scores.model(pairing)), ModelTest::of(&found.test), found.test.p))
        });
        let constant = || scores.constants(pairing).map(|(score, p)| (score, score.ci, None, None, p));
        let Some((score, ci90, model, test, p)) = tested.or_else(constant) else { continue };
        out.push(CategoryScore {
            workload: workload.into(),
            category: category.into(),
            score,
            ci90,
            model,
            test,
            min_effect: scores.margin.exp_m1(),
            p,
            p_gate: 1.0,
            verdict: Verdict::Inconclusive,
            reason: None,
        });
    }
    out
}

/// Decides the categories of a candidate at their share of alpha, as rows are decided: by the verdict's own questions.
pub(crate) fn decide_categories(categories: &mut [CategoryScore], alpha: f64) {
    let p: Vec<f64> = categories.iter().map(|c| c.p).collect();
    for (category, p_gate) in categories.iter_mut().zip(stats::holm(&p)) {
        category.p_gate = p_gate;
        let judgement = Judgement {
            presence: Presence::Both,
            comparable: true,
            evidence: evidence(category, alpha),
            exact: false,
            direction: category.score.direction,
            q: Some(p_gate),
            alpha,
            failed: None,
            one_session: false,
        };
        (category.verdict, category.reason) = verdict(&judgement);
    }
}

/// What the score of a category says.
fn evidence(category: &CategoryScore, alpha: f64) -> Evidence {
    let band = stats::band(category.min_effect);
    let ci90 = stats::Interval::new(category.ci90.0, category.ci90.1);
    let detectable =
        |test: &ModelTest| stats::noncentrality(test.df, alpha, POWER).map(|delta| delta * test.se);
    let estimate = Estimate {
        p: category.p,
        up: category.score.ratio > 1.0,
        outside_band: !band.contains(category.score.ratio),
        ci90_inside: stats::equivalent(&ci90, &band),
        mde_exceeds_band: category
            .test
            .as_ref()
            .and_then(detectable)
            .is_none_or(|least| least > category.min_effect.ln_1p()),
    };
    match category.model {
        Some(_) => Evidence::Estimate(estimate),
        None => Evidence::Constant { equal: category.score.ratio == 1.0, estimate },
    }
}
