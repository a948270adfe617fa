//! Hashes of files.

use std::path::Path;

/// The first 16 hexadecimal digits of BLAKE3 over a file; `None` when it cannot be read.
pub fn hash_file(path: &Path) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(edge::read::open(path).ok()?).ok()?;
    Some(hasher.finalize().to_hex().chars().take(16).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_hash_and_a_missing_one_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(hash_file(&path).as_deref(), Some("6437b3ac38465133"));
        assert_eq!(hash_file(&dir.path().join("y")), None);
    }
}
