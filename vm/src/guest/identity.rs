//! What an image of the user's is: a hash of its content, and of what else it is made of. Hashing gigabytes takes seconds, so
//! a file that has its size and time of modification still is not read again.

use super::image::Cache;
use crate::host::fingerprint::hash_file;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const INDEX: &str = "image-hashes.json";

/// A file as it was when it was hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    device: u64,
    inode: u64,
    size: u64,
    mtime_ns: i64,
    mtime_s: i64,
    ctime_ns: i64,
    ctime_s: i64,
    hash: String,
}

/// The hash of the content of files that make up one thing, in hexadecimal.
///
/// # Errors
/// A file that cannot be read.
pub fn identity(cache: &Cache, files: &[&Path]) -> std::io::Result<String> {
    let mut hashes = Vec::new();
    for file in files {
        hashes.push(of_file(cache, &fs::canonicalize(file)?)?);
    }
    match hashes.as_slice() {
        [one] => Ok(one.clone()),
        several => Ok(blake3::hash(several.join("\n").as_bytes()).to_hex().to_string()),
    }
}

fn of_file(cache: &Cache, path: &Path) -> std::io::Result<String> {
    let index = cache.root().join(INDEX);
    // A missing or damaged index costs time and nothing else.
    let mut all: BTreeMap<PathBuf, Known> = edge::read(&index, edge::read::RECORD)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let stamp = |hash: &str| -> std::io::Result<Known> {
        let m = fs::metadata(path)?;
        let (device, inode, size) = (m.dev(), m.ino(), m.size());
        let (mtime_s, mtime_ns, ctime_s, ctime_ns) = (m.mtime(), m.mtime_nsec(), m.ctime(), m.ctime_nsec());
        Ok(Known { device, inode, size, mtime_ns, mtime_s, ctime_ns, ctime_s, hash: hash.to_owned() })
    };
    if let Some(known) = all.get(path)
        && stamp(&known.hash)? == *known
    {
        return Ok(known.hash.clone());
    }
    let before = stamp("")?;
    let hash = hash_file(path).ok_or_else(|| std::io::Error::other("it cannot be read"))?;
    if stamp("")? != before {
        return Err(std::io::Error::other("it changed while it was read; a guest may be running from it"));
    }
    all.retain(|path, _| path.exists());
    all.insert(path.to_owned(), stamp(&hash)?);
    // The next campaign hashes again if this cannot be kept.
    if let Ok(text) = serde_json::to_vec(&all) {
        let _ = edge::write::create_directory(cache.root());
        let _ = edge::write_atomically(&index, &text);
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_content_and_read_again_only_when_it_changed() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let image = dir.path().join("image.raw");
        fs::write(&image, "one").unwrap();
        let first = identity(&cache, &[&image]).unwrap();
        assert_eq!(first, identity(&cache, &[&image]).unwrap());
        let index = cache.root().join(INDEX);
        let text = fs::read_to_string(&index).unwrap().replace(&first, "kept");
        fs::write(&index, text).unwrap();
        assert_eq!(identity(&cache, &[&image]).unwrap(), "kept");
        fs::write(&image, "two").unwrap();
        let second = identity(&cache, &[&image]).unwrap();
        assert!(second != first && second != "kept");
        fs::write(&index, "damaged").unwrap();
        assert_eq!(identity(&cache, &[&image]).unwrap(), second);
        let below = dir.path().join("below.raw");
        fs::write(&below, "below").unwrap();
        let both = identity(&cache, &[&image, &below]).unwrap();
        fs::write(&below, "changed").unwrap();
        assert!(both != second && both != identity(&cache, &[&image, &below]).unwrap());
        assert!(identity(&cache, &[&dir.path().join("away")]).is_err());
    }
}
