//! When the console and the firmware's debug port said what, while a guest booted.
//!
//! QEMU writes both to files. A thread looks at their sizes every millisecond and notes when they grew; afterwards each
//! line gets the time at which its first byte was there.

use model::Moment;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vm::guest::machine::{DEBUG_LOG, SERIAL_LOG};

/// So much of each file is read.
const LONGEST: u64 = 4 << 20;
/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(1);

/// The files by the words under which the trace has them.
const SOURCES: [(&str, &str); 2] = [("firmware", DEBUG_LOG), ("console", SERIAL_LOG)];

/// A file had so many bytes so long after the tracer had begun.
type Growth = (Duration, u64);

/// Watches the files of one boot.
pub(super) struct Tracer {
    files: Vec<PathBuf>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Vec<Growth>>>>,
    began: Instant,
    at: Moment,
}

impl Tracer {
    /// Begins to watch the logs in a boot's folder.
    pub(super) fn start(logs: &Path) -> Tracer {
        let files: Vec<PathBuf> = SOURCES.iter().map(|(_, name)| logs.join(name)).collect();
        let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let (watched, stopped) = (files.clone(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || watch(&watched, &stopped, began));
        Tracer { files, stop, thread: Some(thread), began, at: Moment::now() }
    }

    /// The trace of a guest whose QEMU was started then and that said READY `seconds` later. That may be a while ago: guests
    /// of the user's are made fit for workloads behind it.
    pub(super) fn finish(mut self, started: Instant, seconds: f64) -> String {
        let grown = self.end();
        // Seconds between the tracer's beginning and QEMU's.
        let exec = started.saturating_duration_since(self.began).as_secs_f64();
        let later = (exec * 1e9) as u64;
        let mut lines: Vec<(f64, &str, String)> = Vec::new();
        for ((file, growth), (source, _)) in self.files.iter().zip(&grown).zip(SOURCES) {
            let text = beginning(file).unwrap_or_default();
            let mut offset = 0u64;
            for line in String::from_utf8_lossy(&text).split_inclusive('\n') {
                let at = growth.iter().find(|(_, size)| *size > offset).map(|(at, _)| at.as_secs_f64());
                let words = line.trim_end();
                if let (Some(at), false) = (at, words.is_empty()) {
                    lines.push((at - exec, source, words.to_owned()));
                }
                offset = offset.saturating_add(line.len() as u64);
            }
        }
        lines.sort_by(|a, b| a.0.total_cmp(&b.0));
        let start = (self.at.unix_ns.saturating_add(later), self.at.mono_ns.saturating_add(later));
        let mut trace = format!("start {} {}\n", start.0, start.1);
        for (at, source, line) in lines {
            trace.push_str(&format!("{at:.6} {source} {line}\n"));
        }
        trace.push_str(&format!("{seconds:.6} ready\n"));
        trace
    }

    fn end(&mut self) -> Vec<Vec<Growth>> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

/// The beginning of a log: a boot that is worth measuring says less.
fn beginning(path: &Path) -> std::io::Result<Vec<u8>> {
    edge::read::head(path, LONGEST)
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.end();
    }
}

fn watch(files: &[PathBuf], stop: &AtomicBool, began: Instant) -> Vec<Vec<Growth>> {
    let mut grown: Vec<Vec<Growth>> = files.iter().map(|_| Vec::new()).collect();
    loop {
        // One more look after the end was asked for, for what came last.
        let last = stop.load(Ordering::Relaxed);
        for (file, growth) in files.iter().zip(&mut grown) {
            let size = std::fs::metadata(file).map_or(0, |m| m.len());
            if size > growth.last().map_or(0, |(_, size)| *size) {
                growth.push((began.elapsed(), size));
            }
        }
        if last {
            return grown;
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_time_at_which_they_came() {
        let dir = tempfile::tempdir().unwrap();
        let tracer = Tracer::start(dir.path());
        let started = Instant::now();
        std::fs::write(dir.path().join(DEBUG_LOG), "SeaBIOS\n").unwrap();
        std::thread::sleep(Duration::from_millis(60));
        std::fs::write(dir.path().join(SERIAL_LOG), "\r\nhello: you\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(60));
        let trace = tracer.finish(started, 0.1);
        let lines: Vec<&str> = trace.lines().collect();
        assert!(lines[0].starts_with("start "), "{trace}");
        assert!(
            lines[1].ends_with(" firmware SeaBIOS") && lines[2].ends_with(" console hello: you"),
            "{trace}"
        );
        assert_eq!(lines[3], "0.100000 ready");
        let at = |line: &str| line.split(' ').next().unwrap().parse::<f64>().unwrap();
        assert!(at(lines[2]) - at(lines[1]) > 0.04, "{trace}");
        // What was done with the guest since it was ready moves nothing.
        assert!((0.0..0.05).contains(&at(lines[1])), "{trace}");
    }
}
