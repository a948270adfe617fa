//! What a drive has seen of each machine: its serial console as a terminal, its last frames, its pointer.

use screen::frames::Frames;
use screen::pointer::Pointer;
use screen::terminal::Terminal;
use screen::{Picture, Rect};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Frames that are kept of a machine, and bytes of their pixels.
const FRAMES: usize = 200;
const FRAME_BYTES: usize = 32 << 20;
/// So much of a console is read at a time.
const PIECE: u64 = 1 << 20;
/// How near a pointer is brought to a place.
const NEAR: u32 = 1;

/// What is known of one machine.
pub(super) struct Sight {
    began: Instant,
    log: PathBuf,
    read: u64,
    terminal: Terminal,
    pub(super) frames: Frames,
    pub(super) pointer: Pointer,
    /// What was read of a picture last: the reader needs half a second.
    pub(super) text: Option<(Picture, Result<String, String>)>,
}

impl Default for Sight {
    fn default() -> Sight {
        Sight {
            began: Instant::now(),
            log: PathBuf::new(),
            read: 0,
            terminal: Terminal::default(),
            frames: Frames::new(FRAMES, FRAME_BYTES),
            pointer: Pointer::new(NEAR),
            text: None,
        }
    }
}

impl Sight {
    /// What its serial console shows now; that of another boot begins with nothing.
    pub(super) fn serial(&mut self, log: &Path) -> io::Result<String> {
        if self.log != log {
            *self = Sight { log: log.to_owned(), ..Sight::default() };
        }
        loop {
            let mut file = edge::read::open(&self.log)?;
            file.seek(SeekFrom::Start(self.read))?;
            let mut piece = Vec::new();
            let read = file.take(PIECE).read_to_end(&mut piece)? as u64;
            if read == 0 {
                return Ok(self.terminal.text());
            }
            self.read += read;
            self.terminal.feed(&piece);
        }
    }

    /// Keeps a picture among the frames; gives whether it shows something new.
    pub(super) fn frame(&mut self, picture: &Picture) -> bool {
        self.frames.push(self.began.elapsed(), picture.clone())
    }
}

/// A rectangle as a line has it: `X,Y,WIDTH,HEIGHT`.
pub(super) fn rect(word: &str) -> Result<Rect, String> {
    match numbers(word).as_deref() {
        Some([x, y, width, height]) if *width > 0 && *height > 0 => {
            Ok(Rect { x: *x, y: *y, width: *width, height: *height })
        }
        _ => Err(format!("{} is no rectangle: want X,Y,WIDTH,HEIGHT in pixels", edge::quoted(word))),
    }
}

/// A place as a line has it: `X,Y`.
pub(super) fn place(word: &str) -> Option<(u32, u32)> {
    match numbers(word)?.as_slice() {
        [x, y] => Some((*x, *y)),
        _ => None,
    }
}

fn numbers(word: &str) -> Option<Vec<u32>> {
    word.split(',').map(|part| part.parse().ok().filter(|number| *number <= 1 << 16)).collect()
}
