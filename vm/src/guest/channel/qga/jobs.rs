//! Jobs in a Windows guest. The agent runs every command in the background, keeps what it writes, and gives that once, when
//! the command has ended: nothing has to run in the guest to ask how a job stands.

use super::{ChannelError, Health, Limit, QgaChannel, Reply, Standing, Status, Told, ended, refused};
use crate::guest::job::JobRequest;
use process::deadlines::CHANNEL_ANSWER;
use serde_json::json;
use std::collections::BTreeMap;

/// The jobs by their names.
pub(super) type Jobs = BTreeMap<String, Job>;

/// A job that was started.
#[derive(Debug)]
pub(super) enum Job {
    /// The agent's number of it.
    Runs(i64),
    /// What it came to, which the agent does not tell twice.
    Ended(Reply),
}

impl QgaChannel {
    /// Does what is asked about jobs by the agent's own means.
    pub(super) fn job_of_agent(
        &mut self,
        request: &JobRequest<'_>,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        match *request {
            JobRequest::Start { job, argv, .. } => Ok(match self.start(argv, health)? {
                Ok(pid) => {
                    self.jobs.insert(job.to_owned(), Job::Runs(pid));
                    Reply::empty()
                }
                Err(reason) => refused(&reason),
            }),
            JobRequest::Poll { jobs } => self.poll(jobs, true, health),
            JobRequest::Look { jobs } => self.poll(jobs, false, health),
            JobRequest::Signal { job, .. } => {
                if let Some(Job::Runs(pid)) = self.jobs.get(job) {
                    let ended = match self.end(*pid, health)? {
                        Some(standing) => ended(self.os, &standing)?,
                        None => refused("it was killed, and the agent does not say how it ended"),
                    };
                    self.jobs.insert(job.to_owned(), Job::Ended(ended));
                }
                Ok(Reply::empty())
            }
            JobRequest::Forget { job } => {
                self.jobs.remove(job);
                Ok(Reply::empty())
            }
        }
    }

    fn poll(
        &mut self,
        names: &[&str],
        with_output: bool,
        health: &mut Health<'_>,
    ) -> Result<Reply, ChannelError> {
        let mut stdout = Vec::new();
        for name in names {
            if let Some(Job::Runs(pid)) = self.jobs.get(*name) {
                let (question, limit) =
                    (json!({"pid": pid}), Limit::new("guest-exec-status", CHANNEL_ANSWER));
                let standing: Told<Standing> = self.ask("guest-exec-status", question, &limit, health)?;
                match standing {
                    Ok(standing) if standing.exited => {
                        self.jobs.insert((*name).to_owned(), Job::Ended(ended(self.os, &standing)?));
                    }
                    Ok(_) => {}
                    Err(reason) => return Ok(refused(&reason)),
                }
            }
            match self.jobs.get(*name) {
                Some(Job::Runs(_)) => stdout.extend(b"- 0 0\n"),
                Some(Job::Ended(Reply { status: Status::Exit(status), stdout: out, stderr: err })) => {
                    stdout.extend(format!("{status} {} {}\n", out.len(), err.len()).into_bytes());
                    if with_output {
                        stdout.extend(out);
                        stdout.extend(err);
                    }
                }
                Some(Job::Ended(other)) => return Ok(other.clone()),
                None => return Ok(refused(&format!("there is no job {name}"))),
            }
        }
        Ok(Reply { stdout, ..Reply::empty() })
    }
}
