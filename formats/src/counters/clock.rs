//! The guest's clock: the line `now NANOSECONDS` of its kernel's monotonic clock, or `/proc/uptime`.

use super::Section;

/// What the first line of an answer tells of the guest's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// Its monotonic clock in nanoseconds, where its kernel shows it.
    pub now_ns: Option<u64>,
    /// Seconds since it was booted, in steps of 10 ms: too coarse to compare clocks by.
    pub uptime: Option<f64>,
}

impl Section for Clock {
    const PATH: &'static str = "/proc/uptime";

    fn line(&mut self, number: u32, line: &str) {
        if number == 1 {
            self.now_ns = line.strip_prefix("now ").and_then(|now| now.trim().parse().ok());
            let uptime = line.split_whitespace().next().and_then(|word| word.parse().ok());
            self.uptime = uptime.filter(|seconds| (0.0..1e9).contains(seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_the_first_line_or_not_there() {
        let exact = Clock { now_ns: Some(123_456_789), uptime: None };
        assert_eq!(Clock::of("now 123456789\n5.00 1.00\n"), exact);
        assert_eq!(Clock::of("5.25 1.00\nnow 7\n"), Clock { now_ns: None, uptime: Some(5.25) });
        for odd in ["", "no uptime", "now x", "-1 0", "nan", "1e12 0", "\nnow 5"] {
            assert_eq!(Clock::of(odd), Clock::default(), "{odd}");
        }
    }
}
