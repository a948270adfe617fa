//! ffsb's profiles, in the sizes that Avocado-VT gives them, and their text (FFSB 6.0's README).

/// One of the profiles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile {
    /// Its name without the `ffsb-` of its category.
    pub(super) name: &'static str,
    kind: Kind,
    /// Bytes of a read or write.
    block: u64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Creates,
    Mail,
    RandomReads,
    RandomWrites,
    SequentialReads,
}

/// What a case and its parameters put into a profile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    /// Threads.
    pub(super) threads: u32,
    /// How long it measures.
    pub(super) seconds: u32,
    /// Size of what it works on, 1 for the usual 100 GB.
    pub(super) scale: f64,
}

/// All of them.
pub(super) const PROFILES: [Profile; 7] = [
    Profile { name: "large-file-creates-256k", kind: Kind::Creates, block: 256 << 10 },
    Profile { name: "large-file-creates-8k", kind: Kind::Creates, block: 8 << 10 },
    Profile { name: "mail-server-8k", kind: Kind::Mail, block: 8 << 10 },
    Profile { name: "random-reads-8k", kind: Kind::RandomReads, block: 8 << 10 },
    Profile { name: "random-writes-8k", kind: Kind::RandomWrites, block: 8 << 10 },
    Profile { name: "sequential-reads-256k", kind: Kind::SequentialReads, block: 256 << 10 },
    Profile { name: "sequential-reads-8k", kind: Kind::SequentialReads, block: 8 << 10 },
];

/// A mail server's files: so many of a hundred and five have 1 KiB, 2 KiB, .. 1 MiB.
const MAIL_WEIGHTS: [u32; 11] = [10, 15, 16, 16, 15, 10, 8, 4, 3, 2, 1];
/// Bytes that a thread moves before it takes another file.
const STRETCH: u64 = 5 << 20;
/// Bytes of a file that is read or written in place.
const FILE: u64 = 100 << 20;

impl Profile {
    /// The text of the profile for a file system that is mounted at `location`.
    pub(super) fn text(&self, location: &str, values: &Values) -> String {
        let mut lines = vec![format!("time={}", values.seconds), "alignio=1".into(), "directio=1".into()];
        lines.push("[filesystem0]".into());
        lines.push(format!("location={location}"));
        lines.extend(self.files(values.scale));
        lines.push("[end0]".into());
        lines.push("[threadgroup0]".into());
        lines.push(format!("num_threads={}", values.threads));
        lines.extend(self.operations());
        lines.push("[end0]".into());
        lines.join("\n") + "\n"
    }

    /// What is there before it begins, and how large new files become.
    fn files(&self, scale: f64) -> Vec<String> {
        let scaled = |of: f64| (of * scale).ceil().max(1.0) as u64;
        let sizes = |bytes: u64| [format!("min_filesize={bytes}"), format!("max_filesize={bytes}")];
        match self.kind {
            Kind::Creates => {
                // Whole blocks, as direct I/O wants them.
                let bytes = scaled(1e9).div_ceil(self.block) * self.block;
                ["num_files=0".into(), "num_dirs=1".into()].into_iter().chain(sizes(bytes)).collect()
            }
            Kind::Mail => {
                let mut lines =
                    vec![format!("num_files={}", scaled(1e6)), format!("num_dirs={}", scaled(1000.0))];
                let weight = |(power, weight)| format!("size_weight {} {weight}", 1024u64 << power);
                lines.extend(MAIL_WEIGHTS.iter().enumerate().map(weight));
                lines
            }
            Kind::RandomReads | Kind::RandomWrites | Kind::SequentialReads => {
                let count = [format!("num_files={}", scaled(1024.0)), "num_dirs=1".into()];
                count.into_iter().chain(sizes(FILE)).collect()
            }
        }
    }

    /// What a thread does.
    fn operations(&self) -> Vec<String> {
        let block = self.block;
        match self.kind {
            Kind::Creates => vec!["create_weight=1".into(), format!("write_blocksize={block}")],
            Kind::Mail => vec![
                "readall_weight=4".into(),
                "create_fsync_weight=2".into(),
                "delete_weight=1".into(),
                format!("read_blocksize={block}"),
                format!("write_blocksize={block}"),
            ],
            Kind::RandomReads => vec![
                "read_random=1".into(),
                "read_weight=1".into(),
                format!("read_size={STRETCH}"),
                format!("read_blocksize={block}"),
            ],
            Kind::RandomWrites => vec![
                "write_random=1".into(),
                "write_weight=1".into(),
                format!("write_size={STRETCH}"),
                format!("write_blocksize={block}"),
            ],
            Kind::SequentialReads => {
                vec!["read_weight=1".into(), format!("read_size={FILE}"), format!("read_blocksize={block}")]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, scale: f64) -> String {
        let profile = PROFILES.iter().find(|p| p.name == name).unwrap();
        profile.text("/mnt/perfvt", &Values { threads: 8, seconds: 300, scale })
    }

    #[test]
    fn the_profiles_have_the_sizes_that_are_usual() {
        let mail = text("mail-server-8k", 1.0);
        for line in ["num_files=1000000", "num_dirs=1000", "size_weight 1048576 1", "create_fsync_weight=2"] {
            assert!(mail.lines().any(|l| l == line), "{line}: {mail}");
        }
        let reads = text("random-reads-8k", 1.0);
        assert!(reads.contains("num_files=1024\n") && reads.contains("max_filesize=104857600\n"), "{reads}");
        assert!(reads.contains("num_threads=8\n") && reads.starts_with("time=300\n"), "{reads}");
    }

    #[test]
    fn a_small_scale_leaves_at_least_one_file_in_whole_blocks() {
        assert!(text("sequential-reads-8k", 1e-6).contains("num_files=1\n"));
        assert!(text("large-file-creates-256k", 1e-9).contains("max_filesize=262144\n"));
    }
}
