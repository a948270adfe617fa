//! Latency under load: one session of requests of a byte, first alone and then beside the streams of a case.

use super::super::common::{failed, value};
use super::sessions::{Purpose, Sessions, margin, read_session};
use super::{is_rr, sessions_of};
use crate::lab::{Failed, Lab, Value, keep};
use model::{Case, Params, Phase};
use std::path::Path;

/// The key that asks for it.
pub(super) const KEY: &str = "latency_probe";

/// How long a request takes alone, beside the load, and how many times as long that is.
pub(super) const METRICS: [&str; 3] = ["idle_latency_ms", "loaded_latency_ms", "loaded_latency_ratio"];

/// For how many seconds the probe was alone, in a case's raw folder. No time of day: the client may be in a guest, whose clock is its own.
const ALONE: &str = "probe-alone.txt";

/// Whether a case has a probe beside it: those of streams, where it is asked for.
pub(super) fn is_wanted(category: &str, params: &Params) -> bool {
    !is_rr(category) && params.switch(KEY).unwrap_or(false)
}

/// Seconds in which the probe is alone.
pub(super) fn idle_seconds(seconds: u32) -> u32 {
    (seconds / 5).clamp(1, 5)
}

/// Starts the probe, and comes back when it was alone for long enough: the load is started next.
pub(super) fn start<'a>(
    lab: &mut dyn Lab,
    case: &Case,
    params: &Params,
    seconds: u32,
    raw: &'a Path,
) -> Result<Sessions<'a>, Failed> {
    let keys = [("size", "1"), ("sessions", "1")];
    let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
    let requests = Case { workload: case.workload.clone(), category: "TCP_RR".into(), keys };
    let idle = idle_seconds(seconds);
    // It is there until the last session of the load has reported behind the window.
    let load = margin(sessions_of(case)?).saturating_mul(2);
    let length = idle.saturating_add(seconds).saturating_add(u32::try_from(load).unwrap_or(u32::MAX));
    let mut probe = Sessions::start(lab, &requests, params, length, (Purpose::Probe, raw))?;
    let idle = f64::from(idle);
    let enough = |session: &formats::netperf::Session| {
        session.intervals.iter().map(|interval| interval.seconds).sum::<f64>() >= idle
    };
    probe.wait(lab, Phase::WarmUp, "did not report in time", enough)?;
    keep(raw, ALONE, &idle.to_string())?;
    Ok(probe)
}

/// How long requests took before the load, and beside it in the window.
pub(super) fn values(raw: &Path, (start, end): (f64, f64)) -> Result<Vec<Value>, Failed> {
    let session = read_session(raw, Purpose::Probe, 0)?;
    let alone = super::super::common::read(raw, ALONE)?;
    let alone: f64 =
        alone.trim().parse().map_err(|e| failed(format!("{}: {e}", raw.join(ALONE).display())))?;
    // The load was started when these had been reported.
    let (mut requests, mut seconds) = (0.0, 0.0);
    for interval in &session.intervals {
        if seconds >= alone {
            break;
        }
        requests += interval.rate * interval.seconds;
        seconds += interval.seconds;
    }
    let nothing = |when: &str| failed(format!("the probe completed no request {when}"));
    let idle = Some(seconds / requests).filter(|time: &f64| time.is_finite() && *time > 0.0);
    let idle = idle.ok_or_else(|| nothing("before the load"))?;
    let rate = session.mean_rate(start, end).filter(|rate| *rate > 0.0);
    let beside = 1.0 / rate.ok_or_else(|| nothing("in the window"))?;
    let [of_idle, of_loaded, of_both] = METRICS;
    Ok(vec![value(of_idle, idle * 1e3), value(of_loaded, beside * 1e3), value(of_both, beside / idle)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_timed_alone_and_beside_the_load() {
        let raw = tempfile::tempdir().unwrap();
        let interim =
            |rate: u32, end: u32| format!("Interim result: {rate} Trans/s over 1 seconds ending at {end}\n");
        let text = [(1000, 11), (1000, 12), (500, 13), (100, 14), (100, 15), (100, 16)];
        let text: String = text.into_iter().map(|(rate, end)| interim(rate, end)).collect();
        keep(raw.path(), "probe0.txt", &text).unwrap();
        keep(raw.path(), ALONE, "2").unwrap();
        let shown = |at: (f64, f64)| -> Result<Vec<String>, String> {
            let values = values(raw.path(), at).map_err(|e| e.to_string())?;
            Ok(values.into_iter().map(|v| format!("{} {:.3}", v.metric, v.value)).collect())
        };
        let wanted = ["idle_latency_ms 1.000", "loaded_latency_ms 10.000", "loaded_latency_ratio 10.000"];
        assert_eq!(shown((13.0, 16.0)).unwrap(), wanted);
        assert!(shown((30.0, 40.0)).unwrap_err().contains("no request in the window"));
        keep(raw.path(), ALONE, "0").unwrap();
        assert!(shown((13.0, 16.0)).unwrap_err().contains("no request before the load"));
    }

    #[test]
    fn requests_need_no_probe_beside_them() {
        let mut params = Params::new();
        params.set(KEY, "yes", model::Origin::BuiltIn);
        assert!(is_wanted("TCP_STREAM (RX)", &params) && !is_wanted("TCP_RR", &params));
        assert!(!is_wanted("TCP_STREAM (RX)", &Params::new()));
        assert_eq!([1, 2, 20, 600].map(idle_seconds), [1, 1, 4, 5]);
    }
}
