//! `perfvt lake export`.

use crate::args::{ExportFormat, LakeExport};
use crate::verbs::moment::moment_of;
use crate::{DONE, Error, NOTHING};
use analyze::history::{exported_boots, exported_points};
use lake::{Lake, Torn, write_rows};
use model::counted;
use serde::Serialize;
use std::io::Write;
use std::path::Path;

/// Writes points or boots of chosen series.
pub(super) fn export(args: &LakeExport, out: &mut dyn Write, err: &mut dyn Write) -> Result<u8, Error> {
    let lake = Lake::open(&args.lake)?;
    let since = moment_of("--since", args.since.as_ref())?;
    let to = args.output.as_deref();
    let format = args.format.or_else(|| by_name(to)).unwrap_or(ExportFormat::Csv);
    let rows = match (format, to, args.boots) {
        (ExportFormat::Parquet, _, true) => {
            return Err("--boots --format parquet: the files of the lake's boots/ are that already".into());
        }
        (ExportFormat::Parquet, None, _) => return Err("--format parquet: want --output FILE".into()),
        (ExportFormat::Parquet, Some(path), false) => {
            let (exported, points) = exported_points(&lake, &args.series, since)?;
            tell(&exported.torn, err)?;
            write_rows(path, &points)?;
            points.len()
        }
        (_, _, true) => {
            let exported = exported_boots(&lake, &args.series, since)?;
            tell(&exported.torn, err)?;
            write(format, &exported.rows, to, out)?
        }
        (_, _, false) => {
            let (exported, _) = exported_points(&lake, &args.series, since)?;
            tell(&exported.torn, err)?;
            write(format, &exported.rows, to, out)?
        }
    };
    if rows == 0 {
        writeln!(err, "nothing of this lake was meant: `perfvt history` shows how its series are called")?;
        return Ok(NOTHING);
    }
    if let Some(path) = to {
        writeln!(out, "{}: {}", path.display(), counted(rows, "row"))?;
    }
    Ok(DONE)
}

fn by_name(path: Option<&Path>) -> Option<ExportFormat> {
    match path?.extension()?.to_str()? {
        "jsonl" => Some(ExportFormat::Jsonl),
        "parquet" => Some(ExportFormat::Parquet),
        _ => None,
    }
}

/// Files that do not read: what they hold is not exported.
fn tell(torn: &[Torn], err: &mut dyn Write) -> Result<(), Error> {
    for torn in torn {
        writeln!(err, "{}: does not read: {}", torn.path.display(), torn.why)?;
    }
    Ok(())
}

fn write<T: Serialize>(
    format: ExportFormat,
    rows: &[T],
    to: Option<&Path>,
    out: &mut dyn Write,
) -> Result<usize, Error> {
    let text = match format {
        ExportFormat::Jsonl => {
            let lines: Vec<String> = rows.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
            lines.iter().map(|line| format!("{line}\n")).collect()
        }
        _ => report::csv_of_rows(rows),
    };
    match to {
        Some(path) => edge::write::write_atomically(path, text.as_bytes())
            .map_err(|error| format!("writing {}: {error}", path.display()))?,
        None => out.write_all(text.as_bytes())?,
    }
    Ok(rows.len())
}
