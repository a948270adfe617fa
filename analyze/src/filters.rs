//! The display filters of a comparison: `--only`, `--metric`.

use crate::options::CompareOptions;
use crate::warnings::note;
use crate::{AnalyzeError, Row, Warning};
use formats::perf_conf::closest;
use model::counted;

/// Applies the display filters. One that fits no row is an error: an empty table would look like a result.
pub(crate) fn shown(rows: Vec<Row>, options: &CompareOptions) -> Result<(Vec<Row>, usize), AnalyzeError> {
    if options.only.is_empty() && options.metrics.is_empty() {
        return Ok((rows, 0));
    }
    let is = |r: &Row, m: &String| r.metric == *m || r.metric_as_written == *m;
    let known = |m: &&String| !rows.iter().any(|r| is(r, m));
    if let Some(unknown) = options.metrics.iter().find(known) {
        return Err(unknown_metric(unknown, &rows));
    }
    let all = rows.len();
    let metric = |r: &Row| options.metrics.is_empty() || options.metrics.iter().any(|m| is(r, m));
    let rows: Vec<Row> =
        rows.into_iter().filter(|r| metric(r) && options.only.keeps(&r.id, &r.case)).collect();
    if rows.is_empty() && !options.only.is_empty() {
        let metrics = options.metrics.join(", ");
        let with = if metrics.is_empty() { metrics } else { format!(" with --metric {metrics}") };
        return Err(AnalyzeError::Option(format!(
            "--only {}{with}: none of {} fits; a condition is key=level or a part of a row's id",
            options.only,
            counted(all, "row")
        )));
    }
    let hidden = all - rows.len();
    Ok((rows, hidden))
}

/// Rows that the display filters hide.
pub(crate) fn filtered(hidden: usize) -> Option<Warning> {
    let text = format!(
        "{} not shown (--only, --metric); counts, q and the gate are over all rows",
        counted(hidden, "row")
    );
    (hidden > 0).then(|| note("filtered", text, "", hidden))
}

fn unknown_metric(metric: &str, rows: &[Row]) -> AnalyzeError {
    let mut known: Vec<&str> = Vec::new();
    for row in rows {
        if !known.contains(&row.metric.as_str()) {
            known.push(row.metric.as_str());
        }
    }
    let hint =
        closest(metric, known.iter().copied()).map_or(String::new(), |m| format!(", did you mean '{m}'?"));
    AnalyzeError::Option(format!("--metric {metric}: no row has it{hint}; there are {}", known.join(", ")))
}
