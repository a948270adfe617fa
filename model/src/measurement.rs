//! One line of `measurements.jsonl`: one value of one metric in one case, or the reason why there is none.

use crate::case::{Case, Keys};
use crate::failure::{Code, read_reason};
use serde::{Deserialize, Serialize};

/// The version that [`Measurement::v`] carries.
///
/// Changelog: 1, the first; `invalid.code` came later, and readers that do not know it pass it over.
pub const MEASUREMENT_FORMAT: u32 = 1;

/// One value and all that is needed to place it. The file is described in `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Where the value comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawRef>,
}

/// A finite value, or the reason for its absence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A finite number in the measurement's unit.
    Value(f64),
    /// Why the cell has no value.
    Invalid {
        /// Lowercase, for people.
        #[serde(deserialize_with = "read_reason")]
        reason: String,
        /// What kind of failure it was; files from before there were codes have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
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
}
