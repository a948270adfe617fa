//! Headers of qcow2 images as tests need them: what a stranger may write, which qemu-img would not.

// Each test uses some of these.
#![allow(dead_code)]

/// A header of version 3 with clusters of 512 bytes, and room for a disk of 1 MiB.
#[derive(Clone, Default)]
pub struct Made<'a> {
    pub backing: Option<&'a str>,
    pub backing_format: Option<&'a str>,
    pub data_file: Option<&'a str>,
    /// Bits beside that of an external data file, which is there when one is named.
    pub features: u64,
}

impl Made<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 104];
        let mut put = |at: usize, number: &[u8]| bytes[at..at + number.len()].copy_from_slice(number);
        put(0, b"QFI\xfb");
        put(4, &3u32.to_be_bytes());
        put(20, &9u32.to_be_bytes());
        put(24, &(1u64 << 20).to_be_bytes());
        put(72, &(self.features | if self.data_file.is_some() { 4 } else { 0 }).to_be_bytes());
        put(96, &4u32.to_be_bytes());
        put(100, &104u32.to_be_bytes());
        let named = [(0xe279_2acau32, self.backing_format), (0x4441_5441, self.data_file), (0, Some(""))];
        for (kind, text) in named {
            let Some(text) = text else { continue };
            bytes.extend(kind.to_be_bytes());
            bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend(text.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        if let Some(name) = self.backing {
            let (at, length) = (bytes.len() as u64, u32::try_from(name.len()).unwrap());
            bytes.extend(name.as_bytes());
            bytes[8..16].copy_from_slice(&at.to_be_bytes());
            bytes[16..20].copy_from_slice(&length.to_be_bytes());
        }
        bytes.resize(bytes.len().max(512), 0);
        bytes
    }
}

/// The header of an image with a backing file of a format.
pub fn above(backing: &str, format: &str) -> Vec<u8> {
    Made { backing: Some(backing), backing_format: Some(format), ..Made::default() }.bytes()
}
