//! A Debian that firmware starts itself: the guest in the cache behind a partition with a boot loader. Nothing of it needs
//! root.

use super::{output, perfvt, text};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SECTOR: u64 = 512;
/// First sectors: of the partition with the loader, and of the system's.
const LOADER: u32 = 2048;
const SYSTEM: u32 = 64 * 2048;
/// Sectors of the system: as many as the Debian guest's disk has.
const SYSTEM_SECTORS: u32 = 4 << 21;
const COMMAND_LINE: &str = "root=LABEL=perfvt rw console=ttyS0 quiet cryptomgr.notests";
const MBR: &str = "/usr/lib/syslinux/mbr/mbr.bin";

/// What a whole Debian is asked, with words that a shell would read otherwise.
pub const ASKING: [&str; 7] = ["sh", "-c", SCRIPT, "sh", "a b", "$(id)", "'"];
const SCRIPT: &str = "test -d /sys/firmware/efi && echo started by UEFI; cat /etc/hostname; command -v netserver; \
                      printf '%s|' \"$@\"; echo oops >&2; exit 3";

/// That it answered as it should, behind what its firmware is.
pub fn says_what_it_was_asked(shell: &Output, firmware: &str) {
    let (out, err) = (text(&shell.stdout), text(&shell.stderr));
    assert_eq!(out, format!("{firmware}debian\n/run/perfvt/bin/netserver\na b|$(id)|'|"), "{err}");
    assert_eq!((err.as_str(), shell.status.code()), ("oops\n", Some(1)));
}

/// The disk of the Debian guest in the cache, which is built where it is missing or was made before a compiler was in it.
pub fn debian() -> Option<PathBuf> {
    let images = || {
        let cache = std::env::var("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.unwrap_or_else(|_| Path::new(&std::env::var("HOME").unwrap()).join(".cache"));
        let listed = text(&output(perfvt().args(["guest", "list"])).stdout);
        let names = listed.lines().filter_map(|line| line.split(' ').next());
        // Those of other releases have one more: debian-13-..
        let names = names.filter(|name| name.starts_with("debian-") && name.matches('-').count() == 1);
        names.map(|name| cache.join("perfvt/images").join(name)).collect::<Vec<PathBuf>>()
    };
    let is_whole = |image: &Path| {
        std::fs::read_to_string(image.join("manifest.json")).is_ok_and(|text| text.contains("\"gcc\""))
    };
    let find = || images().into_iter().find(|image| is_whole(image)).map(|image| image.join("disk.qcow2"));
    if let Some(disk) = find() {
        return Some(disk);
    }
    for old in images() {
        output(perfvt().args(["guest", "rm"]).arg(old.file_name().unwrap()));
    }
    let built = output(perfvt().args(["guest", "build", "debian"]));
    if !built.status.success() {
        testing::skip(format_args!("{}", text(&built.stderr).trim()));
        return None;
    }
    find()
}

/// An image in a folder that SeaBIOS starts by syslinux and OVMF by its shell; `None`, with the reason, where a part is
/// missing.
pub fn bootable(dir: &Path) -> Option<PathBuf> {
    let tools = ["/usr/bin/syslinux", "/usr/bin/mcopy", "/usr/sbin/debugfs", MBR];
    if let Some(missing) = tools.into_iter().find(|file| !Path::new(file).exists()) {
        testing::skip(format_args!("{missing} is missing; `make setup-test` gets it"));
        return None;
    }
    let system = debian()?;
    let image = dir.join("bootable.raw");
    let file = File::create(&image).unwrap();
    file.set_len(u64::from(SYSTEM + SYSTEM_SECTORS + 2048) * SECTOR).unwrap();
    file.write_all_at(&boot_record(), 0).unwrap();
    let at = u64::from(SYSTEM) * SECTOR;
    let target = format!(
        "driver=raw,offset={at},size={},file.driver=file,file.filename={}",
        u64::from(SYSTEM_SECTORS) * SECTOR,
        image.display()
    );
    run(Command::new("qemu-img")
        .args(["convert", "-n", "-f", "qcow2", "--target-image-opts"])
        .arg(&system)
        .arg(target));
    fill_loader(dir, &image, &system, at);
    Some(image)
}

/// The first sector: syslinux's code, and a table of the two partitions (an MBR, offsets 446 and 510).
fn boot_record() -> Vec<u8> {
    let mut record = fs::read(MBR).unwrap();
    record.resize(446, 0);
    for (active, kind, first, sectors) in
        [(0x80u8, 0x0cu8, LOADER, SYSTEM - LOADER), (0, 0x83, SYSTEM, SYSTEM_SECTORS)]
    {
        record.extend([active, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff]);
        record.extend(first.to_le_bytes());
        record.extend(sectors.to_le_bytes());
    }
    record.resize(510, 0);
    record.extend([0x55, 0xaa]);
    record
}

/// Makes the partition with the loader: FAT32, kernel, initrd, and what the two kinds of firmware read.
fn fill_loader(dir: &Path, image: &Path, system: &Path, at: u64) {
    let kernel = dir.join("vmlinuz");
    let manifest = fs::read(system.with_file_name("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let release = manifest["kernel_release"].as_str().unwrap();
    // The cache has the kernel as QEMU starts it, which no loader does.
    let dump = format!("dump /boot/vmlinuz-{release} {}", kernel.display());
    run(Command::new("/usr/sbin/debugfs")
        .args(["-R", &dump])
        .arg(format!("{}?offset={at}", image.display())));
    let put = |name: &str, content: String| {
        let path = dir.join(name);
        File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
        path
    };
    let bios = format!("DEFAULT x\nLABEL x\n KERNEL vmlinuz\n INITRD initrd.img\n APPEND {COMMAND_LINE}\n");
    let uefi = format!("vmlinuz {COMMAND_LINE} initrd=\\initrd.img\r\n");
    let partition = format!("{}@@{}", image.display(), u64::from(LOADER) * SECTOR);
    let sectors = (SYSTEM - LOADER).to_string();
    run(Command::new("mformat").args(["-F", "-h", "255", "-s", "63", "-T", &sectors, "-H"]).args([
        &LOADER.to_string(),
        "-i",
        &partition,
        "::",
    ]));
    let files =
        [kernel, system.with_file_name("initrd.img"), put("syslinux.cfg", bios), put("startup.nsh", uefi)];
    run(Command::new("mcopy").args(["-i", &partition]).args(files).arg("::/"));
    let offset = (u64::from(LOADER) * SECTOR).to_string();
    run(Command::new("syslinux").args(["--install", "--offset", &offset]).arg(image));
}

fn run(command: &mut Command) {
    let done = output(command);
    assert!(done.status.success(), "{command:?}: {}", text(&done.stderr));
}
