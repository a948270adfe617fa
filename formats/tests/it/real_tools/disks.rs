//! qemu-img bench and qemu-io, on a small image.

use super::{Dice, Made, run};
use std::path::Path;

/// One run of either.
pub fn make(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let format = dice.pick(&["raw", "qcow2"]);
    let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    run("qemu-img", &words(&format!("create -f {format} disk 16M")), dir)?;
    if dice.one_in(3) { commands(dice, dir, format) } else { bench(dice, dir, format) }
}

fn bench(dice: &mut Dice, dir: &Path, format: &str) -> Option<Made> {
    let count = 500 + dice.below(4000);
    let mut words: Vec<String> =
        format!("bench -f {format} -c {count}").split(' ').map(str::to_owned).collect();
    words.extend(["-d".into(), dice.pick(&["1", "8", "64"]).into()]);
    words.extend(["-s".into(), dice.pick(&["512", "4k", "4096", "65536"]).into()]);
    let writes = dice.one_in(2);
    if writes {
        words.push("-w".into());
        dice.maybe(3, "--flush-interval=100", &mut words);
    }
    dice.maybe(3, "-t writeback", &mut words);
    dice.maybe(4, "-S 8192", &mut words);
    dice.maybe(4, "-o 65536", &mut words);
    words.push("disk".into());
    let (text, error) = run("qemu-img", &words, dir)?;
    let seconds =
        text.lines().find_map(|line| line.strip_prefix("Run completed in ")?.split(' ').next()?.parse().ok());
    let seconds: Option<f64> = seconds;
    let says: Vec<_> =
        seconds.iter().flat_map(|s| [("time_s", *s, 1e-9), ("IOPS", count as f64 / s, 1e-6)]).collect();
    let text = if says.is_empty() { format!("{text}{error}") } else { text };
    Some(Made { how: format!("qemu-img {}", words.join(" ")), is_supported: !says.is_empty(), text, says })
}

fn commands(dice: &mut Dice, dir: &Path, format: &str) -> Option<Made> {
    let mut words: Vec<String> = vec!["-f".into(), format.into()];
    for _ in 0..=dice.below(3) {
        let verb = dice.pick(&[
            "write",
            "write -P 7",
            "read",
            "read -v",
            "write -z",
            "discard",
            "aio_read",
            "write -q",
        ]);
        let size = dice.pick(&["512", "4k", "1M", "3M"]);
        words.extend(["-c".into(), format!("{verb} 0 {size}")]);
    }
    words.push("disk".into());
    let (text, _) = run("qemu-io", &words, dir)?;
    // `1 MiB, 1 ops; 00.00 sec (1.5 GiB/sec and 1506.0241 ops/sec)`
    let rates = text
        .lines()
        .filter_map(|line| line.split_once(" ops/sec)")?.0.rsplit(' ').next()?.parse::<f64>().ok());
    let sum: f64 = rates.sum();
    // A dump of what was read may be longer than what is looked at.
    let is_dump = words.iter().any(|word| word.starts_with("read -v"));
    let says = if sum > 0.0 && !is_dump { vec![("IOPS", sum, 0.02)] } else { Vec::new() };
    if text.is_empty() {
        return None;
    }
    Some(Made { how: format!("qemu-io {}", words.join(" ")), is_supported: !says.is_empty(), text, says })
}
