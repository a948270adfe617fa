//! Stacks of a profile, folded: one line a stack, its frames from the outermost to the innermost with semicolons between
//! them, a space, and how many samples had it. The form of many profilers' own "collapsed" output.
//!
//! Also what `perf script` prints (tools/perf/Documentation/perf-script.txt), which is folded here.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

/// Frames of a stack; of a deeper one the middle is one frame, [`CUT`].
pub const DEEPEST: usize = 160;
/// What stands for frames that are left out.
pub const CUT: &str = "[cut]";
/// Bytes of a frame's name; a longer one is cut.
pub const LONGEST_NAME: usize = 160;
/// Bytes of a line that is read at all.
const LONGEST_LINE: usize = 64 << 10;
/// Different stacks; samples of further ones are counted as lost.
pub const MOST_STACKS: usize = 50_000;
/// Bytes of a packed profile once it is unpacked.
const LARGEST: u64 = 64 << 20;
/// What perf calls a frame without a symbol.
const UNKNOWN: &str = "[unknown]";

/// Samples of one program or guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Samples of each stack, by its frames with semicolons between them.
    stacks: BTreeMap<String, u64>,
    /// Lines that are no stack, and those of stacks beyond [`MOST_STACKS`].
    pub lost: u64,
    /// Samples outside of the window.
    pub outside: u64,
}

impl Folded {
    /// Reads lines of stacks. Whatever is none is counted in [`Folded::lost`].
    pub fn read(text: &[u8]) -> Folded {
        let mut folded = Folded::default();
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.trim_ascii().is_empty() {
                continue;
            }
            match one(line) {
                Some((frames, samples)) => folded.add(&frames, samples),
                None => folded.lost = folded.lost.saturating_add(1),
            }
        }
        folded
    }

    /// Reads what `perf script -F comm,tid,time,ip,sym` prints: each stack begins with the name of its thread. Samples outside of
    /// the window, from the first nanosecond to the last of perf's clock, are counted and not kept.
    pub fn of_perf(text: &[u8], window: Option<(u64, u64)>) -> Folded {
        let mut folded = Folded::default();
        let mut sample: Option<(Heading, Vec<String>)> = None;
        for line in text.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line.get(..line.len().min(LONGEST_LINE)).unwrap_or(line));
            if line.starts_with('\t') || (sample.is_some() && line.starts_with("        ")) {
                match &mut sample {
                    // So deep a stack is a fault of the unwinder; what is kept of it is cut anyway.
                    Some((_, frames)) if frames.len() < 4 * DEEPEST => frames.push(symbol(&line)),
                    _ => {}
                }
                continue;
            }
            folded.end(sample.take(), window);
            if line.trim().is_empty() {
                continue;
            }
            match heading(&line) {
                Some(found) => sample = Some((found, Vec::new())),
                None => folded.lost = folded.lost.saturating_add(1),
            }
        }
        folded.end(sample, window);
        folded
    }

    /// A sample of perf's is whole: its frames stand from the innermost to the outermost.
    fn end(&mut self, sample: Option<(Heading, Vec<String>)>, window: Option<(u64, u64)>) {
        let Some((heading, mut frames)) = sample else { return };
        if window.is_some_and(|(first, last)| heading.at_ns < first || last < heading.at_ns) {
            self.outside = self.outside.saturating_add(1);
            return;
        }
        frames.push(name(&heading.thread));
        frames.reverse();
        // Addresses in a row that nobody knows the names of tell nothing more than one of them.
        frames.dedup_by(|a, b| a == UNKNOWN && b == UNKNOWN);
        self.add(&frames, 1);
    }

    /// Adds samples of a stack.
    fn add(&mut self, frames: &[String], samples: u64) {
        let key = key(frames);
        if self.stacks.len() >= MOST_STACKS && !self.stacks.contains_key(&key) {
            self.lost = self.lost.saturating_add(samples);
            return;
        }
        let known = self.stacks.entry(key).or_default();
        *known = known.saturating_add(samples);
    }

    /// Its stacks, each with its frames from the outermost to the innermost and its samples, in the order of their names.
    pub fn stacks(&self) -> impl Iterator<Item = (impl Iterator<Item = &str>, u64)> {
        self.stacks.iter().map(|(frames, samples)| (frames.split(';'), *samples))
    }

    /// Samples in all.
    pub fn samples(&self) -> u64 {
        self.stacks.values().fold(0, |sum, samples| sum.saturating_add(*samples))
    }

    /// The text that [`Folded::read`] reads.
    pub fn text(&self) -> String {
        let lines = self.stacks.iter().map(|(frames, samples)| format!("{frames} {samples}\n"));
        lines.collect()
    }

    /// That text in gzip. Equal stacks give equal bytes.
    ///
    /// # Errors
    /// Never in practice: memory takes every byte.
    pub fn packed(&self) -> io::Result<Vec<u8>> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(self.text().as_bytes())?;
        gzip.finish()
    }

    /// Reads what [`Folded::packed`] made.
    ///
    /// # Errors
    /// It is no gzip, or larger than any profile of perfvt's.
    pub fn unpack(bytes: &[u8]) -> io::Result<Folded> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(bytes).take(LARGEST + 1).read_to_end(&mut text)?;
        if text.len() as u64 > LARGEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it is larger than {} MiB once it is unpacked", LARGEST >> 20),
            ));
        }
        Ok(Folded::read(&text))
    }
}

/// The first line of a sample.
struct Heading {
    thread: String,
    at_ns: u64,
}

/// `CPU 0/KVM 1234 5678.123456789:`, the name of the thread with spaces in it.
fn heading(line: &str) -> Option<Heading> {
    let mut words = line.trim_end().rsplitn(2, char::is_whitespace);
    let at_ns = nanoseconds(words.next()?.strip_suffix(':')?)?;
    let (thread, id) = words.next()?.trim_end().rsplit_once(char::is_whitespace)?;
    id.parse::<u32>().ok()?;
    Some(Heading { thread: thread.trim().to_owned(), at_ns })
}

/// Seconds with a point, as nanoseconds.
fn nanoseconds(seconds: &str) -> Option<u64> {
    let (whole, part) = seconds.split_once('.')?;
    if part.is_empty() || part.len() > 9 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let scale = 10u64.pow(9 - u32::try_from(part.len()).ok()?);
    let part = part.parse::<u64>().ok()?.checked_mul(scale)?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(part)
}

/// The name of a frame behind its address.
fn symbol(line: &str) -> String {
    let line = line.trim();
    let (address, rest) = line.split_once(' ').unwrap_or((line, ""));
    let is_address = !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit());
    let symbol = if is_address { rest.trim() } else { line };
    if symbol.is_empty() { UNKNOWN.to_owned() } else { name(symbol) }
}

/// A name that can stand in a line of stacks: without the sign between frames, bounded, never empty.
fn name(text: &str) -> String {
    let name: String = edge::clipped(text.trim(), LONGEST_NAME)
        .chars()
        .map(|c| {
            if c == ';' {
                ':'
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect();
    let name = name.trim();
    if name.is_empty() { UNKNOWN.to_owned() } else { name.to_owned() }
}

/// One line of stacks.
fn one(line: &[u8]) -> Option<(Vec<String>, u64)> {
    if line.len() > LONGEST_LINE {
        return None;
    }
    let line = String::from_utf8_lossy(line);
    let (stack, samples) = line.trim_end().rsplit_once(' ')?;
    let samples: u64 = samples.parse().ok().filter(|samples| *samples > 0)?;
    let stack = stack.trim();
    if stack.is_empty() {
        return None;
    }
    Some((stack.split(';').map(name).collect(), samples))
}

/// The frames as one text; of too many the outermost and the innermost stay.
fn key(frames: &[String]) -> String {
    if frames.len() <= DEEPEST {
        return frames.join(";");
    }
    let (first, last) = (DEEPEST / 2, DEEPEST - DEEPEST / 2 - 1);
    let ends = frames.get(..first).into_iter().flatten().map(String::as_str);
    let inner = frames.get(frames.len() - last..).into_iter().flatten().map(String::as_str);
    ends.chain([CUT]).chain(inner).collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What perf 6.1 printed of a QEMU under emulation, and of a shell.
    const PERF: &str = "CPU 0/TCG  2730 14670.319570875: \n\tffffffff812fc702 x64_setup_rt_frame\n\t           d3bd3 \
                        __GI___wait4\n\nCPU 0/TCG  2730 14670.329570875: \n\t    7f00aa12 [unknown]\n\t    7f00aa10 \
                        [unknown]\n\t  41d2a0 cpu_exec;loop(int, char)\n\nqemu-system-x86  2731 14671.000000001: \n\t \
                        811 poll\n\n";

    #[test]
    fn samples_of_perf_are_folded_by_thread_from_the_outermost_frame() {
        let folded = Folded::of_perf(PERF.as_bytes(), None);
        let text = "CPU 0/TCG;__GI___wait4;x64_setup_rt_frame 1\nCPU 0/TCG;cpu_exec:loop(int, char);[unknown] \
                    1\nqemu-system-x86;poll 1\n";
        assert_eq!((folded.text().as_str(), folded.lost, folded.outside), (text, 0, 0));
        assert_eq!(Folded::read(text.as_bytes()), folded);
        assert_eq!(Folded::unpack(&folded.packed().unwrap()).unwrap(), folded);
    }

    #[test]
    fn samples_outside_of_the_window_are_counted_and_left_out() {
        let folded = Folded::of_perf(PERF.as_bytes(), Some((14_670_320_000_000, 14_671_000_000_000)));
        assert_eq!((folded.samples(), folded.outside), (1, 2));
        assert!(folded.text().starts_with("CPU 0/TCG;cpu_exec"));
    }

    #[test]
    fn lines_that_are_no_stack_are_counted_and_stacks_twice_are_added() {
        let folded = Folded::read(
            b"a;b 2\r\n\na;b 3\na;b\na;b x\na;b 0\na;b -1\n 5\n;; 1\nmain() loop 4\n\xff\xfe 1\n",
        );
        assert_eq!((folded.lost, folded.samples()), (5, 11));
        let names: Vec<Vec<&str>> = folded.stacks().map(|(frames, _)| frames.collect()).collect();
        let unknown = vec![UNKNOWN; 3];
        assert_eq!(names, [unknown, vec!["a", "b"], vec!["main() loop"], vec!["\u{fffd}\u{fffd}"]]);
    }

    #[test]
    fn long_names_deep_stacks_and_too_many_of_them_are_bounded() {
        let long = format!("{};b 1\n{};b 1\n", "x".repeat(1000), "y".repeat(1 << 20));
        let folded = Folded::read(long.as_bytes());
        assert_eq!((folded.lost, folded.text().len()), (1, LONGEST_NAME + ";b 1\n".len()));
        let deep: Vec<String> = (0..5000).map(|n| format!("f{n}")).collect();
        let folded = Folded::read(format!("{} 7", deep.join(";")).as_bytes());
        let (frames, samples) = folded.stacks().next().unwrap();
        let frames: Vec<&str> = frames.collect();
        assert_eq!((frames.len(), samples, frames[0], frames[DEEPEST / 2]), (DEEPEST, 7, "f0", CUT));
        assert_eq!(frames.last(), Some(&"f4999"));
        let many: String = (0..MOST_STACKS + 3).map(|n| format!("f{n} 1\n")).collect();
        let folded = Folded::read(many.as_bytes());
        assert_eq!((folded.samples(), folded.lost), (MOST_STACKS as u64, 3));
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        assert!(Folded::unpack(b"no gzip").is_err());
        assert_eq!(Folded::read(b"").samples(), 0);
        assert_eq!(Folded::of_perf(b"ERROR: no samples\n", None).lost, 1);
    }
}
