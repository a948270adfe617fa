//! What must hold for any bytes that are read as the values or the series of a repeat: no panic; a line that is wrong exists;
//! what is read is read again when it is written; and of what is written no part is another list of values.

use model::lines::{self, LineError};
use model::measurement::{self, MEASUREMENT_FORMAT};
use model::series::SERIES_FORMAT;
use model::{Measurement, SeriesLine};
use std::collections::HashSet;

/// Checks one input.
pub fn holds(data: &[u8]) {
    series(data);
    match measurement::read(data) {
        Err(error) => refused(data, &error),
        Ok(read) => {
            let mut pairs = HashSet::new();
            for m in &read.items {
                assert!(pairs.insert((&m.case, &m.metric)), "{m:?} is there twice");
                assert!(m.v <= MEASUREMENT_FORMAT && (read.sealed || m.v < lines::SEALED_SINCE), "{m:?}");
            }
            written(&read.items);
        }
    }
}

fn series(data: &[u8]) {
    match lines::read::<SeriesLine>(data, SERIES_FORMAT) {
        Err(error) => refused(data, &error),
        Ok(lines) => {
            for line in lines {
                match line {
                    Ok((_, line)) => assert!(line.value.is_finite()),
                    Err(error) => return refused(data, &error),
                }
            }
        }
    }
}

/// What is written is read again, and nothing else out of a part of it.
fn written(items: &[Measurement]) {
    let items: Vec<Measurement> =
        items.iter().cloned().map(|m| Measurement { v: MEASUREMENT_FORMAT, ..m }).collect();
    let text = lines::write(&items).expect("it was read");
    let again = measurement::read(&text).expect("what is written is good");
    assert!(again.sealed && again.items == items);
    // Every cut of a small text, and those around the ends of the lines of a large one.
    let ends =
        text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').flat_map(|(at, _)| [at, at + 1, at + 9]);
    let cuts: Vec<usize> = if text.len() < 600 { (0..text.len()).collect() } else { ends.take(30).collect() };
    for cut in cuts.into_iter().filter(|cut| *cut < text.len()) {
        if let Ok(read) = measurement::read(&text[..cut]) {
            assert_eq!(read.items, items, "cut at {cut}");
        }
    }
}

/// An error names a line of the text and says why.
fn refused(data: &[u8], error: &LineError) {
    let count = data.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!(!error.to_string().is_empty());
    match error {
        LineError::Json { line, .. } | LineError::Damaged { line, .. } => {
            assert!((1..=count).contains(line), "{error} in line {line}")
        }
        LineError::Newer { found, known } => assert!(found > known),
    }
}
