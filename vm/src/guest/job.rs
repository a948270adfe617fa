//! Jobs: commands that run in the background of a guest while the host does something else.

use edge::quoted;
use std::time::Duration;

/// How a job stands: `STATUS OUT ERR`, and the nanoseconds that it ran, once it has ended and where the guest's kernel tells
/// its clock. STATUS is `-` while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    fn parse(line: &str) -> Option<Heading> {
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

/// An answer that does not tell how jobs stand.
#[derive(Debug, thiserror::Error)]
#[error("the guest does not say how a job stands: {}", quoted(.0))]
pub struct Unclear(String);

/// How a job stands, and what it has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How it stands.
    pub heading: Heading,
    /// What it has written to standard output; nothing where only the heading was asked for.
    pub stdout: Vec<u8>,
    /// The same of standard error.
    pub stderr: Vec<u8>,
}

impl Standing {
    /// Reads a [`Heading`], a newline, and, where output was asked for, as many bytes of it. Gives what stands behind as well.
    fn read(told: &[u8], with_output: bool) -> Option<(Standing, &[u8])> {
        let end = told.iter().position(|byte| *byte == b'\n')?;
        let heading = Heading::parse(std::str::from_utf8(told.get(..end)?).ok()?)?;
        let body = told.get(end + 1..)?;
        if !with_output {
            return Some((Standing { heading, ..Standing::default() }, body));
        }
        let both = heading.out.checked_add(heading.err)?;
        let (stdout, stderr) = (body.get(..heading.out)?.to_vec(), body.get(heading.out..both)?.to_vec());
        Some((Standing { heading, stdout, stderr }, body.get(both..)?))
    }
}

/// What is asked of a guest about jobs. A job goes by the path of the folder that a Linux guest keeps it in; where no files
/// are needed it is a name and nothing else.
///
/// The answer to [`JobRequest::Poll`] and to [`JobRequest::Look`] is a [`Standing`] for each job, in their order; that to
/// other requests is none.
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
    /// Asks how jobs stand, without what they wrote.
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

    /// Reads what that command prints: for each job a [`Heading`], a newline, and, where output was asked for, as many bytes of
    /// it and of standard error.
    ///
    /// # Errors
    /// It does not say how the jobs stand.
    pub fn answer(&self, printed: &[u8]) -> Result<Vec<Standing>, Unclear> {
        let (jobs, with_output) = match *self {
            JobRequest::Poll { jobs } => (jobs, true),
            JobRequest::Look { jobs } => (jobs, false),
            JobRequest::Start { .. } | JobRequest::Signal { .. } | JobRequest::Forget { .. } => {
                return Ok(Vec::new());
            }
        };
        let mut rest = printed;
        let mut standings = Vec::new();
        for _ in jobs {
            let unclear = || Unclear(String::from_utf8_lossy(printed).into_owned());
            let (standing, behind) = Standing::read(rest, with_output).ok_or_else(unclear)?;
            standings.push(standing);
            rest = behind;
        }
        Ok(standings)
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

    #[test]
    fn the_standing_of_several_jobs_is_read_byte_for_byte() {
        let request = JobRequest::Poll { jobs: &["a", "b"] };
        let read = request.answer(b"- 3 0\na\nb7 2 1 12\n\xff\n!").unwrap();
        let [first, second] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((first.heading.status, &*first.stdout, &*first.stderr), (None, &b"a\nb"[..], &b""[..]));
        assert_eq!(
            (second.heading.status, &*second.stdout, &*second.stderr),
            (Some(7), &b"\xff\n"[..], &b"!"[..])
        );
        assert_eq!(second.heading.took, Some(Duration::from_nanos(12)));
        for cut in [&b""[..], b"0 5 0\nabc", b"0 1 0\na", b"0 1\na", b"x 0 0\n", b"0 0 0\n0 0 0"] {
            assert!(request.answer(cut).is_err(), "{cut:?}");
        }
    }

    #[test]
    fn a_look_tells_how_much_was_written_and_other_requests_tell_nothing() {
        let look = JobRequest::Look { jobs: &["a"] }.answer(b"0 3 4\n").unwrap();
        assert_eq!((look[0].heading.out, look[0].heading.err, look[0].stdout.len()), (3, 4, 0));
        let error = JobRequest::Look { jobs: &["a"] }.answer(b"sh: not found\n").unwrap_err().to_string();
        assert_eq!(error, "the guest does not say how a job stands: 'sh: not found\\n'");
        assert!(JobRequest::Forget { job: "a" }.answer(b"what").unwrap().is_empty());
    }
}
