//! Sides with all that their readers can be told beside them.

use super::super::process::perfvt;
use super::{sides, write};
use std::ffi::OsString;
use std::path::Path;

const CONF: &str = "[netperf]
# Comments and blank lines stay.
metric.throughput = Mbit/s higher primary log min_effect=3%
metric.CPU = % lower secondary linear min_effect_abs=1
alias.throughput = thruput | Thr @ TCP_*
category_alias.TCP_STREAM = TCP_STREAM (RX)
derived.thr_per_CPU = throughput / CPU

[ours]
result_file_pattern = ours-.*\\.txt
keys = size
desc = What is measured here.\\nTwo lines.
";

const EXPECTED: &str = "# ROW | VERDICT | until YYYY-MM-DD | REASON
netperf/TCP_STREAM/size=16384,sessions=1/throughput | REGRESSED | until 2999-01-31 | e1000 costs this much
netperf/TCP_STREAM/*/CPU | IMPROVED | until 2020-01-31 | long ago
";

/// `a`, `b`, `own.conf`, `expected`, `noise.json`, and a site with two results.
pub fn build(to: &Path) {
    sides::rhs(to);
    write(&to.join("own.conf"), CONF);
    write(&to.join("expected"), EXPECTED);
    let sandbox = tempfile::tempdir().unwrap();
    for line in [
        "calibrate a b --output noise.json",
        "publish site a --title first --url https://example.org/",
        "publish site b --against a",
    ] {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let ran = perfvt(sandbox.path(), to, &words);
        assert_eq!(ran.code(), Some(0), "{line}: {}", ran.err_text());
    }
}
