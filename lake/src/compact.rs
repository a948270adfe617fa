//! Files of closed months, written together.

use std::path::{Path, PathBuf};

use edge::owned::OwnFile;

use crate::error::LakeError;
use crate::file;
use crate::folder::{Lake, MONTH, Torn, files, is_month, read_month};
use crate::tables::{Boot, Build, Commit, Point, Table};

/// Largest file that is removed once its rows stand in another one.
const OWN_MAX: u64 = 4 << 30;

/// What a compaction did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Compacted {
    /// Files that became one of their month.
    pub files: usize,
    /// Months that were written.
    pub months: usize,
    /// Files that do not read: their months are left as they are.
    pub torn: Vec<Torn>,
}

impl Lake {
    /// Writes the files of every month before `month` (YYYYMM) together, one a machine, table and month.
    ///
    /// The new file counts as soon as it has its name, and only then those that it replaces are removed: it may be cut at any
    /// moment. A month with a file that does not read is left alone.
    ///
    /// # Errors
    /// A file cannot be written or removed.
    pub fn compact(&self, month: &str) -> Result<Compacted, LakeError> {
        let _lock = self.lock(true)?;
        let mut out = Compacted::default();
        self.table::<Boot>(month, &mut out, |a, b| (a.series_id, &a.source).cmp(&(b.series_id, &b.source)))?;
        self.table::<Build>(month, &mut out, |a, b| a.source.cmp(&b.source))?;
        self.table::<Commit>(month, &mut out, |a, b| a.source.cmp(&b.source))?;
        self.table::<Point>(month, &mut out, |a, b| {
            (a.series_id, a.measured_at, &a.source).cmp(&(b.series_id, b.measured_at, &b.source))
        })?;
        Ok(out)
    }

    fn table<T: Table>(
        &self,
        before: &str,
        out: &mut Compacted,
        order: impl Fn(&T, &T) -> std::cmp::Ordering,
    ) -> Result<(), LakeError> {
        let (months, torn) = self.months(T::NAME);
        out.torn.extend(torn);
        for dir in months {
            let Some(month) = dir.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_prefix("ym="))
            else {
                continue;
            };
            let single: Vec<PathBuf> =
                files(&dir, &mut Vec::new()).into_iter().filter(|path| !is_month(path)).collect();
            if month >= before || single.is_empty() {
                continue;
            }
            let found = read_month::<T>(&dir);
            if !found.torn.is_empty() {
                out.torn.extend(found.torn);
                continue;
            }
            let mut rows = found.rows;
            rows.sort_by(&order);
            put_together(&dir, month, &rows, single, out)?;
        }
        Ok(())
    }
}

fn put_together<T: Table>(
    dir: &Path,
    month: &str,
    rows: &[T],
    single: Vec<PathBuf>,
    out: &mut Compacted,
) -> Result<(), LakeError> {
    let path = dir.join(format!("{MONTH}{month}.parquet"));
    let bytes =
        file::write(rows).map_err(|error| LakeError::Torn { path: path.clone(), why: error.to_string() })?;
    edge::write::write_atomically(&path, &bytes).map_err(LakeError::io(&path))?;
    out.months += 1;
    for path in single {
        let ours = |bytes: &[u8]| file::read::<T>(bytes.to_vec()).is_ok();
        if let Some(own) = OwnFile::found(&path, OWN_MAX, ours).map_err(LakeError::io(&path))? {
            own.remove().map_err(LakeError::io(&path))?;
            out.files += 1;
        }
    }
    Ok(())
}
