//! What the tools disk holds for guests of the user's: the programs of the built-in guest, with libraries and loader of their
//! own, because those of the guest may be of another age.
//!
//! ```text
//!   guest/NAME     what is called: `perfvt-job` and its like, and a stand-in for each program
//!   bin/, lib/     programs and their libraries      base/   loader and libraries of the initramfs
//! ```

use super::elf::Closure;
use super::tree::Tree;
use std::path::PathBuf;

macro_rules! foreign_file {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/guest/", $name))
    };
}

/// Programs of perfvt's own: those that are the same in every guest, and those that stand in for the initramfs's.
const OWN: [(&str, &str); 6] = [
    ("perfvt-brought", foreign_file!("brought")),
    ("perfvt-job", foreign_file!("job")),
    ("perfvt-disk", foreign_file!("disk")),
    ("perfvt-load", foreign_file!("foreign/load")),
    ("perfvt-tools", foreign_file!("foreign/tools")),
    ("usleep", foreign_file!("foreign/usleep")),
];
const STAND_IN: &str = foreign_file!("foreign/tool");

/// Adds it to the tree of the tools disk.
pub(super) fn add(tree: &mut Tree, initramfs: &Tree, programs: &[(PathBuf, Vec<u8>)], libraries: &Closure) {
    for (name, text) in OWN {
        tree.file(&format!("guest/{name}"), 0o755, text);
    }
    for (path, content) in programs {
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            tree.file(&format!("bin/{name}"), 0o755, content.clone());
        }
    }
    let names: Vec<String> =
        tree.iter().filter_map(|(path, _)| Some(path.strip_prefix("bin/")?.to_owned())).collect();
    for name in names {
        tree.file(&format!("guest/{name}"), 0o755, STAND_IN);
    }
    if let Some(busybox) = initramfs.content("bin/busybox") {
        tree.file("base/busybox", 0o755, busybox);
    }
    for (path, loader) in &libraries.loaders {
        let name = path.rsplit('/').next().unwrap_or(path);
        tree.file(&format!("base/{name}"), 0o755, loader.content.clone());
        tree.link("base/loader", name);
    }
    for (name, library) in &libraries.libraries {
        tree.file(&format!("base/{name}"), 0o755, library.content.clone());
    }
}
