//! A trace of a guest's boot: what its firmware and its console said, each line with its time since QEMU was started.
//!
//! ```text
//!   start 1795651570423000000 1234000000          QEMU's start: ns since the epoch, ns on the host's monotonic clock
//!   0.051200 firmware SeaBIOS (version 1.16.2)    the debug port (I/O port 0x402)
//!   0.240100 firmware Booting from ROM...
//!   1.204000 console perfvt: user space           the serial console
//!   1.893000 ready                                the guest answered
//! ```
//!
//! The kernel has the machine from its own first line on the console, or, when it is quiet, from the firmware's last
//! one. User space begins with the init of perfvt's guest, or where a kernel that is not quiet says so.

pub mod cloud_init;
pub mod systemd;

use crate::tool::{ToolError, lines, number};
use edge::quoted;

/// A stage that the guest itself counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Its metric.
    pub metric: &'static str,
    /// How long it took, more than 0.
    pub ms: f64,
    /// Line of what the guest said.
    pub line: u32,
}

/// A moment of the boot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Seconds since QEMU was started.
    pub at: f64,
    /// Line of the trace.
    pub line: u32,
}

/// Where each stage begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stages {
    /// QEMU's start, nanoseconds since the epoch.
    pub start_unix_ns: u64,
    /// The same on the host's monotonic clock.
    pub start_mono_ns: u64,
    /// The firmware's first word.
    pub firmware: Moment,
    /// The kernel has the machine.
    pub kernel: Moment,
    /// The first process runs.
    pub user_space: Moment,
    /// The guest answered.
    pub ready: Moment,
}

/// The kernel's first line, as the console has it.
const KERNEL: &str = "Linux version";
/// What tells that the first process runs; the second is the kernel's.
const USER_SPACE: [&str; 2] = ["perfvt: user space", " as init process"];

/// What is missing where nobody tells when user space began.
const QUIET: &str = "user space on the console: the kernel is quiet, and kernel_params=ignore_loglevel makes it speak where it is \
                     started by the key kernel; else the words of the image's own loader do";

/// Reads a trace.
///
/// # Errors
/// A line that is none, a stage that is missing, or stages in another order than a boot's.
pub fn parse(text: &str) -> Result<Stages, ToolError> {
    parse_with(text, None)
}

/// Reads a trace. `kernel_seconds`: how many seconds the kernel needed until the first process by the guest itself, for a console that
/// does not say it.
///
/// # Errors
/// As for [`parse`].
pub fn parse_with(text: &str, kernel_seconds: Option<f64>) -> Result<Stages, ToolError> {
    let wrong = |line: u32, reason: String| ToolError { tool: "boot trace", line, reason };
    let mut start = None;
    let (mut firmware, mut last, mut kernel, mut user, mut ready) = (None, None, None, None, None);
    for (line, content) in lines(text) {
        let nonsense = || wrong(line, format!("not a line of a trace: {}", quoted(content)));
        if let Some(rest) = content.strip_prefix("start ") {
            let words: Vec<u64> = rest.split_whitespace().filter_map(|w| w.parse().ok()).collect();
            let [unix, mono] = words.as_slice() else { return Err(nonsense()) };
            start = Some((*unix, *mono));
            continue;
        }
        let mut words = content.splitn(3, ' ');
        // Before QEMU's own start lies what the tracer's clock is off by.
        let at = words.next().and_then(|w| number(w.trim_start_matches('-'))).ok_or_else(nonsense)?;
        let (source, said) = (words.next().ok_or_else(nonsense)?, words.next().unwrap_or_default());
        let moment = Some(Moment { at, line });
        match source {
            "firmware" => {
                firmware = firmware.or(moment);
                last = if user.is_none() { moment } else { last };
            }
            "console" if said.contains(KERNEL) => kernel = kernel.or(moment),
            "console" if USER_SPACE.iter().any(|mark| said.contains(mark)) => user = user.or(moment),
            "console" => {}
            "ready" => ready = moment,
            _ => return Err(nonsense()),
        }
    }
    let end = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
    let missing = |what: &str| wrong(end, format!("there is no sign of {what}"));
    let (start_unix_ns, start_mono_ns) = start.ok_or_else(|| missing("QEMU's start"))?;
    let kernel = kernel.or(last);
    let told =
        kernel.zip(kernel_seconds).map(|(from, seconds)| Moment { at: from.at + seconds, line: from.line });
    let stages = Stages {
        start_unix_ns,
        start_mono_ns,
        firmware: firmware.ok_or_else(|| missing("the firmware (its debug port said nothing)"))?,
        kernel: kernel.ok_or_else(|| missing("the kernel"))?,
        user_space: user.or(told).ok_or_else(|| missing(QUIET))?,
        ready: ready.ok_or_else(|| missing("the guest's being ready"))?,
    };
    let order = [stages.firmware, stages.kernel, stages.user_space, stages.ready];
    match order.windows(2).find(|pair| matches!(pair, [a, b] if a.at > b.at)) {
        Some([_, late]) => Err(wrong(late.line, "the stages are not in the order of a boot".into())),
        _ => Ok(stages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: &str = include_str!("../testdata/boot/pc-tcg-quiet.txt");

    #[test]
    fn a_quiet_kernel_begins_where_the_firmware_ends() {
        let stages = parse(QUIET).unwrap();
        assert_eq!(stages.start_unix_ns, 1_795_651_570_423_000_000);
        assert_eq!((stages.firmware.at, stages.kernel.at), (0.0512, 0.2401));
        assert_eq!((stages.user_space.at, stages.ready.at, stages.ready.line), (1.204, 1.893, 7));
    }

    /// The line of a trace that begins or ends so, with its time.
    fn line(text: &str, words: &str) -> (f64, u32) {
        let mut all = (1..).zip(text.lines());
        let (number, line) = all.find(|(_, line)| line.contains(words)).unwrap();
        (line.split(' ').next().unwrap().parse().unwrap(), number)
    }

    #[test]
    fn captured_boots_of_two_machines_begin_and_end_where_their_lines_do() {
        for text in [
            include_str!("../testdata/boot/pc-tcg-quiet-captured.txt"),
            include_str!("../testdata/boot/q35-tcg-quiet-captured.txt"),
        ] {
            let stages = parse(text).unwrap();
            let last = text.lines().rfind(|l| l.contains(" firmware ")).unwrap();
            for (moment, words) in [
                (stages.firmware, "firmware SeaBIOS (version 1.16.2-debian-1.16.2-1)"),
                (stages.kernel, last),
                (stages.user_space, "console perfvt: user space"),
                (stages.ready, " ready"),
            ] {
                assert_eq!((moment.at, moment.line), line(text, words), "{words}");
            }
        }
    }

    #[test]
    fn a_captured_boot_with_the_kernels_own_words_is_cut_where_they_say() {
        let text = include_str!("../testdata/boot/pc-tcg-loud-captured.txt");
        let stages = parse(text).unwrap();
        assert_eq!((stages.kernel.at, stages.kernel.line), line(text, "] Linux version 6.1.0"));
        assert_eq!((stages.user_space.at, stages.user_space.line), line(text, "] Run /init as init process"));
        // The kernel's own clock, which began a little before its first line: both clocks saw the same stretch.
        let own = 1.417_810;
        assert!((stages.user_space.at - stages.kernel.at - own).abs() < 0.2 * own, "{stages:?}");
    }

    #[test]
    fn a_kernel_that_speaks_is_taken_at_its_word() {
        let text = "start 1 2\n0.1 firmware a\n0.2 firmware b\n0.5 console [    0.000000] Linux version 6.1\n\
                    1.5 console [    1.0] Run /init as init process\n1.6 firmware late\n2 ready\n";
        let stages = parse(text).unwrap();
        assert_eq!((stages.kernel.at, stages.user_space.at), (0.5, 1.5));
    }

    #[test]
    fn where_the_console_is_silent_the_guest_itself_tells_when_the_kernel_was_done() {
        let text = "start 1 2\n0.1 firmware a\n0.5 firmware b\n9 ready\n";
        let stages = parse_with(text, Some(4.0)).unwrap();
        assert_eq!((stages.user_space.at, stages.user_space.line), (4.5, 3));
        assert!(parse_with(text, None).unwrap_err().reason.contains("kernel_params=ignore_loglevel"));
        assert!(parse_with(text, Some(9.0)).unwrap_err().reason.contains("order"));
        let told = "start 1 2\n0.1 firmware a\n2 console perfvt: user space\n9 ready\n";
        assert_eq!(parse_with(told, Some(4.0)).unwrap().user_space.at, 2.0);
    }

    #[test]
    fn what_is_missing_or_out_of_order_is_said() {
        let reason = |text: &str| parse(text).unwrap_err().to_string();
        assert!(reason("start 1 2\n1 ready\n").contains("no sign of the firmware"));
        let cut: String = QUIET.lines().take(5).map(|l| format!("{l}\n")).collect();
        assert!(reason(&cut).contains("no sign of user space"), "{}", reason(&cut));
        assert_eq!(reason("start 1\n"), "boot trace output, line 1: not a line of a trace: 'start 1'");
        assert!(reason("start 1 2\n3 firmware a\n2 console perfvt: user space\n4 ready\n").contains("order"));
        assert!(reason("x console y\n").contains("not a line of a trace"));
    }
}
