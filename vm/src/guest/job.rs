//! Jobs: commands that run in the background of a guest while the host does something else.

use std::time::Duration;

/// How a job stands: `STATUS OUT ERR`, and the nanoseconds that it ran, once it has ended and where the guest's kernel tells
/// its clock. STATUS is `-` while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Its exit status, once it has ended.
    pub status: Option<i32>,
    /// Bytes of standard output.
    pub out: usize,
    /// Bytes of standard error.
    pub err: usize,
    /// How long it ran by the guest's clock.
    pub took: Option<Duration>,
}

impl Heading {
    /// Reads one line; `None` when it is none.
    pub fn parse(line: &str) -> Option<Heading> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (head, took) = match words.as_slice() {
            [status, out, err] => ([status, out, err], None),
            [status, out, err, took] if **status != *"-" => ([status, out, err], Some(took.parse().ok()?)),
            _ => return None,
        };
        let [status, out, err] = head;
        let status = if **status == *"-" { None } else { Some(status.parse().ok()?) };
        let (out, err) = (out.parse().ok()?, err.parse().ok()?);
        Some(Heading { status, out, err, took: took.map(Duration::from_nanos) })
    }
}

/// What is asked of a guest about jobs. A job goes by the path of the folder that a Linux guest keeps it in; where no files
/// are needed it is a name and nothing else.
///
/// The answer to [`JobRequest::Poll`] has for each job its [`Heading`], a newline, and as many bytes of its output and of its
/// standard error.
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
    /// Asks how jobs stand, without what they wrote: a [`Heading`] and a newline for each.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_tells_the_time_of_a_job_that_has_ended() {
        let heading = |text| Heading::parse(text);
        let ended =
            Heading { status: Some(0), out: 3, err: 4, took: Some(Duration::from_nanos(1_234_567_890)) };
        assert_eq!(heading("0 3 4 1234567890"), Some(ended));
        assert_eq!(heading("0 3 4"), Some(Heading { took: None, ..ended }));
        assert_eq!(heading("- 3 4"), Some(Heading { status: None, took: None, ..ended }));
        for odd in ["", "0 3", "- 3 4 5", "0 3 4 x", "0 3 4 -5", "0 3 4 5 6", "x 3 4", "0 -3 4"] {
            assert_eq!(heading(odd), None, "{odd}");
        }
    }
}
