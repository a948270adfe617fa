//! Output of a listing, in pieces that are neither small nor late.

use crate::Error;
use cartesian::{Bound, Expansion};
use std::io::Write;
use std::time::{Duration, Instant};

/// Bytes that are gathered before they are written.
const CHUNK: usize = 1 << 17;
/// How long output may be held back.
const PATIENCE: Duration = Duration::from_millis(100);
/// Bytes whose writing is worth a step of an expansion.
const BYTES: u64 = 16;
/// Variants between two looks at the clock.
const CLOCK: u64 = 64;

/// Gathers small writes, and lets go of them before a reader gets impatient.
pub(super) struct Gathered<'o> {
    out: &'o mut dyn Write,
    pub bytes: Vec<u8>,
    variants: u64,
    written: Instant,
    /// Bytes that went out.
    sent: u64,
}

impl<'o> Gathered<'o> {
    pub fn new(out: &'o mut dyn Write) -> Self {
        Gathered { out, bytes: Vec::with_capacity(2 * CHUNK), variants: 0, written: Instant::now(), sent: 0 }
    }

    /// Whether enough is listed: writing is work, too.
    pub fn is_beyond(&self, expansion: &Expansion<'_>, bound: &Bound) -> bool {
        expansion.is_beyond(bound) || expansion.work() + self.sent / BYTES >= bound.work
    }

    /// Called after each variant. The first one goes out at once.
    pub fn end_variant(&mut self) -> Result<(), Error> {
        self.variants += 1;
        let late = || self.variants.is_multiple_of(CLOCK) && self.written.elapsed() > PATIENCE;
        if self.bytes.len() >= CHUNK || self.variants == 1 || late() {
            self.write()?;
        }
        Ok(())
    }

    /// Lets go of everything.
    pub fn write(&mut self) -> Result<(), Error> {
        self.out.write_all(&self.bytes)?;
        self.out.flush()?;
        self.sent += self.bytes.len() as u64;
        self.bytes.clear();
        self.written = Instant::now();
        Ok(())
    }
}
