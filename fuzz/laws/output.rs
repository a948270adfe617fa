//! What must hold for any bytes that are read as a guest's output disk.

use formats::output::{LARGEST, MOST, SUMS, read};

/// Panics when the law is broken.
pub fn holds(data: &[u8]) {
    match read(data) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(files) => {
            assert!(files.len() <= MOST && !files.contains_key(SUMS));
            assert!(files.values().map(|content| content.len() as u64).sum::<u64>() <= LARGEST);
            // Each can be put into a folder by its name alone.
            assert!(
                files.keys().all(|name| !name.is_empty() && !name.starts_with('.') && !name.contains('/'))
            );
        }
    }
}
