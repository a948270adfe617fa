//! What the header of a VMDK image says of other files, and how large its disk is. Only those that name no other file are
//! taken: sparse ones in one file (`monolithicSparse`, `streamOptimized`).
//!
//! The format is VMware's ("Virtual Disk Format 5.0"), all numbers little endian:
//!
//! ```text
//!    0  "KDMV"             12  capacity in sectors of 512 bytes      28  sector of the descriptor, a text
//!    4  version, 1 to 3    20  sectors of a grain                    36  its sectors
//! ```
//!
//! An image may come from anybody. QEMU opens what a descriptor names: a parent, and extents where the capacity is 0.

/// How a sparse VMDK image begins.
pub const MAGIC: [u8; 4] = *b"KDMV";
/// Bytes of a file that hold its header and descriptor.
pub const LONGEST: usize = 1 << 20;

const SECTOR: u64 = 512;
/// Bytes of the header itself.
const FIXED: usize = 79;
/// What one file alone is.
const KINDS: [&str; 2] = ["monolithicSparse", "streamOptimized"];
/// What a descriptor says of no parent.
const NO_PARENT: &str = "ffffffff";

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the disk that a guest sees.
    pub size: u64,
}

/// A header that cannot be trusted, in words that go after "its VMDK header".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its VMDK header {what}")]
pub struct HeaderError {
    /// What is wrong with it.
    pub what: String,
}

/// Whether a file that begins so calls itself a sparse VMDK.
pub fn is_vmdk(beginning: &[u8]) -> bool {
    beginning.starts_with(&MAGIC)
}

/// Reads the header from a file's beginning, which is its first [`LONGEST`] bytes, or all of it.
///
/// # Errors
/// What is no such header, or one that leads to other files.
pub fn parse(beginning: &[u8]) -> Result<Header, HeaderError> {
    if !is_vmdk(beginning) || beginning.len() < FIXED {
        return wrong(
            "is not there: only sparse images in one file are taken, and no text that names others",
        );
    }
    let number = |at: usize| -> u64 {
        let bytes = beginning.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        u64::from_le_bytes(bytes.unwrap_or_default())
    };
    let version = number(4) & 0xffff_ffff;
    if !(1..=3).contains(&version) {
        return wrong(format!("is of version {version}, and 1 to 3 are known"));
    }
    let Some(size) = number(12).checked_mul(SECTOR).filter(|size| *size > 0) else {
        return wrong("says no capacity of its own: its data would be in files that it names");
    };
    let (at, length) = (number(28), number(36));
    if at > 0 {
        descriptor(text(beginning, at, length)?)?;
    }
    Ok(Header { size })
}

/// The bytes of the descriptor, without the zeros behind it.
fn text(beginning: &[u8], at: u64, length: u64) -> Result<&[u8], HeaderError> {
    let end = at.checked_add(length).and_then(|end| end.checked_mul(SECTOR));
    let range = at.checked_mul(SECTOR).zip(end);
    let range = range.and_then(|(at, end)| Some(usize::try_from(at).ok()?..usize::try_from(end).ok()?));
    let Some(bytes) = range.and_then(|range| beginning.get(range)) else {
        return wrong(format!("has its descriptor beyond its first {LONGEST} bytes"));
    };
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    Ok(bytes.get(..end).unwrap_or_default())
}

/// Looks for files that a descriptor names.
fn descriptor(bytes: &[u8]) -> Result<(), HeaderError> {
    let text = String::from_utf8_lossy(bytes);
    // QEMU looks for this word anywhere.
    if text.contains("parentFileNameHint") {
        return wrong("names an image that it builds upon");
    }
    let mut extents = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let value = value.trim().trim_matches('"');
        match key.trim() {
            "parentCID" if !value.eq_ignore_ascii_case(NO_PARENT) => {
                return wrong("says that it builds upon another image");
            }
            "createType" if !KINDS.contains(&value) => {
                return wrong(format!(
                    "says that it is {}; {} are taken",
                    edge::quoted(value),
                    KINDS.join(" and ")
                ));
            }
            _ => {}
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["RW" | "RDONLY" | "NOACCESS", _, kind, ..] = words.as_slice() {
            extents += 1;
            if *kind != "SPARSE" {
                return wrong(format!("has an extent of the kind {}", edge::quoted(kind)));
            }
        }
    }
    match extents {
        0 | 1 => Ok(()),
        more => wrong(format!("has {more} extents, and one is taken")),
    }
}

fn wrong<T>(what: impl Into<String>) -> Result<T, HeaderError> {
    Err(HeaderError { what: what.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of so many sectors with this descriptor.
    fn made(capacity: u64, descriptor: &str) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = 3;
        bytes[12..20].copy_from_slice(&capacity.to_le_bytes());
        bytes[28..36].copy_from_slice(&1u64.to_le_bytes());
        bytes[36..44].copy_from_slice(&1u64.to_le_bytes());
        bytes[512..512 + descriptor.len()].copy_from_slice(descriptor.as_bytes());
        bytes
    }

    const ALONE: &str = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"streamOptimized\"\n\
                         # Extent description\nRW 8 SPARSE \"x.vmdk\"\n";

    #[test]
    fn an_image_in_one_file_tells_its_size() {
        assert_eq!(parse(&made(8, ALONE)), Ok(Header { size: 4096 }));
    }

    #[test]
    fn whatever_leads_to_another_file_is_refused() {
        let refused = |bytes: &[u8], text: &str| {
            let said = parse(bytes).unwrap_err().to_string();
            assert!(said.contains(text), "{said}");
        };
        refused(b"# Disk DescriptorFile\nRW 8 FLAT \"/etc/shadow\" 0\n", "is not there");
        refused(&made(0, ALONE), "no capacity of its own");
        refused(&made(u64::MAX, ALONE), "no capacity");
        refused(&made(8, &ALONE.replace("ffffffff", "12")), "builds upon another");
        refused(&made(8, &format!("{ALONE}parentFileNameHint=\"/etc/shadow\"\n")), "names an image");
        refused(&made(8, &ALONE.replace("streamOptimized", "vmfs")), "'vmfs'");
        refused(&made(8, &ALONE.replace("SPARSE", "FLAT")), "'FLAT'");
        refused(&made(8, &format!("{ALONE}RW 8 SPARSE \"y\"\n")), "2 extents");
        let mut far = made(8, ALONE);
        far[28..36].copy_from_slice(&u64::MAX.to_le_bytes());
        refused(&far, "beyond");
    }

    #[test]
    fn no_beginning_makes_it_fall() {
        let whole = made(8, ALONE);
        for length in 0..whole.len() {
            let _ = parse(&whole[..length]);
        }
    }
}
