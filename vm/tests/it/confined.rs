//! What a QEMU can do that a guest has taken over: asked over its monitor, which is what the guest would command then.

use model::Accel;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::deadlines::Deadlines;
use vm::guest::QEMU;
use vm::guest::confine::{Confine, strongest};
use vm::guest::disk::{At, Bus, Disk};
use vm::guest::image::{Cache, Image, builtin};
use vm::guest::machine::{BootSpec, Files, Machine};
use vm::guest::network::{Kind, Layout, Network};
use vm::guest::qemu_img::QemuImg;
use vm::guest::spec::{Disks, GuestSpec};

const SOON: Duration = Duration::from_secs(20);

/// The built-in guest's image; said by name where it cannot be made.
pub fn image() -> Option<Image> {
    let made = Cache::from_env()
        .map_err(|e| e.to_string())
        .and_then(|cache| builtin(&cache).map_err(|e| e.to_string()));
    made.map_err(|reason| testing::skip(format_args!("{reason}; `make setup` gets what is missing"))).ok()
}

fn data(dir: &Path) -> Disk {
    Disk {
        number: 1,
        at: At::File,
        size: 16 << 20,
        format: "raw",
        bus: Bus::Virtio,
        preallocation: "full",
        cache: "none",
        aio: "threads",
        iothread: true,
        queues: None,
        dir: dir.to_owned(),
        qemu_img: QemuImg::default(),
        own_serial: None,
    }
}

/// Boots a guest with its tools and a data disk, under a level.
fn boot(image: &Image, confine: Confine, dir: &Path) -> (Machine, Network, PathBuf) {
    let disk = data(dir);
    let disks = Disks { tools: true, data: vec![disk.clone()], ..Disks::default() };
    let mut guest = GuestSpec { confine, disks, listens: true, ..GuestSpec::plain(Accel::Tcg) };
    // Something to draw a screen.
    guest.hardware.extra = ["-device", "VGA"].map(String::from).to_vec();
    let deadlines = Deadlines::usual(Accel::Tcg);
    let file = disk.make(&deadlines, &[]).unwrap();
    let network = Network::create(&Layout::simple(Kind::User), 1, "confined").unwrap();
    let machine = Machine::boot(&BootSpec {
        guest: &guest,
        network: &network,
        index: 0,
        files: Files { data: std::slice::from_ref(&file), ..Files::of_image(image) },
        log_dir: dir,
        forensics: &dir.join("forensics"),
        deadlines,
        deadline: Duration::from_secs(120),
    });
    let path = format!("{} (deleted)", file.path().display()).into();
    (machine.unwrap_or_else(|e| panic!("{e}")), network, path)
}

/// What QEMU says when it is told to open a file as a disk.
fn opens(machine: &mut Machine, path: &Path) -> Result<Value, String> {
    let node = json!({"driver": "raw", "node-name": "taken", "read-only": true,
        "file": {"driver": "file", "filename": path}});
    let answer = machine.qmp().execute("blockdev-add", node, SOON).map_err(|e| e.to_string());
    if answer.is_ok() {
        machine.qmp().execute("blockdev-del", json!({"node-name": "taken"}), SOON).unwrap();
    }
    answer
}

fn status(pid: u32, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap_or("")
        .to_owned()
}

/// The level that works here, if it is at least this one.
fn works(wanted: Confine) -> bool {
    let (level, why) = strongest(QEMU, Accel::Tcg, false, None);
    if level < wanted {
        testing::skip(format_args!(
            "confine={} does not work here: {}",
            wanted.word(),
            why.unwrap_or_default()
        ));
    }
    level >= wanted
}

#[test]
fn a_qemu_that_a_guest_has_taken_over_opens_no_file_of_the_host() {
    let Some(image) = image().filter(|_| works(Confine::Files)) else { return };
    let _turn = testing::alone();
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, vec![b's'; 4096]).unwrap();
    // The files of this user, and those that everybody may read.
    let files = [secret.as_path(), Path::new("/etc/passwd"), Path::new("/proc/self/environ")];
    let (mut loose, _network, _) = boot(&image, Confine::Sandbox, dir.path());
    assert!(opens(&mut loose, &secret).is_ok(), "the test can fail");
    loose.quit();
    let (mut kept, _network, _) = boot(&image, Confine::Files, dir.path());
    for file in files {
        let said = opens(&mut kept, file).unwrap_err();
        assert!(said.contains("Permission denied"), "{}: {said}", file.display());
    }
    let written = json!({"filename": dir.path().join("new"), "format": "png"});
    assert!(kept.qmp().execute("screendump", written, SOON).is_err());
    assert!(!dir.path().join("new").exists());
    kept.quit();
}

#[test]
fn a_qemu_of_roots_is_nobody_and_has_no_file_open_but_its_own() {
    let Some(image) = image().filter(|_| works(Confine::User)) else { return };
    let _turn = testing::alone();
    let dir = tempfile::tempdir().unwrap();
    let (mut machine, _network, disk) = boot(&image, Confine::User, dir.path());
    let pid = machine.pid();
    let uid = status(pid, "Uid:");
    assert!(uid.parse::<u32>().unwrap() >= 61_184, "{uid}");
    assert_eq!(status(pid, "Gid:"), uid);
    for (name, value) in [
        ("CapEff:", "0000000000000000"),
        ("CapPrm:", "0000000000000000"),
        ("NoNewPrivs:", "1"),
        ("Seccomp:", "2"),
    ] {
        assert_eq!(status(pid, name), value, "{name}");
    }
    // The name of the disk is gone since QEMU has it open.
    let logs = ["serial.log", "debug.log", "qemu.stderr"].map(|name| dir.path().join(name));
    let tools = image.tools.clone().unwrap();
    let own: Vec<&Path> =
        logs.iter().chain([&disk, &tools, &image.kernel, &image.initramfs]).map(PathBuf::as_path).collect();
    let mut seen = 0;
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
        let file = fs::read_link(entry.unwrap().path()).unwrap();
        let name = file.to_str().unwrap();
        let no_file = ["socket:", "pipe:", "anon_inode:", "/memfd:", "/dev/null"];
        let is_screen = name.starts_with(std::env::temp_dir().to_str().unwrap()) && name.ends_with("/screen");
        assert!(
            is_screen || own.contains(&file.as_path()) || no_file.iter().any(|start| name.starts_with(start)),
            "{name}"
        );
        seen += usize::from(own.contains(&file.as_path()));
    }
    assert!(seen >= 5, "{seen} of {own:?}");
    let said = opens(&mut machine, Path::new("/etc/shadow")).unwrap_err();
    assert!(said.contains("Permission denied"), "{said}");
    // It draws its screen all the same, and the guest has its disks.
    let found = dir.path().join("found");
    machine.forensics(&found).unwrap();
    let missing = fs::read_to_string(found.join("missing.txt")).unwrap_or_default();
    assert!(fs::read(found.join("screen.png")).expect(&missing).starts_with(b"\x89PNG"));
    let blocks = machine.qmp().execute("query-block", json!({}), SOON).unwrap();
    let nodes: Vec<&Value> = blocks.as_array().unwrap().iter().map(|b| &b["inserted"]["node-name"]).collect();
    assert_eq!(nodes, ["tools", "disk0"]);
    machine.quit();
}
