//! Every number between the values of a row and its verdict, with the formula that gave it.
//!
//! The reports print them (`report::explain`); they are computed here, again and from the row's own values, so that what is
//! shown is what was done.

use crate::row::{Design, POWER, blocks_of, design_of, hosts_again};
use crate::scale::on_scale;
use crate::sequential::LEVEL_OF_LOOKS;
use crate::{Comparison, Model, Row, Sample};
use model::Scale;
use serde::Serialize;
use stats::{Look, TTest};

/// One number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// What it is.
    pub name: &'static str,
    /// How it comes from those before it.
    pub formula: &'static str,
    /// The number.
    pub value: f64,
}

/// The numbers behind a row, in the order in which they were computed; fewer where something cannot be computed.
pub fn steps(comparison: &Comparison, row: &Row) -> Vec<Step> {
    let (blocks, hosts) = (blocks_of(row), hosts_again(row));
    let look = row.sequential.map(|s| s.look());
    let design = design_of(row, blocks.as_deref(), hosts.as_ref(), comparison.method.alpha, look.as_ref());
    let mut out = Vec::new();
    sides(row, &mut out);
    match row.model {
        Some(Model::Exact) => constant_steps(row, &mut out),
        Some(_) => {
            if let Some(test) = design.outcome().0.test {
                test_steps(row, &design, &test, &mut out);
            }
        }
        None => {}
    }
    family_steps(comparison, row, &mut out);
    beside(row, comparison.method.seed, &mut out);
    out.retain(|s| s.value.is_finite());
    out
}

fn sides(row: &Row, out: &mut Vec<Step>) {
    let (mean_formula, sd_formula) = match row.scale {
        Scale::Log => ("mean of ln(values)", "SD of ln(values), n - 1"),
        Scale::Linear => ("mean of the values", "SD of the values, n - 1"),
    };
    let names = [("mean A", "SD A", &row.a), ("mean B", "SD B", &row.b)];
    for (mean, sd, sample) in names {
        let Ok(m) = stats::moments(&on_scale(&sample.values, row.scale)) else { continue };
        out.push(Step { name: mean, formula: mean_formula, value: m.mean });
        out.extend(m.sd.map(|value| Step { name: sd, formula: sd_formula, value }));
    }
}

fn test_steps(row: &Row, design: &Design<'_>, test: &TTest, out: &mut Vec<Step>) {
    let blocks = design.blocks;
    let mut push = |name, formula, value| out.push(Step { name, formula, value });
    let (estimate, se, df) = match row.model {
        Some(Model::Blocked) if row.position.is_some() => (
            "mean of B - A over the blocks of one order and over those of the other, the mean of both",
            "SD of the block differences within their order * sqrt(1/n1 + 1/n2) / 2",
            "complete blocks - 2",
        ),
        Some(Model::Blocked) => (
            "mean over the complete blocks of B - A",
            "SD of the block differences / sqrt(blocks)",
            "complete blocks - 1",
        ),
        Some(Model::HostsFixed) => (
            "mean of the hosts' estimates",
            "root of the sum of the hosts' SE^2 / hosts",
            "Satterthwaite over the hosts",
        ),
        Some(Model::HostsRandom) => {
            ("mean of the hosts' estimates", "SD of the hosts' estimates / sqrt(hosts)", "hosts - 1")
        }
        Some(Model::Student) => ("mean B - mean A", "pooled SD * sqrt(1/nA + 1/nB)", "nA + nB - 2"),
        _ if row.a.n == row.b.n => ("mean B - mean A", "sqrt(SD A^2/nA + SD B^2/nB)", "Satterthwaite"),
        _ => (
            "mean B - mean A",
            "sqrt(SD A^2/nA + SD B^2/nB)",
            "between Satterthwaite's and min(n) - 1, because the sides differ in size",
        ),
    };
    if let Some(blocks) = blocks {
        push("complete blocks", "blocks of the plan with both sides", stats::complete_blocks(blocks) as f64);
    }
    if let Some(place) = &row.position {
        push(
            "blocks with B later",
            "n2: complete blocks in which B was booted after A",
            place.b_later.len() as f64,
        );
        let formula = "half of what the orders' means of B - A differ by: the later boot against the earlier";
        let effect = if row.scale == Scale::Log { place.effect.ln_1p() } else { place.effect };
        push("place in the block", formula, effect);
    }
    if let Some(hosts) = row.hosts.as_deref() {
        push("hosts", "those that the estimate rests on", hosts.counted as f64);
        if let Some(found) = hosts.differ {
            push("F of the hosts", "variance of the hosts' estimates / mean of their SE^2", found.f);
            push("p of F", "P(F >= f) with hosts - 1 and Satterthwaite's df", found.p);
        }
    }
    push("estimate", estimate, test.estimate);
    if let Some(found) = row.moderated {
        let formula = match (row.model, row.scale) {
            (Some(Model::Blocked), Scale::Log) => "variance of the block differences of logarithms",
            (Some(Model::Blocked), Scale::Linear) => "variance of the block differences / mean A^2",
            (_, Scale::Log) => "pooled variance of ln(values)",
            (_, Scale::Linear) => "pooled variance / mean A^2",
        };
        push("s^2", formula, found.own);
        push(
            "d",
            if row.position.is_some() {
                "complete blocks - 2"
            } else if blocks.is_some() {
                "complete blocks - 1"
            } else {
                "nA + nB - 2"
            },
            found.own_df,
        );
        push("s~^2", "(d0 s0^2 + d s^2) / (d0 + d); s0^2 where d0 is infinite", found.variance);
    }
    let (se, df) = match design.session {
        None if row.moderated.is_some() => (
            "the SE of the row's own variance * sqrt(s~^2 / s^2)",
            "d0 + d, at most the sum of d over the family",
        ),
        None => (se, df),
        Some(part) => {
            push(
                "variance of sessions",
                "tau^2 of --noise, as often as it stands in the difference",
                part.variance,
            );
            push("df of it", "as --noise says", part.df);
            (
                "root of the squared error of the model and the variance of sessions",
                "Satterthwaite over the parts",
            )
        }
    };
    push("SE", se, test.se);
    push("df", df, test.df);
    push("t", "estimate / SE", test.t);
    push("p", "P(|T| >= |t|) with df", test.p);
    if let Some(look) = design.look {
        look_steps(look, test, &mut push);
    }
    let (level95, level90) = (design.level(0.95), design.level(0.90));
    let (formula95, formula90) = match design.look {
        None => ("P(|T| <= t*) = 0.95", "P(|T| <= t*) = 0.90"),
        Some(_) => ("P(|T| > t*) = alpha at this look", "P(|T| > t*) = alpha at this look, of 0.10"),
    };
    push("t* 95 %", formula95, stats::t_critical(level95, test.df));
    push("t* 90 %", formula90, stats::t_critical(level90, test.df));
    let (ci95, ci90) = (test.ci(level95), test.ci(level90));
    push("CI95 low", "estimate - t* SE", ci95.low);
    push("CI95 high", "estimate + t* SE", ci95.high);
    push("CI90 low", "estimate - t* SE", ci90.low);
    push("CI90 high", "estimate + t* SE", ci90.high);
    let band = match row.scale {
        Scale::Log => Some((row.min_effect.ln_1p(), "ln(1 + m)")),
        Scale::Linear => row.band_abs.map(|b| (b, "max(m * |mean A|, min_effect_abs)")),
    };
    if let (Scale::Linear, Some(ci)) = (row.scale, row.ratio_ci90) {
        push(
            "ratio CI90 low",
            "Fieller: the ratio that the data still allow, inside [1 - m, 1 + m] is TOST",
            ci.0,
        );
        push(
            "ratio CI90 high",
            "Fieller: the ratio that the data still allow, inside [1 - m, 1 + m] is TOST",
            ci.1,
        );
    }
    push("m", "min_effect", row.min_effect);
    if let Some((half, formula)) = band {
        push("band", formula, half);
        if design.look.is_none() && row.scale == Scale::Log {
            let tost = stats::tost_p(test, &stats::Interval::new(-half, half));
            push("p of TOST", "larger p of the two one-sided tests against the band", tost);
        }
    }
    let alpha = design.alpha_here();
    if let Some(delta) = stats::noncentrality(test.df, alpha, POWER) {
        push("noncentrality", "power 0.8 of the noncentral t at alpha, two-sided", delta);
        push("MDE", "noncentrality * SE", delta * test.se);
    }
    if let Some((half, _)) = band.filter(|_| row.hosts.is_none()) {
        let sd = |s: &Sample| stats::moments(&on_scale(&s.values, row.scale)).ok().and_then(|m| m.sd);
        let needed = match blocks {
            Some(blocks) => {
                let sd = test.se * (stats::complete_blocks(blocks) as f64).sqrt();
                stats::blocks_needed(sd, half, alpha, POWER).ok()
            }
            None => sd(&row.a)
                .zip(sd(&row.b))
                .and_then(|(a, b)| stats::replicates_needed(a, b, half, alpha, POWER).ok()),
        };
        if let Some(n) = needed {
            let formula = "smallest equal n whose MDE is at most the band, with these SDs";
            push("boots for the band", formula, n as f64);
        }
    }
}

/// What the family's variances have in common, where that is in the row's.
fn variance_steps(comparison: &Comparison, row: &Row, out: &mut Vec<Step>) {
    let of = comparison.families.iter().find(|f| f.candidate == row.candidate && row.moderated.is_some());
    let Some(found) = of.and_then(|f| f.variances.iter().find(|v| v.scale == row.scale)) else { return };
    let mut push = |name, formula, value| out.push(Step { name, formula, value });
    push("rows that are moderated", "rows of the family on this scale", found.rows as f64);
    push("s0^2", "where the rows' s^2 lie, by the mean of their logarithms", found.variance);
    if let Some(df) = found.df {
        push(
            "d0",
            "trigamma(d0/2) is the variance of the rows' ln s^2 beyond that of chance; infinite where it has none",
            df,
        );
    }
}

/// How q comes from the p of the family; nothing where a filter has taken some of them away.
fn family_steps(comparison: &Comparison, row: &Row, out: &mut Vec<Step>) {
    let (Some(p), Some(q)) = (row.p_model, row.q) else { return };
    variance_steps(comparison, row, out);
    let members = comparison.rows.iter().filter(|r| r.candidate == row.candidate && r.q.is_some());
    let family: Vec<f64> = members.filter_map(|r| r.p_model).collect();
    if comparison.families.iter().all(|f| f.candidate != row.candidate || f.size != family.len()) {
        return;
    }
    let rank = family.iter().filter(|other| **other <= p).count();
    let formula = if comparison.method.correction == "holm" {
        "largest of (rows - j + 1) * p(j) over ranks j <= rank, at most 1"
    } else {
        "smallest of rows * p(j) / j over ranks j >= rank, at most 1"
    };
    let mut push = |name, formula, value| out.push(Step { name, formula, value });
    push("rows in the family", "primary rows of this candidate with a p", family.len() as f64);
    push("rank of p", "place among the family's p, the smallest first", rank as f64);
    push("q", formula, q);
    let Some(of) = comparison.families.iter().find(|f| f.candidate == row.candidate) else { return };
    if let Some(p_gate) = row.p_gate {
        push(
            "p at the gate",
            "Holm: largest of (rows - j + 1) * p(j) over ranks j <= rank, at most 1",
            p_gate,
        );
        push("alpha of the rows", "alpha without the share of the categories' scores", of.alpha_rows);
    }
    if let Some(ci) = row.ratio_ci_fcr.or(row.diff_ci_fcr) {
        let level = of.level_after_choosing();
        push("decided rows", "R: rows of the family whose change is decided", of.decided as f64);
        push("level after choosing", "1 - R * 0.05 / rows in the family", level);
        let formula = match row.ratio_ci_fcr {
            Some(_) => "the ratio's interval of this model at that level",
            None => "the difference's interval of this model at that level",
        };
        push("low end after choosing", formula, ci.0);
        push("high end after choosing", formula, ci.1);
    }
}

/// What is known of values that do not vary.
fn constant_steps(row: &Row, out: &mut Vec<Step>) {
    let mut push = |name, formula, value| out.push(Step { name, formula, value });
    if let Some(diff) = row.diff {
        push("estimate", "B - A, of which nothing varies", diff);
    }
    let formula = match row.a.blocks.is_empty() {
        _ if row.n_min == 0 => return,
        true => "exact permutation: 2 / (nA + nB over nA)",
        false => {
            "exact: 2 / (nA + nB over nA), or 2 / 2^blocks where only the differences of blocks do not vary"
        }
    };
    if let Some(p) = row.p_model {
        push("p", formula, p);
    }
    push("m", "min_effect", row.min_effect);
}

/// What several looks make of the ordinary test.
fn look_steps(look: &Look, test: &TTest, push: &mut impl FnMut(&'static str, &'static str, f64)) {
    match look {
        Look::Planned { boundary, n } => {
            push("look", "replicates at this look of the rule", f64::from(*n));
            push("first look", "the rule's floor", f64::from(boundary.floor()));
            push("last look", "the rule's ceiling", f64::from(boundary.ceiling()));
        }
        Look::Later { index, .. } => {
            push("look", "number of the look after boots were added", f64::from(*index));
        }
    }
    push("alpha spent", "of 0.05, with this look", look.spent(LEVEL_OF_LOOKS));
    push("alpha at this look", "of 0.05 over all looks", look.ordinary_level(LEVEL_OF_LOOKS));
    push("p of the rule", "the level over all looks whose interval here ends at no change", look.p(test.p));
}

/// The tests that never feed the verdict; the permutation test for every row.
fn beside(row: &Row, seed: u64, out: &mut Vec<Step>) {
    let (a, b) = (row.a.values.as_slice(), row.b.values.as_slice());
    if a.len() < 2 || b.len() < 2 {
        return;
    }
    let mut push = |name, formula, value| out.push(Step { name, formula, value });
    if let Ok(t) = stats::student(a, b) {
        push("p of Student", "pooled variance, raw scale", t.p);
    }
    if let Ok(t) = stats::welch(a, b) {
        push("p of Welch", "unequal variances, raw scale", t.p);
    }
    if let Ok(u) = stats::mann_whitney(a, b) {
        push("U of Mann-Whitney", "pairs with B > A, ties one half", u.u);
        push("p of Mann-Whitney", "exact for these ranks", u.p);
        push("its smallest p", "what these sizes and ties can reach", u.smallest_p);
    }
    // The seed of a row does not depend on how many candidates stand beside it.
    if let Ok(p) = stats::permutation(a, b, stats::seed_from(seed, row.base_id())) {
        let formula = if p.exact { "all divisions" } else { "9,999 seeded divisions, (b+1)/(B+1)" };
        push("p of the permutation test", formula, p.p);
    }
    if let Ok(g) = stats::hedges_g(a, b) {
        push("Hedges' g", "(mean B - mean A) / pooled SD, exact correction", g);
    }
    let contrast = match row.scale {
        Scale::Log => stats::Contrast::RatioOfMeans,
        Scale::Linear => stats::Contrast::DifferenceOfMeans,
    };
    if let Ok(ci) = stats::bca_interval(a, b, contrast, 0.95, stats::seed_from(seed, &row.id)) {
        push("BCa low", "bootstrap of the ratio (log rows) or difference of means", ci.low);
        push("BCa high", "bootstrap of the ratio (log rows) or difference of means", ci.high);
    }
}
