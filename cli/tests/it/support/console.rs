//! A guest of two sectors whose console is a VGA in text mode: an installer, and the system that it installs (`console.s`). SeaBIOS
//! starts it within a second, also where it is emulated.

use super::output;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SECTOR: usize = 512;
/// What a disk has at least.
const SIZE: usize = 1 << 20;

/// Disks in a folder: one with the installer, one with the system. `None`, with the reason, where no assembler is.
pub fn disks(dir: &Path) -> Option<[PathBuf; 2]> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/console.s");
    let (object, flat) = (dir.join("console.o"), dir.join("console.bin"));
    let assembled = Command::new("as").args(["--32", "-o"]).arg(&object).arg(source).output();
    let Ok(assembled) = assembled else {
        testing::skip("as is missing (binutils)");
        return None;
    };
    assert!(assembled.status.success(), "{}", String::from_utf8_lossy(&assembled.stderr));
    let mut link = Command::new("ld");
    link.args(["-m", "elf_i386", "-Ttext=0x7c00", "--oformat=binary", "-o"]).arg(&flat).arg(&object);
    let linked = output(&mut link);
    assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
    let both = fs::read(flat).unwrap();
    assert_eq!(both.len(), 2 * SECTOR);
    Some([("installer.raw", &both[..]), ("system.raw", &both[SECTOR..])].map(|(name, content)| {
        let mut disk = content.to_vec();
        disk.resize(SIZE, 0);
        let path = dir.join(name);
        fs::write(&path, disk).unwrap();
        path
    }))
}
