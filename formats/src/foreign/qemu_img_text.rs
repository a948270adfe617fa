//! What `qemu-img bench` and qemu-io print, by the names of perfvt's own workload.
//!
//! ```text
//!   Sending 2000 read requests, 4096 bytes each, 8 in parallel (starting at offset 0, step size 4096)
//!   Run completed in 0.031 seconds.
//!
//!   read 65536/65536 bytes at offset 0
//!   64 KiB, 1 ops; 00.00 sec (520.548 MiB/sec and 8328.7533 ops/sec)
//! ```
//!
//! Of qemu-io each command is a run. With `-C` (commas) it does not say whether it read or wrote, and the case is `io`.

use super::draft::{Draft, Facts, key};
use super::{Key, Keys, Parsed};
use crate::qemu_img::{self, parse_bench};
use crate::tool::lines;
use edge::quoted;

/// Bytes in a MiB.
const MIB: f64 = 1_048_576.0;

/// Tells the text by the line of a run.
pub(super) fn is(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches("qemu-io> ").trim();
        (line.starts_with("Sending ") && line.contains(" requests, ") && line.contains(" in parallel"))
            || command(line).is_some()
            || (qemu_img::csv(line).is_some()
                && line.split(',').nth(2).is_some_and(|time| time.contains(':')))
    })
}

/// `read 65536/65536 bytes at offset 0`: the direction and the bytes that were done.
fn command(line: &str) -> Option<(&'static str, u64, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [verb, share, "bytes", "at", "offset", _] = words.as_slice() else { return None };
    let (done, wanted) = share.split_once('/')?;
    let direction = match *verb {
        "read" => "io_read",
        "wrote" => "io_write",
        "discard" => "io_discard",
        _ => return None,
    };
    Some((direction, done.parse().ok()?, wanted.parse().ok()?))
}

/// Operations and operations in a second of `64 KiB, 1 ops; 00.00 sec (520.548 MiB/sec and 8328.7533 ops/sec)`.
fn rate(line: &str) -> Option<(f64, f64)> {
    let operations = line.split_once(", ")?.1.split_once(" ops; ")?.0;
    let rate = line.strip_suffix(" ops/sec)")?.rsplit_once(" and ")?.1;
    let rate = rate.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate > 0.0)?;
    Some((operations.parse().ok()?, rate))
}

/// Reads every run of a file.
pub(super) fn parse(text: &str) -> Parsed {
    let mut draft = Draft::default();
    let mut flush = None;
    let (mut bench, mut asked) = (None::<(u32, &str)>, None::<(&'static str, u64)>);
    for (line, content) in lines(text) {
        let said = content.trim_start_matches("qemu-io> ").trim();
        if let Some(interval) = qemu_img::flush(said) {
            flush = Some(interval);
        } else if said.starts_with("Sending ") {
            flush = None;
            if let Some((line, _)) = bench.replace((line, said)) {
                draft.lose(line, "the run was not completed");
            }
        } else if said.starts_with("Run completed in ") {
            match bench.take() {
                Some((begun, first)) => run(&mut draft, (begun, first), flush, line, said),
                None => draft.lose(line, "a time without its run"),
            }
        } else if let Some((direction, done, wanted)) = command(said) {
            asked = Some((direction, done));
            if done < wanted {
                draft.lose(line, format!("{done} of {wanted} bytes were done"));
                asked = None;
            }
        } else if let (Some((direction, bytes)), true) = (asked, said.ends_with(" ops/sec)")) {
            asked = None;
            match rate(said) {
                Some((operations, rate)) => {
                    io(&mut draft, direction, line, (bytes as f64, operations, rate));
                }
                None => draft.lose(line, format!("a command that took no time: {}", quoted(said))),
            }
        } else if let Some((bytes, operations, rate)) = qemu_img::csv(said) {
            if rate > 0.0 {
                io(&mut draft, "io", line, (bytes as f64, operations as f64, rate));
            } else {
                draft.lose(line, "a command that took no time");
            }
        } else if said.contains(" failed: ") {
            draft.lose(line, format!("it says {}", quoted(said)));
        }
    }
    if let Some((line, _)) = bench {
        draft.lose(line, "the run was not completed");
    }
    Ok(draft.done_text(text))
}

/// The size of a request, in KiB as perfvt's workload calls it.
fn size(bytes: f64) -> Key {
    key("buffer_size", (bytes / 1024.0).to_string())
}

/// One run of `qemu-img bench`, begun on one line and ended on another.
fn run(draft: &mut Draft, (begun, first): (u32, &str), flush: Option<&str>, line: u32, said: &str) {
    match parse_bench(&format!("{first}\n{said}\n")) {
        Err(error) => draft.lose(begun, error.reason),
        Ok(bench) => {
            let mut keys: Keys = vec![size(bench.size as f64), key("depth", bench.depth.to_string())];
            keys.extend(flush.map(|interval| key("flush_interval", interval)));
            let case = draft.case(&format!("bench_{}", bench.direction), keys, &Facts::new(), line);
            let (requests, bytes) = (bench.requests as f64, bench.size as f64);
            draft.give(&case, "IOPS", "1/s", requests / bench.seconds);
            draft.give(&case, "BW", "MiB/s", requests * bytes / MIB / bench.seconds);
            draft.give(&case, "time_s", "s", bench.seconds);
        }
    }
}

/// One command of qemu-io: bytes, operations, and operations in a second.
fn io(draft: &mut Draft, category: &str, line: u32, (bytes, operations, rate): (f64, f64, f64)) {
    if operations <= 0.0 {
        return draft.lose(line, "a command without an operation");
    }
    let case = draft.case(category, vec![size(bytes / operations), key("depth", "1")], &Facts::new(), line);
    draft.give(&case, "IOPS", "1/s", rate);
    draft.give(&case, "BW", "MiB/s", rate * bytes / operations / MIB);
}
