//! A journal: no panic; what is read writes back byte for byte, up to where it is good.

use formats::journal::{read, write_entry};

/// Checks one input.
pub fn holds(data: &[u8]) {
    let Ok(journal) = read(data) else { return };
    assert!(journal.good_bytes <= data.len());
    let again = read(&data[..journal.good_bytes]).expect("what was good stays good");
    assert_eq!(again.entries, journal.entries);
    assert!(!again.torn);
    let written: String = journal.entries.iter().map(|e| write_entry(e).expect("it was read")).collect();
    let reread = read(written.as_bytes()).expect("what is written is good");
    assert_eq!(reread.entries, journal.entries);
}
