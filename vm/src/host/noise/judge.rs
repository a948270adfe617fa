//! What two readings say about the time between them: pure functions.

use super::limits::Limits;
use super::reading::{Reading, Vcpu, Watched};
use formats::noise::CpuTime;
use model::noise::Breach;
use std::collections::BTreeSet;

/// Ticks a second in /proc (USER_HZ), the same on every architecture that QEMU accelerates on.
const TICKS: f64 = 100.0;
/// The breach that is a matter of placement, and spoils a sample whatever is done about noise.
pub const ELSEWHERE: &str = "vcpu-elsewhere";
/// Time counted in ticks is off by as much as this at either end.
const TICK_ERROR: f64 = 3.0 / TICKS;

/// Collects breaches.
struct Found(Vec<Breach>);

impl Found {
    fn check(&mut self, what: &str, value: Option<f64>, limit: f64, say: impl FnOnce(f64) -> String) {
        if let Some(value) = value.filter(|v| *v > limit) {
            self.0.push(Breach { what: what.to_owned(), value, limit, text: say(value) });
        }
    }
}

fn percent(fraction: f64) -> String {
    format!("{:.1} %", 100.0 * fraction)
}

/// Seconds between two readings.
fn seconds(before: &Reading, after: &Reading) -> f64 {
    (after.mono_ns.saturating_sub(before.mono_ns) as f64 * 1e-9).max(1e-3)
}

/// What each CPU did in between; those that went offline are left out.
fn spent<'a>(before: &'a Reading, after: &'a Reading) -> impl Iterator<Item = (u32, CpuTime)> + 'a {
    after.cpus.iter().filter_map(|(cpu, now)| {
        let then = before.cpus.get(cpu)?;
        let diff = |f: fn(&CpuTime) -> u64| f(now).saturating_sub(f(then));
        let spent = CpuTime {
            work: diff(|t| t.work),
            irq: diff(|t| t.irq),
            steal: diff(|t| t.steal),
            total: diff(|t| t.total),
        };
        Some((*cpu, spent))
    })
}

/// Stolen time of some CPUs as a fraction of their time; of all CPUs when none are named.
fn stolen(before: &Reading, after: &Reading, cpus: &BTreeSet<u32>) -> Option<f64> {
    let of: Vec<CpuTime> = spent(before, after)
        .filter(|(cpu, _)| cpus.is_empty() || cpus.contains(cpu))
        .map(|(_, t)| t)
        .collect();
    let total: u64 = of.iter().map(|t| t.total).sum();
    (total > 0).then(|| of.iter().map(|t| t.steal).sum::<u64>() as f64 / total as f64)
}

/// Fraction of the time in which some task waited.
fn stalled(before: &Reading, after: &Reading, kind: &str) -> Option<f64> {
    let waited = after.stalls.get(kind)?.some_us.checked_sub(before.stalls.get(kind)?.some_us)?;
    Some(waited as f64 * 1e-6 / seconds(before, after))
}

/// CPU time of other processes, of one CPU's time.
fn foreign(before: &Reading, after: &Reading) -> Option<f64> {
    let ticks: u64 = spent(before, after).map(|(_, t)| t.work).sum();
    let own = after.own_ticks.saturating_sub(before.own_ticks);
    (!after.cpus.is_empty()).then(|| ticks.saturating_sub(own) as f64 / TICKS / seconds(before, after))
}

/// Whether the host was quiet between two readings. `running` is the average number of tasks that wanted a CPU,
/// `coolest` the lowest temperature of the campaign so far.
pub fn quiet(
    before: &Reading,
    after: &Reading,
    running: Option<f64>,
    coolest: Option<f64>,
    limits: &Limits,
) -> Vec<Breach> {
    let mut found = Found(Vec::new());
    let all = BTreeSet::new();
    found.check("foreign-cpu", foreign(before, after), limits.foreign, |v| {
        format!("other processes use {} of a CPU", percent(v))
    });
    found.check("run-queue", running, limits.running, |v| format!("{v:.1} other tasks want to run"));
    for (kind, limit, of) in [
        ("cpu", limits.stall_cpu, "a CPU"),
        ("io", limits.stall_io, "a disk"),
        ("memory", limits.stall_memory, "memory"),
    ] {
        found.check(&format!("stall-{kind}"), stalled(before, after, kind), limit, |v| {
            format!("tasks wait for {of} {} of the time", percent(v))
        });
    }
    let busiest = after.disks.iter().filter_map(|(disk, now)| {
        let busy = now.saturating_sub(*before.disks.get(disk)?);
        Some((busy as f64 * 1e-3 / seconds(before, after), disk))
    });
    if let Some((value, disk)) = busiest.max_by(|a, b| a.0.total_cmp(&b.0)) {
        found.check("disk", Some(value), limits.disk, |v| {
            format!("disk {disk} is busy {} of the time", percent(v))
        });
    }
    let warmer = after.celsius.zip(coolest).map(|(now, coolest)| now - coolest);
    found.check("temperature", warmer, limits.warmer, |v| {
        format!("the CPUs are {v:.0} degrees warmer than at their coolest")
    });
    found.check("steal", stolen(before, after, &all), limits.steal, |v| {
        format!("the hypervisor below takes {} of the time", percent(v))
    });
    found.0
}

/// Whether a sample was disturbed between two readings.
pub fn sample(before: &Reading, after: &Reading, watched: &Watched, limits: &Limits) -> Vec<Breach> {
    let mut found = Found(Vec::new());
    for (index, vcpu) in watched.vcpus.iter().enumerate() {
        of_vcpu(&mut found, before, after, index, vcpu, limits);
    }
    found.check("foreign-others", foreign_others(before, after, watched), limits.foreign_others, |v| {
        format!("other processes used {} of a CPU beside QEMU and the client", percent(v))
    });
    found.check("steal", stolen(before, after, &watched.cpus()), limits.steal, |v| {
        format!("the hypervisor below took {} of the pinned CPUs' time", percent(v))
    });
    let grown = |a: Option<u64>, b: Option<u64>| Some(b?.checked_sub(a?)? as f64);
    found.check("throttled", grown(before.throttles, after.throttles), 0.0, |v| {
        format!("CPUs were slowed down for heat {v:.0} times")
    });
    found.check("swap", grown(before.swap_in, after.swap_in), 0.0, |v| {
        format!("{v:.0} pages came back from swap")
    });
    found.check("stall-memory", stalled(before, after, "memory"), limits.stall_memory, |v| {
        format!("tasks waited for memory {} of the time", percent(v))
    });
    found.0
}

fn of_vcpu(found: &mut Found, before: &Reading, after: &Reading, index: usize, vcpu: &Vcpu, limits: &Limits) {
    let (Some(then), Some(now)) = (before.vcpus.get(index), after.vcpus.get(index)) else { return };
    let (length, name) = (seconds(before, after), &vcpu.name);
    let sched = then.sched.zip(now.sched);
    // A vCPU that shares its CPU by the user's own wish waits for it: only pinned ones have a CPU of their own.
    if vcpu.cpu.is_some() {
        let waited = sched.map(|(a, b)| b.wait_ns.saturating_sub(a.wait_ns) as f64 * 1e-9 / length);
        found.check("vcpu-waits", waited, limits.vcpu_waits, |v| {
            format!("{name} waited for its CPU {} of the time", percent(v))
        });
        let moved = then.migrations.zip(now.migrations).map(|(a, b)| b.saturating_sub(a) as f64);
        found.check("vcpu-moved", moved, 0.0, |v| format!("{name} was moved to another CPU {v:.0} times"));
    }
    let cpu = vcpu.cpu.and_then(|cpu| spent(before, after).find(|(c, _)| *c == cpu.0));
    if let (Some((cpu, spent)), Some((a, b))) = (cpu, sched) {
        let ran = b.run_ns.saturating_sub(a.run_ns) as f64 * 1e-9;
        // What the hypervisor below took counts as the thread's time, too.
        let busy = (spent.work + spent.irq + spent.steal) as f64 / TICKS;
        let foreign = (spent.work as f64 / TICKS - ran - TICK_ERROR).max(0.0) / length;
        found.check("foreign-vcpu", Some(foreign), limits.foreign_vcpu, |v| {
            format!("other processes used CPU {cpu} of {name} {} of the time", percent(v))
        });
        // A CPU that a hypervisor below stopped without a word counts no tick of any kind, not even an idle one, while the
        // scheduler's clock of its threads goes on.
        let stopped = (length - spent.total as f64 / TICKS - TICK_ERROR).max(0.0);
        found.check("stopped", Some(stopped / length), limits.steal, |v| {
            format!("CPU {cpu} of {name} stood still {} of the time", percent(v))
        });
        // Its own time must be found on its CPU, or it was somewhere else.
        let elsewhere = (ran - busy - stopped - TICK_ERROR) / length;
        found.check(ELSEWHERE, Some(elsewhere), limits.elsewhere, |v| {
            format!("{name} ran {} of the time, and not on CPU {cpu}", percent(v))
        });
    }
}

/// Time of strangers on the CPUs of QEMU, vhost threads and client: what was done there, less what perfvt's own
/// processes did anywhere but on vCPUs.
fn foreign_others(before: &Reading, after: &Reading, watched: &Watched) -> Option<f64> {
    if watched.others.is_empty() {
        return None;
    }
    let there: u64 = spent(before, after)
        .filter(|(cpu, _)| watched.others.iter().any(|c| c.0 == *cpu))
        .map(|(_, t)| t.work)
        .sum();
    let vcpus: Option<f64> = before
        .vcpus
        .iter()
        .zip(&after.vcpus)
        .map(|(a, b)| Some(b.sched?.run_ns.saturating_sub(a.sched?.run_ns) as f64 * 1e-9))
        .sum();
    let own = after.own_ticks.saturating_sub(before.own_ticks) as f64 / TICKS - vcpus?;
    Some((there as f64 / TICKS - own.max(0.0) - TICK_ERROR).max(0.0) / seconds(before, after))
}
