//! What fio itself says, as values and points.

use super::super::common::{failed, read, value_at, wanted};
use super::super::{Point, Value};
use super::job_file;
use crate::lab::{Failed, Measured};
use formats::fio::{Flow, Run, parse_log};
use model::Params;
use std::path::Path;

pub(super) const PERCENTILES: [(f64, &str); 3] = [(50.0, "p50"), (99.0, "p99"), (99.9, "p999")];

/// The values of one flow, each metric behind a prefix.
pub(super) fn values_of(flow: &Flow, prefix: &str, line: u32) -> Result<Vec<Value>, Failed> {
    let at = |metric: &str, value: f64| value_at(&format!("{prefix}{metric}"), value, "fio.json", line);
    let mut values = vec![
        at("BW(MB/S)", wanted("bandwidth", flow.bandwidth)?),
        at("IOPS", wanted("IOPS", flow.iops)?),
        at("Latency(ms)", wanted("latency", flow.latency())?),
    ];
    for (percent, word) in PERCENTILES {
        let ms = wanted("histogram of latencies", flow.percentile(percent))?;
        values.push(at(&format!("clat_{word}_ms"), ms));
    }
    Ok(values)
}

/// How busy the disk was that was used most.
pub(super) fn utilisation(run: &Run) -> Result<f64, Failed> {
    let most = run.disks.values().copied().max_by(f64::total_cmp);
    wanted("disk utilisation", most)
}

/// fio's averages, interval by interval. Its clock begins where the ramp does.
pub(super) fn log_points(params: &Params, measured: &Measured, raw: &Path) -> Result<Vec<Point>, Failed> {
    let ramp = if job_file(params).is_some() {
        0.0
    } else {
        params.number("ramp", 0.0, "seconds").map_err(failed)?
    };
    let begin = measured.start.at.unix_seconds() - ramp;
    let mut points = Vec::new();
    for (file, metric, factor) in [("fio_bw.log", "BW(MB/S)", 1.0 / 1024.0), ("fio_iops.log", "IOPS", 1.0)] {
        if !raw.join(file).exists() {
            continue;
        }
        let mut last: std::collections::BTreeMap<(u32, u32), u64> = Default::default();
        for point in parse_log(&read(raw, file)?).map_err(failed)? {
            let before =
                last.insert((point.job, point.direction), point.ms).unwrap_or((ramp * 1000.0) as u64);
            let prefix =
                ["read_", "write_", "trim_"].get(point.direction as usize).copied().unwrap_or_default();
            points.push(Point {
                metric: format!("{prefix}{metric}"),
                session: Some(point.job.saturating_sub(1)),
                ending: begin + point.ms as f64 / 1000.0,
                seconds: point.ms.saturating_sub(before) as f64 / 1000.0,
                value: point.value * factor,
            });
        }
    }
    Ok(points)
}
