//! What becomes of a campaign whose guests are ended by signals: with perfvt, as batch systems do it, or alone.
//!
//! The guests pretend, but each has a process in the place of QEMU, which really is signalled.

use crate::campaign_support;

use campaign_support::*;
use collect::campaign::{Campaign, Ended, Hooks, Observer};
use collect::lab::{Booted, Booter, Client, Failed, HostSample, Lab, Snapshot, Target, Unbooted};
use model::journal::{Event, State};
use model::store::{MEASUREMENTS_FILE, read_measurements};
use model::{Code, Moment};
use process::{Running, Spec};
use rustix::process::{Pid, Signal, kill_process};
use stats::SplitMix64;
use std::cell::RefCell;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};
use vm::deadlines::Deadlines;

const WHOLE: Ended = Ended { valid: 12, invalid: 0, interrupted: false };

/// When the guest's process is signalled, and by what.
struct Blow {
    /// So many commands later.
    commands: u32,
    signal: Signal,
}

type Plan = Rc<RefCell<Option<Blow>>>;

/// A guest with a process of its own.
struct Guest {
    inner: Box<dyn Lab>,
    process: Running,
    plan: Plan,
}

impl Guest {
    fn ended(&mut self) -> Option<Failed> {
        let signal = self.process.ended()?.signal().unwrap();
        Some(Failed::new(Code::EarlyExit, format!("QEMU was killed by signal {signal}")))
    }
}

impl Lab for Guest {
    fn target(&self) -> Target {
        self.inner.target()
    }
    fn connect(&mut self) -> Result<(), Failed> {
        self.inner.connect()
    }
    fn client_tool(&self, name: &str) -> Result<String, Failed> {
        self.inner.client_tool(name)
    }
    fn host_tool(&self, name: &str) -> Result<String, Failed> {
        self.inner.host_tool(name)
    }
    fn deadlines(&self) -> Deadlines {
        self.inner.deadlines()
    }
    fn exec(&mut self, argv: &[&str], deadline: Duration) -> Result<String, Failed> {
        let mut plan = self.plan.borrow_mut();
        if let Some(blow) = plan.as_mut() {
            if blow.commands == 0 {
                kill_process(Pid::from_raw(self.process.pid() as i32).unwrap(), blow.signal).unwrap();
                self.process.wait_until(Instant::now() + Duration::from_secs(5)).unwrap();
                *plan = None;
            } else {
                blow.commands -= 1;
            }
        }
        drop(plan);
        match self.ended() {
            // A tool that talked to the guest says something of its own.
            Some(_) => Err(Failed::tool("the connection was lost")),
            None => self.inner.exec(argv, deadline),
        }
    }
    fn start_client(&mut self, argv: &[String], out: &Path, err: &Path) -> Result<Box<dyn Client>, Failed> {
        self.inner.start_client(argv, out, err)
    }
    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        Ok(Snapshot { at: Moment::now(), ..Snapshot::default() })
    }
    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        self.inner.host_sample()
    }
    fn death(&mut self) -> Option<Failed> {
        self.ended()
    }
    fn misplaced(&mut self) -> Vec<String> {
        Vec::new()
    }
    fn end(self: Box<Self>, forensics: Option<&Path>) {
        self.inner.end(forensics);
    }
}

struct Boots {
    inner: PretendBooter,
    plan: Plan,
}

impl Booter for Boots {
    fn boot(&mut self, environment: &str, logs: &Path, forensics: &Path) -> Result<Booted, Unbooted> {
        let Booted { lab, facts, seconds, sysinfo } = self.inner.boot(environment, logs, forensics)?;
        let process = Spec::new("sleep").arg("1000").start().unwrap();
        let lab = Guest { inner: lab, process, plan: Rc::clone(&self.plan) };
        Ok(Booted { lab: Box::new(lab), facts, seconds, sysinfo })
    }
}

/// Is asked to stop a while after the blow has fallen, at once or after the sample in hand.
struct Asked {
    plan: Plan,
    after: Duration,
    hard: bool,
    since: Option<Instant>,
    events: Vec<Event>,
}

impl Observer for Asked {
    fn event(&mut self, event: &Event, _: &State) {
        self.events.push(event.clone());
    }
    fn stop(&mut self) -> Option<String> {
        if self.plan.borrow().is_none() {
            self.since.get_or_insert_with(Instant::now);
        }
        self.since.is_some_and(|since| since.elapsed() >= self.after).then(|| "SIGTERM".into())
    }
    fn at_once(&mut self) -> bool {
        self.stop().is_some() && self.hard
    }
}

/// Place, value and attempt of every measurement.
fn results(out: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for (environment, repeat) in [("base", 1), ("base", 2), ("head", 1), ("head", 2)] {
        for m in read_measurements(&repeat_dir(out, environment, repeat).join(MEASUREMENTS_FILE)).unwrap() {
            lines.push(format!(
                "{environment} {repeat} {} {} {} {:?} attempt {}",
                m.block,
                m.order,
                m.case,
                m.value(),
                m.attempt
            ));
        }
    }
    lines.sort();
    lines
}

fn attempts(events: &[Event]) -> Vec<u32> {
    let attempt = |e: &Event| if let Event::BootStarted { attempt, .. } = e { Some(*attempt) } else { None };
    events.iter().filter_map(attempt).collect()
}

/// Signals that end a child. Whoever runs tests in the background may have told them to ignore some, which children inherit.
fn heeded() -> Vec<Signal> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    let all = [Signal::TERM, Signal::INT, Signal::HUP, Signal::KILL];
    all.into_iter().filter(|signal| ignored >> (signal.as_raw() - 1) & 1 == 0).collect()
}

#[test]
fn guests_that_are_ended_together_with_perfvt_at_50_random_moments_burn_no_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    assert_eq!(go(&out, &mut PretendBooter::default(), u32::MAX), WHOLE);
    let wanted = results(&out);
    let mut rng = SplitMix64::new(20_261_201);
    for moment in 0..50 {
        let dir = tempfile::tempdir().unwrap();
        let out = campaign(dir.path(), 3, 2);
        let signals = heeded();
        let signal = signals[rng.below(signals.len())];
        let blow = Blow { commands: (rng.next_u64() % 12) as u32, signal };
        let plan: Plan = Rc::new(RefCell::new(Some(blow)));
        // perfvt's own signal comes when nobody knows: by now, soon, or a while later.
        let after = Duration::from_millis([0, 5, 150][(rng.next_u64() % 3) as usize]);
        let mut boots = Boots { inner: PretendBooter::default(), plan: Rc::clone(&plan) };
        let hard = signal == Signal::TERM;
        let mut asked = Asked { plan, after, hard, since: None, events: Vec::new() };
        let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
        let ended = campaign.run(&mut boots, &mut Hooks::new(&mut asked)).unwrap();
        assert!(ended.interrupted, "moment {moment}: {:?}", asked.events);
        let failed = asked.events.iter().find(|e| matches!(e, Event::BootFailed { .. }));
        assert_eq!(failed, None, "moment {moment}: {signal:?} after {after:?}");
        drop(campaign);
        let mut watcher = Watcher::new(u32::MAX);
        let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
        let ended = campaign.run(&mut PretendBooter::default(), &mut Hooks::new(&mut watcher)).unwrap();
        assert_eq!(ended, WHOLE, "moment {moment}");
        assert_eq!(results(&out), wanted, "moment {moment}");
        let all = [attempts(&asked.events), attempts(&watcher.events)].concat();
        assert!(all.iter().all(|attempt| *attempt == 1), "moment {moment}: {all:?}");
    }
}

#[test]
fn a_guest_that_is_killed_alone_is_a_failed_boot_as_ever() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    let plan: Plan = Rc::new(RefCell::new(Some(Blow { commands: 4, signal: Signal::KILL })));
    let mut boots = Boots { inner: PretendBooter::default(), plan };
    let mut watcher = Watcher::new(u32::MAX);
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    assert_eq!(campaign.run(&mut boots, &mut Hooks::new(&mut watcher)).unwrap(), WHOLE);
    let failed: Vec<&Event> =
        watcher.events.iter().filter(|e| matches!(e, Event::BootFailed { .. })).collect();
    assert!(
        matches!(failed.as_slice(), [Event::BootFailed { code: Some(Code::EarlyExit), last: false, .. }]),
        "{failed:?}"
    );
    assert_eq!(attempts(&watcher.events).iter().filter(|attempt| **attempt == 2).count(), 1);
}

#[test]
fn boots_that_perfvt_did_not_live_to_end_are_begun_again_as_the_same_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let out = campaign(dir.path(), 3, 2);
    assert!(go(&out, &mut PretendBooter::default(), 2).interrupted);
    // What a SIGKILL leaves: a boot that was begun, and nothing behind it.
    let journal = std::fs::read_to_string(out.join("journal.jsonl")).unwrap();
    let until = journal.lines().position(|line| line.contains("\"boot_started\"")).unwrap();
    let cut: String = journal.lines().take(until + 1).map(|line| format!("{line}\n")).collect();
    for _ in 0..3 {
        std::fs::write(out.join("journal.jsonl"), &cut).unwrap();
        let mut watcher = Watcher::new(u32::MAX);
        let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
        let ended = campaign.run(&mut PretendBooter::default(), &mut Hooks::new(&mut watcher)).unwrap();
        assert_eq!(ended, WHOLE);
        assert_eq!(attempts(&watcher.events), [1, 1, 1, 1]);
        let mut names: Vec<&String> = campaign.state().boots.keys().collect();
        names.dedup();
        assert_eq!(names.len(), 5, "each guest has a name of its own: {names:?}");
    }
}
