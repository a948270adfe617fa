//! A writer of EROFS, the read-only file system (Linux Documentation/filesystems/erofs.rst; the structures are in
//! fs/erofs/erofs_fs.h): no compression, no attributes, compact inodes, plain data.
//!
//! Every distribution's kernel has its driver, and writing it takes neither root nor a tool.
//!
//! ```text
//!   0      1024         1152                     next block
//!   │      │ superblock │ inodes, 32 bytes each  │ data: folders, files, link targets, each on a block of its own
//! ```

use std::io::{self, Write};

use super::tree::{Node, Tree};

const BLOCK: usize = 4096;
const SUPERBLOCK_AT: usize = 1024;
const SUPERBLOCK: usize = 128;
const INODE: usize = 32;
const MAGIC: u32 = 0xe0f5_e1e2;
/// Inode numbers count from the beginning of the disk in units of 32 bytes.
const FIRST_NID: u64 = ((SUPERBLOCK_AT + SUPERBLOCK) / INODE) as u64;

const FILE: u8 = 1;
const FOLDER: u8 = 2;
const LINK: u8 = 7;

struct Inode<'a> {
    mode: u16,
    links: u16,
    data: std::borrow::Cow<'a, [u8]>,
}

/// Writes the tree as a file system image. The same tree always gives the same bytes.
///
/// # Errors
/// What the writer returns; a tree that exceeds the format's 32-bit numbers.
pub(super) fn write(tree: &Tree, out: &mut impl Write) -> io::Result<()> {
    let inodes = inodes(tree)?;
    let data_at = blocks(SUPERBLOCK_AT + SUPERBLOCK + inodes.len() * INODE);
    let total = data_at + inodes.iter().map(|inode| blocks(inode.data.len())).sum::<usize>();
    let mut head = vec![0; SUPERBLOCK_AT];
    superblock(&mut head, inodes.len() as u64, small(total)?);
    let mut at = data_at;
    for (number, inode) in (1u32..).zip(&inodes) {
        head.extend_from_slice(&0u16.to_le_bytes()); // compact, plain
        head.extend_from_slice(&0u16.to_le_bytes()); // no attributes
        head.extend_from_slice(&inode.mode.to_le_bytes());
        head.extend_from_slice(&inode.links.to_le_bytes());
        head.extend_from_slice(&small(inode.data.len())?.to_le_bytes());
        head.extend_from_slice(&[0; 4]);
        head.extend_from_slice(&small(at)?.to_le_bytes());
        head.extend_from_slice(&number.to_le_bytes());
        head.extend_from_slice(&[0; 8]); // owner, group, reserved
        at += blocks(inode.data.len());
    }
    out.write_all(&head)?;
    pad(out, head.len())?;
    for inode in &inodes {
        out.write_all(&inode.data)?;
        pad(out, inode.data.len())?;
    }
    Ok(())
}

fn superblock(head: &mut Vec<u8>, inodes: u64, blocks: u32) {
    let start = head.len();
    head.extend_from_slice(&MAGIC.to_le_bytes());
    head.extend_from_slice(&[0; 8]); // no checksum, no compatible features
    head.extend_from_slice(&[12, 0]); // log2 of the block size, no extension
    head.extend_from_slice(&(FIRST_NID as u16).to_le_bytes()); // the root folder
    head.extend_from_slice(&inodes.to_le_bytes());
    head.extend_from_slice(&[0; 12]); // time: none, so that equal trees give equal images
    head.extend_from_slice(&blocks.to_le_bytes());
    head.resize(start + SUPERBLOCK, 0); // inodes count from block 0; no incompatible features
}

/// The inodes in the order of their numbers: the root, then the tree's own order.
fn inodes(tree: &Tree) -> io::Result<Vec<Inode<'_>>> {
    let paths: Vec<&str> = std::iter::once("").chain(tree.iter().map(|(path, _)| path)).collect();
    let mut folders: std::collections::BTreeMap<&str, Vec<(&str, u64, u8)>> =
        std::collections::BTreeMap::new();
    let number = |path: &str| -> io::Result<u64> {
        let index = paths.binary_search(&path).map_err(|_| io::Error::other(format!("no folder {path}")))?;
        Ok(FIRST_NID + index as u64)
    };
    for (path, node) in tree.iter() {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let kind = match node {
            Node::Dir => FOLDER,
            Node::File { .. } => FILE,
            Node::Link { .. } => LINK,
        };
        folders.entry(parent).or_default().push((name, number(path)?, kind));
    }
    let folder = |path: &str| -> io::Result<Inode<'_>> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let mut entries = vec![(".", number(path)?, FOLDER), ("..", number(parent)?, FOLDER)];
        entries.extend(folders.get(path).into_iter().flatten());
        let links = entries.iter().filter(|(_, _, kind)| *kind == FOLDER).count();
        entries.sort_unstable();
        let links = u16::try_from(links).map_err(io::Error::other)?;
        Ok(Inode { mode: 0o040_755, links, data: folder_data(&entries).into() })
    };
    let mut inodes = vec![folder("")?];
    for (path, node) in tree.iter() {
        inodes.push(match node {
            Node::Dir => folder(path)?,
            Node::File { mode, content } => {
                Inode { mode: 0o100_000 | mode, links: 1, data: content.as_slice().into() }
            }
            Node::Link { target } => Inode { mode: 0o120_777, links: 1, data: target.as_bytes().into() },
        });
    }
    Ok(inodes)
}

/// Blocks of fixed entries (number, offset of the name, kind) followed by the names; the last one is cut.
fn folder_data(entries: &[(&str, u64, u8)]) -> Vec<u8> {
    const ENTRY: usize = 12;
    let mut data = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let mut used = 0;
        let fitting = rest.iter().take_while(|(name, _, _)| {
            used += ENTRY + name.len();
            used <= BLOCK
        });
        let (block, after) = rest.split_at(fitting.count().max(1).min(rest.len()));
        let mut name_at = block.len() * ENTRY;
        for (name, nid, kind) in block {
            data.extend_from_slice(&nid.to_le_bytes());
            data.extend_from_slice(&(name_at as u16).to_le_bytes());
            data.extend_from_slice(&[*kind, 0]);
            name_at += name.len();
        }
        for (name, _, _) in block {
            data.extend_from_slice(name.as_bytes());
        }
        rest = after;
        if !rest.is_empty() {
            data.resize(data.len().next_multiple_of(BLOCK), 0);
        }
    }
    data
}

fn blocks(bytes: usize) -> usize {
    bytes.div_ceil(BLOCK)
}

fn small(number: usize) -> io::Result<u32> {
    u32::try_from(number).map_err(|_| io::Error::other("the tree is too large for the tools disk"))
}

fn pad(out: &mut impl Write, written: usize) -> io::Result<()> {
    let missing = written.next_multiple_of(BLOCK) - written;
    out.write_all([0; BLOCK].get(..missing).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn le(bytes: &[u8]) -> u64 {
        bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    /// A reader of what the writer writes, after the documentation, to look paths up.
    fn lookup(image: &[u8], path: &str) -> Option<(u16, Vec<u8>)> {
        let mut nid = le(&image[1038..1040]);
        let read = |nid: u64| {
            let inode = &image[nid as usize * 32..][..32];
            let (mode, size, block) = (le(&inode[4..6]), le(&inode[8..12]), le(&inode[16..20]));
            (mode as u16, image[block as usize * BLOCK..][..size as usize].to_vec())
        };
        for part in path.split('/') {
            let (_, data) = read(nid);
            nid = data.chunks(BLOCK).find_map(|block| {
                let count = le(&block[8..10]) as usize / 12;
                (0..count).find_map(|i| {
                    let start = le(&block[i * 12 + 8..][..2]) as usize;
                    let end =
                        if i + 1 < count { le(&block[i * 12 + 20..][..2]) as usize } else { block.len() };
                    let name = block[start..end].split(|byte| *byte == 0).next().unwrap();
                    (name == part.as_bytes()).then(|| le(&block[i * 12..][..8]))
                })
            })?;
        }
        Some(read(nid))
    }

    #[test]
    fn every_path_is_found_with_mode_and_content_even_in_folders_of_many_blocks() {
        let mut tree = Tree::default();
        for number in 0..500 {
            tree.file(
                &format!("lib/library-with-a-long-name-{number}.so"),
                0o755,
                format!("content {number}"),
            );
        }
        tree.file("bin/fio", 0o755, vec![7; 10_000]);
        tree.file("empty", 0o644, Vec::new());
        tree.link("lib/link.so", "library-with-a-long-name-0.so");
        let mut image = Vec::new();
        write(&tree, &mut image).unwrap();
        assert_eq!(image.len() % BLOCK, 0);
        assert_eq!(le(&image[1024..1028]), u64::from(MAGIC));
        assert_eq!(le(&image[1060..1064]) as usize, image.len() / BLOCK);
        assert_eq!(lookup(&image, "bin/fio"), Some((0o100_755, vec![7; 10_000])));
        assert_eq!(lookup(&image, "empty"), Some((0o100_644, Vec::new())));
        for number in 0..500 {
            let path = format!("lib/library-with-a-long-name-{number}.so");
            assert_eq!(lookup(&image, &path), Some((0o100_755, format!("content {number}").into_bytes())));
        }
        let link = lookup(&image, "lib/link.so").unwrap();
        assert_eq!(link, (0o120_777, b"library-with-a-long-name-0.so".to_vec()));
        assert_eq!(lookup(&image, "lib/../bin/fio").unwrap().0, 0o100_755);
        assert_eq!(lookup(&image, "bin/gone"), None);
    }

    #[test]
    fn entries_of_a_folder_are_sorted_within_and_across_blocks() {
        let mut tree = Tree::default();
        for name in ["+x", "a", "B", "zz", ".hidden"] {
            tree.file(name, 0o644, *b"");
        }
        let inodes = inodes(&tree).unwrap();
        let data = &inodes[0].data;
        let count = le(&data[8..10]) as usize / 12;
        let names = &data[count * 12..];
        assert_eq!(names, b"+x....hiddenBazz");
    }
}
