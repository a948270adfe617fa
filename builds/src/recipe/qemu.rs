//! QEMU: the system emulator of one target, out of its tree, with nothing fetched on the way.

use super::{Layout, Place, Step};
use std::path::PathBuf;

/// Where it believes to be installed; it finds its firmware beside itself wherever it is (since QEMU 5.2).
const PREFIX: &str = "/opt/perfvt-qemu";

/// The recipe (QEMU's `docs/devel/build-system.rst` and `configure --help`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    /// The architecture of guests, as in `qemu-system-ARCH`.
    pub arch: String,
    /// More options of configure.
    pub configure: Vec<String>,
    /// How code is laid out.
    pub layout: Layout,
    /// Words before each command, which run it elsewhere: a container.
    pub container: Vec<String>,
}

/// The option with which configure fetches nothing. QEMU has `--disable-download` since 8.1, and refuses what it does not know; before, it
/// was told to leave submodules as they are.
fn nothing_fetched(place: &Place<'_>) -> &'static str {
    let configure = place.source.join("configure");
    let old = edge::read(configure, edge::read::RECORD).is_ok_and(|text| {
        let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
        !has(b"--disable-download") && has(b"--with-git-submodules")
    });
    if old { "--with-git-submodules=ignore" } else { "--disable-download" }
}

impl Qemu {
    /// For guests of an architecture.
    pub fn of(arch: &str) -> Qemu {
        Qemu { arch: arch.to_owned(), configure: Vec::new(), layout: Layout::Own, container: Vec::new() }
    }

    pub(super) fn product(&self) -> PathBuf {
        let prefix = PREFIX.trim_start_matches('/');
        PathBuf::from(format!("{prefix}/bin/qemu-system-{}", self.arch))
    }

    /// What the compiler is told: no path of this host is in what it makes.
    fn flags(&self, place: &Place<'_>) -> String {
        let prefix = format!(
            "-ffile-prefix-map={}=. -ffile-prefix-map={}=.",
            place.source.display(),
            place.build.display()
        );
        match self.layout {
            Layout::Own => prefix,
            Layout::Aligned => format!("{prefix} -falign-functions=64"),
        }
    }

    /// Options of configure that are the same for every commit.
    fn options(&self) -> Vec<String> {
        let target = format!("--target-list={}-softmmu", self.arch);
        let prefix = format!("--prefix={PREFIX}");
        // A commit's name in the version would make equal trees differ.
        let fixed =
            [target.as_str(), &prefix, "--with-pkgversion=perfvt", "--disable-docs", "--disable-werror"];
        let fixed = fixed.iter().chain(&["--disable-user", "--disable-tools"]);
        fixed.map(|option| (*option).to_owned()).chain(self.configure.iter().cloned()).collect()
    }

    pub(super) fn steps(&self, place: &Place<'_>) -> Vec<Step> {
        let configure = place.source.join("configure").display().to_string();
        let mut first = vec![configure];
        first.extend(self.options());
        first.push(nothing_fetched(place).to_owned());
        first.push(format!("--extra-cflags={}", self.flags(place)));
        let make = ["make".to_owned(), format!("-j{}", place.jobs)];
        let install = ["make".to_owned(), "install".to_owned(), format!("DESTDIR={}", place.out.display())];
        [Step::of(place.build, first), Step::of(place.build, make), Step::of(place.build, install)].into()
    }

    /// Where configure writes down what it found and what it was told (since 5.2 meson writes the header).
    pub(super) fn configurations(&self, place: &Place<'_>) -> Vec<PathBuf> {
        let target = |what: &str| format!("{}-softmmu-config-{what}", self.arch);
        let names = ["config-host.mak".to_owned(), "config-host.h".to_owned()];
        let own = [target("target.mak"), target("target.h"), target("devices.mak")];
        names.into_iter().chain(own).map(|name| place.build.join(name)).collect()
    }

    pub(super) fn parts(&self) -> Vec<String> {
        [vec![format!("{:?}", self.layout)], self.options(), vec!["in".to_owned()], self.container.clone()]
            .concat()
    }
}
