//! Installers that make an image: one of the tests' own, which does in seconds what real ones do, and Debian's in the soak.

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};
use support::{apart, beside, output, perfvt, text};

/// Process 1 of the installer: it reads its answers beside itself or on a disk, and writes them on the other one.
const INSTALLER: &str = r#"#!/bin/sh
export PATH=/usr/bin:/sbin:/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec > /dev/console 2>&1
echo "mock: loading"
perfvt-load virtio_blk
seed= disk=
for device in /sys/class/block/vd?; do
    case $(cat "$device/serial") in
        perfvt.seed) seed=/dev/${device##*/} ;;
        *) disk=/dev/${device##*/} ;;
    esac
done
[ -f /preseed.cfg ] && seed=/preseed.cfg
answers=$(grep -a -o 'answer=[a-z]*' "$seed" | head -n 1)
answers=${answers#answer=}
echo "mock: reading answers"
case $answers in
    restart) reboot -f ;;
    twice)
        # As Windows does: what was begun is on the disk.
        case $(head -c 4 $disk) in
            half) echo "mock: going on" ;;
            *) echo half | dd of=$disk conv=fsync 2> /dev/null; reboot -f ;;
        esac
        ;;
    hang) sleep 1000 ;;
esac
echo "mock: writing"
echo "installed with $answers" | dd of=$disk conv=fsync 2> /dev/null
echo "mock: finishing"
poweroff -f
"#;

/// Process 1 of an installer that finds its answers as one of the three kinds does: a disk by its label, or the floppy drive, mounted
/// with the kernel's own drivers, and the file by the name that it has there. It says what these say on their consoles.
const READER: &str = r#"#!/bin/sh
export PATH=/usr/bin:/sbin:/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec > /dev/console 2>&1
perfvt-load virtio_blk
for module in fat vfat nls_cp437 nls_ascii nls_utf8 floppy; do insmod /modules/$module* || echo "no module $module"; done
mkdir -p /answers
give_up() { echo "mock: $*"; poweroff -f; }
find_label() {
    device=$(findfs LABEL=$1) || give_up "no volume $1"
    mount -t vfat -o ro $device /answers || give_up "$1 is not mounted"
}
case $(cat /proc/cmdline) in
    *kind=anaconda*)
        echo "Starting installer, one moment..."
        find_label OEMDRV
        grep -q '^%packages' /answers/ks.cfg && grep -qx poweroff /answers/ks.cfg || give_up "no kickstart file"
        name=$(sed -n 's/^network .*--hostname=//p' /answers/ks.cfg)
        echo "Starting package installation process"
        echo "Installing boot loader"
        ;;
    *kind=subiquity*)
        echo "Cloud-init v. 24.1 running 'init-local'"
        grep -qw autoinstall /proc/cmdline || give_up "nobody said autoinstall"
        find_label CIDATA
        grep -q '^instance-id: .' /answers/meta-data || give_up "no instance"
        [ "$(head -n 1 /answers/user-data)" = '#cloud-config' ] && grep -q '^autoinstall:' /answers/user-data || give_up "no autoinstall"
        grep -qx '  shutdown: poweroff' /answers/user-data || give_up "it would restart"
        name=$(sed -n 's/^    hostname: //p' /answers/user-data)
        echo "start: subiquity/Meta/apply_autoinstall_config"
        echo "curtin command extract"
        ;;
    *file=/floppy/preseed.cfg*)
        echo "Starting system log daemon: syslogd"
        mount -t vfat -o ro /dev/fd0 /answers || give_up "the floppy is not mounted"
        name=$(sed -n 's/^d-i netcfg.get_hostname string //p' /answers/preseed.cfg)
        echo "Installing the base system"
        ;;
esac
for device in /sys/class/block/vd?; do
    [ "$(cat "$device/serial")" = perfvt.seed ] || disk=/dev/${device##*/}
done
echo "installed with $name" | dd of=$disk conv=fsync 2> /dev/null
poweroff -f
"#;

/// An archive for the kernel with one program.
fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let entry = |name: &str, mode: u32, content: &[u8]| {
        let (mode, size, name_size) = (mode, content.len(), name.len() + 1);
        let numbers = [1, mode as usize, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        let mut bytes = b"070701".to_vec();
        numbers.iter().for_each(|number| bytes.extend(format!("{number:08x}").bytes()));
        bytes.extend(name.bytes().chain([0]));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let folder = name.rsplit_once('/').map(|(folder, _)| entry(folder, 0o040_755, b""));
    [folder.unwrap_or_default(), entry(name, 0o100_755, content), entry("TRAILER!!!", 0, b"")].concat()
}

/// A cache of a test's own, with an installer beside it.
struct Room {
    home: tempfile::TempDir,
}

impl Room {
    /// The installer is the built-in guest with another process 1. `None` where there are no guests.
    fn new() -> Option<Room> {
        let built = output(perfvt().args(["guest", "build"]));
        assert!(built.status.success(), "{}", text(&built.stderr));
        let image = PathBuf::from(text(&built.stdout).lines().next()?);
        let home = tempfile::tempdir().unwrap();
        fs::copy(image.join("vmlinux"), home.path().join("linux")).ok()?;
        let mut initrd = fs::read(image.join("initramfs.cpio")).unwrap();
        initrd.resize(initrd.len().next_multiple_of(512), 0);
        for (name, content) in [("installer", INSTALLER), ("reader", READER)] {
            initrd.extend(archive(name, content.as_bytes()));
            initrd.resize(initrd.len().next_multiple_of(512), 0);
        }
        fs::write(home.path().join("initrd"), initrd).unwrap();
        fs::write(
            home.path().join("mock.phases"),
            "load = mock: loading\nanswers = reading answers\nwrite = mock: writing\nfinish = finishing\n",
        )
        .unwrap();
        let room = Room { home };
        room.write("mock.cfg", "install_name = mock\ninstall_kernel = linux\ninstall_initrd = initrd\ninstall_params = console=ttyS0 rdinit=/installer quiet no_timer_check\nanswers = answers\nanswers_by = cidata\nphases = mock.phases\nsize = 64M\nmem = 256\n");
        Some(room)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.home.path().join(name), content).unwrap();
    }

    fn perfvt(&self, args: &[&str]) -> Output {
        output(apart().env("XDG_CACHE_HOME", self.home.path()).current_dir(self.home.path()).args(args))
    }

    /// Drivers for FAT and floppies, which the built-in guest has none of, for its installer; false where they are not at hand.
    fn add_modules(&self) -> bool {
        let release = |path: &Path| path.join("kernel/fs/fat").is_dir();
        let cache = std::env::var("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.unwrap_or_else(|_| Path::new(&std::env::var("HOME").unwrap()).join(".cache"));
        let packages = fs::read_dir(cache.join("perfvt/packages")).into_iter().flatten().flatten();
        let folders = packages.flat_map(|package| fs::read_dir(package.path().join("lib/modules"))).flatten();
        let Some(modules) = folders.flatten().map(|entry| entry.path()).find(|path| release(path)) else {
            return false;
        };
        let mut initrd = fs::read(self.home.path().join("initrd")).unwrap();
        let names = ["fat/fat", "fat/vfat", "nls/nls_cp437", "nls/nls_ascii", "nls/nls_utf8"]
            .map(|name| format!("fs/{name}"));
        for name in names.into_iter().chain(["drivers/block/floppy".to_owned()]) {
            let file = modules.join("kernel").join(name);
            let (folder, stem) = (file.parent().unwrap(), file.file_name().unwrap().to_str().unwrap());
            let found = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
            let is_it = |path: &PathBuf| {
                path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&format!("{stem}.ko")))
            };
            let Some(file) = found.into_iter().find(is_it) else { return false };
            let name = format!("modules/{}", file.file_name().unwrap().to_str().unwrap());
            initrd.extend(archive(&name, &fs::read(&file).unwrap()));
            initrd.resize(initrd.len().next_multiple_of(512), 0);
        }
        fs::write(self.home.path().join("initrd"), initrd).unwrap();
        true
    }

    fn install(&self, more: &[&str]) -> Output {
        self.perfvt(&[&["guest", "install", "mock.cfg"], more].concat())
    }

    /// What stands at the beginning of the newest image's disk.
    fn installed(&self, image: &str) -> String {
        let raw = self.home.path().join(format!("{image}.raw"));
        let out = self.perfvt(&["guest", "export", image, "--to", raw.to_str().unwrap()]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&fs::read(raw).unwrap()[..80]).lines().next().unwrap().to_owned()
    }

    fn images(&self) -> usize {
        let listed = text(&self.perfvt(&["guest", "list"]).stdout);
        listed.lines().filter(|line| line.starts_with("mock-")).count()
    }
}

/// The name of the image that was said.
fn named(out: &Output) -> String {
    text(&out.stdout).split_whitespace().next().unwrap_or_default().to_owned()
}

fn phases(folder: &Path) -> Vec<(String, f64)> {
    let lines = fs::read_to_string(folder.join("phases.jsonl")).unwrap();
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        (value["phase"].as_str().unwrap().to_owned(), value["at_s"].as_f64().unwrap())
    };
    lines.lines().map(line).collect()
}

#[test]
fn an_installer_makes_an_image_once_for_its_answers_by_disk_and_beside_its_initrd() {
    let Some(_guard) = beside() else { return };
    let Some(room) = Room::new() else { return };
    room.write("answers", "answer=one\n");
    let out = room.install(&[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("image=perfvt:mock boots it"), "{}", text(&out.stdout));
    let first = named(&out);
    assert_eq!(room.installed(&first), "installed with one");
    let folder = room.home.path().join("perfvt/images").join(&first);
    let told = phases(&folder);
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["load", "answers", "write", "finish", "done"], "{}", text(&out.stderr));
    assert!(told.is_sorted_by_key(|(_, at)| *at) && told[0].1 > 0.0, "{told:?}");
    assert!(fs::read_to_string(folder.join("console.log")).unwrap().contains("mock: finishing"));
    assert!(text(&room.perfvt(&["guest", "list"]).stdout).contains("  installed by 'mock.cfg'"));

    let begun = Instant::now();
    let again = room.install(&["--set", "deadline=1"]);
    assert!(text(&again.stderr).contains("nothing was booted"), "{}", text(&again.stderr));
    assert!(named(&again) == first && begun.elapsed() < Duration::from_secs(60));

    // The same system in the end, and another image all the same.
    room.write("answers", "# other answers\nanswer=one\n");
    let other = room.install(&["--set", "answers_by=initrd"]);
    assert!(other.status.success(), "{}", text(&other.stderr));
    assert!(named(&other) != first && room.images() == 2);
    assert_eq!(room.installed(&named(&other)), "installed with one");
    let dry = ["run", "command", "--set", "command=true", "--set", "image=perfvt:mock", "--dry-run", "-v"];
    let dry = room.perfvt(&[&dry[..], &["--allow-unpinned"]].concat());
    assert!(text(&dry.stdout).contains("disk.qcow2"), "{}", text(&dry.stderr));
}

#[test]
fn the_templates_are_found_and_read_as_each_kind_of_installer_finds_its_answers() {
    let Some(_guard) = beside() else { return };
    let Some(room) = Room::new() else { return };
    if !room.add_modules() {
        return testing::skip(
            "the guest's kernel is no package with modules for FAT and floppies: `perfvt guest fetch` gets one",
        );
    }
    room.write("key.pub", "ssh-ed25519 AAAA test\n");
    let tries = [
        ("fedora.ks", "oemdrv", "anaconda", "kind=anaconda", "installer loader done"),
        ("ubuntu.yaml", "cidata", "subiquity", "autoinstall kind=subiquity", "start installer extract done"),
        ("debian.preseed", "floppy", "debian", "preseed/file=/floppy/preseed.cfg", "start base done"),
    ];
    for (template, by, phases_by, told, wanted) in tries {
        let sets = [
            format!("install_params=console=ttyS0 rdinit=/reader quiet no_timer_check {told}"),
            format!("answers={}/../docs/install/{template}", env!("CARGO_MANIFEST_DIR")),
            format!("answers_by={by}"),
            format!("phases={phases_by}"),
            "password_hash=$6$x$y".to_owned(),
            "ssh_key=key.pub".to_owned(),
        ];
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set.as_str()]).collect();
        let out = room.install(&sets);
        assert!(out.status.success(), "{template}: {}", text(&out.stderr));
        let folder = room.home.path().join("perfvt/images").join(named(&out));
        let console = fs::read_to_string(folder.join("console.log")).unwrap();
        assert_eq!(room.installed(&named(&out)), "installed with mock", "{template}: {console}");
        let reached: Vec<String> = phases(&folder).into_iter().map(|(name, _)| name).collect();
        assert!(
            wanted.split(' ').all(|phase| reached.iter().any(|name| name == phase)),
            "{template}: {reached:?}"
        );
    }
}

#[test]
fn an_installer_that_restarts_as_often_as_it_may_makes_an_image() {
    let Some(_guard) = beside() else { return };
    let Some(room) = Room::new() else { return };
    room.write("answers", "answer=twice\n");
    let out = room.install(&["--set", "restarts=1", "--set", "display=vga"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(room.installed(&named(&out)), "installed with twice");
    let console =
        fs::read_to_string(room.home.path().join("perfvt/images").join(named(&out)).join("console.log"))
            .unwrap();
    assert_eq!(console.matches("mock: loading").count(), 2, "{console}");
}

#[test]
fn an_installer_that_hangs_or_restarts_makes_no_image_and_says_how_far_it_came() {
    let Some(_guard) = beside() else { return };
    let Some(room) = Room::new() else { return };
    for (answer, deadline, wanted) in [
        ("hang", "deadline=20", "it had not ended when its deadline of 20 s passed"),
        ("restart", "deadline=120", "it restarted instead of powering off"),
    ] {
        room.write("answers", &format!("answer={answer}\n"));
        let out = room.install(&["--set", deadline]);
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(
            said.contains(&format!("installing mock: {wanted}")) && said.contains(", in the phase 'answers'"),
            "{said}"
        );
        assert!(
            said.contains("console.log, and ends so:") && said.contains("mock: reading answers"),
            "{said}"
        );
        assert_eq!(room.images(), 0);
        assert_eq!(phases(&room.home.path().join("perfvt/installs/mock")).len(), 2);
        let left = fs::read_dir(room.home.path().join("perfvt/images")).unwrap().flatten();
        assert!(left.map(|entry| entry.file_name()).all(|name| name == ".lock"));
    }
}

/// Where Debian's package debian-installer-12-netboot-amd64 has the text installer.
const NETBOOT: &str = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64";

#[test]
#[ignore = "boots Debian's installer for minutes; `make soak`"]
fn debians_installer_goes_as_far_as_its_mirror_does() {
    let Some(_guard) = beside() else { return };
    if !Path::new(NETBOOT).join("initrd.gz").is_file() {
        return testing::skip("Debian's installer is missing (package debian-installer-12-netboot-amd64)");
    }
    let Some(room) = Room::new() else { return };
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/install/debian.preseed");
    let sets = [
        format!("install_kernel={NETBOOT}/linux"),
        format!("install_initrd={NETBOOT}/initrd.gz"),
        format!("answers={shipped}"),
        "answers_by=initrd".to_owned(),
        "phases=debian".to_owned(),
        "install_params=auto=true priority=critical DEBIAN_FRONTEND=text console=ttyS0".to_owned(),
        "password_hash=$6$x$y".to_owned(),
        "size=4G".to_owned(),
        "mem=1024".to_owned(),
        "deadline=900".to_owned(),
    ];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set.as_str()]).collect();
    room.write("key.pub", "ssh-ed25519 AAAA test\n");
    let out = room.install(&[&sets[..], &["--set", "ssh_key=key.pub"]].concat());
    let said = text(&out.stderr);
    // A mirror without the installer's own packages ends it there, with a question that nobody answers.
    let logs = room.home.path().join("perfvt/installs/mock");
    let reached: Vec<String> = phases(&logs).into_iter().map(|(name, _)| name).collect();
    println!("{reached:?}\n{said}");
    assert!(["start", "network"].iter().all(|phase| reached.iter().any(|name| name == phase)), "{said}");
    assert!(out.status.success() == (reached.last().map(String::as_str) == Some("done")), "{said}");
}
