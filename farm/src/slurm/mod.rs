//! Slurm's programs. Every word goes to them as an argument; no shell reads any.

mod error;
mod parse;
mod reboot;
mod submit;

pub use error::SlurmError;
pub use parse::{Host, Job, TAG, tag};
pub use reboot::NoReboot;
pub use submit::{BODY, JobAsked};

use error::told;
use parse::{chosen, hosts, jobs};
use process::deadlines::HOST_WORK;
use process::{Spec, run};

/// What sinfo is asked of each host: free text last.
const HOSTS: &str = "%N|%T|%f|%c|%m|%E";
/// What squeue is asked of each job.
const JOBS: &str = "%i|%T|%N|%r|%k";

/// The Slurm that this host belongs to, by its programs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slurm;

impl Slurm {
    /// Runs one of its programs and gives what it said on standard output.
    fn ask(self, doing: &str, program: &str, words: &[&str]) -> Result<String, SlurmError> {
        let spec = Spec::new(program).args(words).env("LC_ALL", "C");
        self.run(doing, program, spec)
    }

    fn run(self, doing: &str, program: &str, spec: Spec) -> Result<String, SlurmError> {
        let out = run(spec, HOST_WORK).map_err(|error| told(doing, program, error))?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    /// Its version, as its programs say it: `22.05.8`.
    ///
    /// # Errors
    /// There is no Slurm here.
    pub fn version(self) -> Result<String, SlurmError> {
        let said = self.ask("asking for Slurm's version", "sinfo", &["--version"])?;
        Ok(said.split_whitespace().last().unwrap_or_default().to_owned())
    }

    /// Its hosts, each once, in the order of their names.
    ///
    /// # Errors
    /// There is no Slurm, or its controller does not answer.
    pub fn hosts(self) -> Result<Vec<Host>, SlurmError> {
        hosts(&self.ask("listing hosts", "sinfo", &["-N", "-h", "-o", HOSTS])?)
    }

    /// The jobs that it knows, ended ones as well. Each that is a shard's carries its name ([`tag`]).
    ///
    /// # Errors
    /// As [`Slurm::hosts`].
    pub fn jobs(self) -> Result<Vec<Job>, SlurmError> {
        jobs(&self.ask("listing jobs", "squeue", &["-h", "-r", "-t", "all", "-o", JOBS])?)
    }

    /// The address by which Slurm reaches a host.
    ///
    /// # Errors
    /// As [`Slurm::hosts`], or there is no such host.
    pub fn address(self, host: &str) -> Result<String, SlurmError> {
        let doing = format!("asking for the address of {host}");
        let said = self.ask(&doing, "sinfo", &["-N", "-h", "-n", host, "-o", "%o"])?;
        let found = said.lines().map(str::trim).find(|line| !line.is_empty());
        let refused = || SlurmError::Refused { doing, said: format!("there is no host {host}") };
        found.map(str::to_owned).ok_or_else(refused)
    }

    /// So many different hosts with these labels, as Slurm would choose them now.
    ///
    /// # Errors
    /// No host has them, or too few are fit for work.
    pub fn choose(self, count: u32, labels: &str) -> Result<Vec<String>, SlurmError> {
        let (count, doing) = (count.to_string(), format!("choosing {count} hosts with {labels}"));
        let words = ["--test-only", "--exclusive", "-N", &count, "-C", labels, "--wrap", "true"];
        // What is found is told on standard error.
        let spec = Spec::new("sbatch").args(words).env("LC_ALL", "C").stdout(process::Sink::Capture);
        let done = spec.stderr(process::Sink::Capture).start().map(|running| running.finish(HOST_WORK));
        let done = done.map_err(|error| told(&doing, "sbatch", error))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let names = chosen(&said).ok_or_else(|| error::refused(&doing, &said))?;
        let names = self.ask(&doing, "scontrol", &["show", "hostnames", names])?;
        Ok(names.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
    }

    /// Sends a signal to the body of a job alone, not to what it has started.
    ///
    /// # Errors
    /// The job is not there, or is not this user's.
    pub fn interrupt(self, job: &str) -> Result<(), SlurmError> {
        let words = ["--batch", "--signal=INT", job];
        self.ask(&format!("interrupting job {job}"), "scancel", &words).map(|_| ())
    }

    /// Ends a job, or takes it from the queue.
    ///
    /// # Errors
    /// As [`Slurm::interrupt`].
    pub fn cancel(self, job: &str) -> Result<(), SlurmError> {
        self.ask(&format!("cancelling job {job}"), "scancel", &[job]).map(|_| ())
    }

    /// Ends a job and puts it into the queue again.
    ///
    /// # Errors
    /// As [`Slurm::interrupt`].
    pub fn requeue(self, job: &str) -> Result<(), SlurmError> {
        self.ask(&format!("requeueing job {job}"), "scontrol", &["requeue", job]).map(|_| ())
    }

    /// The same, to be held there until it is released.
    ///
    /// # Errors
    /// As [`Slurm::interrupt`].
    pub fn requeue_held(self, job: &str) -> Result<(), SlurmError> {
        self.ask(&format!("holding job {job}"), "scontrol", &["requeuehold", job]).map(|_| ())
    }

    /// Lets a held job go on.
    ///
    /// # Errors
    /// As [`Slurm::interrupt`].
    pub fn release(self, job: &str) -> Result<(), SlurmError> {
        self.ask(&format!("releasing job {job}"), "scontrol", &["release", job]).map(|_| ())
    }

    /// Gives a job that waits another host.
    ///
    /// # Errors
    /// As [`Slurm::interrupt`], or it runs.
    pub fn pin(self, job: &str, host: &str) -> Result<(), SlurmError> {
        let words = ["update", &format!("JobId={job}"), &format!("ReqNodeList={host}")];
        self.ask(&format!("giving job {job} to {host}"), "scontrol", &words).map(|_| ())
    }

    /// Lets a host that was set aside work again.
    ///
    /// # Errors
    /// This user may not.
    pub fn resume(self, host: &str) -> Result<(), SlurmError> {
        let words = ["update", &format!("NodeName={host}"), "State=RESUME"];
        self.ask(&format!("resuming host {host}"), "scontrol", &words).map(|_| ())
    }
}
