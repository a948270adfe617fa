//! What must hold for any bytes that are read as the beginning of a VMDK image.

use formats::vmdk::{is_vmdk, parse};

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    match parse(data) {
        Err(error) => assert!(!error.what.is_empty()),
        Ok(header) => {
            assert!(is_vmdk(data) && header.size > 0 && header.size.is_multiple_of(512));
            // What is cut off is refused, or says the same.
            let shorter = data.get(..data.len() / 2).map(parse);
            assert!(shorter.is_none_or(|shorter| shorter.is_err() || shorter == Ok(header)));
        }
    }
}
