//! How much an archive may hold.

/// Bytes of all files of an archive, and of the plain tar on the way. A kernel's sources have 1.5 GB.
pub(crate) const LARGEST: u64 = 16 << 30;
/// Entries of an archive. A kernel's sources have 90,000.
pub(crate) const MOST: usize = 1_000_000;

/// Counts the entries of an archive and their bytes; the reason in words where they are too many.
#[derive(Default)]
pub(crate) struct Counted {
    bytes: u64,
    entries: usize,
}

impl Counted {
    pub fn add(&mut self, bytes: u64) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries += 1;
        if self.bytes > LARGEST || self.entries > MOST {
            return Err(format!("it holds more than {} GiB or {MOST} files", LARGEST >> 30));
        }
        Ok(())
    }
}
