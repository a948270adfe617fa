//! A whole Debian as a guest: systemd, the guest agent, an ssh server, and the tools that Debian has, made by mmdebstrap
//! without root from the package sources that this host uses.
//!
//! ```text
//!   apt's sources of this host's release ──> mmdebstrap ──> root file system ──> hook: settings, ext4 disk
//!                                                                 └─> vmlinuz, initrd.img ──> store
//! ```
//!
//! perfvt's own tools (netperf, iozone and so on) are not in it: every guest gets them with the tools disk.

use super::build::{lock, set_readable};
use super::error::ImageError;
use super::kernel;
use super::prerequisites;
use super::store::{Cache, Image, Manifest, load};
use crate::guest::network::SSH_MAC;
use edge::{Scratch, owned};
use process::deadlines::{BUILD, HOST_WORK};
use process::{Sink, Spec};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The flavour's name.
pub const DEBIAN: &str = "debian";
const HOOK: &str = include_str!("../../../guest/debian-hook");
/// What is installed beside Debian's essential packages.
const PACKAGES: [&str; 19] = [
    "dbus",
    "ethtool",
    "fio",
    "gcc",
    "initramfs-tools",
    "iperf3",
    "iproute2",
    "iputils-ping",
    "kmod",
    "libc6-dev",
    "linux-image-amd64",
    "make",
    "openssh-server",
    "procps",
    "qemu-guest-agent",
    "systemd",
    "systemd-sysv",
    "udev",
    "zstd",
];
/// Packages whose versions are told with the image.
const TOLD: [&str; 7] = ["ethtool", "fio", "gcc", "iperf3", "openssh-server", "qemu-guest-agent", "systemd"];
/// The disk's size; what is not used of it takes no room.
const DISK: u64 = 4 << 30;

/// The log of the last build of the Debian image.
pub fn debian_log(cache: &Cache) -> PathBuf {
    cache.root().join("debian-build.log")
}

/// Builds the image anew, and gives it when it is in the cache.
///
/// # Errors
/// mmdebstrap or the host's package sources are not there or do not work; a file cannot be written.
pub fn debian(cache: &Cache) -> Result<Image, ImageError> {
    prerequisites::check(cache.host())?;
    let images = cache.images_dir();
    edge::write::create_directory(&images)
        .map_err(|error| ImageError::io("creating folder", &images, error))?;
    let release = Release::of_host(cache.host())?;
    let _lock = lock(&images.join(".lock"))?;
    owned::remove_dead(&images);
    let creating = |error| ImageError::io("creating folder in", &images, error);
    let scratch = Scratch::create(&images, "").map_err(creating)?;
    // Without root mmdebstrap is another user on this host, who must reach the files that it writes.
    edge::write::set_mode(scratch.path(), 0o711).map_err(creating)?;
    let dir = &scratch.path().join("image");
    edge::write::make_directory(dir).map_err(creating)?;
    bootstrap(&release, dir, &debian_log(cache))?;
    let manifest = finish(dir)?;
    let name = format!("{DEBIAN}-{}", manifest.hash.get(..16).unwrap_or(&manifest.hash));
    let published = images.join(&name);
    let path = dir.join(Manifest::FILE);
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| ImageError::io("writing", &path, error.into()))?;
    edge::write_atomically(&path, &text).map_err(|error| ImageError::io("writing", &path, error))?;
    set_readable(dir)?;
    edge::write::rename(dir, &published)
        .map_err(|error| ImageError::io("publishing image", &published, error))?;
    cache.enforce_bound(&name)?;
    let whole = load(&published).map(|stored| stored.image);
    whole.ok_or_else(|| {
        ImageError::format(&published, "an image", "it is not complete although it was just written")
    })
}

/// The host's release, and the files that say where apt finds its packages.
#[derive(Debug, PartialEq, Eq)]
struct Release {
    codename: String,
    sources: Vec<PathBuf>,
}

impl Release {
    fn of_host(host: &Path) -> Result<Release, ImageError> {
        let text = edge::read::kernel(host.join("etc/os-release")).unwrap_or_default();
        let value = |key: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            value.map(|value| value.trim_matches('"').to_owned())
        };
        let codename = value("VERSION_CODENAME").filter(|_| value("ID").as_deref() == Some("debian"));
        let apt = host.join("etc/apt");
        let mut sources = vec![apt.join("sources.list")];
        let folder = fs::read_dir(apt.join("sources.list.d"));
        sources.extend(folder.into_iter().flatten().flatten().map(|entry| entry.path()));
        sources.sort();
        let Some(codename) = codename else {
            return Err(ImageError::Host {
                what: format!("{} is that of no Debian", host.join("etc/os-release").display()),
                remedy: "it is made from the host's own package sources: build it on a Debian, or use an image of your own \
                         (`perfvt help guests`)",
            });
        };
        let looked = apt.display().to_string();
        sources.retain(|path| {
            edge::read_text(path, edge::read::CONFIG).is_ok_and(|text| serves(&text, &codename))
        });
        if sources.is_empty() {
            return Err(ImageError::Host {
                what: format!("no file in {looked} has package sources of Debian {codename}"),
                remedy: "add them (sources.list(5))",
            });
        }
        Ok(Release { codename, sources })
    }
}

/// Whether a file of apt's sources, in either of its forms, is of a release, and not of somebody else's packages for it.
fn serves(text: &str, codename: &str) -> bool {
    let is_suite = |word: &str| {
        let rest = word.strip_prefix(codename);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || rest.starts_with('/'))
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.into_iter().any(|line| match line.split_once(':') {
        Some(("Suites", suites)) => suites.split_whitespace().any(is_suite),
        _ => line.starts_with("deb ") && line.split_whitespace().any(is_suite),
    })
}

/// Lets mmdebstrap make the file system, and its hook the files.
fn bootstrap(release: &Release, dir: &Path, log: &Path) -> Result<(), ImageError> {
    let hook = dir.join("hook");
    let written = |path: &Path, error| ImageError::io("writing", path, error);
    edge::write::write(&hook, HOOK).map_err(|error| written(&hook, error))?;
    let disk = dir.join("disk.raw");
    edge::write::create(&disk).and_then(|file| file.set_len(DISK)).map_err(|error| written(&disk, error))?;
    let key = dir.join("key");
    let keygen = Spec::new("ssh-keygen").args(["-q", "-t", "ed25519", "-C", "perfvt", "-N", "", "-f"]);
    run(keygen.arg(&key), HOST_WORK)?;
    for file in ["vmlinuz", "initrd.img", "packages"] {
        let path = dir.join(file);
        edge::write::create(&path).map_err(|error| written(&path, error))?;
    }
    // Without root, root in the file system is another user on this host, who writes these and nothing else here.
    let modes = [
        ("hook", 0o755),
        ("disk.raw", 0o666),
        ("vmlinuz", 0o666),
        ("initrd.img", 0o666),
        ("packages", 0o666),
        (".", 0o711),
    ];
    for (name, mode) in modes {
        let path = dir.join(name);
        edge::write::set_mode(&path, mode)
            .map_err(|error| ImageError::io("setting the mode of", &path, error))?;
    }
    let spec = Spec::new("env")
        .arg(format!("PERFVT_OUT={}", dir.display()))
        .arg(format!("PERFVT_SSH_MAC={SSH_MAC}"))
        .args(["mmdebstrap", "--mode=auto", "--variant=minbase", "--format=null"])
        .arg(format!("--include={}", PACKAGES.join(",")))
        .arg(format!("--customize-hook={}", hook.display()))
        .args([release.codename.as_str(), "/dev/null"])
        .args(&release.sources);
    // What it does goes to the log as it does it: it takes minutes, and whoever waits may look.
    let spec = spec.stdout(Sink::Capture).stderr(Sink::File(log.to_owned()));
    let ended = spec.start().map_err(ImageError::Process)?.finish(BUILD);
    ended.into_output(BUILD).map(drop).map_err(ImageError::Process)
}

fn run(spec: Spec, deadline: Duration) -> Result<(), ImageError> {
    process::run(spec, deadline).map(drop).map_err(ImageError::Process)
}

/// Turns what the hook has left into an image's files.
fn finish(dir: &Path) -> Result<Manifest, ImageError> {
    let raw = dir.join("disk.raw");
    let disk = dir.join("disk.qcow2");
    let convert = Spec::new("qemu-img").args(["convert", "-q", "-f", "raw", "-O", "qcow2"]);
    run(convert.arg(&raw).arg(&disk), BUILD)?;
    let packages = versions(&read_text(&dir.join("packages"))?);
    let compressed = dir.join("vmlinuz");
    let content = edge::read(&compressed, edge::read::PROGRAM)
        .map_err(|error| ImageError::io("reading", &compressed, error))?;
    let (form, bootable) =
        kernel::bootable(&content).map_err(|reason| ImageError::format(&compressed, "a kernel", reason))?;
    let release = kernel::release(&content).unwrap_or_default();
    let path = dir.join(form.file_name());
    edge::write::write(&path, bootable).map_err(|error| ImageError::io("writing", &path, error))?;
    // What is not moved goes with the scratch directory.
    let done = dir.with_file_name("done");
    edge::write::make_directory(&done).map_err(|error| ImageError::io("creating", &done, error))?;
    for name in ["disk.raw", "vmlinuz", "packages", "hook", "key.pub"] {
        let path = dir.join(name);
        edge::write::rename(&path, done.join(name))
            .map_err(|error| ImageError::io("moving away", &path, error))?;
    }
    let names = [form.file_name(), "initrd.img", "disk.qcow2", "key"];
    let mut manifest = Manifest::new(form.file_name(), release, String::new(), packages);
    manifest.initramfs = "initrd.img".to_owned();
    manifest.disk = Some("disk.qcow2".to_owned());
    manifest.key = Some("key".to_owned());
    let mut hasher = blake3::Hasher::new();
    for name in names {
        let path = dir.join(name);
        let size = settle(&path, &mut hasher).map_err(|error| ImageError::io("reading", &path, error))?;
        manifest.files.insert(name.to_owned(), size);
    }
    manifest.hash = hasher.finalize().to_hex().to_string();
    Ok(manifest)
}

/// Puts a finished file to the disk and its content into the image's hash, and gives its size.
fn settle(path: &Path, hasher: &mut blake3::Hasher) -> std::io::Result<u64> {
    let secret = path.file_name().is_some_and(|name| name == "key");
    edge::write::set_mode(path, if secret { 0o600 } else { 0o444 })?;
    let file = edge::read::open(path)?;
    file.sync_all()?;
    let size = file.metadata()?.len();
    hasher.update(&size.to_le_bytes());
    hasher.update_reader(file)?;
    Ok(size)
}

fn read_text(path: &Path) -> Result<String, ImageError> {
    edge::read_text(path, edge::read::RECORD).map_err(|error| ImageError::io("reading", path, error))
}

/// Versions by package, of those that are told, in what `dpkg-query -W` prints.
fn versions(listed: &str) -> BTreeMap<String, String> {
    let pairs = listed.lines().filter_map(|line| line.split_once('\t'));
    let named = pairs.map(|(name, version)| (name.split(':').next().unwrap_or(name), version));
    let told = named.filter(|(name, _)| TOLD.contains(name));
    told.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_of_the_release_are_taken_and_those_of_others_are_not() {
        let table = [
            (
                "Types: deb\nURIs: http://x/debian\nSuites: bookworm bookworm-updates\nComponents: main\n",
                true,
            ),
            ("Types: deb\nSuites: bookworm-security\n", true),
            ("deb http://x/debian bookworm main\n", true),
            ("deb [signed-by=/k] http://x/debian-security bookworm/updates main\n", true),
            ("# deb http://x/debian bookworm main\n", false),
            ("Types: deb\nSuites: nodistro\n", false),
            ("deb http://x/apt cloud-sdk-bookworm main\n", false),
            ("deb http://x/debian trixie main\n", false),
            ("deb-src http://x/debian bookworm main\n", false),
        ];
        for (text, wanted) in table {
            assert_eq!(serves(text, "bookworm"), wanted, "{text}");
        }
    }

    #[test]
    fn a_host_that_is_no_debian_is_told_so() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir_all(host.path().join("etc/apt/sources.list.d")).unwrap();
        let release = |text: &str| {
            fs::write(host.path().join("etc/os-release"), text).unwrap();
            Release::of_host(host.path())
        };
        let error = release("ID=fedora\nVERSION_CODENAME=x\n").unwrap_err().to_string();
        assert!(error.contains("etc/os-release is that of no Debian"), "{error}");
        let error = release("ID=debian\nVERSION_CODENAME=bookworm\n").unwrap_err().to_string();
        assert!(error.contains("package sources of Debian bookworm"), "{error}");
        let list = host.path().join("etc/apt/sources.list");
        fs::write(&list, "deb http://x/debian bookworm main\n").unwrap();
        let found = release("ID=debian\nVERSION_CODENAME=\"bookworm\"\n").unwrap();
        assert_eq!(found, Release { codename: "bookworm".into(), sources: vec![list] });
    }

    #[test]
    fn versions_are_told_of_the_tools() {
        let listed = "adduser\t3.134\nfio\t3.33-3\nqemu-guest-agent:amd64\t1:7.2\n";
        let found: Vec<_> = versions(listed).into_iter().collect();
        assert_eq!(found, [("fio".into(), "3.33-3".into()), ("qemu-guest-agent".into(), "1:7.2".into())]);
    }
}
