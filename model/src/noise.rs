//! How quiet the host was around one sample: `noise.json` in the sample's raw folder.

use serde::{Deserialize, Serialize};

/// The version that [`SampleNoise::format`] carries.
///
/// Changelog: 1, the first.
pub const SAMPLE_NOISE_FORMAT: u32 = 1;
/// The file's name, in the raw folder of a sample.
pub const SAMPLE_NOISE_FILE: &str = "noise.json";

/// A limit that was passed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// Which: `vcpu-waits`, `steal`.
    pub what: String,
    /// What was found; a fraction, a count or degrees.
    pub value: f64,
    /// What is allowed.
    pub limit: f64,
    /// For people.
    pub text: String,
}

/// A fixed probe of the host alone; each time in nanoseconds, absent when it could not be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The CPU that it ran on.
    pub cpu: Option<u32>,
    /// A chain of multiplications.
    pub arithmetic_ns: Option<u64>,
    /// Copying memory.
    pub copy_ns: Option<u64>,
    /// Round trips over the loopback.
    pub loopback_ns: Option<u64>,
}

/// The content of `noise.json`. The file is described in `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleNoise {
    /// Format version, [`SAMPLE_NOISE_FORMAT`].
    pub format: u32,
    /// `warn` or `strict`.
    pub mode: String,
    /// Seconds that were waited until the host was quiet.
    pub waited_s: f64,
    /// Seconds between the two readings around the sample.
    pub seconds: f64,
    /// Limits that were passed during the sample; none for a clean one.
    pub breaches: Vec<Breach>,
    /// The probe, in every so many samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}
