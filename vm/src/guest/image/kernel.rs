//! A bootable kernel out of the file that a distribution ships.
//!
//! A bzImage (Documentation/arch/x86/boot.rst) is set-up code around a compressed vmlinux. QEMU boots an
//! uncompressed vmlinux directly when it carries the PVH entry point (an ELF note), which saves the guest from
//! unpacking it: half of the time to boot under TCG.

use object::LittleEndian;
use object::elf::{FileHeader64, PT_NOTE};
use object::read::elf::{FileHeader as _, ProgramHeader as _};

use super::codec::{Codec, decompress};

/// XEN_ELFNOTE_PHYS32_ENTRY of the kernel's include/xen/interface/elfnote.h.
const PHYS32_ENTRY: u32 = 18;

/// What QEMU's `-kernel` gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An uncompressed ELF with a PVH entry point.
    Vmlinux,
    /// The file as shipped, for kernels without that entry point.
    BzImage,
}

impl Form {
    /// The file's name in an image.
    pub(super) fn file_name(self) -> &'static str {
        match self {
            Form::Vmlinux => "vmlinux",
            Form::BzImage => "bzImage",
        }
    }
}

/// Makes the bytes that QEMU boots; the reason when they are no kernel for x86-64.
pub(super) fn bootable(file: &[u8]) -> Result<(Form, Vec<u8>), String> {
    if Codec::of(file) == Codec::Elf {
        return if has_pvh_entry(file) {
            Ok((Form::Vmlinux, file.to_vec()))
        } else {
            Err("a vmlinux without a PVH entry point (CONFIG_PVH), which QEMU cannot boot".to_owned())
        };
    }
    let vmlinux = decompress(payload(file)?)?;
    if has_pvh_entry(&vmlinux) { Ok((Form::Vmlinux, vmlinux)) } else { Ok((Form::BzImage, file.to_vec())) }
}

/// The compressed vmlinux inside a bzImage, without the size that the build appends to all but gzip.
fn payload(file: &[u8]) -> Result<&[u8], String> {
    if file.get(0x202..0x206) != Some(b"HdrS") {
        return Err("no boot header (\"HdrS\" at 0x202)".to_owned());
    }
    let version = number::<2>(file, 0x206)?;
    if version < 0x208 {
        return Err(format!("boot protocol {}.{:02} has no payload offset", version >> 8, version & 0xff));
    }
    let sectors = match number::<1>(file, 0x1f1)? {
        0 => 4,
        sectors => sectors,
    };
    let start = (sectors + 1) * 512 + number::<4>(file, 0x248)?;
    let end = start + number::<4>(file, 0x24c)?;
    let payload = usize::try_from(start)
        .ok()
        .zip(usize::try_from(end).ok())
        .and_then(|(start, end)| file.get(start..end))
        .ok_or_else(|| {
            format!("the payload (bytes {start} to {end}) lies outside the file of {} bytes", file.len())
        })?;
    match Codec::of(payload) {
        Codec::Gzip | Codec::Elf => Ok(payload),
        _ => Ok(payload.get(..payload.len().saturating_sub(4)).unwrap_or_default()),
    }
}

/// The release (`uname -r`) that a bzImage names in its header, or a vmlinux in its banner; `None` for other files.
pub(super) fn release(file: &[u8]) -> Option<String> {
    let start = if Codec::of(file) == Codec::Elf {
        const BANNER: &[u8] = b"Linux version ";
        file.windows(BANNER.len()).position(|bytes| bytes == BANNER)?.checked_add(BANNER.len())?
    } else if file.get(0x202..0x206) == Some(b"HdrS") {
        usize::try_from(number::<2>(file, 0x20e).ok()?).ok()?.checked_add(0x200)?
    } else {
        return None;
    };
    let text = file.get(start..start.checked_add(128)?)?;
    let word = text.split(|byte| *byte == b' ' || *byte == 0).next()?;
    let word = std::str::from_utf8(word).ok()?;
    (!word.is_empty()).then(|| word.to_owned())
}

/// Whether a kernel cannot run programs of 64 bits: a vmlinux of 32 bits, or a bzImage that says that it has no entry of 64
/// (XLF_KERNEL_64 in `xloadflags`, since boot protocol 2.12).
pub(super) fn is_32_bit(file: &[u8]) -> bool {
    if Codec::of(file) == Codec::Elf {
        return file.get(4) == Some(&1);
    }
    let says = file.get(0x202..0x206) == Some(b"HdrS") && number::<2>(file, 0x206).is_ok_and(|v| v >= 0x20c);
    says && number::<2>(file, 0x236).is_ok_and(|flags| flags & 1 == 0)
}

/// A little-endian number of N bytes.
fn number<const N: usize>(file: &[u8], at: usize) -> Result<u64, String> {
    let bytes = file.get(at..at + N).ok_or_else(|| format!("the file ends before byte {:#x}", at + N))?;
    Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

fn has_pvh_entry(file: &[u8]) -> bool {
    let Ok(header) = FileHeader64::<LittleEndian>::parse(file) else { return false };
    let Ok(segments) = header.program_headers(LittleEndian, file) else { return false };
    segments.iter().filter(|segment| segment.p_type(LittleEndian) == PT_NOTE).any(|segment| {
        let Ok(Some(mut notes)) = segment.notes(LittleEndian, file) else { return false };
        while let Ok(Some(note)) = notes.next() {
            if note.name() == b"Xen" && note.n_type(LittleEndian) == PHYS32_ENTRY {
                return true;
            }
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bzImage of one set-up sector whose payload starts 16 bytes into the protected-mode part.
    fn bzimage(payload: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 1024 + 16];
        file[0x1f1] = 1;
        file[0x202..0x206].copy_from_slice(b"HdrS");
        file[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
        file[0x20e..0x210].copy_from_slice(&0x180u16.to_le_bytes());
        file[0x380..0x38e].copy_from_slice(b"6.1.0-9-amd64 ");
        file[0x248..0x24c].copy_from_slice(&16u32.to_le_bytes());
        file[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        file.extend_from_slice(payload);
        file
    }

    /// An ELF file of nothing but a note.
    fn elf_with_note(name: &[u8; 4], kind: u32) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[18] = 62; // EM_X86_64
        file[20] = 1;
        file[32] = 64; // e_phoff
        file[52] = 64;
        file[54] = 56;
        file[56] = 1;
        file[64] = 4; // PT_NOTE
        file[72] = 120; // p_offset
        file[96] = 20; // p_filesz
        file[112] = 4; // p_align
        for word in [4, 4, kind] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(name);
        file.extend_from_slice(&[0; 4]);
        file
    }

    #[test]
    fn a_vmlinux_with_pvh_entry_is_taken_out_of_the_bzimage() {
        let vmlinux = elf_with_note(b"Xen\0", 18);
        let mut packed = zstd::encode_all(vmlinux.as_slice(), 3).unwrap();
        packed.extend_from_slice(&(vmlinux.len() as u32).to_le_bytes());
        assert_eq!(bootable(&bzimage(&packed)).unwrap(), (Form::Vmlinux, vmlinux));
    }

    #[test]
    fn a_kernel_without_pvh_entry_stays_a_bzimage() {
        for vmlinux in [elf_with_note(b"GNU\0", 18), elf_with_note(b"Xen\0", 17)] {
            let mut packed = zstd::encode_all(vmlinux.as_slice(), 3).unwrap();
            packed.extend_from_slice(&[0; 4]);
            let file = bzimage(&packed);
            assert_eq!(bootable(&file).unwrap(), (Form::BzImage, file));
        }
    }

    #[test]
    fn a_kernel_of_32_bits_is_told_by_its_header() {
        let mut file = bzimage(b"");
        assert!(is_32_bit(&file));
        file[0x236] = 0x7f;
        assert!(!is_32_bit(&file));
        (file[0x206], file[0x236]) = (0x0b, 0);
        assert!(!is_32_bit(&file), "an older header says nothing of it");
        let mut vmlinux = elf_with_note(b"Xen\0", 18);
        assert!(!is_32_bit(&vmlinux) && !is_32_bit(b"x"));
        vmlinux[4] = 1;
        assert!(is_32_bit(&vmlinux));
    }

    #[test]
    fn the_release_is_the_first_word_of_the_version() {
        assert_eq!(release(&bzimage(b"")).as_deref(), Some("6.1.0-9-amd64"));
        assert_eq!(release(b"\x7fELF"), None);
    }

    #[test]
    fn a_payload_outside_the_file_and_a_foreign_file_are_errors() {
        let mut file = bzimage(b"abcd");
        file[0x24c..0x250].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(bootable(&file).unwrap_err().contains("outside the file"));
        assert!(bootable(&file[..0x100]).unwrap_err().contains("HdrS"));
        assert!(bootable(&file[..0x207]).unwrap_err().contains("ends before"));
    }
}
