//! The classic result file of a repeat, derived from its measurements.

use formats::rhs::{RhsCategory, RhsCell, RhsFile, RhsWriteError, write};
use model::{Case, Measurement};

/// What stands in the header of the file.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// QEMU's version.
    pub qemu: String,
    /// The guest's kernel.
    pub guest_kernel: String,
    /// The host's kernel.
    pub host_kernel: String,
    /// Seconds measured in each case.
    pub session_length: String,
    /// Campaign id, for whoever looks for the run that a file came from.
    pub campaign: String,
}

/// The text of the file, or `None` when a cell of the matrix has no value: the ancestor's reader aligns by line, so
/// a file with a missing row would compare different cases with one another.
///
/// `columns` names the metrics of a category that every environment of the campaign has.
pub fn derive(
    header: &Header,
    cases: &[Case],
    columns: impl Fn(&str) -> Vec<String>,
    measurements: &[Measurement],
) -> Result<Option<String>, RhsWriteError> {
    // The ancestor takes what stands behind the last colon; a blank value would be no entry at all.
    let entry = |key: &str, value: &str| {
        let value = value.replace(':', "-").replace(['|', '\n', '\r'], " ");
        let value = if value.trim().is_empty() { "unknown" } else { value.trim() };
        (key.to_owned(), value.to_owned())
    };
    let mut file = RhsFile {
        header: vec![
            entry("kvm-userspace-ver", &header.qemu),
            entry("guest-kernel-ver", &header.guest_kernel),
            entry("kvm_version", &header.host_kernel),
            entry("session-length", &header.session_length),
            entry("perfvt-campaign", &header.campaign),
        ],
        categories: Vec::new(),
    };
    for case in cases {
        let metrics = columns(&case.category);
        let Some(row) = row(case, &metrics, measurements) else { return Ok(None) };
        match file.categories.iter_mut().find(|c| c.name == case.category) {
            Some(category) => category.rows.push(row),
            None => file.categories.push(RhsCategory {
                name: case.category.clone(),
                columns: case.keys.0.iter().map(|(k, _)| k.clone()).chain(metrics).collect(),
                rows: vec![row],
            }),
        }
    }
    write(&file).map(Some)
}

fn row(case: &Case, metrics: &[String], measurements: &[Measurement]) -> Option<Vec<RhsCell>> {
    let id = case.id();
    let key = |(_, level): &(String, String)| match level.parse() {
        Ok(number) => RhsCell::Integer(number),
        Err(_) => RhsCell::Text(level.clone()),
    };
    let mut cells: Vec<RhsCell> = case.keys.0.iter().map(key).collect();
    for metric in metrics {
        let found = measurements.iter().find(|m| m.case == id && m.metric == *metric)?;
        cells.push(RhsCell::Real(found.value()?));
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::measurement::Outcome;

    fn measured(case: &Case, metric: &str, outcome: Outcome) -> Measurement {
        Measurement {
            v: 1,
            case: case.id(),
            workload: case.workload.clone(),
            category: case.category.clone(),
            keys: case.keys.clone(),
            metric: metric.into(),
            unit: String::new(),
            outcome,
            repeat: 1,
            boot: String::new(),
            host_boot: String::new(),
            block: 1,
            order: 0,
            attempt: 1,
            window: None,
            raw: None,
        }
    }

    fn case(size: &str) -> Case {
        let keys = [("size", size), ("sessions", "1")].into_iter().collect();
        Case { workload: "netperf".into(), category: "TCP_STREAM (RX)".into(), keys }
    }

    #[test]
    fn the_file_has_the_ancestors_header_and_plan_order() {
        let cases = [case("64"), case("1024")];
        let got = [
            measured(&cases[1], "throughput", Outcome::Value(2.5)),
            measured(&cases[0], "throughput", Outcome::Value(1.234)),
        ];
        let header = Header { qemu: "1:7.2".into(), session_length: "2".into(), ..Header::default() };
        let text = derive(&header, &cases, |_| vec!["throughput".into()], &got).unwrap().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "### kvm-userspace-ver : 1-7.2");
        assert_eq!(lines[3], "### session-length : 2");
        assert_eq!(lines[5], "Category:TCP_STREAM (RX)");
        assert_eq!(lines[6], "        size|    sessions|  throughput");
        assert_eq!(lines[7], "          64|           1|        1.23");
        assert_eq!(lines[8], "        1024|           1|        2.50");
    }

    #[test]
    fn a_repeat_with_an_invalid_or_missing_cell_has_no_classic_file() {
        let cases = [case("64")];
        let invalid =
            [measured(&cases[0], "throughput", Outcome::Invalid { reason: "x".into(), code: None })];
        let columns = |_: &str| vec!["throughput".to_owned()];
        assert_eq!(derive(&Header::default(), &cases, columns, &invalid).unwrap(), None);
        assert_eq!(derive(&Header::default(), &cases, columns, &[]).unwrap(), None);
    }
}
