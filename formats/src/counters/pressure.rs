//! `/proc/pressure/*`: how long tasks waited for a resource (the kernel's psi.rst).

use super::{Metric, Section, rate};

/// How long tasks waited for a resource; of a guest, for a CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pressure {
    /// Microseconds in which some task waited, since boot: the total of the first `some` line.
    pub some_us: Option<u64>,
}

impl Section for Pressure {
    const PATH: &'static str = "/proc/pressure/cpu";
    const METRICS: &'static [Metric<Pressure>] = &[Metric {
        name: "guest_psi_cpu",
        // Microseconds of a second, as a percentage.
        between: |earlier, later, seconds| rate(earlier.some_us, later.some_us, 1e-4, seconds),
    }];

    fn line(&mut self, _: u32, line: &str) {
        if let (None, Some(some)) = (self.some_us, line.strip_prefix("some ")) {
            let total = some.split_whitespace().find_map(|word| word.strip_prefix("total="));
            self.some_us = total.and_then(|total| total.parse().ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_some_tasks_counts_and_not_that_of_all() {
        let text = "some avg10=1.00 avg60=0.10 avg300=0.00 total=99\nfull avg10=0.00 total=1\n";
        assert_eq!(Pressure::of(text).some_us, Some(99));
        assert_eq!(Pressure::of("full total=1\nctxt 5\n").some_us, None);
    }
}
