//! Linux: an image and its modules, configured for guests, with nothing of the day or the builder in it.

use super::configuration::symbol;
use super::{Layout, Place, Step};
use std::path::{Path, PathBuf};

/// What a guest of perfvt needs: virtio, a console, tmpfs, vsock and the buses that QEMU has.
const GUEST: &str = include_str!("guest.config");

/// Symbols that put every function on a line of the cache of its own (lib/Kconfig.debug).
const ALIGNED: &str = "CONFIG_DEBUG_FORCE_FUNCTION_ALIGN_64B=y\n";

/// The recipe (Documentation/kbuild/kbuild.rst, reproducible-builds.rst).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// As `ARCH=` has it: x86_64, arm64.
    pub arch: String,
    /// A configuration to start from; the tree's default of the architecture else.
    pub base: Option<String>,
    /// Fragments over it, in this order: lines `CONFIG_X=y`, `# CONFIG_X is not set`.
    pub fragments: Vec<String>,
    /// How code is laid out.
    pub layout: Layout,
    /// Words before each command, which run it elsewhere: a container.
    pub container: Vec<String>,
}

impl Kernel {
    /// For an architecture, with what guests need.
    pub fn of(arch: &str) -> Kernel {
        let (base, fragments, container) = (None, Vec::new(), Vec::new());
        Kernel { arch: arch.to_owned(), base, fragments, layout: Layout::Own, container }
    }

    /// The kernel among what is kept.
    pub(super) fn product() -> &'static Path {
        Path::new("boot/vmlinuz")
    }

    /// Everything that is asked for over the base, last words win.
    fn asked(&self) -> String {
        let own = self.fragments.iter().map(String::as_str);
        let aligned = (self.layout == Layout::Aligned).then_some(ALIGNED);
        let lines = [GUEST].into_iter().chain(own).chain(aligned);
        lines.map(|text| format!("{}\n", text.trim_end())).collect()
    }

    fn image(&self) -> &'static str {
        match self.arch.as_str() {
            "arm64" => "arch/arm64/boot/Image",
            "riscv" => "arch/riscv/boot/Image",
            "s390" => "arch/s390/boot/bzImage",
            _ => "arch/x86/boot/bzImage",
        }
    }

    pub(super) fn steps(&self, place: &Place<'_>) -> Vec<Step> {
        let fragment = place.build.join("perfvt.config");
        let make = |words: &[&str]| {
            let mut argv = vec!["make".to_owned(), "-C".to_owned(), place.source.display().to_string()];
            argv.push(format!("O={}", place.build.display()));
            argv.push(format!("ARCH={}", self.arch));
            argv.extend(words.iter().map(|word| (*word).to_owned()));
            // The day, the user and the host would make equal trees differ, and miss every cache.
            Step::of(place.build, argv)
                .with("KBUILD_BUILD_TIMESTAMP", "2020-01-01")
                .with("KBUILD_BUILD_USER", "perfvt")
                .with("KBUILD_BUILD_HOST", "perfvt")
                .with("KBUILD_BUILD_VERSION", "1")
                .with("LOCALVERSION", "")
        };
        let jobs = format!("-j{}", place.jobs);
        let modules = format!("INSTALL_MOD_PATH={}", place.out.display());
        let merge = place.source.join("scripts/kconfig/merge_config.sh").display().to_string();
        let (config, fragment) =
            (place.build.join(".config").display().to_string(), fragment.display().to_string());
        let mut steps = Vec::new();
        if self.base.is_none() {
            steps.push(make(&["defconfig"]));
        }
        let build = place.build.display().to_string();
        steps.push(Step::of(place.build, [merge, "-m".into(), "-O".into(), build, config.clone(), fragment]));
        steps.push(make(&["olddefconfig"]));
        steps.push(make(&[&jobs, "all"]));
        steps.push(make(&[&modules, "INSTALL_MOD_STRIP=1", "modules_install"]));
        let image = place.build.join(self.image()).display().to_string();
        let to = place.out.join(Kernel::product()).display().to_string();
        steps.push(Step::of(place.build, ["install".to_owned(), "-D".into(), "-m0644".into(), image, to]));
        let to = place.out.join("boot/config").display().to_string();
        steps.push(Step::of(place.build, ["install".to_owned(), "-D".into(), "-m0644".into(), config, to]));
        steps
    }

    /// Files that have to be in the build's folder before the first step.
    pub(crate) fn files(&self) -> Vec<(PathBuf, String)> {
        let own = (PathBuf::from("perfvt.config"), self.asked());
        let base = self.base.clone().map(|base| (PathBuf::from(".config"), base));
        base.into_iter().chain([own]).collect()
    }

    /// Symbols that were asked for and that the kernel's own rules took away again: the build is not what was asked for.
    pub(super) fn lost(&self, place: &Place<'_>) -> Option<String> {
        let config = place.build.join(".config");
        let text = match edge::read(&config, edge::read::RECORD) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => return Some(format!("reading {}: {error}", config.display())),
        };
        self.lost_of(&text)
    }

    fn lost_of(&self, config: &str) -> Option<String> {
        let got = |wanted: &str| {
            config.lines().filter_map(symbol).find(|(name, _)| *name == wanted).and_then(|(_, v)| v)
        };
        let asked = self.asked();
        let last = |name: &str| asked.lines().filter_map(symbol).rfind(|(n, _)| *n == name);
        let wrong =
            asked.lines().filter_map(symbol).filter(|(name, value)| last(name) == Some((*name, *value)));
        let wrong: Vec<String> = wrong
            .filter(|(name, value)| match (value, got(name)) {
                // A module may become part of the kernel by what selects it.
                (Some("m"), Some("y" | "m")) | (None, None) => false,
                (value, got) => *value != got,
            })
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value} became {}", got(name).unwrap_or("not set")),
                None => format!("{name} was to be off and is {}", got(name).unwrap_or("off")),
            })
            .collect();
        (!wrong.is_empty()).then(|| {
            format!(
                "make olddefconfig changed what was asked for: {}; add what it depends on to a fragment",
                wrong.join(", ")
            )
        })
    }

    pub(super) fn parts(&self) -> Vec<String> {
        let base = self.base.clone().unwrap_or_default();
        [vec![self.arch.clone(), base, self.asked(), format!("{:?}", self.layout)], self.container.clone()]
            .concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_that_did_not_survive_is_told_and_one_that_became_built_in_is_not() {
        let mut kernel = Kernel::of("x86_64");
        kernel.fragments =
            vec!["CONFIG_FOO=y\nCONFIG_BAR=m\n# CONFIG_OFF is not set\nCONFIG_FOO=m".to_owned()];
        let all: String =
            GUEST.lines().filter(|l| l.starts_with("CONFIG_")).map(|l| format!("{l}\n")).collect();
        assert_eq!(kernel.lost_of(&format!("{all}CONFIG_FOO=y\nCONFIG_BAR=y\n")), None);
        let told = kernel.lost_of(&format!("{all}CONFIG_FOO=m\nCONFIG_OFF=y\n")).unwrap();
        assert!(told.contains("CONFIG_BAR=m became not set, CONFIG_OFF was to be off and is y"), "{told}");
    }
}
