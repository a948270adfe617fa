//! What the index knows of a result: `r/ID/entry.json`.

use super::SiteError;
use edge::visible;
use model::store;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The version that [`Entry::format`] carries.
///
/// Changelog: 1, the first.
pub const ENTRY_FORMAT: u32 = 1;
/// Digits of the hash in the name of a folder, so many more each time that another result has the name, and all.
const DIGITS: usize = 12;
const MORE_DIGITS: usize = 4;
const ALL_DIGITS: usize = 64;
/// Dates of before the year 2000 are those of clocks that were never set.
const OLDEST: i64 = 946_684_800;
/// A date may be so much later than now: clocks differ a little, and nobody has set the time zone wrong by more.
const AHEAD: i64 = 86_400;
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
    /// Name of its folder: day of the data and the first digits of `samples`, which alone are what the entry is known by.
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
    /// When the newest side was measured, seconds since the epoch; `None` also for a clock that was never set.
    pub measured_unix: Option<i64>,
    /// When it was first published.
    pub published_unix: i64,
    /// SHA-256 over the results' `SHA256SUMS`, one behind the other.
    pub samples: String,
    /// The result in a sentence for each candidate; of a run, what it holds.
    pub sentences: Vec<String>,
    /// The same with its size and in a few words, as the index shows it; of a run, its main averages. Entries of an older
    /// perfvt have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brief: Vec<String>,
    /// Rows that gate, by verdict, all candidates together; empty for a run.
    pub verdicts: BTreeMap<String, usize>,
    /// All rows.
    pub rows: usize,
    /// The results themselves.
    pub data: Vec<Data>,
    /// The result came with a page of its own.
    pub run_page: bool,
    /// What guests did. Entries of an older perfvt, and results that name no guest, have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<Guest>,
}

/// What a guest did with a workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    /// The name of its definition (`guest`).
    pub name: String,
    /// What runs in it, as far as it is known: its system, else its kernel.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// The workload; `boot` for guests that came no further.
    pub workload: String,
    /// Values that were measured.
    pub values: usize,
    /// Attempts of cases in which some failed, and how many did.
    #[serde(default)]
    pub tried: usize,
    /// See [`Guest::tried`].
    #[serde(default)]
    pub failed: usize,
    /// Why the first did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
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
    /// It is what the result was compared with or judged by, not the result.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub baseline: bool,
}

impl Entry {
    /// When it counts for the order: the day of the data, else the day of publication.
    pub fn when(&self) -> i64 {
        self.measured_unix.unwrap_or(self.published_unix)
    }

    /// What it was, for whoever replaces it: its title, when it was published, and who signed it.
    pub fn described(&self) -> String {
        let signers: BTreeSet<&str> = self.data.iter().filter_map(|d| d.signer.as_deref()).collect();
        let signed: String = signers.into_iter().map(|s| format!(", signed by {s}")).collect();
        let published = crate::date::utc(Some(self.published_unix));
        visible(&format!("'{}', published {published}{signed}", self.title)).into_owned()
    }
}

/// The date of a result as it is believed: none of a clock that was never set.
///
/// # Errors
/// A date in the future, which would stay at the head of the index until then.
pub(super) fn believed(measured_unix: Option<i64>, now: i64) -> Result<Option<i64>, SiteError> {
    match measured_unix {
        Some(date) if date > now.saturating_add(AHEAD) => Err(SiteError::Future { date, now }),
        other => Ok(set(other)),
    }
}

/// A date that a clock gave which had been set.
pub(super) fn set(measured_unix: Option<i64>) -> Option<i64> {
    measured_unix.filter(|date| *date >= OLDEST)
}

/// Every entry of a site, newest first, and what is wrong with those that cannot be read.
pub(super) fn all(root: &Path) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    let folder = root.join("r");
    let listing = edge::read::listing(&folder).unwrap_or_else(|error| {
        problems.push(format!("listing {}: {error}", folder.display()));
        Vec::new()
    });
    for found in listing {
        let name = found.file_name().unwrap_or_default();
        let path = found.join(ENTRY_FILE);
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

/// The entry of the same data, wherever it lies.
pub(super) fn same_data<'a>(entries: &'a [Entry], samples: &str) -> Option<&'a Entry> {
    entries.iter().find(|e| e.samples == samples)
}

/// The shortest name that no other result has: whatever lies there, what cannot be read too, holds other data.
pub(super) fn free_id(
    measured_unix: Option<i64>,
    samples: &str,
    taken: impl Fn(&str) -> bool,
) -> Option<String> {
    let mut names = (DIGITS..=ALL_DIGITS).step_by(MORE_DIGITS).map(|n| id(measured_unix, samples, n));
    names.find(|name| !taken(name))
}

/// `20260512-` and that many hexadecimal digits; `undated-` without a date.
fn id(measured_unix: Option<i64>, samples: &str, digits: usize) -> String {
    let day = measured_unix
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
        .map(|t| t.strftime("%Y%m%d").to_string())
        .filter(|day| day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()));
    let hash: String = samples.chars().take(digits).collect();
    format!("{}-{hash}", day.as_deref().unwrap_or("undated"))
}

fn is_id(text: &str) -> bool {
    let hex = |t: &str| (DIGITS..=ALL_DIGITS).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_hexdigit());
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
        assert_eq!(id(Some(1_398_945_600), hash, 12), "20140501-0123456789ab");
        assert_eq!(id(None, hash, 12), "undated-0123456789ab");
        assert_eq!(id(Some(i64::MAX), hash, 12), "undated-0123456789ab");
        assert!(is_id("20140501-0123456789ab") && is_id("undated-0123456789ab"));
        assert!(is_id("20140501-0123456789abcdef") && is_id(&format!("undated-{}", "0".repeat(64))));
        for wrong in
            ["", "..", "20140501-", "2014050-0123456789ab", "20140501-0123456789a/", "x-0123456789ab"]
        {
            assert!(!is_id(wrong), "{wrong}");
        }
        assert!(!is_id(&format!("undated-{}", "0".repeat(65))) && !is_id("undated-0123456789abcdeg"));
    }

    #[test]
    fn a_name_grows_until_it_is_free_and_there_is_none_when_all_are_taken() {
        let samples = "0123456789abcdef".repeat(4);
        let free = |taken: &dyn Fn(&str) -> bool| free_id(None, &samples, taken);
        assert_eq!(free(&|_| false).as_deref(), Some("undated-0123456789ab"));
        assert_eq!(free(&|n| n.len() < 28).as_deref(), Some("undated-0123456789abcdef0123"));
        assert_eq!(free(&|n| n.len() < 72), Some(format!("undated-{samples}")));
        assert_eq!(free(&|_| true), None);
    }
}
