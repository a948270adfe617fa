//! The table itself: one line for each statistic.
//!
//! Its order is that of CSV's columns, so a new one goes to the end; `section` says where people find it.

use super::{Column, Get, Section, Statistic};
use crate::numbers::{NONE, significant};
use crate::rows::{self, RowView};
use crate::sentence;
use analyze::{
    Comparison, Interval, LEVEL_OF_LOOKS, Mde, ModelTest, Moderated, Position, Row, Sample, Sequential,
};
use model::Scale;
use std::borrow::Cow;

const fn entry(name: &'static str, head: &'static str, help: &'static str, get: Get) -> Statistic {
    let column = Column { page: head, terminal: head, comment: head, absent: NONE, toned: false };
    let (shown, section) = (None, None);
    Statistic { name, head, help, get, shown, digits: 5, section, csv: false, column }
}

type Text = for<'a> fn(&'a Comparison, &'a Row) -> Option<Cow<'a, str>>;
type Number = fn(&Comparison, &Row) -> Option<f64>;

const fn text(name: &'static str, head: &'static str, help: &'static str, get: Text) -> Statistic {
    entry(name, head, help, Get::Text(get))
}

const fn number(name: &'static str, head: &'static str, help: &'static str, get: Number) -> Statistic {
    entry(name, head, help, Get::Number(get))
}

const fn within(name: &'static str, head: &'static str, help: &'static str, get: Number) -> Statistic {
    entry(name, head, help, Get::Within(get))
}

const fn p(name: &'static str, head: &'static str, help: &'static str, get: Number) -> Statistic {
    entry(name, head, help, Get::P(get))
}

const fn interval(
    name: &'static str,
    head: &'static str,
    help: &'static str,
    get: fn(&Comparison, &Row) -> Option<Interval>,
) -> Statistic {
    entry(name, head, help, Get::Interval(get))
}

const fn effect(
    name: &'static str,
    head: &'static str,
    help: &'static str,
    get: fn(&Comparison, &Row) -> Option<Mde>,
) -> Statistic {
    entry(name, head, help, Get::Effect(get))
}

/// Of each side.
const fn numbers(
    name: &'static str,
    head: &'static str,
    help: &'static str,
    get: fn(&Sample) -> Option<f64>,
) -> Statistic {
    entry(name, head, help, Get::Numbers(get)).section(Section::Sides)
}

impl Statistic {
    const fn csv(mut self) -> Self {
        self.csv = true;
        self
    }

    const fn section(mut self, section: Section) -> Self {
        self.section = Some(section);
        self
    }

    const fn digits(mut self, digits: i32) -> Self {
        self.digits = digits;
        self
    }

    const fn shown(mut self, shown: fn(&RowView<'_>) -> String) -> Self {
        self.shown = Some(shown);
        self
    }

    /// The head of its column, where that is not the head of its lists.
    const fn column(mut self, head: &'static str) -> Self {
        (self.column.page, self.column.terminal, self.column.comment) = (head, head, head);
        self
    }

    /// Heads on the terminal and in Markdown, where these say more than the page's.
    const fn heads(mut self, terminal: &'static str, comment: &'static str) -> Self {
        (self.column.terminal, self.column.comment) = (terminal, comment);
        self
    }

    const fn absent(mut self, text: &'static str) -> Self {
        self.column.absent = text;
        self
    }

    const fn toned(mut self) -> Self {
        self.column.toned = true;
        self
    }
}

/// Everything that is known of a row.
#[rustfmt::skip]
pub(crate) static TABLE: &[Statistic] = &[
    text("id", "row", "readable name of the row, by which `perfvt explain` finds it", |_, r| Some((&*r.id).into())).csv(),
    text("workload", "workload", "section of perf.conf", |_, r| Some((&*r.workload).into())).csv().section(Section::Identity),
    text("category", "category", "what the workload did", |_, r| Some((&*r.category).into())).csv().section(Section::Identity),
    text("case", "case", "category and factor levels; the link opens everything about the row", |_, r| Some(case(r).into()))
        .csv().section(Section::Identity).column("Case").shown(|v| v.case()),
    text("case_as_written", "case in the files", "how the sides write a level, where they do so differently",
        |c, r| rows::spellings(c, r).map(Cow::from)).section(Section::Identity),
    text("metric", "metric", "what was measured, and its unit, scaled once for the row; · marks metrics that do not gate",
        |_, r| Some((&*r.metric).into())).csv().section(Section::Identity).column("Metric").shown(|v| v.metric_unit()),
    text("metric_as_written", "in the files", "the metric's name in the files, where that is another one", |_, r| other_name(r))
        .section(Section::Identity),
    text("unit", "unit", "unit of the values, empty for plain counts", |_, r| Some((&*r.unit).into())).csv(),
    text("direction", "better", "which way is better", |_, r| Some(r.direction.to_string().into()))
        .csv().section(Section::Identity).shown(|v| direction(v.row).to_owned()),
    text("role", "role", "how much the metric counts: primary metrics gate", |_, r| Some(r.role.to_string().into()))
        .csv().section(Section::Identity),
    text("scale", "scale", "scale of the comparison: ratios (log) or differences (linear)", |_, r| Some(r.scale.to_string().into()))
        .csv().section(Section::Identity),
    text("family", "family", "the rows that were corrected together", |c, r| family(c, r)).section(Section::Identity),
    text("a", "baseline", "label of the baseline", |c, _| Some((&*c.a.label).into())).csv(),
    text("b", "candidate", "label of the candidate", |c, r| Some(c.b.get(r.candidate)?.label.as_str().into())).csv(),

    entry("n", "n", "replicates of A and B", Get::Counts(|s| s.n)).csv().section(Section::Sides),
    numbers("mean", "mean", "arithmetic mean", |s| s.mean).csv(),
    numbers("sd", "SD", "standard deviation between the replicates", |s| s.sd).csv(),
    entry("cv", "CV", "coefficient of variation: SD over mean", Get::Percents(|s| s.cv)).csv().section(Section::Sides),
    numbers("median", "median", "median of the replicates", |s| s.median),
    numbers("min", "smallest", "smallest replicate", |s| s.min),
    numbers("max", "largest", "largest replicate", |s| s.max),

    number("a_spread", "A", "mean of the baseline ± coefficient of variation between its replicates", |_, r| r.a.mean)
        .heads("A mean ±CV", "A ±CV").shown(|v| spread(&v.a, v.a_cv.as_deref())),
    number("b_spread", "B", "mean of the candidate ± coefficient of variation", |_, r| r.b.mean)
        .heads("B mean ±CV", "B ±CV").shown(|v| spread(&v.b, v.b_cv.as_deref())),
    number("change", "Change",
        "B over A (of geometric means where the metric is compared on the log scale); the difference where A is zero",
        |_, r| r.ratio).toned().shown(|v| v.change.text.clone()),
    interval("change_ci", "Interval",
        "95% interval of the change; of decided rows of the family the wider interval after choosing, because they are shown for \
        being decided",
        |_, r| r.ratio_ci_fcr.or(r.ratio_ci).or(r.diff_ci_fcr).or(r.diff_ci))
        .toned().shown(|v| v.change.ci.clone().unwrap_or_default()),

    text("model", "model", "what judged the row", |_, r| r.model.map(|m| rows::model_name(m).into())).section(Section::Model),
    number("diff", "difference B-A", "difference of the means, in the row's unit", |_, r| r.diff)
        .csv().section(Section::Difference),
    interval("diff_ci", "its 95% interval", "interval of the difference", |_, r| r.diff_ci)
        .csv().section(Section::Difference),
    interval("diff_ci90", "its 90% interval", "the one that is compared with the band of the difference", |_, r| r.diff_ci90)
        .section(Section::Difference),
    interval("bca_ci", "BCa bootstrap, 95%", "interval by resampling, of the ratio of means or of the difference", |_, r| r.bca_ci)
        .section(Section::Difference),
    number("ratio", "ratio B/A", "B over A, of geometric means on the log scale", |_, r| r.ratio)
        .csv().section(Section::Ratio),
    interval("ratio_ci", "its 95% interval", "interval of the ratio", |_, r| r.ratio_ci).csv().section(Section::Ratio),
    interval("ratio_ci90", "its 90% interval", "the one that is compared with the band of the ratio", |_, r| r.ratio_ci90)
        .csv().section(Section::Ratio),
    interval("band", "band of the ratio",
        "changes that are too small to matter: 1/(1+m) to 1+m on the log scale, 1-m to 1+m on the linear one", |_, r| band(r)).section(Section::Ratio),
    within("band_abs", "band of the difference", "differences that are too small to matter", |_, r| r.band_abs)
        .section(Section::Ratio),
    number("ratio_of_means", "ratio of means", "B over A of the arithmetic means", |_, r| r.ratio_of_means)
        .section(Section::Ratio),
    p("p_model", "p of the model", "p of the model that judged the row", |_, r| r.p_model)
        .csv().section(Section::Tests).column("p"),
    text("look", "look", "which look at the row this was, of several", |_, r| r.sequential.map(|s| look(&s).into()))
        .section(Section::Tests),
    p("p_fixed", "p of a fixed n", "the model's p as if nobody had looked before", |_, r| r.sequential?.p_fixed)
        .section(Section::Tests),
    p("q", "q within the family", "p corrected within the family of gating rows; a dash outside it", |_, r| r.q)
        .csv().section(Section::Tests).column("q").absent("-"),
    text("alpha", "alpha", "level of the tests", |c, _| Some(c.method.alpha.to_string().into())).section(Section::Tests),
    p("p_student", "p Student",
        "p of the unpaired t-test with pooled variance on the raw scale: the ancestor's significance is 1-p of this. It does \
        not feed the verdict",
        |_, r| r.p.student).csv().section(Section::Tests).column("Student p").toned(),
    p("p_welch", "p Welch, raw scale", "p of the t-test with unequal variances", |_, r| r.p.welch)
        .csv().section(Section::Tests),
    p("p_blocked", "p blocked", "p of the differences within blocks", |_, r| r.p.blocked).csv().section(Section::Tests),
    p("p_mann_whitney", "p Mann-Whitney", "exact p of the ranks", |_, r| r.p.mann_whitney)
        .csv().section(Section::Tests),
    p("p_permutation", "p permutation", "p of exchanging the sides at random", |_, r| r.p.permutation)
        .csv().section(Section::Tests),
    effect("mde", "detectable effect", "smallest change that this row alone detects with power 0.8, before any correction, down and up", |_, r| r.mde)
        .section(Section::Tests).column("MDE").absent("-"),
    number("mde_up", "detectable rise", "smallest rise that could have been detected with power 0.8, as a ratio minus 1",
        |_, r| Some(r.mde?.up)).csv(),
    number("min_effect", "band m", "the band is from 1/(1+m) to 1+m on the log scale, and ±m of A's mean on the linear one", |_, r| Some(r.min_effect))
        .csv(),
    number("hedges_g", "Hedges' g", "difference in standard deviations", |_, r| r.hedges_g).section(Section::Tests).digits(3),
    text("verdict", "verdict", "what the data decide, with the reason where they do not", |_, r| Some(r.verdict.word().into()))
        .csv().column("Verdict").toned(),
    text("reason", "reason", "why the verdict is what it is", |_, r| r.reason.map(|reason| reason.word().into())).csv(),
    p("p_gate", "p at the gate", "p corrected by Holm within the family, which the gate holds against its share of alpha", |_, r| r.p_gate)
        .csv().section(Section::Tests),
    text("gates", "gates", "yes: the change counts at the gate, which errs at alpha over all rows together",
        |_, r| r.verdict.is_decided_change().then(|| if r.gates { "yes" } else { "no" }.into())).csv().section(Section::Tests),
    interval("ratio_ci_fcr", "interval after choosing", "interval of the ratio of a decided row, as wide as the choice among rows asks for",
        |_, r| r.ratio_ci_fcr).csv().section(Section::Ratio),
    interval("diff_ci_fcr", "interval after choosing", "the same of the difference", |_, r| r.diff_ci_fcr)
        .section(Section::Difference),
    text("beyond", "beyond the band", "yes: the whole interval of the change lies outside the band", |_, r| r.beyond.then(|| "yes".into()))
        .csv().section(Section::Ratio),
    number("min_effect_abs", "smallest difference", "the smallest difference that perf.conf says to matter, in the row's unit",
        |_, r| r.min_effect_abs).section(Section::Difference),
    text("moderated", "variance", "what moderating made of the row's own variance, with its degrees of freedom",
        |_, r| r.moderated.map(|m| moderated(&m).into())).section(Section::Model),
    text("position", "place in the block", "what the later boot of a block is against the earlier one, which the model takes out",
        |_, r| r.position.as_ref().map(|place| position(r, place).into())).section(Section::Model),
    text("test", "test", "t of the model with its degrees of freedom and standard error, of logarithms on the log scale",
        |_, r| r.test.map(|test| tested(&test).into())).section(Section::Model),
    text("unfinished", "unfinished", "the sides whose campaign has not ended: a, b", |c, r| unfinished(c, r)).csv(),
];

/// The sides whose campaign has not ended.
fn unfinished<'a>(comparison: &Comparison, row: &Row) -> Option<Cow<'a, str>> {
    let b = comparison.b.get(row.candidate).is_some_and(|side| side.unfinished);
    match (comparison.a.unfinished, b) {
        (true, true) => Some("a b".into()),
        (true, false) => Some("a".into()),
        (false, true) => Some("b".into()),
        (false, false) => None,
    }
}

/// The factor levels, as they were read.
fn case(row: &Row) -> String {
    let parts: Vec<String> = row.case.0.iter().map(|(k, v)| format!("{k}={v}")).collect();
    parts.join(" ")
}

/// The name that the files have for a metric, if it is not the one that perfvt has.
fn other_name(row: &Row) -> Option<Cow<'_, str>> {
    (row.metric_as_written != row.metric).then(|| row.metric_as_written.as_str().into())
}

/// `higher`, `lower`, or that there is no better side.
fn direction(row: &Row) -> &'static str {
    match row.direction {
        model::Direction::HigherIsBetter => "higher",
        model::Direction::LowerIsBetter => "lower",
        model::Direction::Informational => "neither",
    }
}

/// The family, and that the row is outside it.
fn family<'a>(comparison: &Comparison, row: &Row) -> Option<Cow<'a, str>> {
    let family = sentence::family(comparison, row.candidate)?;
    Some(if row.q.is_some() { family } else { format!("outside the {family}") }.into())
}

/// `941.2 ±0.3%`.
fn spread(mean: &str, cv: Option<&str>) -> String {
    match cv {
        Some(cv) => format!("{mean} ±{cv}"),
        None => mean.to_owned(),
    }
}

/// The band of a row's ratio; none where the row has no ratio to hold against it.
fn band(row: &Row) -> Option<Interval> {
    match row.scale {
        Scale::Log => row.ratio_band(),
        Scale::Linear => row.ratio.map(|_| Interval(1.0 - row.min_effect, 1.0 + row.min_effect)),
    }
}

/// `t = -1.83, 8 df, SE 0.0292`.
fn tested(test: &ModelTest) -> String {
    let [t, df, se] = [test.t, test.df, test.se].map(|x| significant(x, 3));
    format!("t = {t}, {df} df, SE {se}")
}

/// What the place within a block does.
fn position(row: &Row, place: &Position) -> String {
    match row.scale {
        Scale::Log => format!("{:+.2}%", 100.0 * place.effect),
        Scale::Linear => significant(place.effect, 4),
    }
}

/// The row's own variance and what became of it.
fn moderated(found: &Moderated) -> String {
    let with =
        |variance: f64, df: f64| format!("{} with {} df", significant(variance, 3), significant(df, 3));
    format!("{}, moderated: {}", with(found.own, found.own_df), with(found.variance, found.df))
}

/// Which look at the row this is, and what was spent on looking.
fn look(row: &Sequential) -> String {
    let spent = format!("{} of alpha {LEVEL_OF_LOOKS} spent", significant(row.spent, 3));
    match (row.floor, row.ceiling, row.n) {
        (Some(floor), Some(ceiling), Some(n)) => {
            format!("at {n} boots, by a rule that looks at {floor} to {ceiling}; {spent}")
        }
        _ => format!("number {} after boots were added; {spent}", row.look),
    }
}
