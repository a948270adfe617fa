//! Jobs in a Windows guest. The agent runs every command in the background, keeps what it writes, and gives that once, when
//! the command has ended: nothing has to run in the guest to ask how a job stands.

use super::{ChannelError, Health, Limit, QgaChannel, Reply, Standing, Status, Told, ended, refused};
use crate::guest::job::{self, Heading, JobRequest};
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
    ) -> Result<Vec<job::Standing>, ChannelError> {
        match *request {
            JobRequest::Start { job, argv, .. } => {
                let pid = self.start(argv, health)?.map_err(|reason| not_done(request, refused(&reason)))?;
                self.jobs.insert(job.to_owned(), Job::Runs(pid));
            }
            JobRequest::Poll { jobs } | JobRequest::Look { jobs } => {
                return jobs.iter().map(|name| self.standing(request, name, health)).collect();
            }
            JobRequest::Signal { job, .. } => {
                if let Some(Job::Runs(pid)) = self.jobs.get(job) {
                    let ended = match self.end(*pid, health)? {
                        Some(standing) => ended(self.os, &standing)?,
                        None => refused("it was killed, and the agent does not say how it ended"),
                    };
                    self.jobs.insert(job.to_owned(), Job::Ended(ended));
                }
            }
            JobRequest::Forget { job } => {
                self.jobs.remove(job);
            }
        }
        Ok(Vec::new())
    }

    /// How one job stands that a request asks after.
    fn standing(
        &mut self,
        request: &JobRequest<'_>,
        name: &str,
        health: &mut Health<'_>,
    ) -> Result<job::Standing, ChannelError> {
        if let Some(Job::Runs(pid)) = self.jobs.get(name) {
            let (question, limit) = (json!({"pid": pid}), Limit::new("guest-exec-status", CHANNEL_ANSWER));
            let told: Told<Standing> = self.ask("guest-exec-status", question, &limit, health)?;
            let told = told.map_err(|reason| not_done(request, refused(&reason)))?;
            if told.exited {
                self.jobs.insert(name.to_owned(), Job::Ended(ended(self.os, &told)?));
            }
        }
        match self.jobs.get(name) {
            Some(Job::Runs(_)) => Ok(job::Standing::default()),
            Some(Job::Ended(Reply { status: Status::Exit(status), stdout, stderr })) => {
                let heading =
                    Heading { status: Some(*status), out: stdout.len(), err: stderr.len(), took: None };
                let (stdout, stderr) = match request {
                    JobRequest::Poll { .. } => (stdout.clone(), stderr.clone()),
                    _ => (Vec::new(), Vec::new()),
                };
                Ok(job::Standing { heading, stdout, stderr })
            }
            Some(Job::Ended(other)) => Err(not_done(request, other.clone())),
            None => Err(not_done(request, refused(&format!("there is no job {name}")))),
        }
    }
}

/// What was asked about jobs and came to an end of its own.
fn not_done(request: &JobRequest<'_>, reply: Reply) -> ChannelError {
    reply.failed(&request.words())
}
