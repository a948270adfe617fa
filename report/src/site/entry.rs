//! What the index knows of a result: `r/ID/entry.json`.

use model::store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The version that [`Entry::format`] carries.
///
/// Changelog: 1, the first.
pub const ENTRY_FORMAT: u32 = 1;
/// Name of the file.
pub(super) const ENTRY_FILE: &str = "entry.json";

/// What was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Two sides or more, judged.
    Comparison,
    /// One side alone.
    Run,
}

/// One result of a site. The file is described in `docs/publish.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Format version, [`ENTRY_FORMAT`].
    pub format: u32,
    /// Version of the perfvt that wrote it.
    pub perfvt: String,
    /// Name of its folder: day of the data and the first digits of `samples`.
    pub id: String,
    /// What was published.
    pub kind: Kind,
    /// `base → head`, or what `--title` said.
    pub title: String,
    /// The machine: `--machine`, else the host's name, else its processor.
    pub machine: String,
    /// `kvm` or `tcg`, when it is known and equal on all sides.
    pub accel: Option<String>,
    /// Workloads with rows.
    pub workloads: Vec<String>,
    /// When the newest side was measured, seconds since the epoch.
    pub measured_unix: Option<i64>,
    /// When it was first published.
    pub published_unix: i64,
    /// SHA-256 over the results' `SHA256SUMS`, one behind the other.
    pub samples: String,
    /// The result in a sentence for each candidate; of a run, what it holds.
    pub sentences: Vec<String>,
    /// Rows that gate, by verdict, all candidates together; empty for a run.
    pub verdicts: BTreeMap<String, usize>,
    /// All rows.
    pub rows: usize,
    /// The results themselves.
    pub data: Vec<Data>,
    /// The result came with a page of its own.
    pub run_page: bool,
}

/// One result's files, to download.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// The name of the argument, cleaned; the folder in the archive.
    pub name: String,
    /// The archive in the entry's folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// SHA-256 of the `SHA256SUMS` in it.
    pub samples: String,
    /// Files in it.
    pub files: usize,
    /// Why things of the result were not published, each once with its number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, usize>,
    /// A signature of the sums is in it.
    #[serde(default)]
    pub signed: bool,
    /// Whose signature it is, when that was checked against the allowed signers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}

impl Entry {
    /// When it counts for the order: the day of the data, else the day of publication.
    pub fn when(&self) -> i64 {
        self.measured_unix.unwrap_or(self.published_unix)
    }
}

/// Every entry of a site, newest first, and what is wrong with those that cannot be read.
pub(super) fn all(root: &Path) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    let folder = root.join("r");
    let Ok(listing) = std::fs::read_dir(&folder) else { return (entries, problems) };
    for name in listing.flatten().map(|e| e.file_name()) {
        let path = folder.join(&name).join(ENTRY_FILE);
        match store::read_json::<Entry>(&path, ENTRY_FORMAT) {
            Ok(entry) if is_id(&entry.id) && *entry.id == *name => entries.push(entry),
            Ok(entry) => {
                problems.push(format!("{} is of '{}' and lies in another folder", path.display(), entry.id));
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    entries.sort_by(|x, y| y.when().cmp(&x.when()).then_with(|| y.id.cmp(&x.id)));
    problems.sort();
    (entries, problems)
}

/// `20260512-` and twelve hexadecimal digits; `undated-` without a date.
pub(super) fn id(measured_unix: Option<i64>, samples: &str) -> String {
    let day = measured_unix
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
        .map(|t| t.strftime("%Y%m%d").to_string())
        .filter(|day| day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()));
    let hash: String = samples.chars().take(12).collect();
    format!("{}-{hash}", day.as_deref().unwrap_or("undated"))
}

fn is_id(text: &str) -> bool {
    let hex = |t: &str| t.len() == 12 && t.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_once('-').is_some_and(|(day, hash)| {
        hex(hash) && (day == "undated" || day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_day_and_hash_and_nothing_else_is_one() {
        let hash = "0123456789abcdef";
        assert_eq!(id(Some(1_398_945_600), hash), "20140501-0123456789ab");
        assert_eq!(id(None, hash), "undated-0123456789ab");
        assert_eq!(id(Some(i64::MAX), hash), "undated-0123456789ab");
        assert!(is_id("20140501-0123456789ab") && is_id("undated-0123456789ab"));
        for wrong in
            ["", "..", "20140501-", "2014050-0123456789ab", "20140501-0123456789a/", "x-0123456789ab"]
        {
            assert!(!is_id(wrong), "{wrong}");
        }
    }
}
