//! The compressions in which distributions ship kernels and modules, told apart by their first bytes.

use std::io::Read;

/// Nothing that belongs into a guest is larger: a limit against damaged or hostile files.
const LIMIT: u64 = 1 << 30;
/// The largest block of the legacy LZ4 format (lz4_Frame_format.md, "Legacy frame").
const LZ4_BLOCK: usize = 8 << 20;
const LZ4_MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// A compression, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Gzip,
    Xz,
    Zstd,
    Lz4Legacy,
    Elf,
    Unknown,
}

impl Codec {
    /// Looks at the first bytes of a file or payload.
    pub(super) fn of(data: &[u8]) -> Self {
        const MAGICS: [(&[u8], Codec); 5] = [
            (&[0x1f, 0x8b], Codec::Gzip),
            (b"\xfd7zXZ\0", Codec::Xz),
            (&[0x28, 0xb5, 0x2f, 0xfd], Codec::Zstd),
            (&LZ4_MAGIC, Codec::Lz4Legacy),
            (b"\x7fELF", Codec::Elf),
        ];
        MAGICS.iter().find(|(magic, _)| data.starts_with(magic)).map_or(Codec::Unknown, |(_, codec)| *codec)
    }
}

/// Decompresses one frame; ELF files come back as they are, bytes after the frame are ignored.
pub(super) fn decompress(data: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let result = match Codec::of(data) {
        Codec::Elf => return Ok(data.to_vec()),
        Codec::Unknown => return Err("neither ELF nor gzip, xz, zstd or lz4 (legacy frame)".to_owned()),
        Codec::Lz4Legacy => return lz4_legacy(data),
        Codec::Gzip => flate2::read::GzDecoder::new(data).take(LIMIT).read_to_end(&mut out),
        Codec::Xz => lzma_rust2::XzReader::new(data, false).take(LIMIT).read_to_end(&mut out),
        Codec::Zstd => zstd::Decoder::with_buffer(data)
            .map(zstd::Decoder::single_frame)
            .and_then(|decoder| decoder.take(LIMIT).read_to_end(&mut out)),
    };
    result.map_err(|error| format!("decompressing: {error}"))?;
    Ok(out)
}

/// The format of `lz4 -l`: the magic, then blocks of a 32-bit length and that many bytes, without an end marker.
fn lz4_legacy(data: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut block = vec![0; LZ4_BLOCK];
    let mut rest = data.get(LZ4_MAGIC.len()..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((packed, after)) = after.split_at_checked(length) else { break };
        if length == 0 {
            break;
        }
        let size = lz4_flex::block::decompress_into(packed, &mut block)
            .map_err(|error| format!("decompressing lz4 block at output byte {}: {error}", out.len()))?;
        out.extend_from_slice(block.get(..size).unwrap_or_default());
        if out.len() as u64 > LIMIT {
            return Err("decompressing: more than 1 GiB".to_owned());
        }
        rest = after;
    }
    if out.is_empty() {
        return Err("decompressing: an lz4 frame without a block".to_owned());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"\x7fELF and some bytes that repeat, that repeat, that repeat";

    #[test]
    fn gzip_and_zstd_come_back_even_with_bytes_behind_the_frame() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(TEXT).unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = zstd::encode_all(TEXT, 3).unwrap();
        for mut packed in [gzip, zstd] {
            packed.extend_from_slice(&[1, 2, 3, 4]);
            assert_eq!(decompress(&packed).unwrap(), TEXT);
        }
    }

    #[test]
    fn xz_with_the_x86_filter_comes_back() {
        // printf ... | xz --x86 --lzma2 --check=crc32
        let packed = include_bytes!("testdata/x86-filter.xz");
        assert_eq!(decompress(packed).unwrap(), TEXT);
    }

    #[test]
    fn legacy_lz4_of_two_blocks_comes_back_without_the_size_behind_it() {
        let mut packed = LZ4_MAGIC.to_vec();
        for part in [&TEXT[..20], &TEXT[20..]] {
            // One literal run: token 0xF0, the length beyond 15, the bytes.
            let block: Vec<u8> = [0xf0, (part.len() - 15) as u8].iter().chain(part).copied().collect();
            packed.extend_from_slice(&(block.len() as u32).to_le_bytes());
            packed.extend_from_slice(&block);
        }
        assert_eq!(decompress(&packed).unwrap(), TEXT);
        packed.extend_from_slice(&(TEXT.len() as u32).to_le_bytes());
        assert_eq!(decompress(&packed).unwrap(), TEXT, "the kernel appends the size");
    }

    #[test]
    fn damaged_data_is_an_error_that_says_so() {
        let mut zstd = zstd::encode_all(TEXT, 3).unwrap();
        zstd.truncate(zstd.len() - 3);
        assert!(decompress(&zstd).unwrap_err().starts_with("decompressing"));
        assert!(decompress(b"\x02\x21\x4c\x18\xff\0\0\0").unwrap_err().contains("without a block"));
        assert!(decompress(b"MZ").unwrap_err().contains("neither ELF"));
    }
}
