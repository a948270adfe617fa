//! Files that real tools write here and now, with odd options: what is read of each is what the tool itself says in another
//! place, or the file is refused in words that name it. None vanishes.
//!
//! A seed chooses tool, options and wrapping (`PERFVT_TOOL_FILES` says how many of the soak, `PERFVT_TOOL_SEED` the first;
//! `PERFVT_TOOL` names the one tool). A tool that is neither installed nor among the packages of `make setup` is named.

mod disks;
mod fio;
mod hyperfine;
mod iozone;
mod netperf;
mod network;
mod program;
mod sysbench;
mod wrap;

use formats::foreign::{self, Foreign};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

/// A file that a tool has written.
struct Made {
    /// What was run.
    how: String,
    text: String,
    /// Metrics with the sum of their values over the file, and how exactly the tool prints it (a part of the sum).
    says: Vec<(&'static str, f64, f64)>,
    /// perfvt reads this output of the tool.
    is_supported: bool,
}

/// A tool, and what makes a file with it; nothing where it gave none (a port was taken, ..).
struct Tool {
    name: &'static str,
    make: fn(&mut Dice, &Path) -> Option<Made>,
    /// How many of a hundred files it makes.
    share: u64,
}

const TOOLS: [Tool; 8] = [
    Tool { name: "fio", make: fio::make, share: 32 },
    Tool { name: "hyperfine", make: hyperfine::make, share: 13 },
    Tool { name: "sysbench", make: sysbench::make, share: 11 },
    Tool { name: "qemu-img", make: disks::make, share: 13 },
    Tool { name: "iperf3", make: network::iperf3, share: 8 },
    Tool { name: "sockperf", make: network::sockperf, share: 5 },
    Tool { name: "netperf", make: netperf::make, share: 12 },
    Tool { name: "iozone", make: iozone::make, share: 6 },
];

/// Numbers from a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below another one.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    /// Words, split at blanks, one time in so many.
    fn maybe(&mut self, bound: u64, words: &str, into: &mut Vec<String>) {
        if self.one_in(bound) {
            into.extend(words.split(' ').map(str::to_owned));
        }
    }
}

/// What a program prints on standard output and error, in that order.
fn run(program: &str, arguments: &[String], dir: &Path) -> Option<(String, String)> {
    let mut command = program::command(program)?;
    command.args(arguments).current_dir(dir).stdin(Stdio::null());
    let output = command.env("LC_ALL", "C").output().ok()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((text(output.stdout), text(output.stderr)))
}

/// What came of the files of a tool.
#[derive(Default)]
struct Tally {
    made: u32,
    read: u32,
    checked: u32,
    refused: u32,
    /// Outputs that are read, and the files of them that were not.
    supported: u32,
    missed: u32,
    wrong: Vec<String>,
}

/// The tool of a number below 100.
fn chosen(mut at: u64) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| {
        let is_it = at < tool.share;
        at = at.saturating_sub(tool.share);
        is_it
    })
}

/// Makes files and holds what is read of them against what the tools say.
fn try_files(files: u64, seed: u64) -> BTreeMap<&'static str, Tally> {
    let mut tallies: BTreeMap<&'static str, Tally> = BTreeMap::new();
    let only = std::env::var("PERFVT_TOOL").ok();
    for file in 0..files {
        let mut dice = Dice(seed.wrapping_add(file).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let at = dice.below(100);
        let Some(tool) = (match &only {
            Some(name) => TOOLS.iter().find(|tool| tool.name == name),
            None => chosen(at),
        }) else {
            continue;
        };
        if program::find(tool.name).is_none() {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let Some(made) = (tool.make)(&mut dice, dir.path()) else { continue };
        let tally = tallies.entry(tool.name).or_default();
        if let Err(reason) = judge(tally, &made, &wrap::wrap(&mut dice, &made.text)) {
            tally.wrong.push(format!("seed {}: {}: {reason}", seed.wrapping_add(file), made.how));
        }
    }
    tallies
}

fn judge(tally: &mut Tally, made: &Made, bytes: &[u8]) -> Result<(), String> {
    tally.made += 1;
    tally.supported += u32::from(made.is_supported);
    let refused = |tally: &mut Tally, words: String| {
        tally.refused += 1;
        tally.missed += u32::from(made.is_supported);
        let has_values = made.is_supported && !made.says.is_empty();
        match (has_values, words.trim().is_empty()) {
            (true, _) => Err(format!("refused, though it has values: {words}")),
            (_, true) => Err("refused without a word".to_owned()),
            _ => Ok(()),
        }
    };
    let Some(kind) = foreign::sniff(bytes) else { return refused(tally, foreign::look(bytes)) };
    let text = foreign::plain(bytes, 64 << 20)?;
    let read = match foreign::parse(kind, &text) {
        Ok(read) => read,
        Err(error) => return refused(tally, error.to_string()),
    };
    if read.records.is_empty() && read.losses.is_empty() && read.idle.is_empty() {
        return Err("it vanished".to_owned());
    }
    tally.read += 1;
    for (metric, said, part) in &made.says {
        let sum = sum_of(&read, metric);
        if (sum - said).abs() > part * said.abs() + 1e-9 {
            return Err(format!("{metric} is {sum} in all, and the tool says {said}"));
        }
    }
    tally.checked += u32::from(!made.says.is_empty());
    Ok(())
}

fn sum_of(read: &Foreign, metric: &str) -> f64 {
    let is_it = |name: &str| name == metric;
    read.records.iter().filter(|r| is_it(&r.metric)).filter_map(|r| r.value.clone().ok()).sum()
}

/// Prints what came out, and fails on anything wrong.
fn settle(tallies: &BTreeMap<&'static str, Tally>) {
    let mut wrong = Vec::new();
    for (tool, tally) in tallies {
        println!(
            "{tool}: made {}, read {}, checked {}, refused {}, wrong {}; {} of {} that should be read were not",
            tally.made,
            tally.read,
            tally.checked,
            tally.refused,
            tally.wrong.len(),
            tally.missed,
            tally.supported
        );
        wrong.extend(tally.wrong.iter().map(|line| format!("{tool}: {line}")));
    }
    for tool in TOOLS.iter().filter(|tool| program::find(tool.name).is_none()) {
        testing::skip(format!("{} is not installed", tool.name));
    }
    assert!(wrong.is_empty(), "{} files were read wrongly:\n{}", wrong.len(), wrong.join("\n"));
    for (tool, tally) in tallies {
        assert!(
            tally.missed * 10 <= tally.supported,
            "{tool}: {} of {} missed",
            tally.missed,
            tally.supported
        );
    }
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn what_real_tools_write_is_read_as_they_say_it() {
    settle(&try_files(16, from_environment("PERFVT_TOOL_SEED", 20)));
}

#[test]
#[ignore = "soak: a quarter of an hour"]
fn two_thousand_files_of_real_tools_are_read_as_they_say_it() {
    let files = from_environment("PERFVT_TOOL_FILES", 2000);
    settle(&try_files(files, from_environment("PERFVT_TOOL_SEED", 1_000_000)));
}
