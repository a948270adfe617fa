//! What the counters at the ends of a window come to.

use super::{ClockRate, KVM_METRICS, Role, SwitchCounted, ThreadTime};
use crate::lab::{Failed, HostSample, Measured, Outcome, Point, Value};
use formats::counters;
use model::Code;

/// Metrics of perfvt's and QEMU's threads, and of the client's host.
const OF_THREADS: [&str; 9] = [
    "vcpu_CPU",
    "vcpu_wait",
    "vhost_CPU",
    "iothread_CPU",
    "emulator_CPU",
    "client_vcpu_CPU",
    "others_CPU",
    "client_CPU",
    "perfvt_CPU",
];

/// Metrics of the host.
const OF_HOST: [&str; 9] = [
    "host_steal",
    "host_ctxt",
    "host_psi_cpu",
    "host_psi_io",
    "host_psi_memory",
    "switch_CPU",
    "switch_drops",
    "link_rtt",
    "link_loss",
];

/// The guest's clock against the host's, and how uncertain that is.
const OF_CLOCK: [&str; 2] = ["clock_drift", "clock_drift_err"];

/// Every metric that a window may have, whatever the workload. Their units and roles stand in perf.conf's `[DEFAULT]`.
pub fn metrics() -> Vec<&'static str> {
    let of_guest = counters::files().into_iter().flat_map(|(_, metrics)| metrics);
    let of_kvm = KVM_METRICS.into_iter().map(|(metric, _)| metric);
    OF_THREADS.into_iter().chain(of_guest).chain(OF_CLOCK).chain(OF_HOST).chain(of_kvm).collect()
}

/// Adds what was counted to what the workload found; what the workload gave itself stays.
///
/// # Errors
/// The guest's clock cannot be trusted, and `by_guest` says that the workload's own times are the guest's.
pub fn add(outcome: &mut Outcome, measured: &Measured, by_guest: bool) -> Result<(), Failed> {
    if let Some(trouble) = ClockRate::of(measured).and_then(|rate| rate.trouble()).filter(|_| by_guest) {
        return Err(Failed::new(Code::ClockJumped, trouble));
    }
    for (metric, value) in values(measured)? {
        if value.is_finite() && !outcome.values.iter().any(|known| known.metric == metric) {
            outcome.values.push(Value { metric: metric.to_owned(), value, raw: None });
        }
    }
    outcome.series.extend(series(&measured.samples));
    Ok(())
}

fn values(measured: &Measured) -> Result<Vec<(&'static str, f64)>, Failed> {
    let seconds = measured.window.len_ns as f64 * 1e-9;
    if seconds <= 0.0 {
        return Ok(Vec::new());
    }
    let mut found = of_threads(measured, seconds);
    found.extend(measured.end.guest.metrics_since(&measured.start.guest, seconds));
    if let Some((drift, uncertainty)) = ClockRate::of(measured).and_then(|rate| rate.drift_ppm()) {
        found.extend(OF_CLOCK.into_iter().zip([drift, uncertainty]));
    }
    found.extend(of_host(measured, seconds));
    for (metric, counter) in KVM_METRICS {
        found.extend(measured.kvm_delta(counter)?.map(|delta| (metric, delta as f64)));
    }
    Ok(found)
}

/// The first guest that is neither server nor client.
const FIRST_OTHER: u32 = 2;
/// What all of their threads come to.
const OTHERS: &str = "others_CPU";

/// What a thread's time is called.
fn metric_of(thread: &ThreadTime) -> Option<&'static str> {
    match (thread.role, thread.guest) {
        // Machines between server and client, whose threads are counted together.
        (_, FIRST_OTHER..) => Some(OTHERS),
        (Role::Vcpu, 0) => Some("vcpu_CPU"),
        (Role::Vcpu, _) => Some("client_vcpu_CPU"),
        (Role::Vhost, 0) => Some("vhost_CPU"),
        (Role::Iothread, 0) => Some("iothread_CPU"),
        (Role::Emulator, 0) => Some("emulator_CPU"),
        _ => None,
    }
}

/// How long each thread that was there at both ends ran and waited, in nanoseconds.
fn deltas<'a>(
    start: &'a [ThreadTime],
    end: &'a [ThreadTime],
) -> impl Iterator<Item = (&'static str, &'a ThreadTime, u64, u64)> {
    let same = |a: &ThreadTime, b: &ThreadTime| (a.guest, a.role, a.index) == (b.guest, b.role, b.index);
    end.iter().filter_map(move |after| {
        let before = start.iter().find(|before| same(before, after))?;
        let run = after.run_ns.checked_sub(before.run_ns)?;
        Some((metric_of(after)?, after, run, after.wait_ns.checked_sub(before.wait_ns)?))
    })
}

/// Percent of one CPU, summed over the threads of a kind.
fn of_threads(measured: &Measured, seconds: f64) -> Vec<(&'static str, f64)> {
    let mut found: Vec<(&'static str, f64)> = Vec::new();
    let mut add = |metric: &'static str, ns: u64| {
        let percent = ns as f64 * 1e-7 / seconds;
        match found.iter_mut().find(|(known, _)| *known == metric) {
            Some((_, sum)) => *sum += percent,
            None => found.push((metric, percent)),
        }
    };
    for (metric, _, run, wait) in deltas(&measured.start.threads, &measured.end.threads) {
        add(metric, run);
        if metric == "vcpu_CPU" {
            add("vcpu_wait", wait);
        }
    }
    if let (Some(start), Some(end)) = (measured.start.own_ns, measured.end.own_ns) {
        add("perfvt_CPU", end.saturating_sub(start));
    }
    found
}

fn of_host(measured: &Measured, seconds: f64) -> Vec<(&'static str, f64)> {
    let (start, end) = (&measured.start, &measured.end);
    let mut found = Vec::new();
    found.extend(end.host_cpu.steal_percent_since(&start.host_cpu).map(|steal| ("host_steal", steal)));
    if let (Some(before), Some(after)) = (&start.client_cpu, &end.client_cpu) {
        found.extend(after.busy_percent_since(before).map(|busy| ("client_CPU", busy)));
    }
    if let (Some(before), Some(after)) = (start.host.context_switches, end.host.context_switches) {
        found.push(("host_ctxt", after.saturating_sub(before) as f64 / seconds));
    }
    for (metric, resource) in [("host_psi_cpu", "cpu"), ("host_psi_io", "io"), ("host_psi_memory", "memory")]
    {
        let (before, after) = (start.host.pressure_us.get(resource), end.host.pressure_us.get(resource));
        if let (Some(before), Some(after)) = (before, after) {
            found.push((metric, after.saturating_sub(*before) as f64 * 1e-4 / seconds));
        }
    }
    if let (Some(before), Some(after)) = (&start.host.switch, &end.host.switch) {
        let since = |of: fn(&SwitchCounted) -> u64| of(after).saturating_sub(of(before)) as f64 / seconds;
        found.push(("switch_CPU", since(|switch| switch.cpu_ns) * 1e-7));
        found.push(("switch_drops", since(|switch| switch.dropped)));
    }
    if let Some(link) = &end.host.link {
        found.extend(link.mean_us.map(|us| ("link_rtt", us as f64 / 1000.0)));
        let lost = link.sent.saturating_sub(link.answered);
        found.push(("link_loss", 100.0 * f64::from(lost) / f64::from(link.sent.max(1))));
    }
    found
}

/// Each thread's share of a CPU over each interval; the session is the number of the vCPU, or of whatever it is.
fn series(samples: &[HostSample]) -> Vec<Point> {
    let mut points = Vec::new();
    for pair in samples.windows(2) {
        let [before, after] = pair else { continue };
        let seconds = after.at.mono_ns.saturating_sub(before.at.mono_ns) as f64 * 1e-9;
        if seconds <= 0.0 {
            continue;
        }
        let all = deltas(&before.threads, &after.threads);
        // A number of a thread tells those of one guest apart.
        for (metric, thread, run, _) in all.filter(|(metric, ..)| *metric != OTHERS) {
            points.push(Point {
                metric: metric.to_owned(),
                session: Some(thread.index),
                ending: after.at.unix_seconds(),
                seconds,
                value: run as f64 * 1e-7 / seconds,
            });
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::super::LinkMeasured;
    use super::*;
    use crate::lab::Snapshot;
    use crate::lab::window::HostCounters;
    use formats::counters::{Counters, CpuTicks, Form};
    use model::Moment;
    use model::Window;

    fn snapshot(second: u64) -> Snapshot {
        let ns = second * 1_000_000_000;
        let thread =
            |guest, role, index, run_ns| ThreadTime { guest, role, index, run_ns, wait_ns: ns / 100 };
        let guest = format!(
            "now {ns}\n5.00 1.00\ncpu  {0} 0 0 {0} 0 0 0 {1} 0 0\nintr {2} 1 2\nctxt {3}\n\
             0000000{4} 0000000{4} 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000\n\
             some avg10=0.00 avg60=0.00 avg300=0.00 total={5}\n",
            second * 40,
            second * 20,
            second * 1000,
            second * 500,
            second % 10,
            second * 250_000
        );
        Snapshot {
            neighbours: Vec::new(),
            at: Moment { unix_ns: ns, mono_ns: ns },
            host_cpu: CpuTicks { idle: second * 150, steal: second * 2, total: second * 200 },
            client_cpu: Some(CpuTicks { idle: second * 70, steal: 0, total: second * 100 }),
            guest: Counters::read(Form::Files, guest).unwrap(),
            asked_ns: Some(ns - 1_000_000),
            heard_ns: Some(ns + 1_000_000),
            threads: vec![
                thread(0, Role::Vcpu, 0, ns / 2),
                thread(0, Role::Vcpu, 1, ns / 4),
                thread(0, Role::Emulator, 0, ns / 10),
                thread(1, Role::Vcpu, 0, ns),
                thread(2, Role::Vcpu, 0, ns / 10),
                thread(3, Role::Emulator, 0, ns / 20),
            ],
            own_ns: Some(ns / 1000),
            kvm: [("exits".to_owned(), second * 7), ("irq_injections".to_owned(), second * 3)].into(),
            host: HostCounters {
                context_switches: Some(second * 90),
                pressure_us: [("cpu".to_owned(), second * 100_000)].into(),
                tap: None,
                switch: Some(SwitchCounted {
                    cpu_ns: ns / 4,
                    dropped: second * 3,
                    ..SwitchCounted::default()
                }),
                link: Some(LinkMeasured {
                    sent: 50,
                    answered: 48,
                    least_us: Some(9000),
                    mean_us: Some(10_500),
                }),
            },
        }
    }

    fn measured() -> Measured {
        let (start, end) = (snapshot(2), snapshot(4));
        let sample = |s: &Snapshot| HostSample {
            at: s.at,
            cpu: s.host_cpu,
            threads: s.threads.clone(),
            own_ns: s.own_ns,
        };
        let samples = vec![sample(&start), sample(&end)];
        let window = Window { start_unix_ns: 0, mono_ns: 0, len_ns: 2_000_000_000 };
        Measured { window, start, end, samples, interface: "eth0".into() }
    }

    fn outcome() -> Outcome {
        let window = Window { start_unix_ns: 0, mono_ns: 0, len_ns: 2_000_000_000 };
        Outcome { window, values: Vec::new(), series: Vec::new() }
    }

    #[test]
    fn each_number_is_a_share_or_a_rate_of_the_window() {
        let mut outcome = outcome();
        add(&mut outcome, &measured(), true).unwrap();
        let value = |metric: &str| {
            let found = outcome.values.iter().find(|v| v.metric == metric);
            (found.unwrap_or_else(|| panic!("{metric}")).value * 1000.0).round() / 1000.0
        };
        for (metric, wanted) in [
            ("vcpu_CPU", 75.0),
            ("vcpu_wait", 2.0),
            ("emulator_CPU", 10.0),
            ("client_vcpu_CPU", 100.0),
            ("others_CPU", 15.0),
            ("client_CPU", 30.0),
            ("perfvt_CPU", 0.1),
            ("guest_CPU", 60.0),
            ("guest_steal", 20.0),
            ("guest_intr", 1000.0),
            ("guest_ctxt", 500.0),
            ("guest_softnet_drops", 1.0),
            ("guest_psi_cpu", 25.0),
            ("host_steal", 1.0),
            ("host_ctxt", 90.0),
            ("host_psi_cpu", 10.0),
            ("switch_CPU", 25.0),
            ("switch_drops", 3.0),
            ("link_rtt", 10.5),
            ("link_loss", 4.0),
            ("exits", 14.0),
            ("irq_inj", 6.0),
        ] {
            assert_eq!(value(metric), wanted, "{metric}");
        }
        // There is no vhost, no disk, and no pressure of I/O: nothing is said of them.
        for absent in ["vhost_CPU", "iothread_CPU", "host_psi_io"] {
            assert!(!outcome.values.iter().any(|v| v.metric == absent), "{absent}");
        }
        assert!(outcome.values.iter().all(|v| metrics().contains(&v.metric.as_str())));
        let of_vcpu1 =
            outcome.series.iter().find(|p| p.metric == "vcpu_CPU" && p.session == Some(1)).unwrap();
        assert_eq!((of_vcpu1.value, of_vcpu1.seconds), (25.0, 2.0));
    }

    #[test]
    fn a_counter_that_went_backwards_is_no_count() {
        let mut measured = measured();
        measured.end.kvm.insert("irq_injections".into(), 1);
        let error = add(&mut outcome(), &measured, false).unwrap_err();
        assert_eq!(
            (error.code, error.reason.as_str()),
            (Code::ToolFailed, "the count of irq_injections went backwards")
        );
    }

    #[test]
    fn what_the_workload_gave_itself_stays() {
        let mut outcome = outcome();
        outcome.values.push(Value { metric: "exits".into(), value: 1.0, raw: None });
        add(&mut outcome, &measured(), false).unwrap();
        let exits: Vec<f64> =
            outcome.values.iter().filter(|v| v.metric == "exits").map(|v| v.value).collect();
        assert_eq!(exits, [1.0]);
    }

    #[test]
    fn a_guest_whose_clock_runs_differently_spoils_what_it_timed_and_nothing_else() {
        let mut wrong = measured();
        wrong.end.guest.clock.now_ns = Some(3_950_000_000);
        let error = add(&mut outcome(), &wrong, true).unwrap_err();
        assert_eq!(error.code, Code::ClockJumped);
        assert!(error.reason.starts_with("the guest's clock went -2.50 % against the host's"), "{error}");
        add(&mut outcome(), &wrong, false).unwrap();
    }
}
