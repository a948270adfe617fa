//! Handing in a job.

use super::{Slurm, SlurmError};
use process::Spec;
use std::ffi::OsString;
use std::path::PathBuf;

/// The body of every job: what it is to run are its arguments, so that no data stand in a text that a shell reads. By exec,
/// so that Slurm's signals reach perfvt itself.
pub const BODY: &str = "#!/bin/sh\nexec \"$@\"\n";

/// Variables of whoever hands in that a job sees. All others stay at home: some are secrets, and results should not depend on
/// the terminal that a job came from.
const VARIABLES: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "TMPDIR",
    "SLURM_CONF",
];

/// A job as it is handed in.
#[derive(Clone, Debug)]
pub struct JobAsked {
    /// What it is called in the queue.
    pub name: String,
    /// [`super::tag`].
    pub comment: String,
    /// The one host on which it may run.
    pub host: String,
    /// Another host that is kept free for it, all of it.
    pub client: Option<String>,
    /// A file with [`BODY`].
    pub body: PathBuf,
    /// Where what it says is added.
    pub log: PathBuf,
    /// The folder in which it begins.
    pub folder: PathBuf,
    /// Minutes after which it is interrupted.
    pub minutes: Option<u32>,
    /// Who is told of its end.
    pub mail: Option<String>,
    /// Further options.
    pub more: Vec<String>,
    /// What it runs.
    pub command: Vec<OsString>,
}

impl JobAsked {
    /// The options of sbatch.
    fn words(&self) -> Vec<OsString> {
        let mut all: Vec<OsString> = [
            "--parsable",
            "--requeue",
            "--exclusive",
            "--mem=0",
            // Exactly the variables of sbatch's own process, which are chosen. A list, or NONE, would have Slurm run a login
            // shell on the host to find the others, and NIL is unknown to 22.05.
            "--export=ALL",
            "--propagate=NONE",
            "--signal=B:INT@120",
            "--open-mode=append",
        ]
        .map(OsString::from)
        .into();
        let with = |name: &str, value: &std::ffi::OsStr| {
            let mut word = OsString::from(format!("--{name}="));
            word.push(value);
            word
        };
        all.push(with("nodelist", self.host.as_ref()));
        all.push(with("job-name", self.name.as_ref()));
        all.push(with("comment", self.comment.as_ref()));
        all.push(with("output", self.log.as_os_str()));
        all.push(with("chdir", self.folder.as_os_str()));
        all.extend(self.minutes.map(|minutes| format!("--time={minutes}").into()));
        if let Some(mail) = &self.mail {
            all.push(with("mail-user", mail.as_ref()));
            all.push("--mail-type=END,FAIL".into());
        }
        all.extend(self.more.iter().map(OsString::from));
        if let Some(client) = &self.client {
            // A second part of the job (sbatch(1), "heterogeneous jobs"); the body runs in the first one.
            all.extend([":", "--requeue", "--exclusive", "--mem=0"].map(OsString::from));
            all.push(with("nodelist", client.as_ref()));
            all.push(with("job-name", format!("{}-client", self.name).as_ref()));
            all.extend(self.minutes.map(|minutes| format!("--time={minutes}").into()));
            all.extend(self.more.iter().map(OsString::from));
        }
        all.push(self.body.clone().into());
        all.extend(self.command.iter().cloned());
        all
    }
}

impl Slurm {
    /// Hands in a job and gives its number.
    ///
    /// # Errors
    /// Slurm does not take it.
    pub fn submit(self, job: &JobAsked) -> Result<String, SlurmError> {
        let kept = VARIABLES.iter().filter_map(|name| {
            let mut word = OsString::from(format!("{name}="));
            word.push(std::env::var_os(name)?);
            Some(word)
        });
        let kept: Vec<OsString> = kept.collect();
        let spec = Spec::new("env").arg("-i").args(kept).arg("sbatch").args(job.words());
        let said = self.run(&format!("handing in {}", job.name), "sbatch", spec)?;
        // With several clusters their name follows.
        Ok(said.trim().split(';').next().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_runs_stands_behind_its_body_word_by_word() {
        let job = JobAsked {
            name: "perfvt-n-1".into(),
            comment: "perfvt:n:1".into(),
            host: "h1".into(),
            client: None,
            body: "/f/body.sh".into(),
            log: "/f/logs/01.log".into(),
            folder: "/home/a b".into(),
            minutes: Some(90),
            mail: Some("team@lab".into()),
            more: vec!["--account=x".into()],
            command: ["perfvt", "farm", "shard", "/f; rm", "1"].map(OsString::from).into(),
        };
        let words: Vec<String> = job.words().into_iter().map(|word| word.into_string().unwrap()).collect();
        let body = words.iter().position(|word| word == "/f/body.sh").unwrap();
        assert_eq!(words[body + 1..], ["perfvt", "farm", "shard", "/f; rm", "1"]);
        for option in [
            "--nodelist=h1",
            "--chdir=/home/a b",
            "--time=90",
            "--mail-user=team@lab",
            "--account=x",
            "--requeue",
        ] {
            assert!(words[..body].iter().any(|word| word == option), "{option}: {words:?}");
        }
        let two = JobAsked { client: Some("c1".into()), ..job };
        let words: Vec<String> = two.words().into_iter().map(|word| word.into_string().unwrap()).collect();
        let at = |wanted: &str| words.iter().position(|word| word == wanted).unwrap();
        let (colon, body) = (at(":"), at("/f/body.sh"));
        assert_eq!(words[body + 1..], ["perfvt", "farm", "shard", "/f; rm", "1"]);
        for option in ["--nodelist=c1", "--exclusive", "--time=90", "--account=x"] {
            assert!(words[colon..body].iter().any(|word| word == option), "{option}: {words:?}");
        }
    }
}
