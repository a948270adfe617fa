//! The cpio that `rpm2cpio` makes (newc, cpio(5)), as a tar.

use crate::bounds::Counted;
use cpio::newc;
use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Cursor, Error, Read, Write};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// The bits of a mode that say what a file is (stat(2)), and those of a directory, a link and a file.
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
const FILE: u32 = 0o100_000;

/// Bytes of a name and of a link's target.
const NAME: u64 = 4096;
/// Bytes of all names: those of files with several wait in memory.
const NAMES: usize = 256 << 20;
/// Bytes of a header, and where in it the length of the name is, in hexadecimal digits.
const HEADER: usize = 110;
const LENGTH: std::ops::Range<usize> = 94..102;

/// Writes the files of a cpio as a tar; the reason in words where that cannot be done.
pub(crate) fn tar_of(cpio: &Path, tar: &Path) -> Result<(), String> {
    let file = edge::read::open(cpio).map_err(|error| error.to_string())?;
    let to = edge::write::create(tar).map_err(|error| error.to_string())?;
    carry(BufReader::new(file), BufWriter::new(to)).map_err(|error| error.to_string())
}

/// Looks at the header of the next entry, whose name the cpio crate takes as long as it says to be, and gives it back before the rest.
fn looked_at<R: Read>(mut from: R) -> std::io::Result<std::io::Chain<Cursor<[u8; HEADER]>, R>> {
    let mut header = [0; HEADER];
    from.read_exact(&mut header)?;
    let digits = header.get(LENGTH).and_then(|digits| std::str::from_utf8(digits).ok());
    let length = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    if length.is_some_and(|length| length > NAME) {
        return Err(Error::other(format!("a name in it has more than {NAME} bytes")));
    }
    Ok(Cursor::new(header).chain(from))
}

fn carry(mut from: impl Read, to: impl Write) -> std::io::Result<()> {
    let mut tar = Builder::new(to);
    // Several names of one file: all but the last come without content.
    let mut waiting: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let (mut counted, mut last) = (Counted::default(), "its begin".to_owned());
    let mut names = 0_usize;
    loop {
        let behind = |error: Error| Error::other(format!("behind {last}: {error}"));
        let mut reader = newc::Reader::new(looked_at(from).map_err(behind)?).map_err(behind)?;
        let entry = reader.entry();
        if entry.is_trailer() {
            break;
        }
        let shown = edge::visible(entry.name()).into_owned();
        let failed = |error: Error| Error::other(format!("{shown}: {error}"));
        counted.add(u64::from(entry.file_size())).map_err(Error::other).map_err(failed)?;
        names += shown.len();
        if names > NAMES {
            return Err(failed(Error::other(format!("the names in it have more than {} MiB", NAMES >> 20))));
        }
        one(&mut reader, &mut tar, &mut waiting).map_err(failed)?;
        from = reader.finish().map_err(failed)?.into_inner().1;
        last = shown;
    }
    // Files of several names that are empty.
    for name in waiting.into_values().flatten() {
        tar.append_data(&mut header(EntryType::Regular, 0o644, 0), &name, std::io::empty())?;
    }
    tar.into_inner()?.flush()
}

/// One entry; of files with several names those that wait for their content.
fn one<R: Read>(
    reader: &mut newc::Reader<R>,
    tar: &mut Builder<impl Write>,
    waiting: &mut BTreeMap<u32, Vec<String>>,
) -> std::io::Result<()> {
    let entry = reader.entry();
    let (name, mode, ino) = (entry.name().to_owned(), entry.mode(), entry.ino());
    let (size, names) = (u64::from(entry.file_size()), entry.nlink());
    match mode & KIND {
        DIRECTORY => tar.append_data(&mut header(EntryType::Directory, mode, 0), &name, std::io::empty()),
        LINK => {
            let mut target = String::new();
            reader.by_ref().take(NAME).read_to_string(&mut target)?;
            let mut header = header(EntryType::Symlink, mode, 0);
            tar.append_link(&mut header, &name, target.trim_end_matches('\0'))
        }
        FILE if names > 1 && size == 0 => {
            waiting.entry(ino).or_default().push(name);
            Ok(())
        }
        FILE => {
            tar.append_data(&mut header(EntryType::Regular, mode, size), &name, reader.by_ref())?;
            let others = if names > 1 { waiting.remove(&ino).unwrap_or_default() } else { Vec::new() };
            for other in others {
                tar.append_link(&mut header(EntryType::Link, mode, 0), &other, &name)?;
            }
            Ok(())
        }
        _ => Err(Error::other("it is a device")),
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode & 0o777);
    header.set_size(size);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cpio of one entry and its end.
    fn cpio(name: &str, mode: u32, size: u32) -> Vec<u8> {
        let mut all = newc::Builder::new(name).mode(mode).write(Vec::new(), size);
        all.write_all(&vec![b'a'; size as usize]).unwrap();
        newc::trailer(all.finish().unwrap()).unwrap()
    }

    #[test]
    fn a_name_that_is_too_long_and_what_is_no_file_are_refused_by_name() {
        let of = |cpio: &[u8]| carry(cpio, Vec::new()).map_err(|error| error.to_string());
        of(&cpio("./usr/bin/tool", FILE | 0o755, 5)).unwrap();
        assert_eq!(of(&cpio("dev/null", 0o020_666, 0)).unwrap_err(), "dev/null: it is a device");
        let told = of(&cpio(&"a".repeat(5000), FILE, 0)).unwrap_err();
        assert_eq!(told, "behind its begin: a name in it has more than 4096 bytes");
        let mut cut = cpio("tool", FILE, 100);
        cut.truncate(150);
        assert!(of(&cut).unwrap_err().starts_with("behind tool: "));
    }

    #[test]
    fn more_than_the_bounds_is_refused() {
        let mut counted = Counted::default();
        counted.add(crate::bounds::LARGEST).unwrap();
        assert!(counted.add(1).unwrap_err().contains("more than 16 GiB"));
        let mut counted = Counted::default();
        (0..crate::bounds::MOST).for_each(|_| counted.add(0).unwrap());
        assert!(counted.add(0).is_err());
    }
}
