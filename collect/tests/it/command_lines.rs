//! QEMU's command line: what the plan shows, what is executed and what the fingerprint has a hash of are one.

use collect::brought::{Brought, Wish};
use collect::config::Source;
use collect::config::select::select;
use collect::environment::{Place, Stage};
use collect::lab::Booter;
use collect::matrix::environments;
use collect::testbed::Testbed;
use collect::workload::{self, Needs};
use model::{Accel, Params};
use std::path::Path;
use vm::guest::image::{Cache, builtin};
use vm::guest::os::Os;

/// Parameters of a workload's first environment.
fn params(sets: &[&str]) -> Params {
    let workload = workload::find("command").unwrap();
    let source = Source { workload: Some("command".into()), ..Source::default() };
    let (selected, _) = select(&source, &[]).unwrap();
    let sets: Vec<String> =
        ["command=true", "net=user", "confine=sandbox"].iter().chain(sets).map(|s| (*s).to_owned()).collect();
    environments(workload, &selected, None, &sets).unwrap()[0].params.clone()
}

/// A program of this host on the disk with what the user brings, everything listened to, and the larger tools.
fn needs() -> Needs {
    let wish = Wish {
        key: "uperf_binary",
        value: "/bin/true".into(),
        program: "uperf",
        os: Os::Linux,
        in_guest: false,
        on_host: true,
    };
    Needs { tools: true, boot_trace: true, brings: vec![wish], sessions: 2, ..Needs::default() }
}

/// The words with the names of files for descriptors: those of sets as `-add-fd` tells them, those of sockets by their ids,
/// those that QEMU opens once more by the option.
fn named(words: &[String]) -> Vec<String> {
    let sets: Vec<(String, String)> = words
        .windows(2)
        .filter(|pair| pair[0] == "-add-fd")
        .map(|pair| {
            let (set, name) = pair[1].split_once(",opaque=").unwrap();
            (format!("/dev/fdset/{}", set.split_once("set=").unwrap().1), name.to_owned())
        })
        .collect();
    let mut all = Vec::new();
    let mut left = words.iter();
    while let Some(word) = left.next() {
        if word == "-add-fd" {
            left.next();
            continue;
        }
        let word = sets.iter().fold(word.clone(), |word, (set, name)| word.replace(set, name));
        let socket = |word: String, id: &str| match word.strip_prefix(&format!("socket,id={id},fd=")) {
            Some(rest) => {
                format!("socket,id={id},path=BOOT/{},{}", &id[..3], rest.split_once(',').unwrap().1)
            }
            None => word,
        };
        let word = socket(socket(word, "qmp0"), "cmd0");
        let before = all.last().map(String::as_str);
        all.push(match before {
            Some("-kernel") if word.starts_with("/proc/self/fd/") => "IMAGE/vmlinux".to_owned(),
            Some("-initrd") if word.starts_with("/proc/self/fd/") => "IMAGE/initramfs.cpio".to_owned(),
            _ => word,
        });
    }
    all
}

/// What stands in a word for names of one boot, in turn.
fn replaced(word: &str, names: &[(String, &str)]) -> String {
    names.iter().fold(word.to_owned(), |word, (real, shown)| word.replace(real.as_str(), shown))
}

/// The value behind a beginning, up to a comma, a quote or the end.
fn behind<'a>(words: &'a [String], beginning: &str) -> &'a str {
    let rest = words.iter().find_map(|word| word.split_once(beginning).map(|(_, rest)| rest));
    rest.and_then(|rest| rest.split([',', '"']).next()).unwrap_or_else(|| panic!("{beginning}: {words:?}"))
}

fn folder(path: &str) -> String {
    Path::new(path).parent().unwrap().display().to_string()
}

#[test]
fn a_guest_with_every_device_is_shown_executed_and_hashed_alike() {
    let ready = || -> Result<_, Box<dyn std::error::Error>> {
        let cache = Cache::from_env()?;
        let image = builtin(&cache)?;
        Brought::find(&cache, &needs().brings)?;
        Ok((cache, image))
    };
    let (cache, image) = match ready() {
        Ok(ready) => ready,
        Err(reason) => return testing::skip(format_args!("{reason}; `make setup` gets what is missing")),
    };
    let _turn = testing::alone();
    // Unpinned: a boot with a placement keeps this process off the CPUs of vCPUs, and so the tests beside this one.
    let mut stage = Stage::here(&cache, Accel::Tcg, needs(), true).unwrap();
    for (bus, nics) in [("virtio", "nic1 nic2"), ("scsi", "nic1"), ("nvme", "nic1")] {
        let iothread = format!("disk_iothread={}", if bus == "nvme" { "no" } else { "yes" });
        let [bus_key, nics_key] = [format!("disk_bus={bus}"), format!("nics={nics}")];
        let mut sets = vec!["disk_size=16M", "disk_prealloc=off", &bus_key, &iothread, &nics_key];
        sets.extend([
            "nic_model_nic2=e1000",
            "extra_args=-device virtio-balloon-pci",
            "mem=256",
            "smp=1",
            "numa_node=0",
        ]);
        stage.rooms.push(stage.read(bus, params(&sets)).unwrap());
    }
    let rooms = stage.rooms.clone();
    let mut testbed = Testbed::new(stage, Some(image), "argv").unwrap();
    for room in rooms {
        let Place::Guests(spec) = &room.place else { panic!("{}", room.name) };
        let shown = spec.command_lines().remove(0);
        let dir = tempfile::tempdir().unwrap();
        let booted = testbed
            .boot(&room.name, dir.path(), &dir.path().join("forensics"))
            .unwrap_or_else(|e| panic!("{e}"));
        let pid = booted.lab.watched().vcpus[0].pid;
        let raw = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        booted.lab.end(None);
        let words: Vec<String> = raw
            .strip_suffix(b"\0")
            .unwrap()
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8(word.to_vec()).unwrap())
            .collect();
        let file = |name: &str| &booted.sysinfo.iter().find(|(known, _)| known == name).unwrap().1;
        assert_eq!(*file("qemu.argv"), words.join("\n"), "what is kept is what the kernel has");
        assert_eq!(*file("qemu.argv.shown"), shown.join("\n"), "what is hashed is what the plan shows");
        let hash = blake3::hash(file("qemu.argv.shown").as_bytes()).to_hex();
        assert_eq!(booted.facts.get("qemu.argv"), hash.get(..16));
        assert_eq!(booted.facts.version("qemu.argv"), "4");
        // Whatever is executed is shown, but for names of this boot. Nothing else differs.
        let words = named(&words);
        let node = |name: &str| {
            let beginning = format!("\"node-name\":\"{name}\"");
            words.iter().find(|word| word.contains(&beginning)).unwrap().clone()
        };
        let of_node = |name: &str| behind(&[node(name)], "\"filename\":\"").to_owned();
        let forwards: Vec<&str> =
            words.iter().flat_map(|word| word.split("hostfwd=tcp:127.0.0.1:").skip(1)).collect();
        let port = |index: usize| forwards[index].split('-').next().unwrap();
        let control = forwards.iter().position(|rest| rest.contains("-:12865")).unwrap();
        let data: Vec<usize> = (0..forwards.len()).filter(|index| *index != control).collect();
        assert_eq!(data.len(), 2, "{forwards:?}");
        let mut names = vec![
            (format!("path={}", folder(behind(&words, "id=serial0,path="))), "path=BOOT"),
            (of_node("tools"), "IMAGE/tools.img"),
            (of_node("brought"), "BOOT/brought.img"),
            (of_node("disk0"), "BOOT/disk"),
            (format!(":{}-:12865", port(control)), ":1-:12865"),
        ];
        names.extend([
            (format!(":{p}-:{p}", p = port(data[0])), ":2-:2"),
            (format!(":{p}-:{p}", p = port(data[1])), ":3-:3"),
        ]);
        let executed: Vec<String> = words[1..].iter().map(|word| replaced(word, &names)).collect();
        assert_eq!(executed, shown);
        for device in
            ["virtserialport", "pvpanic", "drive=tools", "drive=disk0", "drive=brought", "isa-debugcon"]
        {
            assert!(shown.iter().any(|word| word.contains(device)), "{device}: {shown:?}");
        }
    }
}
