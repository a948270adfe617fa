//! Jobs of the guest, as vm/guest/job has them.

use super::guest::{Said, shell_status};
use process::{Running, Sink, Spec};
use rustix::process::Signal;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

/// Jobs by their names, which are paths in a real guest.
pub struct Jobs {
    folder: PathBuf,
    all: HashMap<String, Job>,
}

struct Job {
    running: Running,
    out: PathBuf,
    err: PathBuf,
}

impl Jobs {
    pub fn new(folder: PathBuf) -> Jobs {
        Jobs { folder, all: HashMap::new() }
    }

    pub fn start(&mut self, name: &str, command: Spec) -> Said {
        let file = |ending: &str| self.folder.join(format!("{}.{ending}", name.replace('/', "-")));
        let (out, err) = (file("out"), file("err"));
        match command.stdout(Sink::File(out.clone())).stderr(Sink::File(err.clone())).start() {
            Ok(mut running) => {
                running.time();
                self.all.insert(name.to_owned(), Job { running, out, err });
                Said::well("")
            }
            Err(error) => Said::ill(error),
        }
    }

    /// `STATUS OUT ERR` for each, with what it wrote when that is wanted.
    pub fn stand(&mut self, names: &[&str], whole: bool) -> Said {
        let mut all = Vec::new();
        for name in names {
            let Some(job) = self.all.get_mut(*name) else { return Said::ill(format!("no job {name}")) };
            let ended = job.running.ended();
            // One that ends only now has a time already, which belongs to the next answer.
            let took = ended.and_then(|_| job.running.took());
            let status = ended.map_or_else(|| "-".to_owned(), |status| shell_status(status).to_string());
            let took = took.map(|took| format!(" {}", took.as_nanos())).unwrap_or_default();
            let (out, err) = (fs::read(&job.out).unwrap(), fs::read(&job.err).unwrap());
            all.extend(format!("{status} {} {}{took}\n", out.len(), err.len()).into_bytes());
            if whole {
                all.extend([out, err].concat());
            }
        }
        Said::well(all)
    }

    pub fn signal(&mut self, name: &str, signal: &str) -> Said {
        let signal = match signal {
            "INT" | "2" => Signal::INT,
            "TERM" | "15" => Signal::TERM,
            _ => Signal::KILL,
        };
        if let Some(job) = self.all.get_mut(name) {
            job.running.signal(signal);
        }
        Said::well("")
    }

    /// Whether there was such a job.
    pub fn forget(&mut self, name: &str) -> bool {
        self.all.remove(name).is_some()
    }
}
