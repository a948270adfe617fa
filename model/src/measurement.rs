//! One line of `measurements.jsonl`: one value of one metric in one case, or the reason why there is none.

use crate::case::{Case, Keys};
use crate::failure::{Code, read_reason};
use crate::lines::{self, LineError, Read, Versioned};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashMap;

/// The version that [`Measurement::v`] carries.
///
/// Changelog: 1, the first; `invalid.code` came later, and readers that do not know it pass it over. 2, the file ends with a
/// count and a sum of its lines ([`crate::lines`]) and has a case and a metric once.
pub const MEASUREMENT_FORMAT: u32 = 2;

/// One value and all that is needed to place it. The file is described in `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Measurement {
    /// Format version, [`MEASUREMENT_FORMAT`].
    pub v: u32,
    /// [`Case::id`].
    pub case: String,
    /// Workload, perf.conf's section.
    pub workload: String,
    /// RHS category.
    pub category: String,
    /// Factor levels.
    pub keys: Keys,
    /// Metric name, as in RHS column lines.
    pub metric: String,
    /// Unit of the value.
    pub unit: String,
    /// The value, or `{"invalid": {"reason": ..}}`.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Which repeat of its environment, counted from 1.
    pub repeat: u32,
    /// Names the guest boot, the replicate; unique over all campaigns.
    pub boot: String,
    /// The host's `/proc/sys/kernel/random/boot_id`.
    pub host_boot: String,
    /// Block of the plan, counted from 1.
    pub block: u32,
    /// Position of the case within its boot, counted from 0.
    pub order: u32,
    /// Which attempt at this cell, counted from 1.
    pub attempt: u32,
    /// The common window in which the value was taken; absent when it never opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawRef>,
}

/// A finite value, or the reason for its absence.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A finite number in the measurement's unit.
    Value(f64),
    /// Why the cell has no value.
    Invalid {
        /// Lowercase, for people.
        reason: String,
        /// What kind of failure it was; files from before there were codes have none.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
}

/// Reads the text of a `measurements.jsonl`.
///
/// # Errors
/// It is empty, a line is none, a case has a metric twice, or lines are missing.
pub fn read(text: &[u8]) -> Result<Read<Measurement>, LineError> {
    let lines = lines::read::<Measurement>(text, MEASUREMENT_FORMAT)?;
    let (sealed, mut items) = (lines.is_sealed(), Vec::new());
    let mut seen: HashMap<(String, String), usize> = HashMap::new();
    for item in lines {
        let (line, measurement) = item?;
        let pair = (measurement.case.clone(), measurement.metric.clone());
        if let Some(first) = seen.insert(pair, line) {
            return Err(twice(&measurement.case, &measurement.metric, first, line));
        }
        items.push(measurement);
    }
    if !sealed && items.is_empty() {
        return Err(empty());
    }
    Ok(Read { items, sealed })
}

/// No perfvt of any version wrote a file without a line.
pub fn empty() -> LineError {
    LineError::Damaged { line: 1, what: "it is empty: the file was cut off".to_owned() }
}

/// A case with a metric twice has two values, of which nobody knows which one counts.
pub fn twice(case: &str, metric: &str, first: usize, line: usize) -> LineError {
    let what = format!("{case} has {metric} a second time, after line {first}");
    LineError::Damaged { line, what }
}

/// A line as it stands in the file: serde refuses a member that is given twice, and what comes of `value` and `invalid` is
/// decided here.
#[derive(Deserialize)]
struct Wire {
    v: u32,
    case: String,
    workload: String,
    category: String,
    keys: Keys,
    metric: String,
    unit: String,
    #[serde(default, deserialize_with = "given")]
    value: Option<f64>,
    #[serde(default, deserialize_with = "given")]
    invalid: Option<Invalid>,
    repeat: u32,
    boot: String,
    host_boot: String,
    block: u32,
    order: u32,
    attempt: u32,
    #[serde(default)]
    window: Option<Window>,
    #[serde(default)]
    raw: Option<RawRef>,
}

#[derive(Deserialize)]
struct Invalid {
    #[serde(deserialize_with = "read_reason")]
    reason: String,
    #[serde(default)]
    code: Option<Code>,
}

/// What is there is no null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> Result<Option<T>, D::Error> {
    T::deserialize(d).map(Some)
}

impl TryFrom<Wire> for Measurement {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Measurement, Self::Error> {
        let outcome = match (wire.value, wire.invalid) {
            (Some(value), None) => Outcome::Value(value),
            (None, Some(Invalid { reason, code })) => Outcome::Invalid { reason, code },
            (Some(_), Some(_)) => {
                return Err("`value` stands beside `invalid`, which says that there is none");
            }
            (None, None) => return Err("neither `value` nor `invalid`"),
        };
        Ok(Measurement {
            v: wire.v,
            case: wire.case,
            workload: wire.workload,
            category: wire.category,
            keys: wire.keys,
            metric: wire.metric,
            unit: wire.unit,
            outcome,
            repeat: wire.repeat,
            boot: wire.boot,
            host_boot: wire.host_boot,
            block: wire.block,
            order: wire.order,
            attempt: wire.attempt,
            window: wire.window,
            raw: wire.raw,
        })
    }
}

impl Versioned for Measurement {
    fn version(&self) -> u32 {
        self.v
    }
}

/// A span of time, on both clocks of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// CLOCK_REALTIME at the start, nanoseconds since the epoch.
    pub start_unix_ns: u64,
    /// CLOCK_MONOTONIC at the start, nanoseconds.
    pub mono_ns: u64,
    /// Length in nanoseconds.
    pub len_ns: u64,
}

/// A place in a raw file, relative to the repeat's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawRef {
    /// For example `raw/003.TCP_RR.size=64,sessions=1/session0.txt`.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
}

impl Measurement {
    /// The value, when there is one.
    pub fn value(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Value(v) if v.is_finite() => Some(v),
            _ => None,
        }
    }

    /// The case that the line belongs to.
    pub fn case_of(&self) -> Case {
        Case { workload: self.workload.clone(), category: self.category.clone(), keys: self.keys.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(outcome: Outcome) -> Measurement {
        Measurement {
            v: 1,
            case: "netperf/TCP_RR/size=64".into(),
            workload: "netperf".into(),
            category: "TCP_RR".into(),
            keys: [("size", "64")].into_iter().collect(),
            metric: "trans.rate".into(),
            unit: "trans/s".into(),
            outcome,
            repeat: 1,
            boot: "c0ffee-1".into(),
            host_boot: "b".into(),
            block: 1,
            order: 0,
            attempt: 1,
            window: None,
            raw: None,
        }
    }

    #[test]
    fn a_reason_of_a_megabyte_in_an_older_file_is_read_as_a_short_one() {
        let failed = sample(Outcome::Invalid { reason: "no".repeat(500_000), code: None });
        let line = serde_json::to_string(&failed).unwrap();
        let Outcome::Invalid { reason, .. } = serde_json::from_str::<Measurement>(&line).unwrap().outcome
        else {
            panic!("no reason")
        };
        assert!(reason.len() <= crate::failure::LONGEST_REASON && reason.ends_with('…'), "{}", reason.len());
    }

    #[test]
    fn a_value_and_a_reason_share_one_line_format() {
        let line = serde_json::to_string(&sample(Outcome::Value(7500.25))).unwrap();
        assert!(line.contains(r#""unit":"trans/s","value":7500.25,"repeat":1"#), "{line}");
        let failed =
            sample(Outcome::Invalid { reason: "session 2 ended early".into(), code: Some(Code::ToolFailed) });
        let line = serde_json::to_string(&failed).unwrap();
        let wanted = r#""invalid":{"reason":"session 2 ended early","code":"tool-failed"}"#;
        assert!(line.contains(wanted), "{line}");
        assert_eq!(serde_json::from_str::<Measurement>(&line).unwrap(), failed);
        let older = line.replace(r#","code":"tool-failed""#, "");
        let read = serde_json::from_str::<Measurement>(&older).unwrap();
        assert_eq!(read.outcome, Outcome::Invalid { reason: "session 2 ended early".into(), code: None });
    }

    #[test]
    fn a_line_that_says_two_things_or_none_is_refused() {
        let line = serde_json::to_string(&sample(Outcome::Value(7500.25))).unwrap();
        let value = r#""value":7500.25"#;
        for (text, reason) in [
            (r#""value":1,"value":7500.25"#, "duplicate field `value`"),
            (r#""value":7500.25,"invalid":{"reason":"no route"}"#, "stands beside `invalid`"),
            (r#""invalid":{"reason":"no route"},"value":7500.25"#, "stands beside `invalid`"),
            (r#""invalid":{"reason":"a"},"invalid":{"reason":"b"}"#, "duplicate field `invalid`"),
            (r#""invalid":{"reason":"a","reason":"b"}"#, "duplicate field `reason`"),
            (r#""note":1"#, "neither `value` nor `invalid`"),
            (r#""value":null"#, "null"),
            (r#""value":null,"invalid":{"reason":"a"}"#, "null"),
            (r#""value":"7500.25""#, "string"),
            (r#""value":1e999"#, "out of range"),
            (r#""value":7500.25,"case":"another""#, "duplicate field `case`"),
            (r#""value":7500.25,"metric":"another""#, "duplicate field `metric`"),
        ] {
            let error =
                serde_json::from_str::<Measurement>(&line.replace(value, text)).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        let keys = line.replace(r#"{"size":"64"}"#, r#"{"size":"64","size":"65"}"#);
        let error = serde_json::from_str::<Measurement>(&keys).unwrap_err().to_string();
        assert!(error.contains("`size` is given twice"), "{error}");
        let newer = line.replace(value, r#""value":7500.25,"later":{"value":3}"#);
        assert_eq!(serde_json::from_str::<Measurement>(&newer).unwrap(), sample(Outcome::Value(7500.25)));
    }
}
