//! What QEMU makes of the nodes that it is given: the flags of its own short form (`-drive`), and no file but those that
//! they name.

use model::Accel;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use vm::guest::backing::{Chain, Format};
use vm::guest::blockdev;
use vm::guest::disk::{At, Bus, Disk};
use vm::guest::overlay::Overlay;
use vm::guest::qemu_img::QemuImg;

#[path = "../../../formats/testdata/qcow2/made.rs"]
mod made;

/// Whether QEMU and qemu-img are here.
fn ready() -> bool {
    let there = |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    let ready = there("qemu-system-x86_64") && there("qemu-img");
    if !ready {
        testing::skip("QEMU or qemu-img is missing; `make setup` gets them");
    }
    ready
}

fn qemu_img(dir: &Path, args: &[&str]) {
    assert!(Command::new("qemu-img").current_dir(dir).args(args).status().unwrap().success(), "{args:?}");
}

/// What a QEMU with these arguments says of its block devices and of all nodes.
fn told(args: &[String]) -> [Value; 2] {
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-S", "-qmp", "stdio"]).args(args);
    let mut qemu = qemu.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut asked = String::new();
    for command in ["qmp_capabilities", "query-block", "query-named-block-nodes", "quit"] {
        asked += &json!({"execute": command}).to_string();
    }
    qemu.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let done = qemu.wait_with_output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let replies: Vec<Value> = lines.filter_map(|line| line.get("return").cloned()).collect();
    [replies[1].clone(), replies[2].clone()]
}

/// What of it makes a difference to the guest and to the host's files: of the devices, and of the nodes without their
/// names, in the order of files and drivers.
fn view([devices, nodes]: &[Value; 2]) -> Vec<Value> {
    let pick = |of: &Value, keys: &[&str]| Value::from_iter(keys.iter().map(|key| (*key, of[key].clone())));
    let inserted =
        devices.as_array().unwrap().iter().map(|device| &device["inserted"]).filter(|i| !i.is_null());
    let keys = ["cache", "ro", "drv", "detect_zeroes", "iops", "bps", "backing_file_depth"];
    let devices = inserted.map(|inserted| pick(inserted, &keys));
    // Of a node with children that were said one by one QEMU makes up another name, but never of a protocol's.
    let keys = |node: &Value| if node["drv"] == "file" { vec!["file"] } else { Vec::new() };
    let keys = |node: &Value| [keys(node), vec!["drv", "cache", "ro", "detect_zeroes"]].concat();
    let mut nodes: Vec<Value> =
        nodes.as_array().unwrap().iter().map(|node| pick(node, &keys(node))).collect();
    nodes.sort_by_key(Value::to_string);
    devices.chain(nodes).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn nodes_have_the_cache_flags_that_qemus_short_form_gives_in_every_mode() {
    if !ready() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for format in ["raw", "qcow2"] {
        let file = dir.path().join(format!("disk.{format}"));
        let name = file.to_str().unwrap();
        qemu_img(dir.path(), &["create", "-q", "-f", format, name, "16M"]);
        for cache in ["none", "writeback", "writethrough", "directsync", "unsafe"] {
            for bus in ["virtio", "scsi", "nvme"] {
                // With native requests QEMU asks more of the file system.
                let disk = Disk {
                    number: 1,
                    at: At::File,
                    size: 16 << 20,
                    format,
                    bus: Bus::parse(bus).unwrap(),
                    preallocation: "off",
                    cache,
                    aio: "threads",
                    iothread: bus != "nvme",
                    queues: None,
                    dir: dir.path().to_owned(),
                    qemu_img: QemuImg::default(),
                    own_serial: None,
                };
                let ours: Vec<String> = disk
                    .arguments(&file, None)
                    .into_iter()
                    .flat_map(|(name, value)| [name.to_owned(), value])
                    .collect();
                let short = format!("if=none,id=disk0,format={format},cache={cache},aio=threads,file={name}");
                let mut theirs = words(&["-drive", &short]);
                theirs.extend(ours[2..].iter().map(|word| word.replace(",write-cache=off", "")));
                let (ours, theirs) = (view(&told(&ours)), view(&told(&theirs)));
                assert_eq!(ours, theirs, "{format} {cache} {bus}");
                let writeback = !["writethrough", "directsync"].contains(&cache);
                assert_eq!(ours[0]["cache"]["writeback"], writeback, "{ours:?}");
            }
        }
    }
}

/// The arguments of a disk of each guest.
fn device(node: String, id: &str) -> Vec<String> {
    words(&["-blockdev", &node, "-device", &format!("virtio-blk-pci,drive={id}")])
}

#[test]
fn a_layer_and_what_is_only_read_are_opened_as_by_qemus_short_form() {
    if !ready() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (base, data, top) = (at("base,1.raw"), at("data.raw"), at("top.qcow2"));
    qemu_img(dir.path(), &["create", "-q", "-f", "raw", &base, "16M"]);
    qemu_img(
        dir.path(),
        &["create", "-q", "-f", "qcow2", "-o", &format!("data_file={data}"), &at("middle.qcow2"), "16M"],
    );
    qemu_img(
        dir.path(),
        &["rebase", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", "base,1.raw", &at("middle.qcow2")],
    );
    qemu_img(dir.path(), &["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "middle.qcow2", &top]);
    let canonical = |name: &str| std::fs::canonicalize(name).unwrap();
    let named = [canonical(&base), canonical(&data), canonical(&at("middle.qcow2"))];
    let chain = Chain::of(Path::new(&top), None, &named).unwrap();
    let deadlines = vm::deadlines::Deadlines::usual(Accel::Tcg);
    let layer = Overlay::make(&chain, dir.path(), &QemuImg::default(), &deadlines).unwrap();
    let ours = view(&told(&device(blockdev::above("root0", layer.path(), &chain), "root0")));
    let short = |file: &Path, more: &str| {
        let file = file.to_str().unwrap().replace(',', ",,");
        let drive = format!("if=none,id=x,{more}file={file}");
        view(&told(&words(&["-drive", &drive, "-device", "virtio-blk-pci,drive=x"])))
    };
    assert_eq!(ours, short(layer.path(), "format=qcow2,"));
    let files = ours.iter().filter_map(|node| node["file"].as_str());
    assert!(ours[0]["backing_file_depth"] == 3 && files.clone().any(|file| file == data), "{ours:?}");
    let read = view(&told(&device(blockdev::read_only("tools", Path::new(&base)), "tools")));
    assert_eq!(read, short(Path::new(&base), "format=raw,read-only=on,"));
}

#[test]
fn no_file_is_opened_for_what_stands_in_a_disk() {
    if !ready() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, [b'x'; 4096]).unwrap();
    let image = dir.path().join("image");
    let deadlines = vm::deadlines::Deadlines::usual(Accel::Tcg);
    let opened = |chain: &Chain| -> Vec<Value> {
        let layer = Overlay::make(chain, dir.path(), &QemuImg::default(), &deadlines).unwrap();
        view(&told(&device(blockdev::above("root0", layer.path(), chain), "root0")))
    };
    let names = |nodes: &[Value]| nodes.iter().any(|node| node.to_string().contains("secret"));
    // A raw disk on which a guest wrote the header of another format.
    std::fs::write(&image, made::above(secret.to_str().unwrap(), "raw")).unwrap();
    let raw = opened(&Chain::of(&image, Some(Format::Raw), &[]).unwrap());
    assert!(!names(&raw) && raw.iter().all(|node| node["file"] != json!(secret)), "{raw:?}");
    assert!(raw.iter().any(|node| node["drv"] == "raw"), "{raw:?}");
    // An image that names a backing file only after it was looked at.
    let plain = image.to_str().unwrap();
    qemu_img(dir.path(), &["create", "-q", "-f", "qcow2", plain, "1M"]);
    let chain = Chain::of(&image, None, &[]).unwrap();
    qemu_img(
        dir.path(),
        &["rebase", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", secret.to_str().unwrap(), plain],
    );
    let late = opened(&chain);
    assert_eq!(late[0]["backing_file_depth"], 1, "{late:?}");
    assert!(late.iter().all(|node| node["file"] != json!(secret)), "{late:?}");
}
