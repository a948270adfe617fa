//! The program that makes, converts and checks disks: qemu-img, or one of the user's own.

use process::Spec;
use process::deadlines::HOST_ANSWER;
use std::fmt;
use std::path::PathBuf;

/// Its usual name.
pub const QEMU_IMG: &str = "qemu-img";

/// qemu-img, by a name to look for in PATH or by its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QemuImg(String);

impl Default for QemuImg {
    fn default() -> QemuImg {
        QemuImg(QEMU_IMG.to_owned())
    }
}

impl fmt::Display for QemuImg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl QemuImg {
    /// A program by its name or its file.
    pub fn named(program: &str) -> QemuImg {
        QemuImg(program.trim().to_owned())
    }

    /// Its name or file.
    pub fn program(&self) -> &str {
        &self.0
    }

    /// A run of it, to which arguments come.
    pub fn spec(&self) -> Spec {
        Spec::new(&self.0)
    }

    /// The file that is started.
    pub fn file(&self) -> Option<PathBuf> {
        if self.0.contains('/') {
            return Some(PathBuf::from(&self.0));
        }
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|dir| dir.join(&self.0)).find(|file| file.is_file())
    }

    /// What it says of its version, such as `7.2.22 (Debian 1:7.2+dfsg-7)`; `None` where it says nothing of the kind.
    pub fn version(&self) -> Option<String> {
        let said = process::run(self.spec().arg("--version"), HOST_ANSWER).ok()?;
        let said = String::from_utf8_lossy(&said).into_owned();
        Some(said.lines().next()?.strip_prefix("qemu-img version ")?.trim().to_owned())
    }
}
