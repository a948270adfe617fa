//! A virtual machine in one file: a tar of its description (OVF 1.1 of the DMTF), sums, and its disk, in this order.

use super::super::error::ImageError;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Longest description and list of sums that are read.
const LONGEST_TEXT: u64 = 1 << 20;
/// Entries of an archive at most.
const MOST: usize = 16;

/// The machine that is started from it; whoever imports it may change that.
const MACHINE: &str = include_str!("machine.ovf");

/// Packs a disk of `capacity` bytes.
pub(super) fn write(name: &str, capacity: u64, disk: &Path, to: &Path) -> Result<(), ImageError> {
    let name = plain(name);
    let failed = |error| ImageError::io("packing", to, error);
    let disk_name = format!("{name}-disk1.vmdk");
    let mut file = edge::read::open(disk).map_err(|error| ImageError::io("reading", disk, error))?;
    let size = file.metadata().map_err(failed)?.len();
    let sum = hex_of_reader(&mut file).map_err(|error| ImageError::io("reading", disk, error))?;
    let ovf_name = format!("{name}.ovf");
    let ovf = description(&name, &disk_name, (size, capacity));
    let sums = format!("SHA256({ovf_name})= {}\nSHA256({disk_name})= {sum}\n", hex_of(ovf.as_bytes()));
    let mut tar = tar::Builder::new(edge::write::create(to).map_err(failed)?);
    for (name, bytes) in [(ovf_name, ovf), (format!("{name}.mf"), sums)] {
        tar.append_data(&mut header(bytes.len() as u64), name, bytes.as_bytes()).map_err(failed)?;
    }
    let file = edge::read::open(disk).map_err(|error| ImageError::io("reading", disk, error))?;
    tar.append_data(&mut header(size), disk_name, file).map_err(failed)?;
    tar.into_inner().and_then(|mut file| file.flush()).map_err(failed)
}

/// Equal input gives equal bytes: nothing of this host is told.
fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header
}

/// A name that needs no escaping in a description, a list of sums or a tar.
fn plain(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' };
    let name: String = name.chars().map(fits).take(60).collect();
    let name = name.trim_matches(['.', '-']);
    if name.is_empty() { "machine".to_owned() } else { name.to_owned() }
}

/// The description with what is known of this disk in it.
fn description(name: &str, disk: &str, (size, capacity): (u64, u64)) -> String {
    let (size, capacity) = (size.to_string(), capacity.to_string());
    let known = [("@NAME@", name), ("@DISK@", disk), ("@SIZE@", &size), ("@CAPACITY@", &capacity)];
    known.into_iter().fold(MACHINE.to_owned(), |text, (word, value)| text.replace(word, value))
}

/// Takes the one disk out of an archive that may come from anybody, and checks the sums that it has.
pub(super) fn unpack(archive: &Path, disk: &Path) -> Result<(), ImageError> {
    let bad = |what: String| ImageError::format(archive, "an OVA", what);
    let failed = |error| ImageError::io("reading", archive, error);
    let file = edge::read::open(archive).map_err(failed)?;
    let mut sums: Vec<(String, String)> = Vec::new();
    let (mut described, mut listed) = (false, None);
    let mut tar = tar::Archive::new(file);
    for (count, entry) in tar.entries().map_err(failed)?.enumerate() {
        let mut entry = entry.map_err(failed)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if count >= MOST {
            return Err(bad(format!("it has more than {MOST} entries")));
        }
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        if !entry.header().entry_type().is_file() || !is_plain {
            return Err(bad(format!("its entry {} is no file of a plain name", edge::quoted(&name))));
        }
        match name.rsplit_once('.').map(|(_, end)| end) {
            Some("ovf") => {
                let text = bounded(&mut entry).map_err(failed)?;
                sums.push((name, hex_of(&text)));
                described = true;
            }
            Some("mf") => listed = Some(bounded(&mut entry).map_err(failed)?),
            Some("vmdk") => {
                if std::fs::symlink_metadata(disk).is_ok() {
                    return Err(bad("it has several disks, and an image is one".to_owned()));
                }
                let size = entry.size();
                let mut to =
                    edge::write::create(disk).map_err(|error| ImageError::io("writing", disk, error))?;
                let copied = io::copy(&mut (&mut entry).take(size), &mut to).map_err(failed)?;
                if copied != size {
                    return Err(bad(format!("its disk ends after {copied} of {size} bytes")));
                }
                let mut file = edge::read::open(disk).map_err(failed)?;
                sums.push((name, hex_of_reader(&mut file).map_err(failed)?));
            }
            _ => return Err(bad(format!("nobody knows what its entry {} is for", edge::quoted(&name)))),
        }
    }
    if !described || std::fs::symlink_metadata(disk).is_err() {
        return Err(bad("it needs a description (.ovf) and a disk (.vmdk)".to_owned()));
    }
    match listed {
        Some(listed) => check(&String::from_utf8_lossy(&listed), &sums).map_err(bad),
        None => Ok(()),
    }
}

/// Holds the sums that were found against the lines `SHA256(NAME)= SUM` of a list.
fn check(listed: &str, found: &[(String, String)]) -> Result<(), String> {
    for (name, sum) in found {
        let begin = |word: &str| format!("{word}({name})=");
        let of = |word: &str| listed.lines().find_map(|line| line.strip_prefix(begin(word).as_str()));
        match of("SHA256") {
            Some(wanted) if wanted.trim().eq_ignore_ascii_case(sum) => {}
            Some(_) => return Err(format!("the SHA-256 of {name} is not what its list of sums says")),
            // Old programs write SHA-1, which proves nothing any more.
            None if of("SHA1").is_some() || of("SHA512").is_some() => {}
            None => return Err(format!("its list of sums has none of {name}")),
        }
    }
    Ok(())
}

fn bounded(from: &mut impl Read) -> io::Result<Vec<u8>> {
    edge::read::all(from, 0, LONGEST_TEXT)
}

pub(super) fn hex_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex_of_reader(file: &mut File) -> io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of an archive with these entries.
    fn told(entries: &[(&str, &[u8])]) -> Result<(), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.ova");
        let mut tar = tar::Builder::new(File::create(&path).unwrap());
        for (name, bytes) in entries {
            let mut header = header(bytes.len() as u64);
            // Written by hand: the library refuses to make such names.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, *bytes).unwrap();
        }
        tar.into_inner().unwrap();
        unpack(&path, &dir.path().join("disk")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_archive_is_refused_that_leads_out_or_has_what_is_not_expected() {
        let refused = |entries: &[(&str, &[u8])], text: &str| {
            let said = told(entries).unwrap_err();
            assert!(said.contains(text), "{said}");
        };
        let ok: [(&str, &[u8]); 2] = [("x.ovf", b"<x/>"), ("x.vmdk", b"d")];
        assert_eq!(told(&ok), Ok(()));
        refused(&[ok[0], ("../x.vmdk", b"d")], "'../x.vmdk' is no file of a plain name");
        refused(&[("/x.ovf", b"")], "no file of a plain name");
        refused(&[ok[0], ok[1], ("y.vmdk", b"d")], "several disks");
        refused(&[ok[0]], "and a disk");
        refused(&[ok[0], ("x.sh", b"")], "what its entry 'x.sh' is for");
        refused(&[ok[0], ("x.mf", b"SHA256(x.ovf)= 00\n"), ok[1]], "the SHA-256 of x.ovf is not");
        let sum = format!("SHA256(x.ovf)= {}\n", hex_of(b"<x/>"));
        refused(&[ok[0], ("x.mf", sum.as_bytes()), ok[1]], "has none of x.vmdk");
        let long = vec![b' '; LONGEST_TEXT as usize + 1];
        assert!(told(&[("x.ovf", &long)]).is_err());
    }
}
