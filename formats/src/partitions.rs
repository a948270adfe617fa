//! Where the parts of a disk lie, by the table at its beginning: MBR (four entries at 446; extended ones are not looked into) or
//! GPT (UEFI 2.10, 5.3: the header in sector 1 says where entries of 128 bytes or more stand). Sectors have 512 bytes.

use std::ops::Range;

/// Bytes of a disk that hold its table.
pub const LONGEST: usize = 1 << 20;

const SECTOR: u64 = 512;
/// The kind of an entry that stands for a GPT, and those of extended ones.
const PROTECTIVE: u8 = 0xee;
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
/// Entries of a GPT that are looked at.
const MOST: u32 = 256;

/// The byte ranges of the parts, in the order of the table; none where there is no table, and nothing that reaches beyond `size`,
/// which is that of the disk.
pub fn parse(beginning: &[u8], size: u64) -> Vec<Range<u64>> {
    if beginning.get(510..512) != Some(&[0x55, 0xaa]) {
        return Vec::new();
    }
    let entries: Vec<&[u8]> = (0..4).filter_map(|n| beginning.get(446 + n * 16..462 + n * 16)).collect();
    let kind = |entry: &[u8]| entry.get(4).copied().unwrap_or_default();
    let parts = if entries.iter().any(|entry| kind(entry) == PROTECTIVE) {
        gpt(beginning)
    } else {
        let used = entries.into_iter().filter(|entry| kind(entry) != 0 && !EXTENDED.contains(&kind(entry)));
        let of = |entry: &[u8]| (u64::from(u32_at(entry, 8)), u64::from(u32_at(entry, 12)));
        used.map(of).map(|(first, count)| (first, first.saturating_add(count))).collect()
    };
    let bytes = parts
        .into_iter()
        .filter_map(|(first, end)| Some(first.checked_mul(SECTOR)?..end.checked_mul(SECTOR)?));
    bytes.filter(|part| part.start > 0 && part.start < part.end && part.end <= size).collect()
}

/// First sectors of parts, and those behind them.
fn gpt(beginning: &[u8]) -> Vec<(u64, u64)> {
    let Some(header) = beginning.get(512..1024).filter(|header| header.starts_with(b"EFI PART")) else {
        return Vec::new();
    };
    let (at, count, length) = (u64_at(header, 72), u32_at(header, 80).min(MOST), u32_at(header, 84));
    if length < 128 {
        return Vec::new();
    }
    let entry = |n: u32| {
        let start = at.checked_mul(SECTOR)?.checked_add(u64::from(n) * u64::from(length))?;
        let start = usize::try_from(start).ok()?;
        beginning.get(start..start.checked_add(128)?)
    };
    let used =
        (0..count).map_while(entry).filter(|entry| entry.get(..16).is_some_and(|kind| kind != [0; 16]));
    used.map(|entry| (u64_at(entry, 32), u64_at(entry, 40).saturating_add(1))).collect()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_le_bytes(word.unwrap_or_default())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let word = bytes.get(at..at + 8).and_then(|word| word.try_into().ok());
    u64::from_le_bytes(word.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mbr(entries: &[(u8, u32, u32)]) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
        for (n, (kind, first, count)) in entries.iter().enumerate() {
            bytes[446 + n * 16 + 4] = *kind;
            bytes[446 + n * 16 + 8..][..4].copy_from_slice(&first.to_le_bytes());
            bytes[446 + n * 16 + 12..][..4].copy_from_slice(&count.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn parts_of_both_tables_are_found_and_none_beyond_the_disk() {
        let two = mbr(&[(0x0c, 2, 2), (0x83, 4, 4), (0x83, 8, 9), (0x05, 1, 1)]);
        assert_eq!(parse(&two, 4096), [1024..2048, 2048..4096]);
        let mut gpt = mbr(&[(0xee, 1, u32::MAX)]);
        gpt[512..520].copy_from_slice(b"EFI PART");
        gpt[512 + 72] = 2;
        gpt[512 + 80] = 4;
        gpt[512 + 84] = 128;
        gpt[1024 + 128] = 1;
        gpt[1024 + 128 + 32] = 4;
        gpt[1024 + 128 + 40] = 7;
        assert_eq!(parse(&gpt, 4096), vec![std::ops::Range { start: 2048, end: 4096 }]);
        assert_eq!(parse(&[0; 512], 512), []);
    }

    #[test]
    fn no_beginning_makes_it_fall() {
        let mut bytes = mbr(&[(0xee, u32::MAX, u32::MAX)]);
        bytes[512..520].copy_from_slice(b"EFI PART");
        bytes[584..600].fill(0xff);
        for length in [0, 446, 470, 511, 512, 513, 600, 1024, 4096] {
            assert_eq!(parse(&bytes[..length], u64::MAX), []);
        }
    }
}
