//! The stages of cloud-init as `cloud-init analyze show` prints them, of the last boot that it knows.
//!
//! ```text
//!   -- Boot Record 01 --
//!   Starting stage: init-local
//!   |`->no cache found @00.01700s +00.00000s
//!   Finished stage: (init-local) 01.40500 seconds
//!   Total Time: 31.87100 seconds
//! ```

use super::Stage;
use crate::tool::{ToolError, lines, number};
use edge::quoted;

/// The metrics, in the order of a boot.
pub const METRICS: [&str; 4] =
    ["cloud_init_local_ms", "cloud_init_network_ms", "cloud_init_config_ms", "cloud_init_final_ms"];

/// What cloud-init calls the stages.
const STAGES: [&str; 4] = ["init-local", "init-network", "modules-config", "modules-final"];

/// The stages of the last boot that have ended. A stage that took no time that cloud-init can tell has none.
///
/// # Errors
/// No boot at all, or a stage without its seconds.
pub fn parse(text: &str) -> Result<Vec<Stage>, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "cloud-init analyze", line, reason };
    let mut stages: Option<Vec<Stage>> = None;
    let mut last = 1;
    for (line, content) in lines(text) {
        last = line;
        if content.starts_with("-- Boot Record ") {
            stages = Some(Vec::new());
        }
        let Some(rest) = content.strip_prefix("Finished stage: (") else { continue };
        let nonsense = || wrong(line, format!("not a stage with its seconds: {}", quoted(content)));
        let (name, took) = rest.split_once(") ").ok_or_else(nonsense)?;
        let ms = took.strip_suffix(" seconds").and_then(number).map(|seconds| seconds * 1000.0);
        let ms = ms.filter(|ms| ms.is_finite()).ok_or_else(nonsense)?;
        let stages = stages.as_mut().ok_or_else(|| wrong(line, "a stage of no boot".into()))?;
        let known = STAGES.iter().zip(METRICS).find(|(stage, _)| **stage == name);
        if let Some((_, metric)) = known.filter(|_| ms > 0.0) {
            stages.retain(|stage| stage.metric != metric);
            stages.push(Stage { metric, ms, line });
        }
    }
    stages.ok_or_else(|| wrong(last, "there is no boot in it".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_captured_boot_has_its_four_stages() {
        let text = include_str!("../../testdata/boot/cloud-init-22.4-captured.txt");
        let stages = parse(text).unwrap();
        assert_eq!(stages.iter().map(|stage| stage.metric).collect::<Vec<_>>(), METRICS);
        assert_eq!(stages.iter().map(|stage| stage.ms).collect::<Vec<_>>(), [1879.0, 8192.0, 5243.0, 8396.0]);
    }

    #[test]
    fn the_last_of_several_boots_counts() {
        let text = "-- Boot Record 01 --\nFinished stage: (init-local) 09.00000 seconds\n\
                    Finished stage: (modules-final) 09.00000 seconds\nTotal Time: 18.0 seconds\n\n\
                    -- Boot Record 02 --\nFinished stage: (init-local) 01.50000 seconds\n";
        let stages = parse(text).unwrap();
        assert_eq!(stages, [Stage { metric: "cloud_init_local_ms", ms: 1500.0, line: 7 }]);
    }

    #[test]
    fn what_is_no_answer_of_cloud_inits_is_said_with_its_line() {
        let reason = |text: &str| parse(text).unwrap_err().to_string();
        assert!(reason("0 boot records analyzed\n").contains("there is no boot in it"));
        assert!(reason("Finished stage: (init-local) 1 seconds\n").contains("a stage of no boot"));
        assert_eq!(
            reason("-- Boot Record 01 --\nFinished stage: (init-local) soon\n"),
            "cloud-init analyze output, line 2: not a stage with its seconds: 'Finished stage: (init-local) soon'"
        );
        assert!(reason("-- Boot Record 01 --\nFinished stage: (init-local) -1 seconds\n").contains("line 2"));
    }
}
