//! What lies around a text when it is a file: packing, encodings, line ends.

use super::Dice;
use std::io::Write;

/// The bytes of a text, one time in four not as they are.
pub fn wrap(dice: &mut Dice, text: &str) -> Vec<u8> {
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    match dice.below(24) {
        0 => gzip(text.as_bytes()),
        1 => zstd::encode_all(text.as_bytes(), 1).unwrap(),
        2 => utf16(&format!("\u{feff}{text}")),
        3 => format!("\u{feff}{text}").into_bytes(),
        4 => text.replace('\n', "\r\n").into_bytes(),
        5 => {
            // zstd in several frames, as `cat` of packed parts gives it.
            let (a, b) = text.as_bytes().split_at(text.len() / 2);
            [zstd::encode_all(a, 1).unwrap(), zstd::encode_all(b, 3).unwrap()].concat()
        }
        _ => text.as_bytes().to_vec(),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
