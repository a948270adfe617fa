//! fio, with its engine that does nothing.

use super::{Dice, Made, run};
use serde_json::Value;
use std::path::Path;

/// One run of fio, in one of its formats.
pub fn make(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let mut words: Vec<String> = vec!["--size=64m".into(), "--ioengine=null".into()];
    for job in 0..=dice.below(3) {
        words.push(format!("--name={}{job}", dice.pick(&["job", "a b", "täst", "run-2026"])));
        words.push(format!(
            "--rw={}",
            dice.pick(&[
                "read",
                "write",
                "randread",
                "randwrite",
                "rw",
                "randrw",
                "trim",
                "randtrim",
                "trimwrite"
            ])
        ));
        options(dice, &mut words);
    }
    let format = dice.pick(&[
        "json",
        "json",
        "json",
        "json+",
        "json+",
        "json,normal",
        "normal,json",
        "terse",
        "normal",
    ]);
    words.push(format!("--output-format={format}"));
    let version = dice.pick(&["2", "3", "4", "5"]);
    if format == "terse" {
        words.push(format!("--terse-version={version}"));
    }
    let to_file = dice.one_in(3);
    if to_file {
        words.push("--output=out.txt".into());
    }
    let (stdout, _) = run("fio", &words, dir)?;
    let text = if to_file { std::fs::read_to_string(dir.join("out.txt")).ok()? } else { stdout };
    let says = match format {
        "terse" => terse(&text, version),
        "normal" => Vec::new(),
        _ => json(&text),
    };
    let is_supported = !says.is_empty();
    Some(Made { how: format!("fio {}", words.join(" ")), text, says, is_supported })
}

fn options(dice: &mut Dice, words: &mut Vec<String>) {
    words.push(format!("--runtime={}", dice.pick(&["100ms", "200ms", "1"])));
    dice.maybe(2, "--time_based", words);
    match dice.below(4) {
        0 => words.push("--bs=4k,8k".into()),
        1 => words.push("--bssplit=4k/30:64k/70".into()),
        2 => words.push("--bsrange=4k-64k".into()),
        _ => words.push(format!("--bs={}", dice.pick(&["4k", "4096", "64KiB", "1m"]))),
    }
    dice.maybe(3, "--numjobs=2", words);
    dice.maybe(2, "--group_reporting", words);
    dice.maybe(3, "--iodepth=8", words);
    if dice.one_in(3) {
        words
            .push(format!("--unified_rw_reporting={}", dice.pick(&["none", "mixed", "both", "0", "1", "2"])));
    }
    dice.maybe(5, "--percentile_list=1:50:99:99.99", words);
    dice.maybe(6, "--lat_percentiles=1", words);
    dice.maybe(6, "--clat_percentiles=0", words);
    dice.maybe(6, "--slat_percentiles=1", words);
    dice.maybe(6, "--fdatasync=4", words);
    dice.maybe(6, "--fsync=8", words);
    dice.maybe(6, "--rate_iops=2000", words);
    dice.maybe(8, "--stonewall", words);
    dice.maybe(8, "--disable_lat=1", words);
    dice.maybe(8, "--disable_clat=1", words);
    dice.maybe(9, "--loops=2", words);
    dice.maybe(9, "--zonemode=none --gtod_reduce=1", words);
    dice.maybe(9, "--description=odd;one", words);
}

/// Operations a second of everything that was done, out of the JSON's own numbers.
fn json(text: &str) -> Vec<(&'static str, f64, f64)> {
    let Some(begin) = text.find("{\n  \"fio version\"") else { return Vec::new() };
    let mut stream = serde_json::Deserializer::from_str(&text[begin..]).into_iter::<Value>();
    let Some(Ok(root)) = stream.next() else { return Vec::new() };
    let mut sum = 0.0;
    for job in root["jobs"].as_array().into_iter().flatten() {
        let done = |name: &&str| job[*name]["total_ios"].as_f64().unwrap_or(0.0) > 0.0;
        let mut parts: Vec<&str> = ["read", "write", "trim", "mixed"].into_iter().filter(done).collect();
        // One direction and the sum over it are the same.
        if parts.len() == 2 {
            parts.retain(|name| *name != "mixed");
        }
        sum += parts.iter().filter_map(|name| job[*name]["iops"].as_f64()).sum::<f64>();
    }
    if sum > 0.0 { vec![("IOPS", sum, 1e-9)] } else { Vec::new() }
}

/// The same out of terse lines: fields 7 and 48 are operations a second of reading and writing, 89 of trimming.
fn terse(text: &str, version: &str) -> Vec<(&'static str, f64, f64)> {
    let fields: &[usize] = match version {
        "3" => &[7, 48],
        "4" => &[7, 48, 89],
        _ => return Vec::new(),
    };
    let of = |line: &str| -> f64 {
        let cells: Vec<&str> = line.split(';').collect();
        // With `unified_rw_reporting=mixed` there is one part, and the use of the CPU follows.
        let fields =
            if cells.get(46).is_some_and(|cell| cell.ends_with('%')) { &fields[..1] } else { fields };
        fields.iter().filter_map(|at| cells.get(*at)?.parse::<f64>().ok()).sum()
    };
    let own = text.lines().filter(|line| line.starts_with(&format!("{version};fio-")));
    let sum: f64 = own.map(of).sum();
    if sum > 0.0 { vec![("IOPS", sum, 1e-9)] } else { Vec::new() }
}
