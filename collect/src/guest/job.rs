//! Jobs: commands that run in the background of a guest while the host does something else.

/// What is asked of a guest about jobs. A job goes by the path of the folder that a Linux guest keeps it in; where no files
/// are needed it is a name and nothing else.
///
/// The answer to [`JobRequest::Poll`] has for each job `STATUS OUT ERR`, a newline, and as many bytes of its output and of
/// its standard error; STATUS is `-` while it runs.
#[derive(Clone, Copy, Debug)]
pub enum JobRequest<'a> {
    /// Starts a command and returns at once.
    Start {
        /// The new job.
        job: &'a str,
        /// The command.
        argv: &'a [&'a str],
        /// Whether it is a server, which has vCPUs of its own where the user wants that.
        server: bool,
    },
    /// Asks how jobs stand.
    Poll {
        /// Which ones.
        jobs: &'a [&'a str],
    },
    /// Asks how jobs stand, without what they wrote: `STATUS OUT ERR` and a newline for each.
    Look {
        /// Which ones.
        jobs: &'a [&'a str],
    },
    /// Signals the command and what it started. Windows has no signals: there every one ends them.
    Signal {
        /// Which one.
        job: &'a str,
        /// `KILL`, `INT`, or a number.
        signal: &'a str,
    },
    /// Forgets a job that has ended.
    Forget {
        /// Which one.
        job: &'a str,
    },
}

impl<'a> JobRequest<'a> {
    /// The command of perfvt's own that does it in a Linux guest (`guest/job`).
    pub fn words(&self) -> Vec<&'a str> {
        match *self {
            JobRequest::Start { job, argv, .. } => [&["perfvt-job", "start", job], argv].concat(),
            JobRequest::Poll { jobs } => [&["perfvt-job", "poll"], jobs].concat(),
            JobRequest::Look { jobs } => [&["perfvt-job", "look"], jobs].concat(),
            JobRequest::Signal { job, signal } => vec!["perfvt-job", "signal", signal, job],
            JobRequest::Forget { job } => vec!["rm", "-rf", job],
        }
    }
}
