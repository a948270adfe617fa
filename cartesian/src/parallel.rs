//! Many dictionaries on several cores, in order.
//!
//! Walking is cheap and building is not, so every thread walks all variants and builds its share of them.

use super::error::CartesianError;
use super::expand::Culprit;
use super::program::Program;
use super::{Bound, Config, Dict, Expansion};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Variants that one thread builds in a row.
const SHARE: u64 = 256;
/// Bytes that are handed over at once.
const CHUNK: usize = 1 << 18;
/// How long finished variants may be held back.
const PATIENCE: Duration = Duration::from_millis(100);
/// Bytes whose writing is worth a step.
const BYTES: u64 = 16;
/// Pieces that wait for the writer, for each thread.
const QUEUE: usize = 8;

/// What became of a whole expansion.
#[derive(Debug)]
pub struct Summary {
    /// Variants that were written.
    pub found: u64,
    /// Whether there are more: the bound was reached.
    pub more: bool,
    /// When there were none: the filters that did it.
    pub emptied_by: Vec<Culprit>,
}

/// Why a rendering ended early.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The configuration.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// The writer.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// What a thread hands to the writer.
enum Piece {
    Bytes(Vec<u8>),
    /// So many variants are done, in so many steps.
    Done {
        variants: u64,
        work: u64,
    },
    /// The next share is the next thread's.
    EndOfShare,
    Failed(Box<CartesianError>),
    /// There are no more variants.
    End(Summary),
}

impl Config {
    /// Renders the variants within a bound and hands the bytes to `write` in the order of the variants, on so many threads.
    /// The first variant is handed over at once; after that no finished one waits for long.
    ///
    /// # Errors
    /// The first error of the expansion or of `write`.
    pub fn render(
        &self,
        threads: usize,
        bound: Bound,
        render: impl Fn(&Dict<'_>, &mut Vec<u8>) + Sync,
        mut write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<Summary, RenderError> {
        let threads = threads.clamp(1, 64) as u64;
        let stop = AtomicBool::new(false);
        let (program, render, stop) = (&self.program, &render, &stop);
        thread::scope(|scope| {
            let mut queues = Vec::new();
            for number in 0..threads {
                let (sender, receiver) = sync_channel(QUEUE);
                queues.push(receiver);
                scope.spawn(move || Worker { number, threads, bound, sender, stop }.run(program, render));
            }
            let done = collect(&queues, bound, &mut write);
            // Whoever waits for room in its queue ends when the queue is gone, whoever walks when it sees this.
            stop.store(true, Ordering::Relaxed);
            drop(queues);
            done
        })
    }
}

/// Takes the shares in turn.
fn collect(
    queues: &[Receiver<Piece>],
    bound: Bound,
    write: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<Summary, RenderError> {
    let (mut found, mut spent) = (0, 0_u64);
    for queue in queues.iter().cycle() {
        loop {
            match queue.recv() {
                Ok(Piece::Bytes(bytes)) => write(&bytes)?,
                Ok(Piece::Done { variants, work }) => {
                    found += variants;
                    spent = spent.saturating_add(work);
                    if spent >= bound.work {
                        return Ok(Summary { found, more: true, emptied_by: Vec::new() });
                    }
                }
                Ok(Piece::EndOfShare) => break,
                Ok(Piece::Failed(error)) => return Err((*error).into()),
                Ok(Piece::End(summary)) => return Ok(summary),
                Err(_) => return Err(io::Error::other("a thread of the expansion has died").into()),
            }
        }
    }
    Ok(Summary { found, more: false, emptied_by: Vec::new() })
}

struct Worker<'s> {
    number: u64,
    threads: u64,
    bound: Bound,
    sender: SyncSender<Piece>,
    stop: &'s AtomicBool,
}

impl Worker<'_> {
    /// Whether a variant, counted from 0, is this thread's.
    fn owns(&self, variant: u64) -> bool {
        variant / SHARE % self.threads == self.number
    }

    fn run(&self, program: &Program, render: &(impl Fn(&Dict<'_>, &mut Vec<u8>) + Sync)) {
        let mut expansion = Expansion::new(program);
        let mut bytes = Vec::with_capacity(CHUNK + CHUNK / 4);
        let mut last = Instant::now();
        let (mut variants, mut built) = (0, 0);
        let more = loop {
            match expansion.skip_name() {
                Ok(true) => {}
                Ok(false) => break false,
                Err(error) => return self.fail(bytes, error),
            }
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let variant = expansion.found() - 1;
            // All threads come to this at the same variant.
            if variant >= self.bound.variants || expansion.walk_work() >= self.bound.work {
                break true;
            }
            if !self.owns(variant) {
                continue;
            }
            match expansion.dict() {
                Ok(dict) => render(&dict, &mut bytes),
                Err(error) => return self.fail(bytes, error),
            }
            variants += 1;
            let ends = !self.owns(variant + 1) || (variant + 1).is_multiple_of(SHARE);
            if variant == 0 || bytes.len() >= CHUNK || ends || last.elapsed() > PATIENCE {
                let work = expansion.built_work() - built + bytes.len() as u64 / BYTES;
                let done = Piece::Done { variants: std::mem::take(&mut variants), work };
                built = expansion.built_work();
                if !self.hand_over(&mut bytes) || !self.send(done) || ends && !self.send(Piece::EndOfShare) {
                    return;
                }
                last = Instant::now();
            }
        };
        if !self.hand_over(&mut bytes) {
            return;
        }
        let found = expansion.found() - u64::from(more);
        self.send(Piece::End(Summary { found, more, emptied_by: expansion.emptied_by() }));
    }

    fn fail(&self, mut bytes: Vec<u8>, error: CartesianError) {
        if self.hand_over(&mut bytes) {
            self.send(Piece::Failed(Box::new(error)));
        }
    }

    /// Hands over what was rendered, much of it in parts, so that the queue never holds much.
    fn hand_over(&self, bytes: &mut Vec<u8>) -> bool {
        if bytes.len() <= 2 * CHUNK {
            let full = std::mem::replace(bytes, Vec::with_capacity(CHUNK + CHUNK / 4));
            return self.send(Piece::Bytes(full));
        }
        let handed = bytes.chunks(CHUNK).all(|part| self.send(Piece::Bytes(part.to_vec())));
        *bytes = Vec::with_capacity(CHUNK + CHUNK / 4);
        handed
    }

    /// False when nobody listens any more.
    fn send(&self, piece: Piece) -> bool {
        self.sender.send(piece).is_ok()
    }
}
