//! Kernel modules: where they are and in which order they have to be loaded.
//!
//! Distributions' packages do not hold `modules.dep` (depmod makes it when a kernel is installed), but every
//! module names what it needs in its own `.modinfo` section (`depends=`, `softdep=pre:`), as modinfo(8) prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::codec;
use super::elf;
use super::error::ImageError;
use super::sources::Sources;

/// Soft dependencies name what a module provides, not the module: the ones that occur here.
const PROVIDERS: [(&str, &str); 2] = [("crypto_crc32c", "crc32c_generic"), ("crc32c", "crc32c_generic")];

/// The modules of one kernel release.
#[derive(Debug, Default)]
pub(super) struct Modules {
    files: BTreeMap<String, PathBuf>,
    builtin: BTreeSet<String>,
    /// There are none at all: every driver is taken to be built in.
    monolithic: bool,
}

/// A module ready to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    /// Its name under `/sys/module`.
    pub(super) name: String,
    /// The uncompressed object.
    pub(super) content: Vec<u8>,
    needs: Vec<String>,
    /// Loaded before when they are there.
    softly: Vec<String>,
}

impl Modules {
    /// Lists the modules under the given folders (`lib/modules/<release>` of one package each).
    ///
    /// # Errors
    /// A folder or `modules.builtin` that cannot be read.
    pub(super) fn list(folders: &[PathBuf], sources: &Sources) -> Result<Self, ImageError> {
        let mut modules = Self { monolithic: folders.is_empty(), ..Self::default() };
        for folder in folders {
            for entry in walkdir::WalkDir::new(folder.join("kernel")).sort_by_file_name() {
                let entry = match entry {
                    Ok(entry) => entry,
                    Err(error)
                        if error.io_error().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) =>
                    {
                        continue;
                    }
                    Err(error) => return Err(ImageError::io("reading folder", folder, error.into())),
                };
                if let Some(name) = entry.file_name().to_str().and_then(module_name) {
                    modules.files.entry(name).or_insert_with(|| entry.into_path());
                }
            }
            let builtin = folder.join("modules.builtin");
            if builtin.is_file() {
                let text = sources.read(&builtin)?;
                modules.builtin.extend(builtin_names(&String::from_utf8_lossy(&text)));
            }
        }
        Ok(modules)
    }

    /// Whether the kernel has this driver in any form.
    pub(super) fn has(&self, name: &str) -> bool {
        let name = normal(name);
        self.monolithic || self.builtin.contains(&name) || self.files.contains_key(&name)
    }

    /// The module with everything that it needs before it; nothing at all when the kernel has it built in.
    ///
    /// # Errors
    /// A module that is missing or unreadable.
    pub(super) fn in_order(
        &self,
        name: &str,
        release: &str,
        sources: &Sources,
    ) -> Result<Vec<Module>, ImageError> {
        if self.monolithic {
            return Ok(Vec::new());
        }
        let load = |name: &str| {
            let path = self.files.get(name).ok_or_else(|| ImageError::Missing {
                what: format!("the module {name} for kernel {release}"),
                looked: "the kernel's packages".to_owned(),
            })?;
            let content = codec::decompress(&sources.read(path)?)
                .map_err(|reason| ImageError::format(path, "a kernel module", reason))?;
            let (needs, softly) = requirements(elf::section(&content, ".modinfo").unwrap_or_default());
            Ok(Module { name: name.to_owned(), content, needs, softly })
        };
        order(&normal(name), &self.builtin, &|name| self.files.contains_key(name), &load)
    }
}

/// Depth-first, so that every module stands after the ones that it needs.
fn order(
    name: &str,
    builtin: &BTreeSet<String>,
    exists: &dyn Fn(&str) -> bool,
    load: &dyn Fn(&str) -> Result<Module, ImageError>,
) -> Result<Vec<Module>, ImageError> {
    enum Step {
        Visit(String),
        Emit(Module),
    }
    let mut seen = BTreeSet::new();
    let mut ordered = Vec::new();
    let mut steps = vec![Step::Visit(name.to_owned())];
    while let Some(step) = steps.pop() {
        match step {
            Step::Emit(module) => ordered.push(module),
            Step::Visit(name) => {
                if builtin.contains(&name) || !seen.insert(name.clone()) {
                    continue;
                }
                let module = load(&name)?;
                let before: Vec<String> = module.needs.clone();
                let softly = module.softly.iter().filter(|name| exists(name)).cloned();
                let visits: Vec<Step> = softly.chain(before).map(Step::Visit).collect();
                steps.push(Step::Emit(module));
                steps.extend(visits.into_iter().rev());
            }
        }
    }
    Ok(ordered)
}

/// `depends=` and `softdep=pre:` of a `.modinfo` section (NUL-separated `key=value`).
fn requirements(modinfo: &[u8]) -> (Vec<String>, Vec<String>) {
    let mut needs = Vec::new();
    let mut softly = Vec::new();
    for field in modinfo.split(|byte| *byte == 0) {
        let field = String::from_utf8_lossy(field);
        match field.split_once('=') {
            Some(("depends", list)) => {
                needs.extend(list.split(',').filter(|name| !name.is_empty()).map(normal));
            }
            Some(("softdep", list)) => {
                let before = list.split("post:").next().unwrap_or_default();
                let names = before.split_whitespace().filter(|word| !word.ends_with(':')).map(normal);
                softly.extend(names.map(|name| {
                    PROVIDERS
                        .iter()
                        .find(|(what, _)| *what == name)
                        .map_or(name, |(_, module)| (*module).to_owned())
                }));
            }
            _ => {}
        }
    }
    (needs, softly)
}

/// `kernel/drivers/misc/pvpanic/pvpanic-mmio.ko.xz` and the like: the name under `/sys/module`.
fn module_name(file: &str) -> Option<String> {
    let stem =
        ["", ".xz", ".zst", ".gz"].iter().find_map(|end| file.strip_suffix(end)?.strip_suffix(".ko"))?;
    Some(normal(stem))
}

fn normal(name: &str) -> String {
    name.replace('-', "_")
}

/// `modules.builtin`: one path per line.
fn builtin_names(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines().filter_map(|line| module_name(line.rsplit('/').next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(
        name: &str,
        builtin: &[&str],
        graph: &[(&str, &[&str], &[&str])],
    ) -> Result<Vec<String>, ImageError> {
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let load = |name: &str| {
            graph
                .iter()
                .find(|(module, _, _)| *module == name)
                .map(|(_, needs, softly)| Module {
                    name: name.to_owned(),
                    content: Vec::new(),
                    needs: owned(needs),
                    softly: owned(softly),
                })
                .ok_or_else(|| ImageError::Unknown { name: name.to_owned() })
        };
        let exists = |name: &str| graph.iter().any(|(module, _, _)| *module == name);
        let builtin = owned(builtin).into_iter().collect();
        Ok(order(name, &builtin, &exists, &load)?.into_iter().map(|module| module.name).collect())
    }

    #[test]
    fn every_module_comes_after_what_it_needs_and_only_once() {
        let graph: &[(&str, &[&str], &[&str])] = &[
            ("virtio_net", &["net_failover", "virtio", "virtio_ring"], &[]),
            ("net_failover", &["failover"], &[]),
            ("failover", &[], &[]),
            ("virtio", &["virtio_ring"], &[]),
            ("virtio_ring", &[], &[]),
        ];
        let ordered = names("virtio_net", &[], graph).unwrap();
        assert_eq!(ordered, ["failover", "net_failover", "virtio_ring", "virtio", "virtio_net"]);
        assert_eq!(
            names("virtio_net", &["virtio", "virtio_ring"], graph).unwrap(),
            ["failover", "net_failover", "virtio_net"]
        );
        assert!(names("virtio_net", &["virtio_net"], graph).unwrap().is_empty());
    }

    #[test]
    fn a_soft_need_is_used_when_it_is_there_and_a_hard_one_must_be() {
        let graph: &[(&str, &[&str], &[&str])] = &[
            ("ext4", &["jbd2"], &["crc32c_generic", "gone"]),
            ("jbd2", &[], &[]),
            ("crc32c_generic", &[], &[]),
        ];
        assert_eq!(names("ext4", &[], graph).unwrap(), ["crc32c_generic", "jbd2", "ext4"]);
        assert!(names("a", &[], &[("a", &["b"], &[])]).is_err());
    }

    #[test]
    fn a_circle_of_needs_ends() {
        let ordered = names("a", &[], &[("a", &["b"], &[]), ("b", &["a"], &[])]).unwrap();
        assert_eq!(ordered, ["b", "a"]);
    }

    #[test]
    fn modinfo_and_file_names_are_understood() {
        let modinfo = b"license=GPL\0depends=crc16,mbcache\0softdep=pre: crypto-crc32c post: x\0alias=y\0";
        let (needs, softly) = requirements(modinfo);
        assert_eq!(needs, ["crc16", "mbcache"]);
        assert_eq!(softly, ["crc32c_generic"]);
        assert_eq!(module_name("pvpanic-mmio.ko.xz").as_deref(), Some("pvpanic_mmio"));
        assert_eq!(module_name("erofs.ko.zst").as_deref(), Some("erofs"));
        assert_eq!(module_name("Module.symvers"), None);
        assert_eq!(builtin_names("kernel/drivers/virtio/virtio.ko\n").collect::<Vec<_>>(), ["virtio"]);
    }
}
