//! One RHS file to a [`Repeat`]: key columns and metrics by name, whatever the generation.

use super::derived::derive;
use super::repeat::{CaseRow, Cell, InvalidCell, Lost, MetricColumn, Number, Repeat, TableHead, clamp};
use crate::Loss;
use crate::clock::{Moment, named};
use formats::perf_conf::{Conf, Section};
use formats::rhs::{self, Document, HeaderKind, Table};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

/// The column name that pads a table and means nothing.
const PADDING: &str = "None";

/// A file that cannot be used, or what it holds together with what was lost of it.
pub(super) fn read_rhs(
    path: &Path,
    conf: &Conf,
    workload: Option<&str>,
) -> Result<(Repeat, Vec<Loss>), Loss> {
    let lost = |reason: String| Loss { place: path.display().to_string(), what: "file", reason };
    let bytes = edge::read(path, edge::read::RESULT).map_err(|e| lost(format!("it cannot be read: {e}")))?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        return Err(lost(format!("it is no text: byte {} is zero", at + 1)));
    }
    let text = String::from_utf8_lossy(&bytes);
    let document = rhs::parse(&text);
    if let Some(loss) = document.losses.iter().find(|l| l.kind == rhs::LossKind::File) {
        return Err(Loss {
            place: format!("{}:{}:{}", path.display(), loss.line, loss.column),
            what: "file",
            reason: loss.reason.to_string(),
        });
    }
    if document.tables.is_empty() {
        return Err(lost("it holds no table".into()));
    }
    let columns: Vec<&[&str]> = document.tables.iter().map(|t| t.columns.as_slice()).collect();
    let section = match workload {
        Some(name) => conf.section(name),
        None => conf.infer(path, &columns),
    };
    let Some(section) = section else {
        return Err(lost(
            "no section of perf.conf fits its name, its path or its columns; add one, or name the workload"
                .into(),
        ));
    };
    let mut reader = Reader {
        section,
        repeat: Repeat {
            path: path.display().to_string(),
            content: hasher.finish(),
            facts: facts(&document),
            when: epoch_in_name(path).map(Moment::Second).or_else(|| named(path)),
            ..Repeat::default()
        },
        losses: Vec::new(),
        keyless: HashMap::new(),
    };
    for loss in &document.losses {
        reader.lose(loss);
    }
    for table in &document.tables {
        reader.take(table);
    }
    if reader.repeat.rows.is_empty() {
        // A repeat without a row would count as one, and no case would then be in every repeat.
        let first =
            document.losses.first().map_or(String::new(), |l| format!("; line {}: {}", l.line, l.reason));
        return Err(lost(format!("it has no row that can be used{first}")));
    }
    reader.repeat.sort_invalid();
    derive(&mut reader.repeat, conf);
    Ok((reader.repeat, reader.losses))
}

/// The header's facts under the names that today's files use.
fn facts(document: &Document<'_>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for entry in document.header.iter().filter(|e| e.kind == HeaderKind::Key) {
        // What begins with the tool's own name tells one file from the next and is no fact about the side.
        if !entry.key.starts_with("perfvt") && !entry.key.is_empty() && !entry.value.is_empty() {
            facts.entry(entry.key.to_owned()).or_insert_with(|| entry.value.to_owned());
        }
    }
    let versions = document.versions();
    for old in ["kvm-userspace-version", "kvm-version", "guest-kernel-version"] {
        facts.remove(old);
    }
    for (name, value) in [
        ("kvm-userspace-ver", versions.userspace),
        ("kvm_version", versions.host_kernel),
        ("guest-kernel-ver", versions.guest_kernel),
        ("session-length", versions.session_length),
    ] {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value.to_owned());
        }
    }
    facts
}

/// The time in names like `netperf-result.1349678901.53.RHS`.
fn epoch_in_name(path: &Path) -> Option<i64> {
    let name = path.file_name()?.to_str()?;
    name.split(|c: char| !c.is_ascii_digit())
        .filter(|part| part.len() == 10)
        .find_map(|part| part.parse::<i64>().ok().filter(|t| (1_000_000_000..4_000_000_000).contains(t)))
}

/// Where a column goes.
enum Role {
    /// The n-th key.
    Key(usize),
    /// A metric.
    Metric,
    /// Nowhere.
    Unused,
}

struct Reader<'a> {
    section: &'a Section,
    repeat: Repeat,
    losses: Vec<Loss>,
    /// Rows without any key so far, by category and key names.
    keyless: HashMap<(String, Vec<String>), u32>,
}

impl Reader<'_> {
    fn lose(&mut self, loss: &rhs::Loss<'_>) {
        self.losses.push(Loss {
            place: format!("{}:{}:{}", self.repeat.path, loss.line, loss.column),
            what: loss.kind.word(),
            reason: loss.reason.to_string(),
        });
    }

    fn take(&mut self, table: &Table<'_>) {
        let (head, roles) = self.head(table);
        let key_columns: Vec<usize> = key_order(&roles, head.keys.len());
        let metric_columns: Vec<usize> =
            roles.iter().enumerate().filter(|(_, r)| matches!(r, Role::Metric)).map(|(i, _)| i).collect();
        let same_head = (head.category.clone(), head.keys.clone());
        let index = clamp(self.repeat.tables.len());
        self.repeat.tables.push(head);
        let mut numbered = None;
        for (row, cells) in table.iter() {
            let keys = key_columns.iter().map(|c| cells.get(*c).map_or("", |cell| cell.text));
            let (index, levels) = if keys.clone().all(str::is_empty) {
                let number = self.keyless.entry(same_head.clone()).or_insert(0);
                *number += 1;
                let number = *number;
                self.keyless_row(index, &mut numbered, number)
            } else {
                (index, self.repeat.push_levels(keys))
            };
            let first = self.repeat.cells.len();
            for column in &metric_columns {
                let Some(cell) = cells.get(*column) else { continue };
                let number = Number::new(cell.value_or_nan());
                if number.value().is_none() {
                    let loss = rhs::Loss::cell(row, cell);
                    let reason = loss.reason.to_string();
                    let (cell, kind) = (clamp(self.repeat.cells.len()), Lost::Unreadable);
                    self.repeat.invalid.push(InvalidCell { cell, reason, kind });
                    self.lose(&loss);
                }
                self.repeat.cells.push(Cell { number, line: row.line, column: row.column(cell) });
            }
            self.repeat.rows.push(CaseRow {
                table: index,
                levels,
                first: clamp(first),
                boot: None,
                block: None,
            });
        }
    }

    /// Table and levels of the n-th row without any key: rows that nothing tells apart are told apart by their order.
    ///
    /// ntttcp leaves the cells of its only key blank; the first of them then holds `row1`, `row2`, .. A table without
    /// key columns gets a column `row` from its second row on: `numbered` is the table that has it.
    fn keyless_row(&mut self, table: u32, numbered: &mut Option<u32>, number: u32) -> (u32, (u32, u32)) {
        let keys = self.repeat.tables.get(table as usize).map_or(0, |t| t.keys.len());
        if keys > 0 {
            let first = format!("row{number}");
            let levels = std::iter::once(first.as_str()).chain(std::iter::repeat_n("", keys - 1));
            return (table, self.repeat.push_levels(levels));
        }
        if number == 1 {
            return (table, self.repeat.push_levels(std::iter::empty()));
        }
        let twin = *numbered.get_or_insert_with(|| {
            let head = self.repeat.tables.get(table as usize).cloned().unwrap_or_default();
            self.repeat.tables.push(TableHead { keys: vec!["row".into()], ..head });
            clamp(self.repeat.tables.len() - 1)
        });
        (twin, self.repeat.push_levels(std::iter::once(number.to_string().as_str())))
    }

    /// Which columns are keys and which are metrics. A canonical name that two columns share belongs to the first.
    fn head(&mut self, table: &Table<'_>) -> (TableHead, Vec<Role>) {
        let section = self.section;
        let is_key = section.key_columns(&table.columns);
        let mut keys: Vec<(usize, &str)> = Vec::new();
        let mut head = TableHead {
            workload: section.name.clone(),
            category: section.canonical_category(&table.heading()).to_owned(),
            ..TableHead::default()
        };
        let mut roles: Vec<Role> = Vec::with_capacity(table.columns.len());
        let names = section.canonical_columns(&head.category, &table.columns);
        let names: Vec<&str> = names.into_iter().collect();
        for (index, (written, name)) in table.columns.iter().zip(names.iter().copied()).enumerate() {
            let taken = keys.iter().any(|(_, k)| *k == name) || head.metrics.iter().any(|m| m.name == name);
            let first = names.iter().position(|other| *other == name).and_then(|at| table.columns.get(at));
            let first = first.copied().unwrap_or(name);
            let role = if *written == PADDING {
                Role::Unused
            } else if taken {
                self.losses.push(Loss {
                    place: format!("{}:{}", self.repeat.path, table.columns_line),
                    what: "column",
                    reason: format!(
                        "column '{written}' is left out: '{first}' stands before it and means '{name}', too",
                    ),
                });
                Role::Unused
            } else if is_key.get(index).copied().unwrap_or(false) {
                keys.push((index, name));
                Role::Key(index)
            } else {
                head.metrics.push(MetricColumn { name: name.to_owned(), written: (*written).to_owned() });
                Role::Metric
            };
            roles.push(role);
        }
        let place = |name: &str| section.keys.iter().position(|k| k == name).unwrap_or(usize::MAX);
        keys.sort_by_key(|(_, name)| place(name));
        for (rank, (column, _)) in keys.iter().enumerate() {
            if let Some(role) = roles.get_mut(*column) {
                *role = Role::Key(rank);
            }
        }
        head.keys = keys.into_iter().map(|(_, name)| name.to_owned()).collect();
        (head, roles)
    }
}

/// Columns of the keys, in the order of the keys.
fn key_order(roles: &[Role], keys: usize) -> Vec<usize> {
    let mut order = vec![0; keys];
    for (column, role) in roles.iter().enumerate() {
        if let Role::Key(rank) = role
            && let Some(slot) = order.get_mut(*rank)
        {
            *slot = column;
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_run_is_read_from_the_name_of_its_file() {
        assert_eq!(epoch_in_name(Path::new("a/netperf-result.1349678901.53.RHS")), Some(1_349_678_901));
        assert_eq!(epoch_in_name(Path::new("netperf-result.RHS")), None);
    }
}
