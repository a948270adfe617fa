//! CDs and DVDs in drives of a guest of the user's: files that are only read, raw whatever stands in them.

use process::Spec;
use std::path::PathBuf;
use std::time::Duration;

/// Most drives of a guest: as many as QEMU's older machine has places.
pub const MOST: usize = 4;

/// How long the sum of a large DVD takes on a slow disk.
const SUM: Duration = Duration::from_secs(600);

/// How a file's sum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// The weakest, which old lists have.
    Md5,
    /// The next.
    Sha1,
    /// What lists of today have.
    Sha256,
}

impl Sum {
    /// All of them.
    pub const ALL: [Sum; 3] = [Sum::Md5, Sum::Sha1, Sum::Sha256];

    /// The program of coreutils that computes it, which is also the key for it.
    pub fn program(self) -> &'static str {
        match self {
            Sum::Md5 => "md5sum",
            Sum::Sha1 => "sha1sum",
            Sum::Sha256 => "sha256sum",
        }
    }

    /// Hexadecimal digits that it has.
    pub fn digits(self) -> usize {
        match self {
            Sum::Md5 => 32,
            Sum::Sha1 => 40,
            Sum::Sha256 => 64,
        }
    }
}

/// A drive with what lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cdrom {
    /// Its name, `cd1` and so on.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// What its sum has to be, in small letters.
    pub sum: Option<(Sum, String)>,
}

impl Cdrom {
    /// The device's arguments: a drive that systems know without a driver of virtio's, at the next free place.
    pub(super) fn device(&self) -> String {
        format!("ide-cd,drive={name},serial=perfvt.{name}", name = self.name)
    }

    /// Reads the whole file, where a sum is given.
    ///
    /// # Errors
    /// Another sum, or none that can be had.
    pub fn check(&self) -> Result<(), (Sum, String)> {
        let Some((sum, wanted)) = &self.sum else { return Ok(()) };
        let spec = Spec::new(sum.program()).arg("--").arg(&self.file);
        let said = process::run(spec, SUM).map_err(|error| (*sum, error.to_string()))?;
        let said = String::from_utf8_lossy(&said);
        // A name with odd letters has a backslash before its sum.
        let found = said.trim_start_matches('\\').split_whitespace().next().unwrap_or_default();
        if found == wanted {
            return Ok(());
        }
        Err((*sum, format!("the file {} has {}", self.file.display(), edge::quoted(found))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_sum_whatever_its_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.iso", "-b\\ \n.iso"] {
            let file = dir.path().join(name);
            std::fs::write(&file, "abc").unwrap();
            for (sum, right) in [
                (Sum::Md5, "900150983cd24fb0d6963f7d28e17f72"),
                (Sum::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
                (Sum::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ] {
                assert_eq!(right.len(), sum.digits());
                let cdrom = |wanted: &str| {
                    let sum = Some((sum, wanted.to_owned()));
                    Cdrom { name: "cd1".into(), file: file.clone(), sum }
                };
                assert_eq!(cdrom(right).check(), Ok(()));
                let (_, why) = cdrom(&right.replace('9', "8")).check().unwrap_err();
                assert!(why.contains(right), "{why}");
            }
        }
        let gone =
            Cdrom { name: "cd1".into(), file: dir.path().join("gone"), sum: Some((Sum::Md5, "x".into())) };
        assert!(gone.check().unwrap_err().1.contains("md5sum"));
    }
}
