//! A tree of files in memory, which becomes an initramfs or a disk.

use std::collections::BTreeMap;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A folder (mode 0755).
    Dir,
    /// A file with its permission bits and content.
    File { mode: u16, content: Vec<u8> },
    /// A symbolic link with its target.
    Link { target: String },
}

/// Paths without a leading slash, in byte order, so that a folder comes before what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// Adds an empty folder and the folders above it.
    pub(super) fn dir(&mut self, path: &str) {
        self.insert(path, Node::Dir);
    }

    /// Adds a file and the folders above it; a later file of the same path replaces the earlier one.
    pub(super) fn file(&mut self, path: &str, mode: u16, content: impl Into<Vec<u8>>) {
        self.insert(path, Node::File { mode, content: content.into() });
    }

    /// Adds a symbolic link and the folders above it.
    pub(super) fn link(&mut self, path: &str, target: &str) {
        self.insert(path, Node::Link { target: target.to_owned() });
    }

    /// All paths with what stands there, folders before their contents.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Whether something stands at this path.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.nodes.contains_key(path.trim_start_matches('/'))
    }

    /// What a file holds.
    pub(super) fn content(&self, path: &str) -> Option<&[u8]> {
        match self.nodes.get(path)? {
            Node::File { content, .. } => Some(content),
            _ => None,
        }
    }

    /// Adds paths, kinds, modes and contents to a hash, each with its length, so that no two trees agree.
    pub(super) fn hash_into(&self, hasher: &mut blake3::Hasher) {
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for (path, node) in &self.nodes {
            field(path.as_bytes());
            match node {
                Node::Dir => field(b"dir"),
                Node::File { mode, content } => {
                    field(b"file");
                    field(&mode.to_le_bytes());
                    field(content);
                }
                Node::Link { target } => {
                    field(b"link");
                    field(target.as_bytes());
                }
            }
        }
    }

    fn insert(&mut self, path: &str, node: Node) {
        let path = path.trim_matches('/');
        for (end, _) in path.match_indices('/') {
            if let Some(parent) = path.get(..end) {
                self.nodes.entry(parent.to_owned()).or_insert(Node::Dir);
            }
        }
        self.nodes.insert(path.to_owned(), node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_above_a_file_appear_before_it() {
        let mut tree = Tree::default();
        tree.file("/usr/bin/netperf", 0o755, *b"x");
        let paths: Vec<_> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["usr", "usr/bin", "usr/bin/netperf"]);
    }

    #[test]
    fn the_hash_sees_mode_and_content_and_path() {
        let digest = |path: &str, mode: u16, content: &str| {
            let mut tree = Tree::default();
            tree.file(path, mode, content);
            let mut hasher = blake3::Hasher::new();
            tree.hash_into(&mut hasher);
            hasher.finalize()
        };
        let base = digest("a", 0o644, "x");
        assert_eq!(base, digest("a", 0o644, "x"));
        for other in [digest("b", 0o644, "x"), digest("a", 0o755, "x"), digest("a", 0o644, "y")] {
            assert_ne!(base, other);
        }
    }
}
