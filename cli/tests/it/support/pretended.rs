//! perfvt with guests that pretend (`fake_qemu`): they need no part of a guest and are ready within milliseconds.

use super::campaigns::processes_that_mention;
use super::{apart, files, output, pretending, text};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The program that is built beside perfvt whenever all tests are; else it is built now.
fn fake_qemu() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_perfvt")).parent().unwrap();
        let program = folder.join("examples/fake-qemu");
        if !program.exists() {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--offline", "--package", "perfvt", "--example", "fake-qemu"]);
            cargo.arg("--target-dir").arg(folder.parent().unwrap());
            let release = folder.ends_with("release").then_some("--release");
            assert!(cargo.args(release).status().unwrap().success());
        }
        program
    })
}

/// A folder for campaigns of such guests, with a cache and a TMPDIR of its own.
pub struct Pretended {
    dir: TempDir,
    _turn: testing::Turn,
}

impl Pretended {
    pub fn new() -> Pretended {
        let turn = pretending();
        let pretended = Pretended { dir: tempfile::tempdir().unwrap(), _turn: turn };
        fs::create_dir(pretended.tmp()).unwrap();
        pretended.make_cache();
        pretended
    }

    /// A cache whose image of the built-in guest is made of nothing, and up to date.
    fn make_cache(&self) {
        let images = self.dir.path().join("cache/perfvt/images");
        let image = images.join("builtin-pretended");
        fs::create_dir_all(&image).unwrap();
        for name in ["vmlinux", "initramfs.cpio"] {
            fs::write(image.join(name), "x").unwrap();
        }
        let manifest = json!({
            "format": 2, "files": {"vmlinux": 1, "initramfs.cpio": 1}, "kernel": "vmlinux", "initramfs": "initramfs.cpio",
            "tools": null, "kernel_release": "6.1.0-pretended", "hash": "00", "packages": {}
        });
        fs::write(image.join("manifest.json"), manifest.to_string()).unwrap();
        let perfvt = fs::metadata(env!("CARGO_BIN_EXE_perfvt")).unwrap();
        let changed = perfvt.mtime() * 1_000_000_000 + perfvt.mtime_nsec();
        let program = json!({"len": perfvt.len(), "mtime_ns": changed});
        let index = json!({"image": "builtin-pretended", "program": program, "inputs": {}});
        fs::write(images.join(".builtin.index.json"), index.to_string()).unwrap();
    }

    /// The packages of the guest, with a netperf that does nothing.
    pub fn make_packages(&self) {
        let packages = self.path().join("cache/perfvt/packages");
        let programs = packages.join("netperf_1/usr/bin");
        fs::create_dir_all(&programs).unwrap();
        fs::copy("/bin/true", programs.join("netperf")).unwrap();
        fs::write(packages.join("set"), "# made for a test\nnetperf 1 netperf_1\n").unwrap();
    }

    /// What makes a QEMU of this kind the one of a campaign: values of `--set`.
    pub fn qemu(&self, faults: &str) -> [String; 2] {
        [format!("qemu_binary={}", fake_qemu().display()), self.extra(faults)]
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    fn tmp(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// Where campaigns go unless a test says otherwise.
    pub fn out(&self) -> PathBuf {
        self.path().join("X")
    }

    fn here(&self, mut command: Command) -> Command {
        command.env("XDG_CACHE_HOME", self.path().join("cache")).env("TMPDIR", self.tmp());
        command.current_dir(self.path());
        command
    }

    /// perfvt as a terminal starts it, beside all other campaigns.
    pub fn perfvt(&self) -> Command {
        let apart = apart();
        let mut command = Command::new("env");
        command.arg("--default-signal=INT,TERM,HUP").arg(apart.get_program()).args(apart.get_args());
        self.here(command)
    }

    /// perfvt on the same host as one that runs already: what holds CPUs there holds them here.
    pub fn beside(&self, other: u32) -> Command {
        let mut command = Command::new("env");
        command.arg("--default-signal=INT,TERM,HUP");
        if super::can_be_apart() {
            command.args(["nsenter", &format!("--mount=/proc/{other}/ns/mnt")]);
        }
        command.arg(env!("CARGO_BIN_EXE_perfvt"));
        self.here(command)
    }

    /// What makes a campaign of them, with the command that is measured: the words behind `perfvt`.
    pub fn words(&self, out: &Path, command: &str, more: &[&str]) -> Vec<String> {
        let mut words: Vec<String> =
            ["run", "command", "--accel", "tcg", "--allow-unpinned", "--noise", "off"]
                .map(String::from)
                .into();
        let qemu = format!("qemu_binary={}", fake_qemu().display());
        // It runs commands on this host, which a confined one could not.
        let always = ["net=user", "numa_node=0", "confine=sandbox"];
        for set in always.into_iter().chain([&*format!("command={command}"), &qemu, &self.extra("")]) {
            words.extend(["--set".to_owned(), set.to_owned()]);
        }
        words.extend(["--out".to_owned(), out.display().to_string()]);
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words
    }

    /// A campaign of them.
    pub fn run(&self, command: &str, more: &[&str]) -> Command {
        let mut run = self.perfvt();
        run.args(self.words(&self.out(), command, more));
        run
    }

    /// The parameter with which QEMU tells of its starts, and of what goes wrong: words of `fake_qemu/faults.rs`.
    pub fn extra(&self, faults: &str) -> String {
        let faults: String = faults.split_whitespace().map(|fault| format!(" -fault {fault}")).collect();
        let (starts, scenario) = (self.path().join("starts"), self.path().join("scenario"));
        format!("extra_args=-starts {} -scenario {}{faults}", starts.display(), scenario.display())
    }

    /// What goes wrong from the next start on, whatever the parameters say.
    pub fn goes_wrong(&self, faults: &str) {
        fs::write(self.path().join("scenario"), faults).unwrap();
    }

    /// Process ids of all QEMUs so far.
    pub fn starts(&self) -> Vec<u32> {
        let list = fs::read_to_string(self.path().join("starts")).unwrap_or_default();
        list.lines().map(|pid| pid.parse().unwrap()).collect()
    }

    /// No QEMU, no perfvt and no folder of either is left.
    pub fn assert_nothing_left(&self) {
        assert_eq!(processes_that_mention(self.path()), Vec::<String>::new());
        let left = files(&self.tmp(), "");
        assert!(left.is_empty(), "{left:?}");
        let left: Vec<_> = fs::read_dir(self.tmp()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "empty: {left:?}");
    }

    /// Removes what a kill leaves in the moment in which a folder is made: it has no mark yet, or one that says nothing, so
    /// that perfvt leaves it alone. There is nothing in it.
    pub fn remove_unmarked(&self) {
        for entry in fs::read_dir(self.tmp()).unwrap() {
            let folder = entry.unwrap().path();
            if files(&folder, "").iter().all(|file| fs::metadata(file).unwrap().len() == 0) {
                let only_mark = files(&folder, "").iter().all(|file| file.ends_with(".perfvt-mark"));
                assert!(only_mark, "{:?}", files(&folder, ""));
                fs::remove_dir_all(folder).unwrap();
            }
        }
    }

    /// Runs it, with the exit code that it must have. Gives what was said.
    pub fn ends_with(&self, code: i32, command: &mut Command) -> String {
        let Output { status, stdout, stderr } = output(command);
        let said = format!("{}{}", text(&stdout), text(&stderr));
        assert_eq!(status.code(), Some(code), "{said}");
        said
    }

    /// Runs it on a terminal, which script(1) gives.
    pub fn on_terminal(&self, command: &Command) -> Output {
        let quoted = |word: &OsStr| format!(" '{}'", word.to_str().unwrap().replace('\'', "'\\''"));
        let set = command.get_envs().filter_map(|(key, value)| {
            let (mut word, value) = (key.to_owned(), value?);
            word.push("=");
            word.push(value);
            Some(quoted(&word))
        });
        let words = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted);
        let line: String = std::iter::once("exec env".to_owned()).chain(set).chain(words).collect();
        let file = self.path().join("terminal.sh");
        fs::write(&file, line).unwrap();
        let mut script = Command::new("timeout");
        script.args(["120", "script", "-qec", &format!("sh {}", file.display()), "/dev/null"]);
        output(&mut script)
    }

    pub fn journal(&self) -> String {
        fs::read_to_string(self.out().join("journal.jsonl")).unwrap_or_default()
    }

    /// Code and reason of every invalid measurement of an environment.
    pub fn invalid(&self, environment: &str) -> Vec<(String, String)> {
        let all = super::measurements(&self.out().join(environment));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let invalid = all.iter().map(|m| &m["invalid"]).filter(|invalid| !invalid.is_null());
        let mut found: Vec<_> =
            invalid.map(|invalid| (text(&invalid["code"]), text(&invalid["reason"]))).collect();
        found.dedup();
        found
    }
}
