//! A few files in one archive, to be sent to somebody.

use std::io;
use std::path::Path;

/// `NAME/..` with these files as the bytes of a tar.gz. Equal input gives equal bytes.
///
/// # Errors
/// A name that an archive cannot hold.
pub fn bundle(name: &str, files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut tar = tar::Builder::new(gzip);
    for (file, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, Path::new(name).join(file), bytes.as_slice())?;
    }
    tar.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn files_come_out_as_they_went_in() {
        let files = [("a.txt".to_owned(), b"one".to_vec()), ("b/c.json".to_owned(), Vec::new())];
        let bytes = bundle("it", &files).unwrap();
        assert_eq!(bytes, bundle("it", &files).unwrap());
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
        let mut found = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            found.push((path, content));
        }
        assert_eq!(found, [("it/a.txt".into(), "one".into()), ("it/b/c.json".into(), String::new())]);
    }
}
