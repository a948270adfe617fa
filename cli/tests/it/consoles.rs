//! A guest that nobody talks to, driven by its screen: installed, booted, logged into, looked into by VNC. A real QEMU, with a guest
//! of two sectors.

use crate::support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{console, text};

fn drive(disk: &Path, script: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = support::apart();
    command.args(["drive", "--accel", "tcg", "--set", "channel=screen", "--set", "image_format=raw"]);
    command.args(["--set", &format!("image={}", disk.display()), "--set", "net=user", "--set", "mem=128"]);
    command.args(more).arg("--out").arg(out).arg(script);
    command
}

fn journal(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("drive.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An installation, and the boot of what it made, as two subtests; characters are 9 pixels wide and 16 high.
const INSTALL: &str = "subtest install\n\
                       start_all\n\
                       vm1 wait_for_text 'Install to the first disk'\n\
                       vm1 send_key y\n\
                       vm1 wait_for_text '^Installation complete$'\n\
                       vm1 crash\n\
                       subtest boot\n\
                       vm1 start\n\
                       vm1 wait_for_text '^vm1 login: *$'\n\
                       vm1 needle_from 0,0,720,32 panel without=630,0,90,16\n\
                       vm1 type_string 'anna\\n'\n\
                       vm1 wait_for_text '^Welcome, anna$'\n\
                       vm1 type_string 'echo it\\n'\n\
                       vm1 assert_screen panel\n\
                       end\n\
                       vm1 execute true\n";

#[test]
fn a_system_is_installed_and_logged_into_by_its_screen_and_a_needle_is_found_beside_a_clock() {
    let Some(_turn) = support::beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let Some([installer, system]) = console::disks(dir.path()) else { return };
    fs::write(place("install.drive"), INSTALL).unwrap();
    let output = support::output(&mut drive(&installer, &place("install.drive"), &place("X"), &[]));
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    let steps = journal(&place("X"));
    let (last, before) = steps.split_last().unwrap();
    assert!(before.iter().all(|step| step["result"] == "passed"), "{said}");
    assert!(last["error"].as_str().is_some_and(|why| why.contains("channel=screen")), "{said}");
    // The clock, which is not looked at: the needle was found when it had gone on.
    let needle = fs::read_to_string(place("X/needles/panel.json")).unwrap();
    assert!(needle.contains("\"exclude\""), "{needle}");
    is_found_where_it_is_masked(&system, &place("X/needles"), dir.path());
}

/// The needle is on the screen of another boot, whose clock is another one; the same picture of the clock, not masked, is not.
fn is_found_where_it_is_masked(system: &Path, needles: &Path, dir: &Path) {
    fs::copy(needles.join("panel.png"), needles.join("clock.png")).unwrap();
    let clock = r#"{"area":[{"xpos":630,"ypos":0,"width":72,"height":16,"margin":0}],"tags":["clock"]}"#;
    fs::write(needles.join("clock.json"), clock).unwrap();
    let script = "start_all\n\
                  vm1 wait_for_text '^vm1 login: *$'\n\
                  vm1 assert_screen panel\n\
                  vm1 check_screen clock\n\
                  vm1 send_key esc\n\
                  deadline 0.5 vm1 assert_screen panel\n";
    fs::write(dir.join("masked.drive"), script).unwrap();
    let needles = ["--needles", &needles.display().to_string()];
    let output = support::output(&mut drive(system, &dir.join("masked.drive"), &dir.join("Y"), &needles));
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    let steps = journal(&dir.join("Y"));
    assert!(steps[..5].iter().all(|step| step["result"] == "passed"), "{said}");
    assert_eq!(steps[3]["status"], 1, "{said}");
    let error = steps[5]["error"].as_str().unwrap();
    assert!(error.contains("the nearest is 'panel'") && dir.join("Y/screens/step-6-difference.png").exists());
    // What was seen before is there as frames, each once.
    let frames = steps[5]["forensics"].as_str().map(|folder| Path::new(folder).join("vm1/frames.png"));
    assert!(fs::read(frames.unwrap()).unwrap().windows(4).any(|part| part == b"acTL"), "{said}");
}

/// The least of a VNC viewer (RFC 6143): it connects to a socket and types.
struct Viewer(UnixStream);

impl Viewer {
    fn connect(socket: &Path) -> Viewer {
        let mut stream = UnixStream::connect(socket).unwrap();
        let mut banner = [0; 12];
        stream.read_exact(&mut banner).unwrap();
        assert!(banner.starts_with(b"RFB 003."), "{banner:?}");
        stream.write_all(b"RFB 003.003\n").unwrap();
        let mut security = [0; 4];
        stream.read_exact(&mut security).unwrap();
        // None: who can open the socket is this user.
        assert_eq!(security, [0, 0, 0, 1]);
        stream.write_all(&[1]).unwrap();
        // Sizes and the pixel format, and a name with its length before it.
        let mut server = [0; 24];
        stream.read_exact(&mut server).unwrap();
        let mut name = vec![0; u32::from_be_bytes(server[20..].try_into().unwrap()) as usize];
        stream.read_exact(&mut name).unwrap();
        Viewer(stream)
    }

    fn press(&mut self, keysym: u32) {
        for down in [1, 0] {
            let event = [&[4, down, 0, 0][..], &keysym.to_be_bytes()].concat();
            self.0.write_all(&event).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(60));
        }
    }
}

#[test]
fn a_viewer_on_the_private_socket_types_what_the_script_waits_for() {
    let Some(_turn) = support::beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let Some([_, system]) = console::disks(dir.path()) else { return };
    let script = "start_all\n\
                  vm1 wait_for_text '^vm1 login: *$'\n\
                  vm1 wait_for_text '^Welcome, bob$'\n";
    fs::write(place("look.drive"), script).unwrap();
    let mut command = drive(&system, &place("look.drive"), &place("X"), &["--set", "display=vnc"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let told = lines.find_map(|line| Some(line.split_once("the screen of vm1: vncviewer ")?.1.to_owned()));
    if let Some(socket) = told.map(PathBuf::from) {
        // Nobody else comes as far as the socket.
        let folder = fs::metadata(socket.parent().unwrap()).unwrap();
        assert_eq!(folder.permissions().mode() & 0o077, 0);
        let mut viewer = Viewer::connect(&socket);
        assert!(lines.any(|line| line.contains("vm1 login")), "it was told when the system waits");
        for key in [u32::from(b'b'), u32::from(b'o'), u32::from(b'b'), 0xff0d] {
            viewer.press(key);
        }
        let rest: Vec<String> = lines.collect();
        assert!(child.wait().unwrap().success(), "{rest:?}");
        return;
    }
    let said = text(&child.wait_with_output().unwrap().stderr);
    panic!("no socket was told: {said}");
}

#[test]
fn a_campaign_refuses_a_guest_that_is_only_seen_and_a_window() {
    for (set, part) in
        [("channel=screen", "perfvt drive has guests"), ("display=vnc", "perfvt drive has vnc")]
    {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("x.raw");
        fs::write(&image, [0; 512]).unwrap();
        let mut command = support::perfvt();
        command.args(["run", "boot", "--dry-run", "--set", "image_format=raw", "--set", set]);
        command.args(["--set", &format!("image={}", image.display())]);
        let output = support::output(&mut command);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(part), "{said}");
    }
}
