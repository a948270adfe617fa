//! What several workloads do in the same way.

use super::{Point, Value};
use crate::lab::{Failed, Lab, Measured, keep, window_until};
use edge::quoted_end;
use edge::text::text_of;
use model::{Case, Code, Params, ParamsError, Phase, Scope, bytes};
use process::LONGEST_OUTPUT;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use vm::guest::job::{self, Heading, JobRequest};

/// A failure of the case, from whatever went wrong.
pub(super) fn failed(error: impl std::fmt::Display) -> Failed {
    Failed::tool(error.to_string())
}

/// A tool that did not get there in time, in this phase.
pub(super) fn late(phase: Phase, reason: impl Into<String>) -> Failed {
    Failed::new(Code::Deadline(phase), reason)
}

/// Seconds measured in each case: parameter `l`.
pub(super) fn seconds_of(params: &Params) -> Result<u32, ParamsError> {
    params.number("l", 1u32, "whole seconds, 1 or more")
}

/// How often something is looked at within a window: min(1 s, l/10).
pub(super) fn interval(seconds: u32) -> Duration {
    Duration::from_secs_f64((f64::from(seconds) / 10.0).min(1.0))
}

/// Words of a list, each one of those that are known.
pub(super) fn words_of<'a>(
    params: &'a Params,
    key: &str,
    known: &[&'static str],
) -> Result<Vec<&'a str>, ParamsError> {
    let words = params.list(key)?;
    if words.is_empty() || words.iter().any(|word| !known.contains(word)) {
        return Err(params.wrong(key, &format!("some of {}", known.join(", "))));
    }
    Ok(words)
}

/// Sizes of a list, in bytes.
pub(super) fn sizes_of(params: &Params, key: &str) -> Result<Vec<u64>, ParamsError> {
    let sizes: Option<Vec<u64>> = params.list(key)?.into_iter().map(bytes).collect();
    sizes.filter(|s| !s.is_empty()).ok_or_else(|| params.wrong(key, "sizes, such as '4k 64k'"))
}

/// Bytes as the ancestor's tables write them: KiB without a unit.
pub(super) fn kib(bytes: u64) -> String {
    if bytes.is_multiple_of(1024) { (bytes / 1024).to_string() } else { (bytes as f64 / 1024.0).to_string() }
}

/// The level of a key. A case that lost one is another case: nothing stands in for it.
pub(super) fn word<'c>(case: &'c Case, key: &str) -> Result<&'c str, Failed> {
    case.keys.get(key).ok_or_else(|| failed(format!("the case {} has no {key}", case.id())))
}

/// The level of a key that is a number.
pub(super) fn level<T: std::str::FromStr>(case: &Case, key: &str) -> Result<T, Failed> {
    let text = word(case, key)?;
    text.parse().map_err(|_| failed(format!("the case's {key} is '{text}', which is no number")))
}

/// A value that stands on no line of its own.
pub(super) fn value(metric: &str, value: f64) -> Value {
    Value { metric: metric.to_owned(), value, raw: None }
}

/// A value that stands on a line of a file in the case's raw folder.
pub(super) fn value_at(metric: &str, value: f64, file: &str, line: u32) -> Value {
    Value { metric: metric.to_owned(), value, raw: Some((file.to_owned(), line)) }
}

/// A number that a tool should have given.
pub(super) fn wanted<T>(what: &str, found: Option<T>) -> Result<T, Failed> {
    found.ok_or_else(|| failed(format!("the output has no {what}")))
}

/// The share of all host CPUs that was not idle in the window, in per cent; 0 where less than a tick of 10 ms was used.
pub(super) fn share(measured: &Measured) -> Result<f64, Failed> {
    let share = measured.end.host_cpu.busy_percent_since(&measured.start.host_cpu);
    share.ok_or_else(|| failed("the kernel counted no tick of any CPU in the window"))
}

/// The same where something is divided by it.
pub(super) fn busy(measured: &Measured) -> Result<f64, Failed> {
    share(measured).ok().filter(|b| *b > 0.0).ok_or_else(|| {
        let ms = measured.window.len_ns as f64 * 1e-6;
        failed(format!(
            "the host's CPU time, which the kernel counts in steps of 10 ms, did not move in the window of {ms:.0} ms; \
             ask for more of the tool"
        ))
    })
}

/// Jain's index of fairness: 1 where all have the same, 1/n where one has everything, 0 where nobody has anything (Jain, Chiu and Hawe,
/// "A Quantitative Measure of Fairness and Discrimination for Resource Allocation in Shared Computer Systems", DEC-TR-301, 1984).
pub(super) fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|x| x.powi(2)).sum();
    if squares > 0.0 { sum * sum / (shares.len() as f64 * squares) } else { 0.0 }
}

/// The host's CPU time over the window, interval by interval.
pub(super) fn host_series(metric: &str, measured: &Measured) -> Vec<Point> {
    let mut points = Vec::new();
    for pair in measured.samples.windows(2) {
        if let [before, after] = pair
            && let Some(value) = after.cpu.busy_percent_since(&before.cpu)
        {
            let seconds = after.at.mono_ns.saturating_sub(before.at.mono_ns) as f64 * 1e-9;
            let ending = after.at.unix_seconds();
            points.push(Point { metric: metric.to_owned(), session: None, ending, seconds, value });
        }
    }
    points
}

/// A file of a case's raw folder, which is as large as a tool's output may be at most.
pub(super) fn read(raw: &Path, name: &str) -> Result<String, Failed> {
    let path = raw.join(name);
    match edge::read(&path, LONGEST_OUTPUT as u64) {
        Ok(bytes) => Ok(text_of(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::FileTooLarge => Err(too_much(&path.display().to_string())),
        Err(e) => Err(failed(format!("reading {}: {e}", path.display()))),
    }
}

/// A command that wrote more than is taken.
fn too_much(name: &str) -> Failed {
    Failed::nonsense(format!("{name}: it wrote more than {} MiB of output", LONGEST_OUTPUT >> 20))
}

/// Lets the guest write back what is dirty and forget what it has read, so that cases begin alike.
pub(super) fn drop_caches(lab: &mut dyn Lab) -> Result<(), Failed> {
    lab.exec(&["sync"], lab.deadline(Phase::Prepare))?;
    lab.exec(&["sysctl", "-q", "-w", "vm.drop_caches=3"], lab.soon()).map(drop)
}

/// Waits until something in the server's guest listens on a TCP port.
pub(super) fn wait_for_port(lab: &mut dyn Lab, port: u16, job: &Job) -> Result<(), Failed> {
    let limit = lab.deadline(Phase::Prepare);
    let until = std::time::Instant::now() + limit;
    loop {
        let text = lab.exec(lab.os().conventions().sockets, lab.soon())?;
        if lab.os().listens(&text, port) {
            return Ok(());
        }
        let standing = job.standing(lab)?;
        if let Some(status) = standing.status {
            let said = said(&[&standing.stderr, &standing.stdout]);
            return Err(failed(format!("the server in the guest ended with status {status}: {said}")));
        }
        if std::time::Instant::now() >= until {
            let reason = format!("nothing in the guest listens on port {port} after {} s", limit.as_secs());
            return Err(late(Phase::Prepare, reason));
        }
        lab.sleep(Duration::from_millis(50));
    }
}

/// Tools that choose further ports by themselves need a network that forwards none.
pub(super) fn needs_all_ports(lab: &dyn Lab, tool: &str) -> Result<(), Failed> {
    if lab.target().data_ports.is_empty() {
        return Ok(());
    }
    Err(failed(format!(
        "{tool} opens ports of its own choice, and user-mode networking forwards a few only; use net=tap"
    )))
}

/// A command that runs in the background of the server's guest.
pub(super) struct Job {
    dir: String,
}

/// Runs a command in the server's guest in a window that is as long as the command, at most `limit`. `look` is how often
/// it is asked whether it has ended. What it wrote is kept as `NAME.txt` and `NAME.stderr`. Tells as well how long it ran by
/// the guest's clock, where the guest knows.
pub(super) fn run_whole(
    lab: &mut dyn Lab,
    argv: &[String],
    (limit, look): (Duration, Duration),
    raw: &Path,
    name: &str,
) -> Result<(Measured, Option<Duration>), Failed> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let job = Job::start(lab, &words)?;
    let mut ended = |lab: &mut dyn Lab| Ok(job.status(lab)?.is_some());
    let measured = window_until(lab, limit, look, &mut ended);
    // One that outlives its time is ended before anything else is measured.
    let limit = if measured.is_ok() { lab.soon() } else { Duration::ZERO };
    let ended = job.finish(lab, limit, raw, name);
    let measured = measured?;
    ended.map(|took| (measured, took))
}

/// How a job stands, with what it wrote as text.
#[derive(Default)]
pub(super) struct Standing {
    /// Its exit status, once it has ended.
    pub(super) status: Option<i32>,
    /// How long it ran by the guest's clock, once it has ended.
    pub(super) took: Option<Duration>,
    /// What it has written to standard output.
    pub(super) stdout: String,
    /// The same of standard error.
    pub(super) stderr: String,
}

impl Job {
    /// Starts a command.
    pub(super) fn start(lab: &mut dyn Lab, argv: &[&str]) -> Result<Job, Failed> {
        Job::begin(lab, argv, false)
    }

    /// Starts a server, on the vCPUs of servers.
    pub(super) fn serve(lab: &mut dyn Lab, argv: &[&str]) -> Result<Job, Failed> {
        Job::begin(lab, argv, true)
    }

    fn begin(lab: &mut dyn Lab, argv: &[&str], server: bool) -> Result<Job, Failed> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let job = Job { dir: format!("/run/perfvt-jobs/server-{}", NEXT.fetch_add(1, Ordering::Relaxed)) };
        lab.job(&JobRequest::Start { job: &job.dir, argv, server }, lab.soon())?;
        Ok(job)
    }

    fn ask(&self, lab: &mut dyn Lab, request: &JobRequest<'_>) -> Result<job::Standing, Failed> {
        let limit = lab.soon();
        let nothing = || failed(format!("the guest says nothing of the job {}", self.dir));
        lab.job(request, limit)?.pop().ok_or_else(nothing)
    }

    /// Asks how it stands, which costs a Linux guest some processes.
    pub(super) fn standing(&self, lab: &mut dyn Lab) -> Result<Standing, Failed> {
        let job::Standing { heading: Heading { status, took, .. }, stdout, stderr } =
            self.ask(lab, &JobRequest::Poll { jobs: &[&self.dir] })?;
        Ok(Standing { status, took, stdout: text_of(stdout), stderr: text_of(stderr) })
    }

    /// Asks for its exit status alone, which it has once it has ended.
    ///
    /// # Errors
    /// It has written more than is taken.
    pub(super) fn status(&self, lab: &mut dyn Lab) -> Result<Option<i32>, Failed> {
        let Heading { status, out, err, .. } =
            self.ask(lab, &JobRequest::Look { jobs: &[&self.dir] })?.heading;
        if out.saturating_add(err) > LONGEST_OUTPUT {
            return Err(too_much("a command in the guest"));
        }
        Ok(status)
    }

    /// Signals the command and what it started. One that has ended meanwhile needs none.
    pub(super) fn signal(&self, lab: &mut dyn Lab, signal: &str) -> Result<(), Failed> {
        match lab.job(&JobRequest::Signal { job: &self.dir, signal }, lab.soon()) {
            Err(dead) if dead.scope() != Scope::Sample => Err(dead),
            _ => Ok(()),
        }
    }

    /// Waits until it ends, and keeps what it wrote as `NAME.txt` and `NAME.stderr`. Any other end than status 0 is a
    /// failure that quotes it. Tells how long it ran by the guest's clock.
    pub(super) fn finish(
        self,
        lab: &mut dyn Lab,
        limit: Duration,
        raw: &Path,
        name: &str,
    ) -> Result<Option<Duration>, Failed> {
        let until = std::time::Instant::now() + limit;
        let ended = loop {
            match self.status(lab) {
                Ok(None) if std::time::Instant::now() >= until => {
                    let reason = format!("{name} did not end within {} s and was killed", limit.as_secs());
                    break Err(late(Phase::Measure, reason));
                }
                Ok(None) => lab.sleep(Duration::from_millis(100)),
                Ok(Some(status)) => break Ok(status),
                Err(failed) => break Err(failed),
            }
        };
        if ended.is_err() {
            self.signal(lab, "KILL")?;
        }
        let is_too_much = matches!(&ended, Err(failed) if failed.code == Code::ToolNonsense);
        let standing = if is_too_much { Standing::default() } else { self.standing(lab)? };
        lab.job(&JobRequest::Forget { job: &self.dir }, lab.soon())?;
        keep(raw, &format!("{name}.txt"), &standing.stdout)?;
        keep(raw, &format!("{name}.stderr"), &standing.stderr)?;
        match ended? {
            0 => Ok(standing.took),
            code => {
                let said = said(&[&standing.stderr, &standing.stdout]);
                Err(failed(format!("{name} ended with status {code}: {said}")))
            }
        }
    }
}

/// What a tool said, for a message: the end of each of its outputs.
pub(super) fn said(outputs: &[&str]) -> String {
    let told = outputs.iter().filter(|text| !text.trim().is_empty());
    let told: Vec<String> = told.map(|text| quoted_end(text).to_string()).collect();
    if told.is_empty() { "it said nothing".to_owned() } else { told.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn tables_have_kib_without_a_unit() {
        assert_eq!((kib(4096), kib(512)), ("4".to_owned(), "0.5".to_owned()));
    }

    #[test]
    fn a_word_that_is_not_known_is_refused_with_those_that_are() {
        let mut params = Params::new();
        params.set("rw", "read wirte", Origin::BuiltIn);
        let error = words_of(&params, "rw", &["read", "write"]).unwrap_err().to_string();
        assert!(error.contains("'read wirte'") && error.contains("some of read, write"), "{error}");
        params.set("rw", "write,read", Origin::BuiltIn);
        assert_eq!(words_of(&params, "rw", &["read", "write"]).unwrap(), ["write", "read"]);
    }
}
