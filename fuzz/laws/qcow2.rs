//! What must hold for any bytes that are read as the beginning of a qcow2 image.

use formats::qcow2::{LONGEST, is_qcow2, parse};

/// Whether a name stands in the bytes: nothing is made up.
fn stands(data: &[u8], name: &str) -> bool {
    !name.is_empty() && data.windows(name.len()).any(|part| part == name.as_bytes())
}

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    match parse(data) {
        Err(error) => assert!(!error.what.is_empty()),
        Ok(header) => {
            assert!(is_qcow2(data));
            let backing = header.backing.iter();
            let names =
                backing.flat_map(|b| [Some(&b.file), b.format.as_ref()]).chain([header.data_file.as_ref()]);
            for name in names.flatten() {
                assert!(stands(data, name) && !name.contains('\0'), "{name:?}");
            }
            // What is cut off is refused, or says the same: no cut makes a name disappear.
            for cut in [data.len() / 2, data.len().saturating_sub(1), data.len().min(LONGEST)] {
                let shorter = data.get(..cut).map(parse);
                assert!(shorter.is_none_or(|shorter| shorter.is_err() || shorter.as_ref() == Ok(&header)));
            }
        }
    }
}
