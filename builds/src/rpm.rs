//! The cpio that `rpm2cpio` makes (newc, cpio(5)), as a tar.

use cpio::newc;
use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// The bits of a mode that say what a file is (stat(2)), and those of a directory, a link and a file.
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
const FILE: u32 = 0o100_000;

/// Bytes of a link's target.
const TARGET: u64 = 4096;

/// Writes the files of a cpio as a tar; the reason in words where that cannot be done.
pub(crate) fn tar_of(cpio: &Path, tar: &Path) -> Result<(), String> {
    let file = edge::read::open(cpio).map_err(|error| error.to_string())?;
    let to = edge::write::create(tar).map_err(|error| error.to_string())?;
    carry(BufReader::new(file), BufWriter::new(to)).map_err(|error| error.to_string())
}

fn carry(mut from: impl Read, to: impl Write) -> std::io::Result<()> {
    let mut tar = Builder::new(to);
    // Several names of one file: all but the last come without content.
    let mut waiting: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    loop {
        let mut reader = newc::Reader::new(from)?;
        let entry = reader.entry();
        if entry.is_trailer() {
            break;
        }
        let (name, mode, ino) = (entry.name().to_owned(), entry.mode(), entry.ino());
        let (size, names) = (u64::from(entry.file_size()), entry.nlink());
        match mode & KIND {
            DIRECTORY => {
                tar.append_data(&mut header(EntryType::Directory, mode, 0), &name, std::io::empty())?
            }
            LINK => {
                let mut target = String::new();
                reader.by_ref().take(TARGET).read_to_string(&mut target)?;
                tar.append_link(
                    &mut header(EntryType::Symlink, mode, 0),
                    &name,
                    target.trim_end_matches('\0'),
                )?;
            }
            FILE if names > 1 && size == 0 => waiting.entry(ino).or_default().push(name),
            FILE => {
                tar.append_data(&mut header(EntryType::Regular, mode, size), &name, reader.by_ref())?;
                let others = if names > 1 { waiting.remove(&ino).unwrap_or_default() } else { Vec::new() };
                for other in others {
                    tar.append_link(&mut header(EntryType::Link, mode, 0), &other, &name)?;
                }
            }
            _ => return Err(std::io::Error::other(format!("{} is a device", edge::visible(&name)))),
        }
        from = reader.finish()?;
    }
    // Files of several names that are empty.
    for name in waiting.into_values().flatten() {
        tar.append_data(&mut header(EntryType::Regular, 0o644, 0), &name, std::io::empty())?;
    }
    tar.into_inner()?.flush()
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode & 0o777);
    header.set_size(size);
    header
}
