//! What may stand in a column.

use serde::{Deserialize, Serialize};

/// Microseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Micros(pub i64);

/// The type of a column, as Parquet has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// 32 bits with a sign.
    Int32,
    /// 64 bits with a sign.
    Int64,
    /// 64 bits of floating point.
    Double,
    /// Yes or no.
    Boolean,
    /// 16 bytes.
    Fixed16,
    /// Microseconds in UTC.
    Time,
}

/// The values of a column, absent ones among them.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Of [`Kind::Text`].
    Text(Vec<Option<String>>),
    /// Of [`Kind::Int32`].
    Int32(Vec<Option<i32>>),
    /// Of [`Kind::Int64`] and [`Kind::Time`].
    Int64(Vec<Option<i64>>),
    /// Of [`Kind::Double`].
    Double(Vec<Option<f64>>),
    /// Of [`Kind::Boolean`].
    Boolean(Vec<Option<bool>>),
    /// Of [`Kind::Fixed16`].
    Fixed16(Vec<Option<[u8; 16]>>),
}

impl Column {
    /// No values of a kind.
    pub fn of(kind: Kind) -> Column {
        match kind {
            Kind::Text => Column::Text(Vec::new()),
            Kind::Int32 => Column::Int32(Vec::new()),
            Kind::Int64 | Kind::Time => Column::Int64(Vec::new()),
            Kind::Double => Column::Double(Vec::new()),
            Kind::Boolean => Column::Boolean(Vec::new()),
            Kind::Fixed16 => Column::Fixed16(Vec::new()),
        }
    }
}

/// A field of a row.
pub trait Cell: Sized {
    /// The type of its column.
    const KIND: Kind;
    /// Puts the value at the end of a column of its kind.
    fn put(&self, column: &mut Column);
    /// Takes the value of a row; what is absent there is what the type makes of it.
    fn take(column: &mut Column, row: usize) -> Self;
}

macro_rules! cell {
    ($type:ty, $kind:ident, $variant:ident, $to:expr, $from:expr) => {
        impl Cell for $type {
            const KIND: Kind = Kind::$kind;
            fn put(&self, column: &mut Column) {
                if let Column::$variant(values) = column {
                    let to: fn(&$type) -> _ = $to;
                    values.push(Some(to(self)));
                }
            }
            fn take(column: &mut Column, row: usize) -> Self {
                match column {
                    Column::$variant(values) => {
                        values.get_mut(row).and_then(Option::take).map($from).unwrap_or_default()
                    }
                    _ => Self::default(),
                }
            }
        }
    };
}

cell!(String, Text, Text, String::clone, |s| s);
cell!(i32, Int32, Int32, |v| *v, |v| v);
cell!(i64, Int64, Int64, |v| *v, |v| v);
cell!(f64, Double, Double, |v| *v, |v| v);
cell!(bool, Boolean, Boolean, |v| *v, |v| v);
cell!([u8; 16], Fixed16, Fixed16, |v| *v, |v| v);
cell!(Micros, Time, Int64, |v| v.0, Micros);

impl<T: Cell> Cell for Option<T> {
    const KIND: Kind = T::KIND;

    fn put(&self, column: &mut Column) {
        match (self, column) {
            (Some(value), column) => value.put(column),
            (None, Column::Text(values)) => values.push(None),
            (None, Column::Int32(values)) => values.push(None),
            (None, Column::Int64(values)) => values.push(None),
            (None, Column::Double(values)) => values.push(None),
            (None, Column::Boolean(values)) => values.push(None),
            (None, Column::Fixed16(values)) => values.push(None),
        }
    }

    fn take(column: &mut Column, row: usize) -> Self {
        let there = match column {
            Column::Text(values) => values.get(row).is_some_and(Option::is_some),
            Column::Int32(values) => values.get(row).is_some_and(Option::is_some),
            Column::Int64(values) => values.get(row).is_some_and(Option::is_some),
            Column::Double(values) => values.get(row).is_some_and(Option::is_some),
            Column::Boolean(values) => values.get(row).is_some_and(Option::is_some),
            Column::Fixed16(values) => values.get(row).is_some_and(Option::is_some),
        };
        there.then(|| T::take(column, row))
    }
}
