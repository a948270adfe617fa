//! CSV (RFC 4180, `\n` line ends): one line per row, unrounded, for spreadsheets and scripts.

use analyze::{Comparison, Interval, Row};
use std::fmt::Write;

/// The columns, in order; additions go to the end.
const COLUMNS: [&str; 38] = [
    "id",
    "workload",
    "category",
    "case",
    "metric",
    "unit",
    "direction",
    "role",
    "scale",
    "a",
    "b",
    "a_n",
    "a_mean",
    "a_sd",
    "a_cv",
    "b_n",
    "b_mean",
    "b_sd",
    "b_cv",
    "diff",
    "diff_lo",
    "diff_hi",
    "ratio",
    "ratio_lo",
    "ratio_hi",
    "ratio_lo90",
    "ratio_hi90",
    "p_model",
    "q",
    "p_student",
    "p_welch",
    "p_blocked",
    "p_mann_whitney",
    "p_permutation",
    "mde_up",
    "min_effect",
    "verdict",
    "reason",
];

/// All rows as CSV. What is not known is an empty cell. Text that a spreadsheet would take for a formula, also behind
/// blanks, gets a leading apostrophe.
pub fn csv(comparison: &Comparison) -> String {
    let mut out = COLUMNS.join(",");
    out.push('\n');
    for row in &comparison.rows {
        line(&mut out, comparison, row);
    }
    out
}

fn line(out: &mut String, comparison: &Comparison, row: &Row) {
    let b_label = comparison.b.get(row.candidate).map_or("", |s| s.label.as_str());
    let case: Vec<String> = row.case.0.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let texts = [
        row.id.as_str(),
        &row.workload,
        &row.category,
        &case.join(" "),
        &row.metric,
        &row.unit,
        &row.direction.to_string(),
        &row.role.to_string(),
        &row.scale.to_string(),
        &comparison.a.label,
        b_label,
    ];
    for text in texts {
        out.push_str(&field(text));
        out.push(',');
    }
    for side in [&row.a, &row.b] {
        let _ = write!(out, "{},", side.n);
        for value in [side.mean, side.sd, side.cv] {
            number(out, value);
        }
    }
    number(out, row.diff);
    interval(out, row.diff_ci);
    number(out, row.ratio);
    interval(out, row.ratio_ci);
    interval(out, row.ratio_ci90);
    let p = &row.p;
    let tail = [row.p_model, row.q, p.student, p.welch, p.blocked, p.mann_whitney, p.permutation];
    for value in tail.into_iter().chain([row.mde.map(|m| m.up), Some(row.min_effect)]) {
        number(out, value);
    }
    let _ = writeln!(out, "{},{}", row.verdict.word(), row.reason.map_or("", |r| r.word()));
}

fn number(out: &mut String, value: Option<f64>) {
    if let Some(v) = value.filter(|v| v.is_finite()) {
        let _ = write!(out, "{v}");
    }
    out.push(',');
}

fn interval(out: &mut String, value: Option<Interval>) {
    number(out, value.map(|i| i.0));
    number(out, value.map(|i| i.1));
}

/// One text as a CSV field.
fn field(text: &str) -> String {
    let text = edge::visible(text);
    let guard = if is_formula(&text) { "'" } else { "" };
    if text.contains(['"', ',']) || !guard.is_empty() {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

/// Whether a spreadsheet might calculate a text: it drops blanks and, in some languages, reads full-width signs as others.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches(edge::text::is_blank);
    let number =
        || text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && text.parse::<f64>().is_ok();
    text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && !number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_when_it_must_be_and_is_never_a_formula() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a,b"), "\"a,b\"");
        assert_eq!(field("say \"x\""), "\"say \"\"x\"\"\"");
        assert_eq!(field("=1+1"), "\"'=1+1\"");
        assert_eq!(field("two\nlines"), "two\\nlines");
    }

    #[test]
    fn a_formula_behind_blanks_or_of_wide_characters_is_guarded_and_a_number_is_not() {
        for text in
            [" =1+1", "\u{a0}@x", "\u{3000}\u{fe0f}-x", "＝1+1", " ＋a", "－a", "＠a", "+", "-inf", "-1-1"]
        {
            assert_eq!(field(text), format!("\"'{text}\""));
        }
        for text in ["\t=1", "\r@x", "\u{feff}+x", "\u{200b}=1", "\u{2060}-x"] {
            assert!(field(text).starts_with('\\'), "{text:?}: the escape is no white space");
        }
        for text in ["-5", "+1.5e-3", " -5", "a =1", "1+1", "x@y"] {
            assert_eq!(field(text), text);
        }
    }
}
