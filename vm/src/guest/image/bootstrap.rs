//! A whole Debian or Ubuntu as a guest: systemd, the guest agent, an ssh server, and the tools that it has, made by mmdebstrap
//! without root.
//!
//! ```text
//!   apt's sources of the release ──> mmdebstrap ──> root file system ──> hook: settings, ext4 disk
//!                                                                 └─> vmlinuz, initrd.img ──> store
//! ```
//!
//! perfvt's own tools (netperf, iozone and so on) are not in it: every guest gets them with the tools disk.

use super::build::{lock, set_readable};
use super::error::ImageError;
use super::flavour::{Flavour, Sources};
use super::store::{Cache, Image, Manifest, load, settle};
use super::{catalogue, kernel, live, prerequisites};
use crate::guest::network::SSH_MAC;
use edge::{Scratch, owned};
use process::deadlines::BUILD;
use process::{Sink, Spec};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const HOOK: &str = include_str!("../../../guest/debian-hook");
/// What is installed beside the essential packages and a kernel.
const PACKAGES: [&str; 18] = [
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
/// Bytes at the end of a log that an error shows.
const LAST: u64 = 1500;
/// The disk's size; what is not used of it takes no room.
const DISK: u64 = 4 << 30;

/// What an image's folder calls the log of its build.
const LOG: &str = "build.log";

/// The log of a build that goes on, or did not come to an image.
pub fn build_log(cache: &Cache, flavour: &Flavour) -> PathBuf {
    cache.root().join(format!("{}-{LOG}", flavour.name))
}

/// Builds the image anew, and gives it when it is in the cache. What the builder says is handed to `say` as it says it, and
/// is kept in the image's folder. `mirror` is where packages come from instead.
///
/// # Errors
/// mmdebstrap or the package sources are not there or do not work; a file cannot be written.
pub fn build(
    cache: &Cache,
    flavour: &Flavour,
    mirror: Option<&str>,
    say: &mut dyn FnMut(&str),
) -> Result<Image, ImageError> {
    prerequisites::check(cache.host())?;
    let sources = flavour.sources(cache.host(), mirror)?;
    let images = cache.images_dir();
    edge::write::create_directory(&images)
        .map_err(|error| ImageError::io("creating folder", &images, error))?;
    let _lock = lock(&images.join(".lock"))?;
    owned::remove_dead(&images);
    let creating = |error| ImageError::io("creating folder in", &images, error);
    let scratch = Scratch::create(&images, "").map_err(creating)?;
    // Without root mmdebstrap is another user on this host, who must reach the files that it writes.
    edge::write::set_mode(scratch.path(), 0o711).map_err(creating)?;
    let dir = &scratch.path().join("image");
    edge::write::make_directory(dir).map_err(creating)?;
    let log = build_log(cache, flavour);
    bootstrap(flavour, &sources, dir, &log, say)?;
    let manifest = finish(dir)?;
    edge::write::copy(&log, dir.join(LOG)).map_err(|error| ImageError::io("keeping", &log, error))?;
    let name = format!("{}-{}", flavour.name, manifest.hash.get(..16).unwrap_or(&manifest.hash));
    let published = images.join(&name);
    manifest.write(dir)?;
    set_readable(dir)?;
    edge::write::rename(dir, &published)
        .map_err(|error| ImageError::io("publishing image", &published, error))?;
    cache.enforce_bound(&name)?;
    catalogue::renew(cache, &[])?;
    let whole = load(&published).map(|stored| stored.image);
    whole.ok_or_else(|| {
        ImageError::format(&published, "an image", "it is not complete although it was just written")
    })
}

/// Lets mmdebstrap make the file system, and its hook the files.
fn bootstrap(
    flavour: &Flavour,
    sources: &Sources,
    dir: &Path,
    log: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<(), ImageError> {
    let hook = dir.join("hook");
    let written = |path: &Path, error| ImageError::io("writing", path, error);
    edge::write::write(&hook, HOOK).map_err(|error| written(&hook, error))?;
    let disk = dir.join("disk.raw");
    edge::write::create(&disk).and_then(|file| file.set_len(DISK)).map_err(|error| written(&disk, error))?;
    let key = dir.join("key");
    crate::ssh::keygen(&key).map_err(ImageError::Process)?;
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
        .arg(format!("PERFVT_NAME={}", host_name(flavour.name)))
        .args(["mmdebstrap", "--mode=auto", "--variant=minbase", "--format=null"])
        .arg(format!("--include={},{}", PACKAGES.join(","), flavour.kernel()))
        .arg(format!("--customize-hook={}", hook.display()))
        .args([sources.suite.as_str(), "/dev/null"])
        .args(&sources.lines);
    // It takes minutes: what it does goes to the log as it does it, and whoever waits may look.
    let status = live::run(spec.stdout(Sink::Null), log, BUILD, say)?;
    match status {
        Some(status) if status.success() => Ok(()),
        status => Err(ImageError::Build {
            what: flavour.name,
            ended: status.map_or_else(
                || "took too long and was ended".to_owned(),
                |status| format!("ended with {status}"),
            ),
            last: edge::text::text_of(edge::read::tail(log, LAST).unwrap_or_default()),
            log: log.to_owned(),
        }),
    }
}

/// A name for a host has no dots, which begin that of a domain.
fn host_name(flavour: &str) -> String {
    flavour.replace('.', "-")
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
    fn versions_are_told_of_the_tools() {
        let listed = "adduser\t3.134\nfio\t3.33-3\nqemu-guest-agent:amd64\t1:7.2\n";
        let found: Vec<_> = versions(listed).into_iter().collect();
        assert_eq!(found, [("fio".into(), "3.33-3".into()), ("qemu-guest-agent".into(), "1:7.2".into())]);
    }
}
