//! iozone, on small files.

use super::network::words;
use super::{Dice, Made, run};
use std::path::Path;

/// One run of iozone: tables by size, or processes together.
pub fn make(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let mut arguments = words("-i 0");
    dice.maybe(2, "-i 1", &mut arguments);
    dice.maybe(3, "-i 2", &mut arguments);
    dice.maybe(4, "-i 3", &mut arguments);
    dice.maybe(4, "-i 5", &mut arguments);
    dice.maybe(4, "-i 6 -i 7", &mut arguments);
    let together = dice.one_in(4);
    if together {
        dice.maybe(4, "-i 8", &mut arguments);
        dice.maybe(4, "-i 9 -i 10", &mut arguments);
        let how = dice.pick(&["-t 1", "-t 2", "-t 2 -T", "-l 1 -u 2", "-t 3"]);
        arguments.extend(words(how));
        dice.maybe(2, "-r 16k", &mut arguments);
        dice.maybe(2, "-s 256k", &mut arguments);
        dice.maybe(3, "-C", &mut arguments);
    } else {
        let sizes = dice.pick(&[
            "-s 128k",
            "-s 1M -r 64k",
            "-a -g 128k",
            "-a -n 64k -g 256k -y 16k",
            "-s 64k -s 128k -r 4 -r 8",
        ]);
        arguments.extend(words(sizes));
    }
    let is_report = !dice.one_in(3);
    if is_report {
        arguments.push("-R".into());
    }
    dice.maybe(4, "-+u", &mut arguments);
    dice.maybe(5, "-e -c", &mut arguments);
    dice.maybe(6, "-+n", &mut arguments);
    dice.maybe(8, "-w", &mut arguments);
    let is_other_unit = dice.one_in(7);
    if is_other_unit {
        arguments.push(dice.pick(&["-O", "-N"]).into());
    }
    if is_report {
        dice.maybe(5, "-b table.xls", &mut arguments);
    }
    let (text, error) = run("iozone", &arguments, dir)?;
    let says = match is_other_unit {
        // Figures in another unit are not taken for those.
        true => vec![("Write_Thro-KBps", 0.0, 0.0), ("ReWrite_Thro-KBps", 0.0, 0.0)],
        false => says(&text, together),
    };
    let text = if text.is_empty() { error } else { text };
    let is_supported = !is_other_unit && !says.is_empty();
    Some(Made { how: format!("iozone {}", arguments.join(" ")), is_supported, text, says })
}

/// The figures of writing, out of the part for people.
fn says(text: &str, together: bool) -> Vec<(&'static str, f64, f64)> {
    let processes = |who: &str| -> f64 {
        let of = text.lines().filter(|l| l.contains("Children see throughput") && l.contains(who));
        of.filter_map(|l| l.split_once('=')?.1.trim().split(' ').next()?.parse::<f64>().ok()).sum()
    };
    // With -+u: the last word but one of the first such line behind the writers' own.
    let writers = text.split("Children see throughput for ").filter(|part| part.contains(" initial writers"));
    let used = writers.filter_map(|part| {
        part.split_once(" CPU utilization ")?.1.split_once('%')?.0.trim().parse::<f64>().ok()
    });
    let used: f64 = used.sum();
    let cell = |at: usize| -> f64 {
        let rows = text.lines().filter(|l| l.starts_with("         ")).filter_map(|l| {
            let cells: Option<Vec<f64>> = l.split_whitespace().map(|word| word.parse().ok()).collect();
            cells.filter(|cells| cells.len() > 2)
        });
        rows.filter_map(|row| row.get(at).copied()).sum()
    };
    let (write, rewrite) = match together {
        true => (processes(" initial writers"), processes(" rewriters")),
        false if text.contains(" -+n") => (cell(2), 0.0),
        false => (cell(2), cell(3)),
    };
    let all =
        [("Write_Thro-KBps", write, 1e-9), ("ReWrite_Thro-KBps", rewrite, 1e-9), ("Write_CPU", used, 1e-9)];
    all.into_iter().filter(|(_, sum, _)| *sum > 0.0).collect()
}
