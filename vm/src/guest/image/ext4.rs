//! A tree as ext4, for kernels that have no EROFS: mke2fs (e2fsprogs 1.43 or newer) copies a folder into a new file system, which
//! needs no root.

use super::tree::{Node, Tree};
use process::deadlines::BUILD;
use process::{Spec, run};
use std::io;
use std::path::Path;

const BLOCK: u64 = 4096;
/// What the file system itself needs, beside a sixteenth of what is in it.
const OVERHEAD: u64 = 8 << 20;
/// What ext4 of every age can read. Nothing is ever written, so there is no journal.
const FEATURES: &str = "none,extent,filetype,large_file,sparse_super,dir_index";

/// Writes the file system into a file that is there, by way of a folder that is not there yet.
pub(super) fn write(tree: &Tree, mke2fs: &Path, folder: &Path, disk: &Path) -> io::Result<()> {
    edge::write::make_directory(folder)?;
    let mut bytes = OVERHEAD;
    for (path, node) in tree.iter() {
        let place = folder.join(path);
        bytes += BLOCK;
        match node {
            Node::Dir => edge::write::make_directory(&place)?,
            Node::Link { target } => std::os::unix::fs::symlink(target, &place)?,
            Node::File { mode, content } => {
                edge::write::write(&place, content)?;
                edge::write::set_mode(&place, u32::from(*mode))?;
                bytes += (content.len() as u64).next_multiple_of(BLOCK);
            }
        }
    }
    edge::write::set_mode(folder, 0o755)?;
    let blocks = (bytes + bytes / 16).div_ceil(BLOCK);
    let spec =
        Spec::new(mke2fs).args(["-q", "-F", "-t", "ext4", "-m", "0", "-b", "4096", "-O", FEATURES, "-d"]);
    run(spec.arg(folder).arg(disk).arg(blocks.to_string()), BUILD).map(drop).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_modes_and_links_are_in_the_file_system() {
        let Some(mke2fs) =
            ["/usr/sbin/mke2fs", "/sbin/mke2fs"].map(Path::new).into_iter().find(|p| p.exists())
        else {
            return testing::skip("mke2fs is missing; the package e2fsprogs has it");
        };
        let mut tree = Tree::default();
        tree.file("bin/fio", 0o755, vec![7; 5000]);
        tree.link("bin/link", "fio");
        let dir = tempfile::tempdir().unwrap();
        let disk = dir.path().join("disk");
        std::fs::write(&disk, "").unwrap();
        write(&tree, mke2fs, &dir.path().join("tree"), &disk).unwrap();
        // The magic number of ext2 and its kin stands in the superblock, which begins at 1024.
        assert_eq!(std::fs::read(&disk).unwrap()[1080..1082], [0x53, 0xef]);
        let look = |request: &str| {
            let debugfs = Spec::new(mke2fs.with_file_name("debugfs")).args(["-R", request]).arg(&disk);
            String::from_utf8_lossy(&run(debugfs, BUILD).unwrap()).into_owned()
        };
        let file = look("stat /bin/fio");
        assert!(file.contains("Mode:  0755") && file.contains("Size: 5000"), "{file}");
        assert!(look("stat /bin/link").contains("Fast link dest: \"fio\""));
        assert!(!look("stats").contains("has_journal"));
    }
}
