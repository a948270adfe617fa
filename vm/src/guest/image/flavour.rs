//! The systems that mmdebstrap makes here, and where apt finds the packages of each.

use super::error::ImageError;
use std::fs;
use std::path::{Path, PathBuf};

/// The flavour that is of the host's own release.
pub const DEBIAN: &str = "debian";

/// A whole system that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flavour {
    /// What `perfvt guest build` and `perfvt:NAME` call it.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// The distribution, and the codename of its release; the host's own where there is none.
    family: Family,
    codename: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Debian,
    Ubuntu,
}

impl Family {
    fn keyring(self) -> &'static str {
        match self {
            Family::Debian => "usr/share/keyrings/debian-archive-keyring.gpg",
            Family::Ubuntu => "usr/share/keyrings/ubuntu-archive-keyring.gpg",
        }
    }

    fn mirror(self) -> &'static str {
        match self {
            Family::Debian => "http://deb.debian.org/debian",
            Family::Ubuntu => "http://archive.ubuntu.com/ubuntu",
        }
    }

    fn components(self) -> &'static str {
        match self {
            Family::Debian => "main",
            Family::Ubuntu => "main universe",
        }
    }

    fn way_to_keyring(self) -> &'static str {
        match self {
            Family::Debian => "install the package debian-archive-keyring",
            Family::Ubuntu => {
                "install the package ubuntu-keyring, which Ubuntu has and some releases of Debian"
            }
        }
    }
}

/// All systems that can be built beside the built-in guest.
pub const FLAVOURS: [Flavour; 6] = [
    Flavour {
        name: DEBIAN,
        what: "Debian of this host's release, from its package sources",
        family: Family::Debian,
        codename: None,
    },
    Flavour {
        name: "debian-11",
        what: "Debian 11 (bullseye)",
        family: Family::Debian,
        codename: Some("bullseye"),
    },
    Flavour {
        name: "debian-12",
        what: "Debian 12 (bookworm)",
        family: Family::Debian,
        codename: Some("bookworm"),
    },
    Flavour {
        name: "debian-13",
        what: "Debian 13 (trixie)",
        family: Family::Debian,
        codename: Some("trixie"),
    },
    Flavour {
        name: "ubuntu-22.04",
        what: "Ubuntu 22.04 (jammy)",
        family: Family::Ubuntu,
        codename: Some("jammy"),
    },
    Flavour {
        name: "ubuntu-24.04",
        what: "Ubuntu 24.04 (noble)",
        family: Family::Ubuntu,
        codename: Some("noble"),
    },
];

/// Systems that the package managers of other distributions make, by name, with the package of Debian that has each. perfvt does
/// not run them: the commands stand in docs/guests.md, and an image that they have made is one of the user's own.
pub const BY_HAND: [(&str, &str); 2] =
    [("fedora", "Fedora, by dnf (package dnf)"), ("opensuse", "openSUSE Leap, by zypper (package zypper)")];

/// What mmdebstrap is told: a suite, and lines or files of apt's sources.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sources {
    pub(super) suite: String,
    pub(super) lines: Vec<String>,
}

impl Flavour {
    /// The flavour of a name.
    pub fn of(name: &str) -> Option<&'static Flavour> {
        FLAVOURS.iter().find(|flavour| flavour.name == name)
    }

    /// The package with the kernel.
    pub(super) fn kernel(&self) -> &'static str {
        match self.family {
            Family::Debian => "linux-image-amd64",
            Family::Ubuntu => "linux-image-virtual",
        }
    }

    /// Where its packages come from: the mirror of the user's, else the host's own sources, else that of its distribution.
    ///
    /// # Errors
    /// The host is of another system than what is to be like it, or has no key that signs the packages.
    pub(super) fn sources(&self, host: &Path, mirror: Option<&str>) -> Result<Sources, ImageError> {
        let Some(codename) = self.codename else {
            let release = of_host(host)?;
            return Ok(match mirror {
                None => Sources { suite: release.codename, lines: release.files },
                Some(mirror) => self.at(&release.codename, mirror, host, false)?,
            });
        };
        match mirror {
            Some(mirror) => self.at(codename, mirror, host, false),
            None => self.at(codename, &self.usual_mirror(host), host, true),
        }
    }

    /// A Debian host's own mirror has its other releases, too.
    fn usual_mirror(&self, host: &Path) -> String {
        let of_host = of_host(host).ok().filter(|_| self.family == Family::Debian);
        let files = of_host.map(|release| release.files).unwrap_or_default();
        let texts = files.iter().filter_map(|path| edge::read_text(path, edge::read::CONFIG).ok());
        let found = texts.filter_map(|text| mirror_in(&text)).next();
        found.unwrap_or_else(|| self.family.mirror().to_owned())
    }

    /// The sources of a release on a mirror, with those of its updates of security where the mirror is a public one.
    fn at(&self, codename: &str, mirror: &str, host: &Path, public: bool) -> Result<Sources, ImageError> {
        let mirror = mirror.trim_end_matches('/');
        let is_uri = |c: char| c.is_ascii_graphic() && !matches!(c, '[' | ']' | '"' | '\\');
        if !mirror.contains("://") || !mirror.chars().all(is_uri) {
            return Err(ImageError::Host {
                what: format!("the mirror {} is no address", edge::quoted(mirror)),
                remedy: "it is one as in sources.list(5): http://deb.debian.org/debian",
            });
        }
        let keyring = host.join(self.family.keyring());
        if !keyring.is_file() {
            let what =
                format!("{} is not there, which signs the packages of {}", keyring.display(), self.what);
            return Err(ImageError::Host { what, remedy: self.family.way_to_keyring() });
        }
        let line = |mirror: &str, suite: &str| {
            let (keyring, components) = (keyring.display(), self.family.components());
            format!("deb [signed-by={keyring}] {mirror} {suite} {components}")
        };
        let mut lines = vec![line(mirror, codename)];
        if public {
            lines.push(line(mirror, &format!("{codename}-updates")));
            lines.extend(self.security(codename, mirror).map(|(at, suite)| line(&at, &suite)));
        }
        Ok(Sources { suite: codename.to_owned(), lines })
    }

    fn security(&self, codename: &str, mirror: &str) -> Option<(String, String)> {
        let suite = format!("{codename}-security");
        match self.family {
            Family::Debian => Some((format!("{}/debian-security", mirror.strip_suffix("/debian")?), suite)),
            Family::Ubuntu => Some((mirror.to_owned(), suite)),
        }
    }

    /// Why it cannot be built here, as far as that is seen without asking the network.
    pub fn missing(&self, host: &Path) -> Option<String> {
        let checked = super::prerequisites::check(host);
        checked.and_then(|()| self.sources(host, None)).err().map(|error| match error {
            ImageError::Host { what, remedy } => format!("{what}; {remedy}"),
            other => other.to_string(),
        })
    }
}

/// The host's release, and the files that say where apt finds its packages.
#[derive(Debug, PartialEq, Eq)]
struct Release {
    codename: String,
    files: Vec<String>,
}

fn of_host(host: &Path) -> Result<Release, ImageError> {
    let text = edge::read::kernel(host.join("etc/os-release")).unwrap_or_default();
    let value = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').to_owned())
    };
    let codename = value("VERSION_CODENAME").filter(|_| value("ID").as_deref() == Some("debian"));
    let apt = host.join("etc/apt");
    let mut files = vec![apt.join("sources.list")];
    let folder = fs::read_dir(apt.join("sources.list.d"));
    files.extend(folder.into_iter().flatten().flatten().map(|entry| entry.path()));
    files.sort();
    let Some(codename) = codename else {
        return Err(ImageError::Host {
            what: format!("{} is that of no Debian", host.join("etc/os-release").display()),
            remedy: "it is made from the host's own package sources: name a release (`perfvt guest build debian-12`), or use \
                     an image of your own (`perfvt help guests`)",
        });
    };
    let looked = apt.display().to_string();
    let of_release =
        |path: &PathBuf| edge::read_text(path, edge::read::CONFIG).is_ok_and(|text| serves(&text, &codename));
    files.retain(of_release);
    let files: Vec<String> = files.iter().filter_map(|path| path.to_str().map(str::to_owned)).collect();
    if files.is_empty() {
        return Err(ImageError::Host {
            what: format!("no file in {looked} has package sources of Debian {codename}"),
            remedy: "add them (sources.list(5))",
        });
    }
    Ok(Release { codename, files })
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

/// The first mirror of a file of apt's sources that is not of updates of security alone.
fn mirror_in(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let words = lines.flat_map(|line| match line.split_once(':') {
        Some(("URIs", uris)) => uris.split_whitespace().collect::<Vec<_>>(),
        _ if line.starts_with("deb ") => line.split_whitespace().collect(),
        _ => Vec::new(),
    });
    let mut uris =
        words.filter(|word| word.contains("://") && !word.trim_end_matches('/').ends_with("-security"));
    uris.next().map(str::to_owned)
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

    /// A host with these files.
    fn host(files: &[(&str, &str)]) -> tempfile::TempDir {
        let host = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = host.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        host
    }

    const OS: (&str, &str) = ("etc/os-release", "ID=debian\nVERSION_CODENAME=\"bookworm\"\n");
    const KEYS: (&str, &str) = ("usr/share/keyrings/debian-archive-keyring.gpg", "");

    #[test]
    fn a_host_that_is_no_debian_is_told_so() {
        let debian = |files: &[(&str, &str)]| {
            let host = host(files);
            let sources = Flavour::of(DEBIAN).unwrap().sources(host.path(), None);
            (sources, host)
        };
        let error =
            debian(&[("etc/os-release", "ID=fedora\nVERSION_CODENAME=x\n")]).0.unwrap_err().to_string();
        assert!(error.contains("etc/os-release is that of no Debian"), "{error}");
        let error = debian(&[OS]).0.unwrap_err().to_string();
        assert!(error.contains("package sources of Debian bookworm"), "{error}");
        let (found, host) = debian(&[OS, ("etc/apt/sources.list", "deb http://x/debian bookworm main\n")]);
        let list = host.path().join("etc/apt/sources.list").display().to_string();
        assert_eq!(found.unwrap(), Sources { suite: "bookworm".into(), lines: vec![list] });
    }

    #[test]
    fn another_release_comes_from_the_hosts_mirror_with_its_updates_and_is_signed() {
        let list =
            "deb http://x/debian-security bookworm-security main\ndeb http://x/debian/ bookworm main\n";
        let host = host(&[OS, KEYS, ("etc/apt/sources.list", list)]);
        let trixie = Flavour::of("debian-13").unwrap();
        let found = trixie.sources(host.path(), None).unwrap();
        let by = format!("[signed-by={}]", host.path().join(KEYS.0).display());
        let wanted = [
            format!("deb {by} http://x/debian trixie main"),
            format!("deb {by} http://x/debian trixie-updates main"),
            format!("deb {by} http://x/debian-security trixie-security main"),
        ];
        assert_eq!((found.suite.as_str(), found.lines.as_slice()), ("trixie", wanted.as_slice()));
        let mine = trixie.sources(host.path(), Some("file:///srv/mirror")).unwrap();
        assert_eq!(mine.lines, [format!("deb {by} file:///srv/mirror trixie main")]);
        let error = trixie.sources(host.path(), Some("x] y")).unwrap_err().to_string();
        assert!(error.contains("'x] y' is no address"), "{error}");
    }

    #[test]
    fn a_release_whose_keys_are_not_here_says_what_to_install() {
        let host = host(&[OS, KEYS]);
        let error = Flavour::of("ubuntu-24.04").unwrap().sources(host.path(), None).unwrap_err().to_string();
        assert!(
            error.contains("ubuntu-archive-keyring.gpg is not there") && error.contains("ubuntu-keyring"),
            "{error}"
        );
        assert!(Flavour::of("debian-13").unwrap().sources(host.path(), None).is_ok());
    }
}
