//! fio's terse output (`--output-format=terse`, `--minimal`), versions 3 to 5: one line a job, its fields by their place (fio
//! manual, section "Terse output").
//!
//! It tells neither block size nor depth: the case is the job's name, and the direction in which something was done. Its
//! percentiles are whole microseconds. What follows the directions is the use of the CPU, which `mixed` has where there were
//! several. JSON tells more.

use super::draft::{Case, Draft, Facts, key};
use super::{Parsed, fio_cpu};
use crate::tool::{lines, number};
use edge::quoted;

/// Fields before those of the first direction.
const HEAD: usize = 5;
/// Fields of a direction up to version 4, and from 5 on.
const WIDTHS: (usize, usize) = (41, 47);
/// The place of a direction's first percentile, and how many there are.
const PERCENTILES: (usize, usize) = (12, 20);
/// Microseconds in a millisecond.
const US_PER_MS: f64 = 1000.0;

/// Tells the output by the begin of its lines.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| fields(line).is_some())
}

/// The fields of a job's line with the version of the output.
fn fields(line: &str) -> Option<(u32, Vec<&str>)> {
    let (version, rest) = line.trim_end().split_once(';')?;
    let version = version.parse::<u32>().ok().filter(|version| (3..=5).contains(version))?;
    rest.starts_with("fio-").then(|| (version, line.trim_end().split(';').collect()))
}

/// Tells lines of version 2, which say nothing of fio's version and have no bandwidths over time: they are not read.
pub(super) fn is_of_version_2(text: &str) -> bool {
    text.lines().any(|line| {
        line.starts_with("2;") && line.matches(';').count() > 2 * WIDTHS.0 && line.matches("%;").count() > 20
    })
}

/// Reads every job of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    for (line, content) in lines(text) {
        let Some((version, fields)) = fields(content) else { continue };
        if let Err(reason) = job(&mut draft, version, &fields, line) {
            draft.lose(line, reason);
        }
    }
    Ok(draft.done_text(text))
}

fn job(draft: &mut Draft, version: u32, fields: &[&str], line: u32) -> Result<(), String> {
    let [_, release, name, _, error, ..] = fields else { return Err("a line without its job".into()) };
    let facts = Facts::from([("tool.fio".to_owned(), (*release).to_owned())]);
    let width = if version < 5 { WIDTHS.0 } else { WIDTHS.1 };
    let directions: &[&str] = if version == 3 { &["read", "write"] } else { &["read", "write", "trim"] };
    // `unified_rw_reporting=mixed` writes one part where there are two or three: what follows it is the use of the CPU.
    let is_mixed = fields.get(HEAD + width).is_some_and(|field| field.ends_with('%'));
    let directions = if is_mixed { &["mixed"] } else { directions };
    let keys = vec![key("job", *name)];
    if *error != "0" {
        return Err(format!("job {} failed with error {error}", quoted(name)));
    }
    let (mut done, mut ran): (Vec<Case>, f64) = (Vec::new(), 0.0);
    for (index, direction) in directions.iter().enumerate() {
        let from = HEAD + index * width;
        let Some(part) = fields.get(from..from + width) else {
            return Err(format!("{} fields, of which the last are missing", fields.len()));
        };
        let at = |place: usize| part.get(place).copied().and_then(number);
        if at(0).unwrap_or(0.0) <= 0.0 && at(2).unwrap_or(0.0) <= 0.0 {
            continue;
        }
        ran += at(3).unwrap_or(0.0);
        let case = draft.case(direction, keys.clone(), &facts, line);
        give(draft, &case, part)?;
        done.push(case);
    }
    let whole = match done.len() {
        0 => return Err(format!("job {} has done no I/O", quoted(name))),
        1 => done.pop(),
        _ => None,
    };
    // Of a job that ran for less than a millisecond fio prints 0, which it did not measure.
    let shares =
        if ran > 0.0 { fields.get(HEAD + directions.len() * width..).unwrap_or_default() } else { &[] };
    if let [first, second, ..] = shares {
        let case = whole.unwrap_or_else(|| draft.case("mixed", keys, &facts, line));
        for (metric, share) in fio_cpu::METRICS.into_iter().zip([first, second]) {
            let number = share.strip_suffix('%').and_then(number);
            let value = number.ok_or_else(|| format!("{} is no share of a CPU", quoted(share)));
            draft.give_read(&case, metric, fio_cpu::UNIT, value);
        }
    }
    Ok(())
}

/// The figures of one direction.
fn give(draft: &mut Draft, case: &Case, part: &[&str]) -> Result<(), String> {
    let at = |place: usize| {
        let text = part.get(place).copied().unwrap_or_default();
        number(text)
            .ok_or_else(|| format!("{} is no number, in field {place} of {}", quoted(text), case.category))
    };
    draft.give(case, "BW(MB/S)", "MiB/s", at(1)? / 1024.0);
    draft.give(case, "IOPS", "1/s", at(2)?);
    draft.give(case, "Latency(ms)", "ms", at(34)? / US_PER_MS);
    let table =
        part.iter().skip(PERCENTILES.0).take(PERCENTILES.1).filter_map(|field| field.split_once("%="));
    for (percent, value) in table {
        let wanted = [(50.0, "p50"), (99.0, "p99"), (99.9, "p999")];
        let percent = number(percent);
        let word = wanted.iter().find(|(at, _)| percent == Some(*at)).map(|(_, word)| *word);
        if let (Some(word), Some(value)) = (word, number(value)) {
            draft.give(case, &format!("clat_{word}_ms"), "ms", value / US_PER_MS);
        }
    }
    Ok(())
}
