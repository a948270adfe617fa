//! The stages of a boot as systemd counted them: what `systemctl show` says of the manager, microseconds of the monotonic clock.
//!
//! ```text
//!   FirmwareTimestampMonotonic=0            how long before the kernel the firmware began; 0 where nobody told
//!   LoaderTimestampMonotonic=0              the same of the loader
//!   InitRDTimestampMonotonic=0              when the initrd's systemd began; 0 without one
//!   UserspaceTimestampMonotonic=4127311     when the system's own systemd began
//!   FinishTimestampMonotonic=21816043       when all that belongs to the boot was started; 0 until then
//! ```
//!
//! `systemd-analyze time` computes the same stages from the same numbers, and rounds them.

use super::Stage;
use crate::tool::{ToolError, lines};
use edge::quoted;

/// The metric of the time from the kernel's start to the first systemd.
pub const KERNEL: &str = "systemd_kernel_ms";
/// The metrics, in the order of a boot.
pub const METRICS: [&str; 5] =
    ["systemd_firmware_ms", "systemd_loader_ms", KERNEL, "systemd_initrd_ms", "systemd_userspace_ms"];

/// The properties that are asked for.
pub const PROPERTIES: [&str; 5] = [
    "FirmwareTimestampMonotonic",
    "LoaderTimestampMonotonic",
    "InitRDTimestampMonotonic",
    "UserspaceTimestampMonotonic",
    "FinishTimestampMonotonic",
];

/// The stages that there were; `None` while the boot is not finished.
///
/// # Errors
/// A line that is no property with a number, a property that is missing, or times in another order than a boot's.
pub fn parse(text: &str) -> Result<Option<Vec<Stage>>, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "systemctl show", line, reason };
    let mut found: [Option<(u64, u32)>; 5] = [None; 5];
    let mut last = 1;
    for (line, content) in lines(text) {
        last = line;
        let property = content.split_once('=');
        let number = property.and_then(|(name, value)| Some((name, value.trim().parse::<u64>().ok()?)));
        let Some((name, number)) = number else {
            return Err(wrong(line, format!("not a property with a number: {}", quoted(content))));
        };
        for (known, slot) in PROPERTIES.iter().zip(&mut found) {
            if *known == name {
                *slot = Some((number, line));
            }
        }
    }
    let missing = |name: &str| wrong(last, format!("there is no {name}"));
    let [firmware, loader, initrd, user, finish] = found;
    let [firmware_name, loader_name, initrd_name, user_name, finish_name] = PROPERTIES;
    let (firmware, firmware_line) = firmware.ok_or_else(|| missing(firmware_name))?;
    let (loader, loader_line) = loader.ok_or_else(|| missing(loader_name))?;
    let (initrd, initrd_line) = initrd.ok_or_else(|| missing(initrd_name))?;
    let (user, user_line) = user.ok_or_else(|| missing(user_name))?;
    let (finish, finish_line) = finish.ok_or_else(|| missing(finish_name))?;
    if finish == 0 {
        return Ok(None);
    }
    // Firmware and loader are counted backwards from the kernel's start.
    let kernel = (if initrd > 0 { initrd } else { user }, if initrd > 0 { initrd_line } else { user_line });
    let spans = [
        (if firmware > 0 { firmware } else { loader }, loader, firmware_line),
        (loader, 0, loader_line),
        (kernel.0, 0, kernel.1),
        (user, if initrd > 0 { initrd } else { user }, user_line),
        (finish, user, finish_line),
    ];
    let mut stages = Vec::new();
    for (metric, (to, from, line)) in METRICS.into_iter().zip(spans) {
        let us = to
            .checked_sub(from)
            .ok_or_else(|| wrong(line, "the times are not in the order of a boot".into()))?;
        if us > 0 {
            stages.push(Stage { metric, ms: us as f64 / 1000.0, line });
        }
    }
    Ok(Some(stages))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(numbers: [u64; 5]) -> String {
        PROPERTIES.iter().zip(numbers).map(|(name, number)| format!("{name}={number}\n")).collect()
    }

    fn stages(text: &str) -> Vec<(&'static str, f64)> {
        parse(text).unwrap().unwrap().into_iter().map(|stage| (stage.metric, stage.ms)).collect()
    }

    #[test]
    fn a_boot_with_every_stage_is_cut_as_systemd_analyze_does() {
        // Startup finished in 3s (firmware) + 1s (loader) + 2s (kernel) + 4s (initrd) + 10s (userspace) = 20s
        let all = stages(&told([4_000_000, 1_000_000, 2_000_000, 6_000_000, 16_000_000]));
        assert_eq!(all.iter().map(|(_, ms)| *ms).collect::<Vec<_>>(), [3e3, 1e3, 2e3, 4e3, 1e4]);
        assert_eq!(all.iter().map(|(metric, _)| *metric).collect::<Vec<_>>(), METRICS);
    }

    #[test]
    fn a_stage_that_there_was_not_has_no_value_and_an_unfinished_boot_none_at_all() {
        let all = stages(&told([0, 0, 0, 4_000_000, 16_000_000]));
        assert_eq!(all, [("systemd_kernel_ms", 4e3), ("systemd_userspace_ms", 12e3)]);
        assert_eq!(parse(&told([0, 0, 0, 4_000_000, 0])).unwrap(), None);
    }

    #[test]
    fn what_is_no_answer_of_systemds_is_said_with_its_line() {
        let reason = |text: &str| parse(text).unwrap_err().to_string();
        assert!(reason("").contains("there is no FirmwareTimestampMonotonic"));
        assert_eq!(
            reason("LoaderTimestampMonotonic=n/a\n"),
            "systemctl show output, line 1: not a property with a number: 'LoaderTimestampMonotonic=n/a'"
        );
        assert!(reason(&told([0, 0, 0, 5, 4])).contains("line 5: the times are not in the order"));
        assert!(reason(&told([1, 2, 0, 5, 6])).contains("line 1: the times are not in the order"));
    }
}
