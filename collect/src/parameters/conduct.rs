//! Keys of how it is measured.

use super::{BOOT_TIMEOUT, BUILD_ON, DEADLINE_FACTOR, Known, PROFILER};
use model::expected::EXPECTED_UNTIL;

/// How it is measured.
pub(super) const MEASURING: &[Known] = &[
    Known::new(
        "noise",
        "auto",
        "off, warn, strict, auto",
        "what is done about a noisy host; strict: wait, repeat, stop; auto: strict under KVM, else warn",
    ),
    Known::new(
        "noise_wait",
        "300",
        "seconds",
        "how long a quiet host is waited for before a sample (noise=strict)",
    ),
    Known::new("canary", "10", "a number", "every so many samples the host alone is probed; 0 never"),
    Known::open(
        BOOT_TIMEOUT,
        "30 under KVM, 120 under TCG; with an image 180 and 600",
        "seconds, 1 or more",
        "how long a guest may take until it is ready",
    ),
    Known::new(
        DEADLINE_FACTOR,
        "1",
        "a number, 0.001 to 1000",
        "what all deadlines of a campaign are multiplied by",
    ),
    Known::open(
        "prepare",
        "nothing",
        "a file of perfvt drive",
        "what is done in the guests of every boot before the first window",
    ),
    Known::open("after", "nothing", "a file of perfvt drive", "what is done in them behind the last one"),
    Known::open(
        "pre_command",
        "none",
        "a command with its arguments, no shell",
        "what is run on this host before the guests of a boot are there",
    ),
    Known::open(
        "post_command",
        "none",
        "a command with its arguments, no shell",
        "what is run on this host when they are gone",
    ),
    Known::open(
        PROFILER,
        "none",
        "none, perf, or a command with its arguments, no shell",
        "who looks where guests and QEMU spend their time, in one boot more that is never judged (docs/causes.md)",
    ),
    Known::open(
        EXPECTED_UNTIL,
        "nothing",
        "a day and a bug: 2027-01-31, BUG-17",
        "what fails until that day is known: compare, its gate and JUnit say so with the bug, and count it again afterwards",
    ),
    Known::new(
        "host_kernel",
        "",
        "a file",
        "kernel of the host itself: on a farm with --fresh-boots each host boots it once for each boot of these guests (farm.md); empty: the kernel that the host boots by itself",
    ),
    Known::new("shuffle", "yes", "yes, no", "whether cases are shuffled in each boot"),
    Known::new(
        "attempts",
        "2",
        "a number, 1 or more",
        "how often a boot is tried before its repeat is given up",
    ),
    Known::new(
        "samples",
        "2",
        "a number, 1 or more",
        "how often a sample is taken that a jump of the clock or noise spoiled",
    ),
    Known::new(
        BUILD_ON,
        "host",
        "host, guest",
        "where folders deps/NAME are built; guest: an image with make, in every boot",
    ),
];
