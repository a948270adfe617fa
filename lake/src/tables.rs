//! The tables: one structure a row, of which schema, writer and reader are made.

use crate::cell::{Cell, Column, Kind, Micros};

/// The identity of a series: BLAKE3 of what makes it one, its first 16 bytes.
pub type SeriesId = [u8; 16];

/// A kind of row.
pub trait Table: Sized + Send {
    /// The folder of its files.
    const NAME: &'static str;
    /// Its columns, in order; a name once given keeps its type and its meaning for ever.
    const COLUMNS: &'static [(&'static str, Kind)];
    /// Puts the row at the end of its columns, which come in the order of [`Table::COLUMNS`].
    fn put(&self, columns: &mut [Column]);
    /// Takes a row out of its columns.
    fn take(columns: &mut [Column], row: usize) -> Self;
    /// What the row was added with: [`crate::Campaign::name`].
    fn source(&self) -> &str;
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident $folder:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Table for $name {
            const NAME: &'static str = $folder;
            const COLUMNS: &'static [(&'static str, Kind)] = &[$((stringify!($field), <$type as Cell>::KIND),)*];

            fn put(&self, columns: &mut [Column]) {
                let mut columns = columns.iter_mut();
                $(if let Some(column) = columns.next() {
                    self.$field.put(column);
                })*
            }

            fn take(columns: &mut [Column], row: usize) -> Self {
                let mut columns = columns.iter_mut();
                let mut out = $name::default();
                $(if let Some(column) = columns.next() {
                    out.$field = Cell::take(column, row);
                })*
                out
            }

            fn source(&self) -> &str {
                &self.source
            }
        }
    };
}

table! {
    /// What a campaign says of one metric of one case in one environment.
    Point "points" {
        /// Of which series.
        series_id: SeriesId,
        /// The host that measured.
        machine: String,
        /// kvm or tcg.
        accel: String,
        /// The workload.
        workload: String,
        /// Who talked to whom.
        scenario: Option<String>,
        /// The case: its category and levels.
        case: String,
        /// The metric.
        metric: String,
        /// Its unit.
        unit: String,
        /// higher, lower or none: which is better.
        direction: String,
        /// log or linear: the scale that means and errors stand on.
        scale: String,
        /// judged, watched or informational.
        role: String,
        /// The environment's name.
        env: String,
        /// What was measured.
        build_id: String,
        /// The build that every session measures too.
        anchor_build_id: Option<String>,
        /// The campaign.
        campaign: String,
        /// What was added: the campaign and the environment, or a hash of what was in a file.
        source: String,
        /// A hash of the suspicious facts: another one begins an epoch.
        epoch_id: SeriesId,
        /// The host's boot.
        host_boot: Option<String>,
        /// When the first boot of the row began.
        measured_at: Micros,
        /// Valid boots.
        n: i32,
        /// Boots without a valid value.
        n_invalid: i32,
        /// Their mean, on the scale.
        mean: f64,
        /// Their standard deviation, on the scale.
        sd: Option<f64>,
        /// Standard error of the mean.
        se: Option<f64>,
        /// Its degrees of freedom.
        df: Option<f64>,
        /// The smallest value, as measured.
        min: f64,
        /// The largest.
        max: f64,
        /// The mean of the values as measured.
        mean_raw: f64,
        /// Whether the host was quiet, where that was watched.
        quiet: Option<bool>,
        /// The version of what wrote the row.
        schema: i32,
    }
}

table! {
    /// One boot's value of a row.
    Boot "boots" {
        /// Of which series.
        series_id: SeriesId,
        /// The campaign.
        campaign: String,
        /// What was added: the campaign and the environment, or a hash of what was in a file.
        source: String,
        /// The environment's name.
        env: String,
        /// The block.
        block: Option<i32>,
        /// Its place within the block.
        order: Option<i32>,
        /// The repeat.
        repeat: i32,
        /// The attempt that counted.
        attempt: i32,
        /// The guest's boot.
        boot: Option<i32>,
        /// The host's boot.
        host_boot: Option<String>,
        /// The value as measured; absent where it is not valid.
        value: Option<f64>,
        /// Why not.
        invalid_code: Option<String>,
        /// When it began.
        start: Option<Micros>,
        /// How long the window was, in seconds.
        len: Option<f64>,
    }
}

table! {
    /// What was measured.
    Build "builds" {
        /// Its identity.
        build_id: String,
        /// What told of it.
        source: String,
        /// The project: what the commit belongs to.
        project: Option<String>,
        /// The commit.
        commit: Option<String>,
        /// The tree of the commit.
        tree: Option<String>,
        /// A hash of what was changed beside it.
        patch: Option<String>,
        /// A hash of its configuration.
        config: Option<String>,
        /// The compiler.
        compiler: Option<String>,
        /// Its flags.
        flags: Option<String>,
        /// A hash of the program.
        binary: Option<String>,
        /// built, or how it failed.
        status: Option<String>,
        /// How long building took.
        seconds: Option<f64>,
        /// Where it lay when it was measured, and what was seen of it there: JSON, written by analyze's `history/place.rs`. No part of
        /// anything's identity.
        place: Option<String>,
    }
}

table! {
    /// A commit, as its repository had it.
    Commit "commits" {
        /// The commit.
        commit: String,
        /// What told of it.
        source: String,
        /// Its project.
        project: Option<String>,
        /// Its first parent.
        parent: Option<String>,
        /// Its place on the first-parent line.
        ordinal: Option<i64>,
        /// When it was written.
        authored_at: Option<Micros>,
        /// Its first line.
        subject: Option<String>,
    }
}
