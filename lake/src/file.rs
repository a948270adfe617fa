//! One Parquet file: rows to bytes and back.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{
    Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel,
};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType,
    Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};

use crate::cell::{Column, Kind};
use crate::tables::Table;

/// Most rows of a file that is read: some hundred years of a machine.
const ROWS_MAX: i64 = 1 << 28;

fn field(name: &str, kind: Kind) -> Result<Type, ParquetError> {
    let physical = match kind {
        Kind::Text => Physical::BYTE_ARRAY,
        Kind::Int32 => Physical::INT32,
        Kind::Int64 | Kind::Time => Physical::INT64,
        Kind::Double => Physical::DOUBLE,
        Kind::Boolean => Physical::BOOLEAN,
        Kind::Fixed16 => Physical::FIXED_LEN_BYTE_ARRAY,
    };
    let builder = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    match kind {
        Kind::Text => builder.with_logical_type(Some(LogicalType::String)),
        Kind::Time => builder.with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
        Kind::Fixed16 => builder.with_length(16).with_converted_type(ConvertedType::NONE),
        _ => builder,
    }
    .build()
}

/// The file that holds the rows.
pub(crate) fn write<T: Table>(rows: &[T]) -> Result<Vec<u8>, ParquetError> {
    let fields =
        T::COLUMNS.iter().map(|(name, kind)| field(name, *kind).map(Arc::new)).collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?);
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(9)?))
        .set_created_by("perfvt".to_owned())
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for (name, kind) in T::COLUMNS {
        // Measured values are seldom the same twice.
        if *kind == Kind::Double {
            properties = properties.set_column_dictionary_enabled(ColumnPath::from(*name), false);
        }
    }
    let mut columns: Vec<Column> = T::COLUMNS.iter().map(|(_, kind)| Column::of(*kind)).collect();
    rows.iter().for_each(|row| row.put(&mut columns));
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build()))?;
    let mut group = file.next_row_group()?;
    for column in columns {
        write_column(&mut group, column)?;
    }
    group.close()?;
    file.into_inner()
}

fn write_column(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    column: Column,
) -> Result<(), ParquetError> {
    match column {
        Column::Text(values) => {
            put::<ByteArrayType, _>(group, values, |text| ByteArray::from(text.into_bytes()))
        }
        Column::Int32(values) => put::<Int32Type, _>(group, values, |v| v),
        Column::Int64(values) => put::<Int64Type, _>(group, values, |v| v),
        Column::Double(values) => put::<DoubleType, _>(group, values, |v| v),
        Column::Boolean(values) => put::<BoolType, _>(group, values, |v| v),
        Column::Fixed16(values) => {
            put::<FixedLenByteArrayType, _>(group, values, |bytes| FixedLenByteArray::from(bytes.to_vec()))
        }
    }
}

fn put<D: DataType, V>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: Vec<Option<V>>,
    to: impl Fn(V) -> D::T,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
    let there: Vec<D::T> = values.into_iter().flatten().map(to).collect();
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column more than the schema has".to_owned()));
    };
    column.typed::<D>().write_batch(&there, Some(&levels), None)?;
    column.close()
}

/// The rows of a file. Columns that it lacks are absent in all rows, those that it has more are not looked at.
pub(crate) fn read<T: Table>(bytes: Vec<u8>) -> Result<Vec<T>, ParquetError> {
    let file = SerializedFileReader::new(Bytes::from(bytes))?;
    let metadata = file.metadata();
    if metadata.file_metadata().num_rows() > ROWS_MAX {
        return Err(ParquetError::General("more rows than a lake's file has".to_owned()));
    }
    let names: Vec<String> =
        metadata.file_metadata().schema_descr().columns().iter().map(|c| c.path().string()).collect();
    let mut out = Vec::new();
    for index in 0..file.num_row_groups() {
        let group = file.get_row_group(index)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut columns = Vec::with_capacity(T::COLUMNS.len());
        for (name, kind) in T::COLUMNS {
            columns.push(match names.iter().position(|n| n == name) {
                Some(at) => read_column(group.get_column_reader(at)?, *kind, rows)
                    .map_err(|error| ParquetError::General(format!("column {name}: {error}")))?,
                None => Column::of(*kind),
            });
        }
        out.extend((0..rows).map(|row| T::take(&mut columns, row)));
    }
    Ok(out)
}

fn read_column(reader: ColumnReader, kind: Kind, rows: usize) -> Result<Column, ParquetError> {
    Ok(match (kind, reader) {
        (Kind::Text, ColumnReader::ByteArrayColumnReader(reader)) => {
            let text = |bytes: ByteArray| {
                let text = bytes.as_utf8().map(str::to_owned);
                text.map_err(|_| ParquetError::General("text that is not UTF-8".to_owned()))
            };
            Column::Text(take::<ByteArrayType, _>(reader, rows, text)?)
        }
        (Kind::Int32, ColumnReader::Int32ColumnReader(reader)) => {
            Column::Int32(take::<Int32Type, _>(reader, rows, Ok)?)
        }
        (Kind::Int64 | Kind::Time, ColumnReader::Int64ColumnReader(reader)) => {
            Column::Int64(take::<Int64Type, _>(reader, rows, Ok)?)
        }
        (Kind::Double, ColumnReader::DoubleColumnReader(reader)) => {
            Column::Double(take::<DoubleType, _>(reader, rows, Ok)?)
        }
        (Kind::Boolean, ColumnReader::BoolColumnReader(reader)) => {
            Column::Boolean(take::<BoolType, _>(reader, rows, Ok)?)
        }
        (Kind::Fixed16, ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
            let bytes = |bytes: FixedLenByteArray| {
                let bytes = bytes.data().try_into();
                bytes.map_err(|_| ParquetError::General("an identity that has not 16 bytes".to_owned()))
            };
            Column::Fixed16(take::<FixedLenByteArrayType, _>(reader, rows, bytes)?)
        }
        _ => return Err(ParquetError::General(format!("want {kind:?}, found another type"))),
    })
}

fn take<D: DataType, V>(
    mut reader: ColumnReaderImpl<D>,
    rows: usize,
    from: impl Fn(D::T) -> Result<V, ParquetError>,
) -> Result<Vec<Option<V>>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        let (records, _, _) = reader.read_records(rows - read, Some(&mut levels), None, &mut values)?;
        if records == 0 {
            return Err(ParquetError::General(format!("{read} of {rows} values")));
        }
        read += records;
    }
    let mut values = values.into_iter();
    // A column that may not be absent has no levels.
    let there = (0..rows).map(|row| levels.get(row).is_none_or(|level| *level > 0));
    there
        .map(|is| match (is, is.then(|| values.next()).flatten()) {
            (true, Some(value)) => from(value).map(Some),
            (true, None) => Err(ParquetError::General("fewer values than rows".to_owned())),
            (false, _) => Ok(None),
        })
        .collect()
}
