//! What a site holds of results, by the sums in its archives: for whoever is about to remove something of a result.

use super::SiteError;
use super::data::{SUMS, sum_of_file};
use super::entry;
use super::error::io;
use super::settings::SITE_FILE;
use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// A list of sums is no longer than this.
const LIMIT: u64 = 64 << 20;
/// Files that tell a result from all others, and never change: the plan of a campaign, and its values.
const TELLING: [&str; 2] = ["campaign.json", "measurements.jsonl"];

/// What tells the results of a site from others.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The folder of the entry, by the SHA-256 of a telling file.
    entries: BTreeMap<String, PathBuf>,
}

impl Published {
    /// Reads the lists of sums in all archives of a site.
    ///
    /// # Errors
    /// It is no site, or an entry or an archive of it cannot be read: what it holds is not known then.
    pub fn read(root: &Path) -> Result<Published, SiteError> {
        if !root.join(SITE_FILE).is_file() {
            return Err(SiteError::NoSite { path: root.to_owned() });
        }
        let (entries, problems) = entry::all(root);
        if let Some(problem) = problems.into_iter().next() {
            return Err(SiteError::Unread { path: root.to_owned(), problem });
        }
        let mut all = Published::default();
        for entry in entries {
            let folder = root.join("r").join(&entry.id);
            for data in &entry.data {
                let archive = folder.join(&data.file);
                let sums = sums(&archive).map_err(io("reading", &archive))?;
                for line in String::from_utf8_lossy(&sums).lines() {
                    let Some((sum, name)) = line.trim_start_matches('\\').split_once("  ") else { continue };
                    if TELLING.iter().any(|telling| name.rsplit('/').next() == Some(telling)) {
                        all.entries.entry(sum.to_owned()).or_insert_with(|| folder.clone());
                    }
                }
            }
        }
        Ok(all)
    }

    /// The entry that a result, or a part of it, is published in.
    ///
    /// # Errors
    /// A file of the result cannot be read.
    pub fn entry_of(&self, result: &Path) -> Result<Option<&Path>, SiteError> {
        if self.entries.is_empty() {
            return Ok(None);
        }
        for found in WalkDir::new(result).sort_by_file_name() {
            let found = found.map_err(|e| io("listing", result)(e.into()))?;
            let telling = TELLING.iter().any(|telling| found.file_name() == *telling);
            if !telling || !found.file_type().is_file() {
                continue;
            }
            let sum = sum_of_file(found.path()).map_err(io("reading", found.path()))?;
            if let Some(folder) = self.entries.get(&sum) {
                return Ok(Some(folder));
            }
        }
        Ok(None)
    }
}

/// The list of sums, which is the first file of an archive.
fn sums(archive: &Path) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Archive::new(GzDecoder::new(edge::read::open(archive)?));
    let wrong = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let first = tar.entries()?.next().ok_or_else(|| wrong("the archive is empty"))??;
    if first.path()?.file_name() != Some(SUMS.as_ref()) {
        return Err(wrong("the archive does not begin with SHA256SUMS"));
    }
    let mut text = Vec::new();
    first.take(LIMIT).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_list_of_sums_is_read_out_of_an_archive_and_another_archive_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, first: &str| {
            let path = dir.path().join(name);
            let file = fs::File::create(&path).unwrap();
            let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
            let mut header = tar::Header::new_gnu();
            header.set_size(3);
            header.set_mode(0o644);
            tar.append_data(&mut header, first, &b"abc"[..]).unwrap();
            tar.into_inner().unwrap().finish().unwrap();
            path
        };
        assert_eq!(sums(&write("good.tar.gz", "night/SHA256SUMS")).unwrap(), b"abc");
        let error = sums(&write("other.tar.gz", "night/campaign.json")).unwrap_err().to_string();
        assert_eq!(error, "the archive does not begin with SHA256SUMS");
        fs::write(dir.path().join("torn.tar.gz"), "x").unwrap();
        assert!(sums(&dir.path().join("torn.tar.gz")).is_err());
        assert!(matches!(Published::read(dir.path()), Err(SiteError::NoSite { .. })));
    }
}
