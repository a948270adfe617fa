//! When a guest read its counters.

use crate::lab::HostSample;
use crate::lab::window::ThreadTime;
use formats::counters::{Clock, CpuTicks};
use model::Moment;

/// The host's CPU time at a moment between two samples, and that of every thread that both know.
pub(super) fn between(before: &HostSample, after: &HostSample, at: Moment) -> HostSample {
    let whole = after.at.mono_ns.saturating_sub(before.at.mono_ns).max(1) as f64;
    let part = at.mono_ns.saturating_sub(before.at.mono_ns) as f64 / whole;
    let mix = |a: u64, b: u64| a + (b.saturating_sub(a) as f64 * part.clamp(0.0, 1.0)).round() as u64;
    let cpu = CpuTicks {
        idle: mix(before.cpu.idle, after.cpu.idle),
        steal: mix(before.cpu.steal, after.cpu.steal),
        total: mix(before.cpu.total, after.cpu.total),
    };
    let thread = |late: &ThreadTime| {
        let same = |t: &&ThreadTime| (t.guest, t.role, t.index) == (late.guest, late.role, late.index);
        let early = before.threads.iter().find(same)?;
        let (run_ns, wait_ns) = (mix(early.run_ns, late.run_ns), mix(early.wait_ns, late.wait_ns));
        Some(ThreadTime { run_ns, wait_ns, ..*late })
    };
    let threads = after.threads.iter().filter_map(thread).collect();
    let own_ns = before.own_ns.zip(after.own_ns).map(|(early, late)| mix(early, late));
    HostSample { at, cpu, threads, own_ns }
}

/// What is known of the difference between the host's monotonic clock and the guest's uptime: every reading of the
/// uptime happened between asking and hearing, so each narrows it. A busy guest answers late, and the narrow interval
/// of its idle time then says when it really read its counters.
#[derive(Clone, Copy, Debug)]
pub(super) struct GuestClock {
    /// Bounds of host minus guest, nanoseconds.
    low: i128,
    high: i128,
}

/// `/proc/uptime` has two decimals, cut off.
const UPTIME_STEP_NS: i128 = 10_000_000;

impl GuestClock {
    pub(super) const UNKNOWN: GuestClock = GuestClock { low: i128::MIN / 4, high: i128::MAX / 4 };

    /// The moment at which a guest read its clock, somewhere between two of the host's.
    pub(super) fn place(&mut self, read: &Clock, before: Moment, after: Moment) -> Moment {
        let (from, to) = (i128::from(before.mono_ns), i128::from(after.mono_ns));
        let uptime = read.uptime.map(|uptime| ((uptime * 1e9) as i128, UPTIME_STEP_NS));
        let mut at = from + (to - from) / 2;
        if let Some((uptime, step)) = read.now_ns.map(|now| (i128::from(now), 0)).or(uptime) {
            let (low, high) = (from - uptime - step, to - uptime);
            if low.max(self.low) <= high.min(self.high) {
                (self.low, self.high) = (low.max(self.low), high.min(self.high));
            } else {
                // The clocks drifted apart, or the guest was stopped: what was known holds no longer.
                (self.low, self.high) = (low, high);
            }
            at = (uptime + step / 2 + self.low + (self.high - self.low) / 2).clamp(from, to);
        }
        let late = u64::try_from(at - from).unwrap_or(0);
        Moment { unix_ns: before.unix_ns.saturating_add(late), mono_ns: before.mono_ns.saturating_add(late) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::window::Role;

    fn moment(ms: u64) -> Moment {
        Moment { unix_ns: 5_000_000_000 + ms * 1_000_000, mono_ns: ms * 1_000_000 }
    }

    #[test]
    fn a_late_answer_is_placed_by_what_quick_ones_told_of_the_guests_clock() {
        let mut clock = GuestClock::UNKNOWN;
        let uptime = |seconds| Clock { uptime: Some(seconds), now_ns: None };
        // The guest's uptime is the host's clock less 10 s; an idle guest answers within 4 ms.
        clock.place(&uptime(1.0), moment(11_000), moment(11_004));
        let busy = clock.place(&uptime(3.0), moment(12_500), moment(13_400));
        let error = busy.mono_ns.abs_diff(13_005_000_000);
        assert!(error < 10_000_000, "placed {error} ns away");
        assert_eq!(busy.unix_ns - busy.mono_ns, 5_000_000_000);
        // A guest that tells its clock in nanoseconds is placed more exactly still.
        let exact =
            clock.place(&Clock { now_ns: Some(3_500_000_000), uptime: None }, moment(13_400), moment(13_900));
        assert!(exact.mono_ns.abs_diff(13_505_000_000) < 10_000_000, "{exact:?}");
        let odd = clock.place(&Clock::default(), moment(20_000), moment(20_010));
        assert_eq!(odd, moment(20_005));
    }

    #[test]
    fn the_hosts_cpu_time_is_taken_at_the_same_moment() {
        let thread = |run_ns| ThreadTime { guest: 0, role: Role::Vcpu, index: 0, run_ns, wait_ns: 0 };
        let sample = |ms, idle, total, run_ns| HostSample {
            at: moment(ms),
            cpu: CpuTicks { idle, steal: 0, total },
            threads: vec![thread(run_ns)],
            own_ns: Some(0),
        };
        let got = between(&sample(0, 100, 200, 10), &sample(1000, 150, 400, 30), moment(500));
        assert_eq!(got, sample(500, 125, 300, 20));
    }
}
