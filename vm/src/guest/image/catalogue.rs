//! `images.json` in the folder of images: what each system there is, when it was made, and the sums of its files. It makes that
//! folder a mirror ([`super::sync`]).
//!
//! The built-in guest is not in it: every host makes its own in seconds.

use super::build::lock;
use super::error::ImageError;
use super::store::{Cache, Manifest, StoredImage, list};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Its name.
pub(super) const FILE: &str = "images.json";
/// Changelog: 1, the first.
const FORMAT: u32 = 1;

/// A system in the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The name of its folder.
    pub name: String,
    /// What it was built as, or imported as.
    pub flavour: String,
    /// The day on which it was made (UTC), with a number behind a dot from the second of a day on.
    pub serial: String,
    /// When it was made, in seconds since 1970.
    pub made: u64,
    /// The SHA-256 of its manifest.json.
    pub sha256: String,
    /// Its other files.
    pub files: BTreeMap<String, Sum>,
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
struct Catalogue {
    format: u32,
    images: Vec<Listed>,
}

/// Reads a catalogue, which may be anybody's.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Vec<Listed>, ImageError> {
    let bad = |what: String| ImageError::format(path, "a list of images", what);
    let read: Catalogue = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
    if read.format != FORMAT {
        return Err(bad(format!("it is of format {}, and {FORMAT} is known", read.format)));
    }
    for image in &read.images {
        let names = image.files.keys().chain([&image.name]);
        if let Some(name) = names.into_iter().find(|name| !is_plain(name)) {
            return Err(bad(format!("{} is no name of a file in a folder", edge::quoted(name))));
        }
    }
    Ok(read.images)
}

/// A name that stays in its folder.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && !name.contains(['/', '\0'])
        && !name.contains(edge::text::is_hidden)
}

/// What is listed; nothing where there is no list yet, or a damaged one, which the next build writes anew.
pub fn catalogue(cache: &Cache) -> Vec<Listed> {
    let path = cache.images_dir().join(FILE);
    let read = edge::read(&path, edge::read::RECORD).ok();
    read.and_then(|bytes| parse(&bytes, &path).ok()).unwrap_or_default()
}

/// Brings the list up to what is there, with `known` of those that came from elsewhere. The lock on images is the caller's.
pub(super) fn renew(cache: &Cache, known: &[Listed]) -> Result<(), ImageError> {
    let there = list(cache)?;
    let mut old = catalogue(cache);
    old.extend(known.iter().cloned());
    let is_there = |listed: &Listed| there.iter().any(|stored| stored.name == listed.name);
    let mut images: Vec<Listed> = Vec::new();
    for listed in old.into_iter().filter(is_there) {
        if images.iter().all(|image| image.name != listed.name) {
            images.push(listed);
        }
    }
    for stored in there.iter().filter(|stored| stored.image.disk.is_some()) {
        if images.iter().all(|listed| listed.name != stored.name) {
            let listed = of(stored, &images)?;
            images.push(listed);
        }
    }
    images.sort_by(|a, b| a.name.cmp(&b.name));
    let path = cache.images_dir().join(FILE);
    let text = serde_json::to_vec_pretty(&Catalogue { format: FORMAT, images })
        .map_err(|error| ImageError::io("writing", &path, error.into()))?;
    edge::write_atomically(&path, &text).map_err(|error| ImageError::io("writing", &path, error))
}

/// Brings the list up to what is there, for whoever has taken images away.
///
/// # Errors
/// An image that cannot be read, or a list that cannot be written.
pub fn relist(cache: &Cache) -> Result<(), ImageError> {
    let _lock = lock(&cache.images_dir().join(".lock"))?;
    renew(cache, &[])
}

/// An image that is not listed yet.
fn of(stored: &StoredImage, others: &[Listed]) -> Result<Listed, ImageError> {
    let dir = &stored.image.dir;
    let manifest = dir.join(Manifest::FILE);
    let modified = fs::metadata(&manifest).and_then(|metadata| metadata.modified());
    let modified = modified.map_err(|error| ImageError::io("reading", &manifest, error))?;
    let made = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let flavour = stored.flavour().to_owned();
    let day = day_of(made);
    let same =
        others.iter().filter(|other| other.flavour == flavour && other.serial.starts_with(&day)).count();
    let mut files = BTreeMap::new();
    for name in &stored.files {
        let (bytes, sha256) = sum(&dir.join(name))?;
        files.insert(name.clone(), Sum { bytes, sha256 });
    }
    Ok(Listed {
        name: stored.name.clone(),
        flavour,
        serial: if same == 0 { day } else { format!("{day}.{same}") },
        made,
        sha256: sum(&manifest)?.1,
        files,
    })
}

fn day_of(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.unwrap_or_default().strftime("%Y%m%d").to_string()
}

/// The bytes of a file, and their SHA-256.
pub(super) fn sum(path: &Path) -> Result<(u64, String), ImageError> {
    let reading = |error| ImageError::io("reading", path, error);
    let mut file = edge::read::open(path).map_err(reading)?;
    let (mut hasher, mut buffer, mut bytes) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut buffer).map_err(reading)? {
            0 => break,
            read => {
                hasher.update(buffer.get(..read).unwrap_or_default());
                bytes += read as u64;
            }
        }
    }
    Ok((bytes, hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Images beyond the newest `keep` of each flavour, oldest first.
///
/// # Errors
/// The folder of images cannot be read.
pub fn surplus(cache: &Cache, keep: usize) -> Result<Vec<StoredImage>, ImageError> {
    let listed = catalogue(cache);
    let made = |image: &StoredImage| {
        let known = listed.iter().find(|listed| listed.name == image.name).map(|listed| listed.made);
        let used = || image.used.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        known.unwrap_or_else(used)
    };
    let mut by_flavour: BTreeMap<String, Vec<StoredImage>> = BTreeMap::new();
    for image in list(cache)? {
        by_flavour.entry(image.flavour().to_owned()).or_default().push(image);
    }
    let mut surplus = Vec::new();
    for images in by_flavour.values_mut() {
        images.sort_by_key(|image| (made(image), image.name.clone()));
        let beyond = images.len().saturating_sub(keep);
        surplus.extend(images.drain(..beyond));
    }
    Ok(surplus)
}

/// A result below a folder that says one of these hashes of what it was measured in.
pub fn measured_in(results: &Path, hashes: &[String]) -> Option<PathBuf> {
    let files = walkdir::WalkDir::new(results).into_iter().flatten();
    let mut files = files
        .filter(|entry| entry.file_type().is_file() && RESULTS.iter().any(|name| entry.file_name() == *name));
    let found = files.find(|entry| {
        let text = edge::read_text(entry.path(), edge::read::RECORD).unwrap_or_default();
        hashes.iter().any(|hash| !hash.is_empty() && text.contains(hash.as_str()))
    });
    found.map(walkdir::DirEntry::into_path)
}

/// Files of results that say in what a campaign was measured.
const RESULTS: [&str; 2] = ["run.json", "facts.txt"];

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::time::Duration;

    /// Puts an image with a disk into a cache.
    pub(in super::super) fn store(cache: &Cache, name: &str, disk: &[u8], age: u64) {
        let dir = cache.images_dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("disk.qcow2"), disk).unwrap();
        let mut manifest = Manifest::new("", String::new(), "0".repeat(64), BTreeMap::new());
        manifest.initramfs = String::new();
        manifest.disk = Some("disk.qcow2".to_owned());
        manifest.imported = Some("x".to_owned());
        manifest.files.insert("disk.qcow2".to_owned(), disk.len() as u64);
        manifest.write(&dir).unwrap();
        let made = SystemTime::now() - Duration::from_secs(age);
        fs::File::open(dir.join(Manifest::FILE)).unwrap().set_modified(made).unwrap();
    }

    #[test]
    fn the_list_has_what_is_there_with_the_sums_of_its_files_and_two_of_a_day_differ() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        store(&cache, "mine-00", b"abc", 0);
        store(&cache, "mine-01", b"abd", 0);
        renew(&cache, &[]).unwrap();
        let listed = catalogue(&cache);
        // From FIPS 180-4's example.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            (listed[0].files["disk.qcow2"].sha256.as_str(), listed[0].files["disk.qcow2"].bytes),
            (sum, 3)
        );
        assert_eq!(listed[1].serial, format!("{}.1", listed[0].serial));
        assert_eq!(day_of(1_700_000_000), "20231114");
        fs::remove_dir_all(cache.images_dir().join("mine-00")).unwrap();
        renew(&cache, &[]).unwrap();
        let left: Vec<_> = catalogue(&cache).into_iter().map(|listed| listed.name).collect();
        assert_eq!(left, ["mine-01"]);
    }

    #[test]
    fn the_newest_of_each_flavour_stay() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        for (name, days) in [("a-00", 3), ("a-01", 1), ("a-02", 2), ("a-13-00", 9)] {
            store(&cache, name, b"x", days * 86_400);
        }
        renew(&cache, &[]).unwrap();
        let names = |keep| surplus(&cache, keep).unwrap().into_iter().map(|i| i.name).collect::<Vec<_>>();
        assert_eq!(names(1), ["a-00", "a-02"]);
        assert_eq!(names(2), ["a-00"]);
        assert_eq!(names(3), [""; 0]);
    }

    #[test]
    fn a_list_whose_names_lead_elsewhere_is_refused() {
        let listed = |name: &str, file: &str| {
            format!(
                r#"{{"format": 1, "images": [{{"name": "{name}", "flavour": "a", "serial": "1", "made": 1, "sha256": "0",
                "files": {{"{file}": {{"bytes": 1, "sha256": "0"}}}}}}]}}"#
            )
        };
        let read = |text: &str| parse(text.as_bytes(), Path::new("x"));
        assert!(read(&listed("a-00", "disk.qcow2")).is_ok());
        for (name, file) in [("../a", "d"), ("a", "../d"), ("", "d"), ("a/b", "d"), ("a", "/etc/x")] {
            let said = read(&listed(name, file)).unwrap_err().to_string();
            assert!(said.contains("is no name of a file"), "{said}");
        }
        assert!(read(r#"{"format": 2, "images": []}"#).unwrap_err().to_string().contains("of format 2"));
    }
}
