//! What the header of a qcow2 image says of other files: the backing file, its format, and the external data file.
//!
//! The format is QEMU's (docs/interop/qcow2 in its sources), all numbers big endian:
//!
//! ```text
//!      0  "QFI\xfb"                        24  virtual size              100  length of the header (version 3)
//!      4  version, 2 or 3                  32  encryption                     header extensions: type, length, data,
//!      8  where the backing file's name    72  incompatible features            padded to 8 bytes; type 0 ends them
//!     16  stands, and its length               (version 3)                    the backing file's name
//!     20  bits of a cluster's size                                       1 << bits  the first cluster ends
//! ```
//!
//! An image may come from anybody, and QEMU opens every file that its header names. So nothing here is lenient: what QEMU
//! would refuse, what the format forbids and what is not known is an error, never a header without names.

/// How a qcow2 image begins.
pub const MAGIC: [u8; 4] = *b"QFI\xfb";
/// Bytes of a file that hold its whole header: QEMU's largest cluster.
pub const LONGEST: usize = 1 << 21;

/// Bits of a cluster's size that QEMU takes.
const CLUSTER_BITS: std::ops::RangeInclusive<u32> = 9..=21;
/// The header of version 2, and the shortest one of version 3.
const FIXED: [usize; 2] = [72, 104];
/// Incompatible features that are known: dirty, corrupt, external data file, compression type, extended L2 entries.
const KNOWN_FEATURES: u64 = 0b1_1111;
/// Guest data stand in a file of their own.
const EXTERNAL_DATA: u64 = 0b100;
/// The extension that names the backing file's format.
const BACKING_FORMAT: u32 = 0xe279_2aca;
/// The extension that names the external data file.
const DATA_FILE: u32 = 0x4441_5441;
/// Longest name of a backing file.
const LONGEST_NAME: usize = 1023;
/// Longest name of a data file: as long as a path may be.
const LONGEST_PATH: usize = 4095;
/// Longest name of a format; QEMU has room for as much.
const LONGEST_FORMAT: usize = 15;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the disk that the guest sees.
    pub size: u64,
    /// The file that it builds upon.
    pub backing: Option<Backing>,
    /// The file that holds the guest's data instead of this one.
    pub data_file: Option<String>,
}

/// A backing file as a header names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backing {
    /// Its name: a path, or what QEMU takes for one (`json:..`, `nbd://..`).
    pub file: String,
    /// Its format, where the header says it.
    pub format: Option<String>,
}

/// A header that cannot be trusted, in words that go after "its qcow2 header".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its qcow2 header {what}")]
pub struct HeaderError {
    /// What is wrong with it.
    pub what: String,
}

/// Whether a file that begins so calls itself qcow2.
pub fn is_qcow2(beginning: &[u8]) -> bool {
    beginning.starts_with(&MAGIC)
}

/// Reads the header from a file's beginning, which is its first [`LONGEST`] bytes, or all of it.
///
/// # Errors
/// What is no qcow2 header, or one that says more than is known here.
pub fn parse(beginning: &[u8]) -> Result<Header, HeaderError> {
    let bytes = Bytes(beginning);
    if !is_qcow2(beginning) {
        return wrong("is not there");
    }
    let version = bytes.u32(4)?;
    let fixed = match version {
        2 => FIXED[0],
        3 => FIXED[1],
        _ => return wrong(format!("is of version {version}, and 2 and 3 are known")),
    };
    let bits = bytes.u32(20)?;
    if !CLUSTER_BITS.contains(&bits) {
        return wrong(format!("says clusters of 2^{bits} bytes, which QEMU does not take"));
    }
    let cluster = 1usize << bits;
    let (features, length) = match version {
        2 => (0, fixed),
        _ => (bytes.u64(72)?, usize_of(u64::from(bytes.u32(100)?))?),
    };
    if length < fixed || length > cluster || !length.is_multiple_of(8) {
        return wrong(format!("says that it is {length} bytes long"));
    }
    if features & !KNOWN_FEATURES != 0 {
        return wrong(format!("has incompatible features that are not known ({features:#x})"));
    }
    if bytes.u32(32)? != 0 {
        return wrong("says that it is encrypted, and perfvt has no key for it");
    }
    let name = backing_name(bytes, length, cluster)?;
    let end = name.as_ref().map_or(cluster, |(at, _)| *at);
    let extensions = Extensions::read(bytes, length, end)?;
    let backing = name.map(|(_, file)| file).filter(|file| !file.is_empty());
    let data_file = match (features & EXTERNAL_DATA != 0, extensions.data_file) {
        (false, _) => None,
        (true, Some(name)) => Some(name),
        (true, None) => return wrong("says that its data are in another file, and does not name it"),
    };
    let format = extensions.backing_format;
    let backing = backing.map(|file| Backing { file, format });
    Ok(Header { size: bytes.u64(24)?, backing, data_file })
}

/// Where the backing file's name stands, and the name; `None` without one.
fn backing_name(
    bytes: Bytes<'_>,
    header: usize,
    cluster: usize,
) -> Result<Option<(usize, String)>, HeaderError> {
    let (at, length) = (bytes.u64(8)?, usize_of(u64::from(bytes.u32(16)?))?);
    if at == 0 {
        return Ok(None);
    }
    let at = usize_of(at)?;
    let is_within = at >= header && at.checked_add(length).is_some_and(|end| end <= cluster);
    if !is_within || length > LONGEST_NAME {
        return wrong("has the name of its backing file where none can be");
    }
    Ok(Some((at, bytes.text(at, length, "backing file")?)))
}

/// The extensions that name something.
#[derive(Default)]
struct Extensions {
    backing_format: Option<String>,
    data_file: Option<String>,
}

impl Extensions {
    /// Those from `at` up to `end`.
    fn read(bytes: Bytes<'_>, mut at: usize, end: usize) -> Result<Extensions, HeaderError> {
        let mut found = Extensions::default();
        while at < end {
            let (kind, length) = (bytes.u32(at)?, usize_of(u64::from(bytes.u32(at.saturating_add(4))?))?);
            let data = at.saturating_add(8);
            if data.saturating_add(length) > end {
                return wrong("has an extension that is longer than the header");
            }
            match kind {
                0 => break,
                BACKING_FORMAT => {
                    let format = bytes.name(data, length, LONGEST_FORMAT, "format of its backing file")?;
                    once(&mut found.backing_format, format)?;
                }
                DATA_FILE => {
                    let name = bytes.name(data, length, LONGEST_PATH, "data file")?;
                    once(&mut found.data_file, name)?;
                }
                _ => {}
            }
            at = data.saturating_add(length.next_multiple_of(8));
        }
        Ok(found)
    }
}

/// Keeps a name that may be said once.
fn once(place: &mut Option<String>, name: String) -> Result<(), HeaderError> {
    match place.replace(name) {
        None => Ok(()),
        Some(_) => wrong("has the same extension twice"),
    }
}

/// The beginning of a file.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn slice(self, at: usize, length: usize) -> Result<&'a [u8], HeaderError> {
        let slice = at.checked_add(length).and_then(|end| self.0.get(at..end));
        slice.map_or_else(|| wrong("is cut off"), Ok)
    }

    fn u32(self, at: usize) -> Result<u32, HeaderError> {
        Ok(self.slice(at, 4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn u64(self, at: usize) -> Result<u64, HeaderError> {
        Ok(self.slice(at, 8)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn text(self, at: usize, length: usize, of: &str) -> Result<String, HeaderError> {
        let text = std::str::from_utf8(self.slice(at, length)?).ok().filter(|text| !text.contains('\0'));
        text.map_or_else(|| wrong(format!("has a name of its {of} that is no text")), |text| Ok(text.into()))
    }

    /// A text that is there and not too long.
    fn name(self, at: usize, length: usize, longest: usize, of: &str) -> Result<String, HeaderError> {
        match length {
            0 => wrong(format!("has an empty name of its {of}")),
            length if length > longest => wrong(format!("has a name of its {of} of {length} bytes")),
            length => self.text(at, length, of),
        }
    }
}

fn usize_of(number: u64) -> Result<usize, HeaderError> {
    usize::try_from(number).or_else(|_| wrong("has an offset that no file has"))
}

fn wrong<T>(what: impl Into<String>) -> Result<T, HeaderError> {
    Err(HeaderError { what: what.into() })
}

#[cfg(test)]
#[path = "../testdata/qcow2/made.rs"]
mod made;

#[cfg(test)]
mod tests {
    use super::made::{Made, above};
    use super::*;

    fn told(bytes: &[u8]) -> String {
        parse(bytes).unwrap_err().to_string()
    }

    fn with(at: usize, number: &[u8]) -> Vec<u8> {
        let mut bytes = above("base.raw", "raw");
        bytes[at..at + number.len()].copy_from_slice(number);
        bytes
    }

    #[test]
    fn every_file_that_a_header_names_is_told() {
        let plain = parse(&Made::default().bytes()).unwrap();
        assert_eq!(plain, Header { size: 1 << 20, backing: None, data_file: None });
        let backing = |file: &str, format: Option<&str>| {
            Some(Backing { file: file.into(), format: format.map(str::to_owned) })
        };
        assert_eq!(parse(&above("/a b", "qcow2")).unwrap().backing, backing("/a b", Some("qcow2")));
        let made = Made { backing: Some("nbd://x"), data_file: Some("d.raw"), ..Made::default() };
        let both = parse(&made.bytes()).unwrap();
        assert_eq!((both.backing, both.data_file.as_deref()), (backing("nbd://x", None), Some("d.raw")));
        // Without its feature the name of a data file means nothing, to QEMU as well.
        let mut unused = Made { data_file: Some("d.raw"), ..Made::default() }.bytes();
        unused[79] = 0;
        assert_eq!(parse(&unused).unwrap().data_file, None);
    }

    #[test]
    fn headers_that_qemu_img_wrote_are_read() {
        let read = |bytes: &[u8]| parse(bytes).unwrap();
        let old = read(include_bytes!("../../fuzz/corpus/qcow2/version-2-backing"));
        assert_eq!(old.backing, Some(Backing { file: "base.raw".into(), format: Some("raw".into()) }));
        let data = read(include_bytes!("../../fuzz/corpus/qcow2/data-file"));
        assert_eq!((data.size, data.data_file.as_deref()), (1 << 20, Some("data.raw")));
        let json = read(include_bytes!("../../fuzz/corpus/qcow2/json-backing")).backing.unwrap();
        assert!(json.file.starts_with("json:{"), "{json:?}");
        assert_eq!(read(include_bytes!("../../fuzz/corpus/qcow2/plain")).backing, None);
        assert!(told(include_bytes!("../../fuzz/corpus/qcow2/encrypted")).contains("is encrypted"));
    }

    #[test]
    fn what_is_not_known_is_refused_and_never_taken_for_a_header_without_names() {
        assert_eq!(told(b"QFI"), "its qcow2 header is not there");
        assert_eq!(told(b"QFI\xfb\0\0\0\x03"), "its qcow2 header is cut off");
        assert!(told(&with(4, &1u32.to_be_bytes())).contains("of version 1"));
        assert!(told(&with(20, &22u32.to_be_bytes())).contains("2^22 bytes"));
        assert!(told(&with(100, &103u32.to_be_bytes())).contains("103 bytes long"));
        assert!(told(&with(100, &1024u32.to_be_bytes())).contains("1024 bytes long"));
        assert!(told(&with(72, &32u64.to_be_bytes())).contains("not known (0x20)"));
        assert!(told(&with(72, &4u64.to_be_bytes())).contains("does not name it"));
        for at in [4u64, 103, 510, u64::MAX] {
            assert!(told(&with(8, &at.to_be_bytes())).contains("where none can be"), "{at}");
        }
        assert!(told(&with(16, &1024u32.to_be_bytes())).contains("where none can be"));
        assert!(told(&with(108, &u32::MAX.to_be_bytes())).contains("longer than the header"));
        assert!(told(&above("a\0b", "raw")).contains("is no text"));
        assert!(told(&above("base", "")).contains("empty name of its format"));
        assert!(told(&above("base", "sixteen_letters_")).contains("of 16 bytes"));
        let mut twice = above("base", "raw");
        let extension = twice[104..120].to_vec();
        twice.splice(120..120, extension);
        twice[8..16].copy_from_slice(&144u64.to_be_bytes());
        assert!(told(&twice).contains("the same extension twice"));
    }
}
