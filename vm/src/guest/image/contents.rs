//! What goes into the built-in guest: the two trees, put together from the sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::elf::{self, Closure};
use super::error::ImageError;
use super::foreign;
use super::modules::{Module, Modules};
use super::own_kernel::OwnKernel;
use super::sources::{KernelSource, Program, Sources};
use super::store::FORMAT;
use super::tree::Tree;

/// Without these drivers there is no guest.
const NEEDED: [&str; 3] = ["virtio_pci", "virtio_console", "virtio_net"];
/// These are taken along when the kernel has them.
const USEFUL: [&str; 8] =
    ["e1000", "pvpanic-mmio", "pvpanic-pci", "virtio_blk", "virtio_scsi", "sd_mod", "nvme", "erofs"];
/// Large and only of use with a disk: on the tools disk, but for ext4 where that disk needs it itself.
const ON_TOOLS_DISK: [&str; 4] = ["ext4", "xfs", "nft_chain_nat", "nft_masq"];

/// Programs of the initramfs, with the packages that hold them on Debian.
const PROGRAMS: [(&str, &[&str]); 4] = [
    ("netperf", &["netperf"]),
    ("netserver", &["netperf"]),
    ("iozone", &["iozone3", "iozone"]),
    ("ethtool", &["ethtool"]),
];

/// Programs of the tools disk, each with its packages on Debian. A workload whose tool is missing says so.
const TOOLS: [(&str, &[&str]); 5] = [
    ("fio", &["fio"]),
    ("mke2fs", &["e2fsprogs"]),
    ("iperf3", &["iperf3"]),
    ("nft", &["nftables"]),
    ("sockperf", &["sockperf"]),
];

macro_rules! guest_file {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/guest/", $name))
    };
}

/// Our own files: path, mode, text.
const OWN_FILES: [(&str, u16, &str); 15] = [
    ("init", 0o755, guest_file!("init")),
    ("sbin/perfvt-agent", 0o755, guest_file!("agent")),
    ("sbin/perfvt-brought", 0o755, guest_file!("brought")),
    ("sbin/perfvt-disk", 0o755, guest_file!("disk")),
    ("sbin/perfvt-exec", 0o755, guest_file!("exec")),
    ("sbin/perfvt-load", 0o755, guest_file!("load")),
    ("sbin/perfvt-offline", 0o755, guest_file!("offline")),
    ("sbin/perfvt-tools", 0o755, guest_file!("tools")),
    ("sbin/perfvt-job", 0o755, guest_file!("job")),
    ("etc/protocols", 0o644, guest_file!("etc/protocols")),
    ("etc/services", 0o644, guest_file!("etc/services")),
    ("etc/hosts", 0o644, guest_file!("etc/hosts")),
    ("etc/nsswitch.conf", 0o644, guest_file!("etc/nsswitch.conf")),
    ("etc/passwd", 0o644, guest_file!("etc/passwd")),
    ("etc/group", 0o644, guest_file!("etc/group")),
];

/// The tools disk, and the file systems that it is written in.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) tree: Tree,
    /// Whether the built-in guest can mount EROFS, which perfvt writes itself; ext4 is the other way.
    pub(super) erofs: bool,
    /// What makes an ext4, which every Linux can mount: for guests of the user's.
    pub(super) mke2fs: Option<PathBuf>,
}

/// Everything that an image is made of, still unpacked.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) kernel: KernelSource,
    pub(super) initramfs: Tree,
    /// `None` when the kernel cannot mount it.
    pub(super) tools: Option<Tools>,
    /// Version by tool.
    pub(super) packages: BTreeMap<String, String>,
}

impl Contents {
    /// Finds and reads all parts.
    ///
    /// # Errors
    /// The first part that is missing or unreadable.
    pub(super) fn gather(sources: &Sources, own: Option<&OwnKernel>) -> Result<Self, ImageError> {
        let kernel = match own {
            Some(own) => own.source(sources, sources.host())?,
            None => sources.kernel()?,
        };
        let mut packages = BTreeMap::from([("kernel".to_owned(), kernel.version.clone())]);
        let mut initramfs = skeleton();

        let busybox = busybox(sources)?;
        initramfs.file("bin/busybox", 0o755, busybox.content);
        initramfs.link("bin/sh", "busybox");
        packages.insert("busybox".to_owned(), busybox.version);

        let mut programs = Vec::new();
        for (name, package_names) in PROGRAMS {
            let program = needed_program(sources, name, package_names)?;
            initramfs.file(&format!("usr/bin/{name}"), 0o755, program.content.clone());
            packages.insert(name.to_owned(), program.version);
            programs.push((program.path, program.content));
        }
        let libraries = elf::closure(&programs, sources)?;
        add_libraries(&mut initramfs, &libraries, sources);

        let modules = Modules::list(&kernel.modules, sources)?;
        let found = add_modules(&mut initramfs, &modules, &kernel.release, sources)?;
        let tools = match found {
            Some(erofs) => {
                let mut tree =
                    tools(sources, &modules, &kernel.release, &libraries, &mut initramfs, &mut packages)?;
                foreign::add(&mut tree, &initramfs, &programs, &libraries);
                Some(Tools { tree, erofs, mke2fs: mke2fs(sources)? })
            }
            None => None,
        };
        Ok(Self { kernel, initramfs, tools, packages })
    }

    /// A hash of everything that a guest could see, in hexadecimal.
    pub(super) fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        // The same contents packed in another way are another image.
        hasher.update(&FORMAT.to_le_bytes());
        hasher.update(&(self.kernel.content.len() as u64).to_le_bytes());
        hasher.update(&self.kernel.content);
        self.initramfs.hash_into(&mut hasher);
        if let Some(Tools { tree, .. }) = &self.tools {
            tree.hash_into(&mut hasher);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// A shell that says READY on the console, and nothing else.
///
/// # Errors
/// There is no static busybox.
pub(super) fn bare(sources: &Sources) -> Result<Tree, ImageError> {
    let mut tree = Tree::default();
    tree.dir("dev");
    tree.file("bin/busybox", 0o755, busybox(sources)?.content);
    tree.link("bin/sh", "busybox");
    tree.file("init", 0o755, guest_file!("bare-init"));
    Ok(tree)
}

fn skeleton() -> Tree {
    let mut tree = Tree::default();
    for folder in ["bin", "dev", "etc", "mnt", "proc", "root", "run", "sys", "tmp", "tools", "var"] {
        tree.dir(folder);
    }
    tree.link("var/run", "/run");
    tree.link("var/tmp", "/tmp");
    tree.link("etc/mtab", "/proc/mounts");
    for (path, mode, text) in OWN_FILES {
        tree.file(path, mode, text);
    }
    tree
}

/// Process 1 needs a shell before any library is there: only a static busybox will do.
fn busybox(sources: &Sources) -> Result<Program, ImageError> {
    let is_static = |content: &[u8]| elf::needs(content).is_some_and(|needs| needs.interpreter.is_none());
    sources.program("busybox", &["busybox-static", "busybox"], is_static)?.ok_or_else(|| {
        ImageError::Missing {
            what: "a statically linked busybox (package busybox-static)".to_owned(),
            looked: sources.places(),
        }
    })
}

fn is_program(content: &[u8]) -> bool {
    elf::needs(content).is_some()
}

fn needed_program(sources: &Sources, name: &str, package_names: &[&str]) -> Result<Program, ImageError> {
    sources.program(name, package_names, is_program)?.ok_or_else(|| ImageError::Missing {
        what: format!("the program {name} (package {})", package_names.first().unwrap_or(&name)),
        looked: sources.places(),
    })
}

/// All libraries go into the folder of the C library, which every loader searches without being told.
fn add_libraries(tree: &mut Tree, closure: &Closure, sources: &Sources) {
    for (path, loader) in &closure.loaders {
        tree.file(path, 0o755, loader.content.clone());
    }
    let libc =
        closure.libraries.get("libc.so.6").and_then(|libc| sources.path_in_system(&libc.path).parent());
    let folder = libc.unwrap_or(Path::new("lib")).to_string_lossy().into_owned();
    for (name, library) in &closure.libraries {
        tree.file(&format!("{folder}/{name}"), 0o755, library.content.clone());
    }
}

/// The drivers that the initramfs holds. Whether the tools disk can be EROFS for them, or else ext4; `None` when it can be neither.
fn add_modules(
    tree: &mut Tree,
    modules: &Modules,
    release: &str,
    sources: &Sources,
) -> Result<Option<bool>, ImageError> {
    for name in NEEDED {
        add_module(tree, name, &modules.in_order(name, release, sources)?);
    }
    for name in USEFUL.into_iter().filter(|name| modules.has(name)) {
        add_module(tree, name, &modules.in_order(name, release, sources)?);
    }
    if !modules.has("virtio_blk") {
        return Ok(None);
    }
    if modules.has("erofs") {
        return Ok(Some(true));
    }
    if !modules.has("ext4") {
        return Ok(None);
    }
    add_module(tree, "ext4", &modules.in_order("ext4", release, sources)?);
    if mke2fs(sources)?.is_none() {
        return Err(ImageError::Host {
            what: format!(
                "kernel {release} has no EROFS, and no folder of this host has mke2fs to make an ext4 disk"
            ),
            remedy: "install the package e2fsprogs",
        });
    }
    Ok(Some(false))
}

/// The program that makes an ext4.
fn mke2fs(sources: &Sources) -> Result<Option<PathBuf>, ImageError> {
    Ok(sources.program("mke2fs", &["e2fsprogs"], is_program)?.map(|program| program.path))
}

fn add_module(tree: &mut Tree, name: &str, ordered: &[Module]) {
    let mut list = String::new();
    for module in ordered {
        let path = format!("lib/modules/{}.ko", module.name);
        list.push_str(&format!("{} /{path}\n", module.name));
        if !tree.contains(&path) {
            tree.file(&path, 0o644, module.content.clone());
        }
    }
    tree.file(&format!("etc/perfvt/modules/{name}"), 0o644, list);
}

/// Whether a driver can be loaded before there is a tools disk.
fn initramfs_lists(initramfs: &Tree, name: &str) -> bool {
    initramfs.contains(&format!("etc/perfvt/modules/{name}"))
}

/// The tools disk: larger programs with the libraries that the initramfs has not, and large modules.
fn tools(
    sources: &Sources,
    modules: &Modules,
    release: &str,
    present: &Closure,
    initramfs: &mut Tree,
    packages: &mut BTreeMap<String, String>,
) -> Result<Tree, ImageError> {
    let mut tree = Tree::default();
    tree.dir("bin");
    let mut programs: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for (name, package_names) in TOOLS {
        let Some(tool) = sources.program(name, package_names, is_program)? else { continue };
        tree.file(&format!("bin/{name}"), 0o755, tool.content.clone());
        initramfs.file(&format!("usr/bin/{name}"), 0o755, guest_file!("tool"));
        packages.insert(name.to_owned(), tool.version);
        programs.push((tool.path, tool.content));
    }
    let libraries = elf::closure(&programs, sources)?;
    let further = libraries.libraries.into_iter().filter(|(name, _)| !present.libraries.contains_key(name));
    for (name, library) in further {
        tree.file(&format!("lib/{name}"), 0o755, library.content);
    }
    let elsewhere = |name: &&str| !initramfs_lists(initramfs, name) && modules.has(name);
    for name in ON_TOOLS_DISK.into_iter().filter(elsewhere).collect::<Vec<_>>() {
        let mut list = String::new();
        for module in modules.in_order(name, release, sources)? {
            let in_initramfs = format!("lib/modules/{}.ko", module.name);
            if initramfs.contains(&in_initramfs) {
                list.push_str(&format!("{} /{in_initramfs}\n", module.name));
            } else {
                list.push_str(&format!("{0} /tools/modules/{0}.ko\n", module.name));
                tree.file(&format!("modules/{}.ko", module.name), 0o644, module.content);
            }
        }
        initramfs.file(&format!("etc/perfvt/modules/{name}"), 0o644, list);
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_of_drives_names_the_programs_of_the_image_and_no_other() {
        let document = include_str!("../../../../docs/drive.md");
        let (_, rest) = document.split_once("Programs of the built-in guest: ").unwrap();
        let (list, _) = rest.split_once(", and what busybox has").unwrap();
        let told: Vec<&str> = list.split(", ").map(|word| word.trim_matches('`')).collect();
        let mut there: Vec<&str> = PROGRAMS.iter().chain(&TOOLS).map(|(name, _)| *name).collect();
        there.sort_unstable();
        assert_eq!(told, there);
    }
}
