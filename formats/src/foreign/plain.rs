//! The text of a file: what is packed is unpacked, and what is in another encoding becomes UTF-8.
//!
//! gzip and zstd are told by their first bytes, UTF-16 by its mark, or without one by the zeros in every second byte, which
//! no other text has. Whatever a packed file says of its size, no more is unpacked than the bound.

use edge::read::all;
use std::borrow::Cow;
use std::io::{ErrorKind, Read};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// How much is looked at to tell an encoding without a mark, in bytes.
const LOOK: usize = 2048;

/// Something unpacks it.
type Unpacker<'a> = Box<dyn Read + 'a>;

/// So many packings around one another are taken off (`run.json.gz` in a store that packs with zstd).
const PACKINGS: usize = 3;

/// The text of a file's bytes, of at most `limit` bytes.
///
/// # Errors
/// It is packed, and is damaged, cut off, larger than the limit, or packed too often; in words that follow the file's name.
pub fn plain(bytes: &[u8], limit: u64) -> Result<Cow<'_, str>, String> {
    let mut unpacked: Option<Vec<u8>> = None;
    for packings in 0.. {
        let Some((name, unpacker)) = unpacker(unpacked.as_deref().unwrap_or(bytes))? else { break };
        if packings == PACKINGS {
            return Err(format!("it is packed more than {PACKINGS} times over; unpack it"));
        }
        let inner = all(unpacker, 0, limit).map_err(|error| match error.kind() {
            ErrorKind::FileTooLarge => format!("unpacked from {name}, {error}"),
            _ => format!("its {name} data are damaged or cut off: {error}"),
        })?;
        unpacked = Some(inner);
    }
    Ok(match unpacked {
        None => decode(bytes),
        Some(unpacked) => Cow::Owned(decode(&unpacked).into_owned()),
    })
}

/// The text with which a file begins, as far as a head of its bytes tells; at most about `limit` bytes.
#[cfg(test)]
fn head(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    match unpacked_head(bytes, limit) {
        Cow::Borrowed(head) => decode(head),
        Cow::Owned(head) => Cow::Owned(decode(&head).into_owned()),
    }
}

/// What a file begins with once it is unpacked, as far as a head of its bytes tells; at most `limit` bytes.
pub(super) fn unpacked_head(bytes: &[u8], limit: usize) -> Cow<'_, [u8]> {
    let mut head: Cow<'_, [u8]> = Cow::Borrowed(bytes.get(..limit).unwrap_or(bytes));
    for _ in 0..PACKINGS {
        let Ok(Some((_, unpacker))) = unpacker(&head) else { break };
        let mut inner = Vec::new();
        // A head of packed bytes always ends too early: what came out before counts.
        let _ = unpacker.take(u64::try_from(limit).unwrap_or(u64::MAX)).read_to_end(&mut inner);
        head = Cow::Owned(inner);
    }
    head
}

/// Whether bytes are packed.
pub(super) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP) || bytes.starts_with(&ZSTD)
}

/// What unpacks a file, and its name; `None` where nothing is packed.
fn unpacker(bytes: &[u8]) -> Result<Option<(&'static str, Unpacker<'_>)>, String> {
    if bytes.starts_with(&GZIP) {
        Ok(Some(("gzip", Box::new(flate2::read::MultiGzDecoder::new(bytes)))))
    } else if bytes.starts_with(&ZSTD) {
        let decoder = zstd::Decoder::with_buffer(bytes).map_err(|e| format!("zstd cannot be read: {e}"))?;
        Ok(Some(("zstd", Box::new(decoder))))
    } else {
        Ok(None)
    }
}

/// How text is written down.
#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Utf8,
    Little,
    Big,
}

/// Text in UTF-8, without its mark. What is not valid becomes the replacement character.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let (encoding, rest) = encoding(bytes);
    let unit = match encoding {
        Encoding::Utf8 => return String::from_utf8_lossy(rest),
        Encoding::Little => u16::from_le_bytes,
        Encoding::Big => u16::from_be_bytes,
    };
    let units = rest.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    let characters = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    Cow::Owned(characters.collect())
}

fn encoding(bytes: &[u8]) -> (Encoding, &[u8]) {
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (Encoding::Utf8, rest),
        // With two zeros behind it, it is the mark of UTF-32, which nothing writes.
        [0xff, 0xfe, rest @ ..] if !rest.starts_with(&[0, 0]) => (Encoding::Little, rest),
        [0xfe, 0xff, rest @ ..] => (Encoding::Big, rest),
        _ => (unmarked(bytes.get(..LOOK).unwrap_or(bytes)), bytes),
    }
}

/// Digits, letters and punctuation have a zero in one half of their two bytes, and never in the other.
fn unmarked(head: &[u8]) -> Encoding {
    let pairs = head.as_chunks::<2>().0;
    let zeros = |half: usize| pairs.iter().filter(|pair| pair.get(half) == Some(&0)).count();
    match (zeros(0), zeros(1)) {
        (0, high) if pairs.len() > 3 && high * 2 > pairs.len() => Encoding::Little,
        (high, 0) if pairs.len() > 3 && high * 2 > pairs.len() => Encoding::Big,
        _ => Encoding::Utf8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &str = "case,metric,value\nséquence,latency,1.5\n";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let marked = [utf16(&format!("\u{feff}{TEXT}"), false), utf16(&format!("\u{feff}{TEXT}"), true)];
        let bare = [utf16(TEXT, false), utf16(TEXT, true)];
        let utf8 = [TEXT.as_bytes().to_vec(), format!("\u{feff}{TEXT}").into_bytes()];
        for bytes in marked.into_iter().chain(bare).chain(utf8) {
            assert_eq!(plain(&bytes, 1000).unwrap(), TEXT, "{bytes:?}");
            assert_eq!(head(&bytes, 10_000), TEXT);
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_in_several_parts_and_any_encoding() {
        let twice = [gzip(TEXT.as_bytes()), gzip(b"x\n")].concat();
        assert_eq!(plain(&twice, 1000).unwrap(), format!("{TEXT}x\n"));
        let zstd = zstd::encode_all(utf16(TEXT, false).as_slice(), 1).unwrap();
        assert_eq!(plain(&zstd, 1000).unwrap(), TEXT);
        assert_eq!(plain(&gzip(TEXT.as_bytes()), 1000).unwrap(), TEXT);
    }

    #[test]
    fn what_is_packed_several_times_over_is_unpacked_up_to_a_bound() {
        let (gz, zst) = (gzip(TEXT.as_bytes()), zstd::encode_all(TEXT.as_bytes(), 1).unwrap());
        for packed in [gzip(&gz), gzip(&zst), zstd::encode_all(gz.as_slice(), 1).unwrap(), gzip(&gzip(&zst))]
        {
            assert_eq!(plain(&packed, 1000).unwrap(), TEXT);
            assert_eq!(head(&packed, 10_000), TEXT);
        }
        let often = gzip(&gzip(&gzip(&gz)));
        assert_eq!(plain(&often, 1000).unwrap_err(), "it is packed more than 3 times over; unpack it");
    }

    #[test]
    fn a_head_of_packed_bytes_gives_what_came_out() {
        let text = TEXT.repeat(5000);
        let packed = gzip(text.as_bytes());
        let begin = head(&packed[..packed.len() / 2], 4000);
        assert!(
            begin.len() <= 4000 && text.starts_with(begin.trim_end_matches('\u{fffd}')),
            "{}",
            begin.len()
        );
    }

    #[test]
    fn what_unpacks_to_too_much_is_refused_and_what_is_cut_is_named() {
        let packed = gzip(&vec![b'0'; 3 << 20]);
        assert!(packed.len() < 50_000);
        let refused = plain(&packed, 1 << 20).unwrap_err();
        assert_eq!(
            refused,
            "unpacked from gzip, it has more than 1 MiB, which is the most that is read of such a file"
        );
        let zeros = zstd::encode_all(vec![0; 3 << 20].as_slice(), 1).unwrap();
        assert!(plain(&zeros, 1 << 20).unwrap_err().contains("unpacked from zstd"));
        let cut = plain(&packed[..packed.len() / 2], 8 << 20).unwrap_err();
        assert!(cut.starts_with("its gzip data are damaged or cut off"), "{cut}");
    }

    #[test]
    fn bytes_that_are_no_text_in_two_byte_units_stay_as_they_are() {
        assert_eq!(decode(b"a\0b"), "a\0b");
        assert_eq!(decode(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "\0".repeat(10));
        assert_eq!(decode(&[0xff, 0xfe]), "");
    }
}
