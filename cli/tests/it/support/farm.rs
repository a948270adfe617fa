//! A Slurm farm on this machine: three hosts in namespaces (scripts/farm-test.sh), whose guests pretend.

use super::campaigns::{Started, wait_until};
use super::pretended::Pretended;
use super::{output, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What brings it up.
pub const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/farm-test.sh");
/// Programs that it takes, where Debian has them.
const PROGRAMS: [&str; 5] =
    ["/usr/sbin/slurmctld", "/usr/sbin/slurmd", "/usr/bin/sbatch", "/usr/sbin/munged", "/usr/bin/nsenter"];

/// The farm; it ends with this.
pub struct TestFarm {
    pub here: Pretended,
    _up: Started,
}

impl TestFarm {
    /// Brings it up. `None` where this machine cannot; the test says so.
    pub fn up(hosts: &[&str]) -> Option<TestFarm> {
        if !rustix::process::geteuid().is_root() {
            testing::skip("only root can make hosts of namespaces");
            return None;
        }
        if let Some(missing) = PROGRAMS.iter().find(|program| !Path::new(program).exists()) {
            testing::skip(format!(
                "Slurm is not installed here: no {missing}; scripts/setup-test.sh gets it"
            ));
            return None;
        }
        let here = Pretended::new();
        let mut up = Command::new("bash");
        up.arg(SCRIPT).arg("up").arg(here.path().join("slurm")).args(hosts);
        let said = fs::File::create(here.path().join("farm.out")).unwrap();
        up.stdin(Stdio::null()).stdout(said.try_clone().unwrap()).stderr(said);
        let up = Started(up.spawn().unwrap());
        let farm = TestFarm { here, _up: up };
        wait_until(300, "the farm's hosts", || farm.slurm().join("ready").exists());
        fs::create_dir(farm.farms()).unwrap();
        Some(farm)
    }

    fn slurm(&self) -> PathBuf {
        self.here.path().join("slurm")
    }

    /// Where farms are kept.
    pub fn farms(&self) -> PathBuf {
        self.here.path().join("farms")
    }

    /// Where a farm's results lie.
    pub fn dir(&self, id: &str) -> PathBuf {
        self.farms().join(id)
    }

    /// A verb of the script.
    pub fn does(&self, words: &[&str]) {
        let done = output(Command::new("bash").arg(SCRIPT).arg(words[0]).arg(self.slurm()).args(&words[1..]));
        assert!(done.status.success(), "{words:?}: {}", text(&done.stderr));
    }

    /// A command on its control host.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("bash");
        command.arg(SCRIPT).arg("in").arg(self.slurm()).arg(program).current_dir(self.here.path());
        command
            .env("XDG_CACHE_HOME", self.here.path().join("cache"))
            .env("TMPDIR", self.here.path().join("tmp"));
        command
    }

    /// `perfvt farm` there.
    pub fn farm(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_perfvt"));
        command.arg("farm").args(words);
        command
    }

    /// What it says, with the exit code that it must have.
    pub fn says(&self, code: i32, words: &[&str]) -> String {
        self.here.ends_with(code, &mut self.farm(words))
    }

    /// The words of a farm whose guests pretend, with the command that is measured.
    pub fn submit(&self, id: &str, hosts: &str, command: &str, more: &[&str]) -> Vec<String> {
        let (farms, local) =
            (self.farms().display().to_string(), self.here.path().join("local").display().to_string());
        let mut words: Vec<String> =
            ["submit", "--farm", &farms, "--hosts", hosts, "--id", id, "--local", &local, "--"]
                .map(String::from)
                .into();
        let run = self.here.words(Path::new("-"), command, more);
        let out = run.iter().position(|word| word == "--out").unwrap();
        words.extend(
            run.iter()
                .enumerate()
                .filter(|(at, _)| *at > 0 && *at != out && *at != out + 1)
                .map(|(_, w)| w.clone()),
        );
        words
    }

    /// How the shards stand.
    pub fn status(&self, id: &str) -> Vec<Value> {
        let said = output(&mut self.farm(&["status", "--json", &self.dir(id).display().to_string()]));
        assert!(said.status.success(), "{}", text(&said.stderr));
        let status: Value = serde_json::from_slice(&said.stdout).unwrap();
        status["shards"].as_array().unwrap().clone()
    }

    /// What is said about one shard in its log.
    pub fn log(&self, id: &str, k: u32) -> String {
        fs::read_to_string(self.dir(id).join(format!("logs/{k:02}.log"))).unwrap_or_default()
    }

    /// Every file of a farm with its content.
    pub fn content(&self, id: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        super::files(&self.dir(id), "")
            .into_iter()
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }
}
