//! What a guest that nobody talks to leaves on its output disk: a tar archive with plain files, the last of which has the
//! checksums of all others.
//!
//! ```text
//!   fio.json  window.json  ..  SHA256SUMS      and nothing behind but zeros
//! ```
//!
//! The guest may have been cut short, may be broken, or may mean ill: what is not whole, not plain or not what the checksums say
//! is refused, and nothing is unpacked here.

use edge::quoted;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use tar::{Archive, EntryType};

/// The last file: a line `SUM  NAME` for each of the others, as sha256sum writes it.
pub const SUMS: &str = "SHA256SUMS";
/// There are no more files than this.
pub const MOST: usize = 1000;
/// All files together are no larger, in bytes.
pub const LARGEST: u64 = 1 << 30;
/// No name is longer, in bytes: longer ones take an entry of their own, which is no plain file.
const LONGEST_NAME: usize = 99;

/// The files by their names.
pub type Files = BTreeMap<String, Vec<u8>>;

/// An output disk with something else than results.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Not a byte of an archive.
    #[error("the output disk is empty: the guest wrote no results")]
    Empty,
    /// It ends before its end, or is none.
    #[error("the output disk has no whole tar archive ({0}); is output_size large enough?")]
    Cut(std::io::Error),
    /// No checksums at the end.
    #[error(
        "the archive on the output disk does not end with {SUMS}: it was cut; is output_size large enough?"
    )]
    NoSums,
    /// Something behind the checksums.
    #[error("the archive on the output disk goes on behind {SUMS}, with {}", quoted(.0))]
    Behind(String),
    /// A name that leads elsewhere, or would.
    #[error("the archive on the output disk has a file called {}: want a plain name without a folder", quoted(.0))]
    Name(String),
    /// A folder, a link, a device, or what only some programs know.
    #[error("{} in the archive on the output disk is no plain file", quoted(.0))]
    Kind(String),
    /// A name for the second time.
    #[error("the archive on the output disk has {} twice", quoted(.0))]
    Twice(String),
    /// Too many files.
    #[error("the archive on the output disk has more than {MOST} files")]
    TooMany,
    /// Too large.
    #[error("the files on the output disk are larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    /// A line of the checksums that is none.
    #[error("line {line} of {SUMS} on the output disk is {}, want a sum and a name", quoted(.text))]
    Line {
        /// Which one, from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// A file that the checksums do not know, or know and is not there.
    #[error("the files on the output disk are not those that {SUMS} lists: {}", quoted(.0))]
    Listed(String),
    /// Another content.
    #[error("{} on the output disk is not what the guest wrote: its checksum differs", quoted(.0))]
    Sum(String),
}

/// Reads an output disk.
///
/// # Errors
/// It holds anything else than whole, plain files and their checksums.
pub fn read(disk: impl Read) -> Result<Files, OutputError> {
    let mut files = Files::new();
    let mut sums: Option<String> = None;
    let mut room = LARGEST;
    // A disk that is larger than all that may be there is not read to its end. Raw entries: what stands in front of a file to give
    // it another name or size is an entry like others, and no plain file.
    let mut archive = Archive::new(disk.take(LARGEST.saturating_add(LARGEST / 4)));
    for entry in archive.entries().map_err(OutputError::Cut)?.raw(true) {
        let mut entry = entry.map_err(OutputError::Cut)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if sums.is_some() {
            return Err(OutputError::Behind(name));
        }
        if !matches!(entry.header().entry_type(), EntryType::Regular) {
            return Err(OutputError::Kind(name));
        }
        if !is_plain(&name) {
            return Err(OutputError::Name(name));
        }
        let size = entry.header().entry_size().map_err(OutputError::Cut)?;
        room = room.checked_sub(size).ok_or(OutputError::TooLarge)?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(OutputError::Cut)?;
        if content.len() as u64 != size {
            return Err(OutputError::Cut(std::io::ErrorKind::UnexpectedEof.into()));
        }
        if name == SUMS {
            sums = Some(String::from_utf8_lossy(&content).into_owned());
        } else if files.len() >= MOST {
            return Err(OutputError::TooMany);
        } else if files.insert(name.clone(), content).is_some() {
            return Err(OutputError::Twice(name));
        }
    }
    match sums {
        Some(sums) => check(&files, &sums).map(|()| files),
        None if files.is_empty() => Err(OutputError::Empty),
        None => Err(OutputError::NoSums),
    }
}

/// Whether a name is one of a file beside others: it can be used as it is.
fn is_plain(name: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.starts_with(['.', '-']) && name.chars().all(known)
}

/// Holds files to their checksums: each is listed once, and no other.
fn check(files: &Files, sums: &str) -> Result<(), OutputError> {
    let mut listed = BTreeMap::new();
    for (at, text) in sums.lines().enumerate() {
        let wrong = || OutputError::Line { line: at + 1, text: text.to_owned() };
        let (sum, name) = text.split_once("  ").ok_or_else(wrong)?;
        if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        if listed.insert(name, sum).is_some() {
            return Err(OutputError::Twice(name.to_owned()));
        }
    }
    let unknown = listed.keys().find(|name| !files.contains_key(**name));
    if let Some(name) = unknown {
        return Err(OutputError::Listed((*name).to_owned()));
    }
    for (name, content) in files {
        let sum = listed.get(name.as_str()).ok_or_else(|| OutputError::Listed(name.clone()))?;
        let found: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        if !found.eq_ignore_ascii_case(sum) {
            return Err(OutputError::Sum(name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tar::{Builder, Header};

    fn entry(tar: &mut Builder<Vec<u8>>, name: &[u8], kind: EntryType, content: &[u8]) {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content).unwrap();
    }

    fn sum(content: &[u8]) -> String {
        Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A disk with these files and their checksums, and zeros behind.
    fn disk(files: &[(&str, &[u8])]) -> Vec<u8> {
        let sums: String =
            files.iter().map(|(name, content)| format!("{}  {name}\n", sum(content))).collect();
        with_sums(files, &sums)
    }

    fn with_sums(files: &[(&str, &[u8])], sums: &str) -> Vec<u8> {
        let mut tar = Builder::new(Vec::new());
        for (name, content) in files.iter().chain([&(SUMS, sums.as_bytes())]) {
            entry(&mut tar, name.as_bytes(), EntryType::Regular, content);
        }
        let mut disk = tar.into_inner().unwrap();
        disk.resize(disk.len() + 4096, 0);
        disk
    }

    const FILES: [(&str, &[u8]); 2] = [("fio.json", b"{}"), ("window.json", &[7; 3000])];

    fn refused(disk: &[u8]) -> String {
        read(disk).unwrap_err().to_string()
    }

    #[test]
    fn whole_files_are_read_and_what_lies_behind_the_archive_is_not() {
        let mut whole = disk(&FILES);
        // Of an earlier and longer use of the disk.
        whole.extend([1; 700]);
        let files = read(whole.as_slice()).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["fio.json", "window.json"]);
        assert_eq!(files["window.json"], [7; 3000]);
        assert!(read(disk(&[]).as_slice()).unwrap().is_empty());
    }

    #[test]
    fn an_archive_that_was_cut_is_refused_wherever_that_was() {
        let whole = disk(&FILES);
        // The last file goes on with zeros to the end of its sector.
        let sums: usize = FILES.iter().map(|(name, _)| 64 + 2 + name.len() + 1).sum();
        let end = whole.len() - 4096 - 1024 - (512 - sums);
        for cut in (1..end).step_by(97).chain([512, 1024, 1536, end - 1]) {
            assert!(read(&whole[..cut]).is_err(), "{cut} bytes");
            // A disk goes on with zeros.
            let mut zeros = whole[..cut].to_vec();
            zeros.resize(whole.len(), 0);
            let text = refused(&zeros);
            assert!(text.contains("output disk"), "{cut}: {text}");
        }
        assert!(refused(&[0; 4096]).contains("is empty: the guest wrote no results"));
        assert!(refused(&[0x5a; 4096]).contains("has no whole tar archive"));
    }

    #[test]
    fn names_that_lead_elsewhere_and_files_that_are_not_plain_are_refused() {
        for name in ["../x", "..", ".", "a/b", "/etc/passwd", ".hidden", "-x", "a b", "x\n", "\u{202e}x", "ü"]
        {
            let text = refused(&disk(&[(name, b"x")]));
            assert!(text.contains("want a plain name without a folder"), "{name:?}: {text}");
        }
        let kinds = [
            EntryType::Symlink,
            EntryType::Link,
            EntryType::Directory,
            EntryType::Char,
            EntryType::Fifo,
            EntryType::GNUSparse,
            EntryType::GNULongName,
            EntryType::XHeader,
            EntryType::Continuous,
        ];
        for kind in kinds {
            let mut tar = Builder::new(Vec::new());
            entry(&mut tar, b"fio.json", kind, b"");
            let text = refused(&tar.into_inner().unwrap());
            assert!(text.contains("'fio.json' in the archive"), "{kind:?}: {text}");
        }
    }

    #[test]
    fn a_wrong_sum_a_file_that_is_not_listed_and_one_that_is_missing_are_refused() {
        let other = format!("{}  fio.json\n", sum(b"other"));
        assert!(refused(&with_sums(&[("fio.json", b"{}")], &other)).contains("its checksum differs"));
        assert!(refused(&with_sums(&[("fio.json", b"{}")], "")).contains("not those that SHA256SUMS lists"));
        let one_more = format!("{}  fio.json\n{}  gone\n", sum(b"{}"), sum(b""));
        assert!(refused(&with_sums(&[("fio.json", b"{}")], &one_more)).ends_with(": 'gone'"));
        let twice = format!("{0}  fio.json\n{0}  fio.json\n", sum(b"{}"));
        assert!(refused(&with_sums(&[("fio.json", b"{}")], &twice)).contains("'fio.json' twice"));
        let odd = refused(&with_sums(&[("fio.json", b"{}")], "x  fio.json\n"));
        assert!(odd.contains("line 1 of SHA256SUMS on the output disk is 'x  fio.json'"), "{odd}");
        assert!(refused(&disk(&[("a", b"1"), ("a", b"1")])).contains("'a' twice"));
        let mut tar = Builder::new(Vec::new());
        for (name, content) in [(SUMS, &b""[..]), ("late", b"x")] {
            entry(&mut tar, name.as_bytes(), EntryType::Regular, content);
        }
        assert!(refused(&tar.into_inner().unwrap()).contains("goes on behind SHA256SUMS, with 'late'"));
    }

    #[test]
    fn a_size_that_no_disk_has_and_too_many_files_are_refused() {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..3].copy_from_slice(b"big");
        header.set_entry_type(EntryType::Regular);
        header.set_size(LARGEST + 1);
        header.set_cksum();
        assert!(refused(header.as_bytes()).contains("larger than 1024 MiB"));
        let names: Vec<String> = (0..=MOST).map(|n| format!("f{n}")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        assert!(refused(&disk(&many)).contains("more than 1000 files"));
    }
}
