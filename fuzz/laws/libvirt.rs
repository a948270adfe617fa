//! What must hold for any bytes that are read as a domain of libvirt.

use formats::libvirt::parse;

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = u32::try_from(text.matches('\n').count() + 1).unwrap_or(u32::MAX);
    match parse(&text) {
        Err((line, why)) => assert!((1..=lines).contains(&line) && !why.is_empty()),
        Ok(guest) => {
            assert!(guest.keys.iter().all(|(key, value, line)| {
                !key.is_empty() && !value.is_empty() && (1..=lines).contains(line)
            }));
            assert!(guest.unmapped.iter().all(|one| !one.what.is_empty() && (1..=lines).contains(&one.line)));
        }
    }
}
