//! A guest that is a folder: commands run on this host, with the guest's own paths below that folder.

use super::faults::{Fault, strike};
use super::jobs::Jobs;
use super::machine::Machine;
use process::{Sink, Spec};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What the guest's kernel says, whatever this host's does.
const DMESG: &str = "#!/bin/sh\necho '[    0.0] Linux version 6.1.0-pretended'\n";

/// Its network cards are those of QEMU's command line, and do all that they are told.
const IP: &str = "#!/bin/sh\n[ \"$1\" = -o ] || exit 0\ncat <<END\n";

/// The answer to a request.
pub struct Said {
    pub status: String,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Said {
    pub fn well(stdout: impl Into<Vec<u8>>) -> Said {
        Said { status: "0".into(), stdout: stdout.into(), stderr: Vec::new() }
    }

    pub fn ill(reason: impl ToString) -> Said {
        Said { status: "1".into(), stdout: Vec::new(), stderr: reason.to_string().into_bytes() }
    }
}

/// A guest that is a folder.
pub struct Guest<'a> {
    machine: &'a Machine,
    folder: PathBuf,
    jobs: Jobs,
}

impl<'a> Guest<'a> {
    pub fn new(machine: &'a Machine, folder: PathBuf) -> Guest<'a> {
        for name in ["bin", "root", "jobs"] {
            fs::create_dir_all(folder.join(name)).unwrap();
        }
        let card =
            |(index, mac): (usize, &String)| format!("{index}: eth{index}: <UP> mtu 1500 link/ether {mac}\n");
        let cards: String = machine.arguments.macs.iter().enumerate().map(card).collect();
        for (name, script) in [("dmesg", DMESG), ("ip", &format!("{IP}{cards}END\n"))] {
            let program = folder.join("bin").join(name);
            fs::write(&program, script).unwrap();
            fs::set_permissions(program, Permissions::from_mode(0o755)).unwrap();
        }
        // Only who pings over a cable of its own is not on this host.
        if !machine.arguments.cables.is_empty() {
            let ping = folder.join("bin/ping");
            fs::write(&ping, "#!/bin/sh\n").unwrap();
            fs::set_permissions(ping, Permissions::from_mode(0o755)).unwrap();
        }
        Guest { machine, jobs: Jobs::new(folder.join("jobs")), folder }
    }

    /// Files of this host's /proc and /sys, one after the other.
    pub fn read(&self, first: &str, paths: &[&str]) -> Said {
        let mut all = first.as_bytes().to_vec();
        for path in paths {
            match fs::read(path) {
                Ok(content) => all.extend(content),
                Err(error) => return Said::ill(format!("{path}: {error}")),
            }
        }
        Said::well(all)
    }

    pub fn put(&self, path: &str, mode: &str, content: &[u8]) -> Said {
        let path = PathBuf::from(self.inside(path));
        let mode = Permissions::from_mode(u32::from_str_radix(mode, 8).unwrap());
        let written = fs::write(&path, content).and_then(|()| fs::set_permissions(&path, mode));
        written.map_or_else(Said::ill, |()| Said::well(""))
    }

    /// Paths of the user's files lie below the folder; everything else is this host's.
    fn inside(&self, word: &str) -> String {
        match word.strip_prefix("/root/") {
            Some(rest) => self.folder.join("root").join(rest).display().to_string(),
            None => word.to_owned(),
        }
    }

    fn command(&self, argv: &[String]) -> Spec {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("PATH={}:{path}", self.folder.join("bin").display());
        Spec::new("env").arg(path).args(argv.iter().map(|word| self.inside(word)))
    }

    /// Does something that a command of the guest asks for, if it is one of those.
    fn own(&mut self, argv: &[String]) -> Option<Said> {
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        // Commands run on this host, which is not to be powered off.
        if words.iter().any(|word| word.contains("poweroff")) {
            strike(self.machine, &Fault::parse("exit=0"));
        }
        Some(match words.as_slice() {
            // A system from an image is made fit for workloads; this host is not.
            ["/bin/sh", "-c", _, "perfvt-setup"] => Said::well(""),
            // The guest has no systemd, whatever this host has.
            ["systemctl", ..] => Said { status: "127".into(), ..Said::ill("systemctl: not found") },
            ["fault", word] => {
                strike(self.machine, &Fault::parse(word));
                Said::well("")
            }
            ["perfvt-job", "start", job, ..] => {
                let command = argv.get(3..).unwrap_or_default();
                // What goes wrong goes wrong before the job has begun.
                if self.own(command).is_some() {
                    return Some(self.jobs.start(job, Spec::new("true")));
                }
                self.jobs.start(job, self.command(command))
            }
            ["perfvt-job", "poll", jobs @ ..] => self.jobs.stand(jobs, true),
            ["perfvt-job", "look", jobs @ ..] => self.jobs.stand(jobs, false),
            ["perfvt-job", "signal", signal, job] => self.jobs.signal(job, signal),
            ["rm", "-rf", job] if self.jobs.forget(job) => Said::well(""),
            _ => return None,
        })
    }

    /// Runs a command, which is killed at its deadline.
    pub fn run(&mut self, argv: &[String], deadline: Duration) -> Said {
        if let Some(said) = self.own(argv) {
            return said;
        }
        let command = self.command(argv).stdout(Sink::Capture).stderr(Sink::Capture);
        match command.start() {
            Ok(running) => {
                let ended = running.finish(deadline);
                let status = ended
                    .status
                    .map_or_else(|| "timeout".to_owned(), |status| shell_status(status).to_string());
                Said { status, stdout: ended.stdout, stderr: ended.stderr }
            }
            Err(error) => Said::ill(error),
        }
    }
}

/// The status as a shell has it: 128 + n for signal n.
pub fn shell_status(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}
