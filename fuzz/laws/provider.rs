//! What must hold for any bytes that are read as the definition of a test provider.

use formats::provider::parse;

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    match parse(&text) {
        Err(error) => {
            assert!((1..=lines.max(1)).contains(&error.line) && !error.what.is_empty());
        }
        Ok(provider) => {
            assert!(!provider.uri.is_empty());
            let values = [&provider.branch, &provider.reference, &provider.pubkey];
            assert!(values.into_iter().flatten().all(|value| !value.is_empty()));
            assert!(provider.parts.iter().all(|(_, folder)| !folder.starts_with('/')));
        }
    }
}
