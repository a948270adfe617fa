//! Several guests that move at once: where what is known of each is kept, and what is said of all.

use super::super::Value;
use super::super::common::{failed, jain, value};
use super::answers;
use super::seen::write;
use crate::lab::{Failed, Moved};
use model::{Code, Scope};
use std::path::{Path, PathBuf};
use vm::guest::migration::{Ended, Record};

/// The folders of so many guests: the case's own, and one in it for each further guest.
pub(super) fn folders(raw: &Path, guests: usize) -> Result<Vec<PathBuf>, Failed> {
    let mut all = vec![raw.to_owned()];
    for guest in 2..=guests {
        let folder = raw.join(format!("vm{guest}"));
        edge::write::create_directory(&folder)
            .map_err(|e| failed(format!("creating {}: {e}", folder.display())))?;
        all.push(folder);
    }
    Ok(all)
}

/// Keeps what became of so many guests, each in its folder, and makes sure that all are where they were to go.
///
/// # Errors
/// The first failure after which a guest is of no use any more; else the first of all.
pub(super) fn all_there(moved: Vec<Result<Moved, Failed>>, folders: &[PathBuf]) -> Result<(), Failed> {
    let several = folders.len() > 1;
    let mut failures = Vec::new();
    for ((guest, moved), folder) in (1..).zip(moved).zip(folders) {
        let named = |failure: Failed| match several {
            true => Failed::new(failure.code, format!("in vm{guest}: {failure}")),
            false => failure,
        };
        // What has failed in its QEMU has its name already.
        let there = moved.and_then(|moved| {
            write(&moved, folder)?;
            answers(&moved).and_then(|()| is_there(moved.record)).map_err(named)
        });
        failures.extend(there.err());
    }
    // Of several the first one.
    let worst = failures.into_iter().min_by_key(|failure| failure.scope() == Scope::Sample);
    worst.map_or(Ok(()), Err)
}

fn is_there(record: Record) -> Result<(), Failed> {
    let why = record.reason.unwrap_or_default();
    match record.ended {
        Ended::Completed => Ok(()),
        Ended::NotConverged => Err(Failed::new(Code::NotConverged, why)),
        Ended::Cancelled | Ended::Failed => Err(Failed::new(Code::MigrationFailed, why)),
    }
}

/// What is added up over all guests; of everything else the largest is told, which is the worst.
const SUMS: [&str; 3] = ["sent_MB", "src_CPU", "dst_CPU"];

/// The values of all guests together, which are those of the first where it is alone.
pub(super) fn of_all(all: Vec<Vec<Value>>) -> Vec<Value> {
    let rates: Vec<f64> = all.iter().filter_map(|values| rate(values)).collect();
    let number = all.len();
    let mut guests = all.into_iter();
    let mut told = guests.next().unwrap_or_default();
    for values in guests {
        for (known, other) in told.iter_mut().zip(values) {
            let sum = SUMS.contains(&known.metric.as_str());
            known.value = if sum { known.value + other.value } else { known.value.max(other.value) };
            // It stands on no line any more.
            known.raw = None;
        }
    }
    if number > 1 {
        told.push(value("fairness", jain(&rates)));
    }
    told
}

/// What of a guest was sent in a second.
fn rate(values: &[Value]) -> Option<f64> {
    let of = |metric: &str| values.iter().find(|value| value.metric == metric).map(|value| value.value);
    Some(of("sent_MB")? / of("total_ms")?.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(total_ms: f64, sent: f64, blackout: f64) -> Vec<Value> {
        vec![value("blackout_ms", blackout), value("total_ms", total_ms), value("sent_MB", sent)]
    }

    #[test]
    fn of_several_guests_the_worst_is_told_and_what_was_sent_is_added_up() {
        let of = |all: Vec<Vec<Value>>| -> Vec<(String, f64)> {
            of_all(all).into_iter().map(|value| (value.metric, value.value)).collect()
        };
        let told = of(vec![guest(1000.0, 100.0, 40.0), guest(2000.0, 100.0, 30.0)]);
        let want = [("blackout_ms", 40.0), ("total_ms", 2000.0), ("sent_MB", 200.0), ("fairness", 0.9)];
        assert_eq!(told, want.map(|(metric, value)| (metric.to_owned(), value)));
        let alone = of(vec![guest(1000.0, 100.0, 40.0)]);
        assert!(alone.len() == 3 && alone.iter().all(|(metric, _)| metric != "fairness"), "{alone:?}");
        assert!(of(Vec::new()).is_empty());
    }

    #[test]
    fn each_further_guest_has_a_folder_in_that_of_the_case() {
        let raw = tempfile::tempdir().unwrap();
        let all = folders(raw.path(), 3).unwrap();
        assert_eq!(all, [raw.path().to_owned(), raw.path().join("vm2"), raw.path().join("vm3")]);
        assert!(all.iter().all(|folder| folder.is_dir()));
        assert_eq!(folders(raw.path(), 1).unwrap(), [raw.path()]);
    }
}
