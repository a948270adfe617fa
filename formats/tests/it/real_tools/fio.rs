//! fio, with its engine that does nothing.

use super::network::Server;
use super::{Dice, Made, run};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// One run of fio, in one of its formats.
pub fn make(dice: &mut Dice, dir: &Path) -> Option<Made> {
    if dice.one_in(12) { clients(dice, dir) } else { alone(dice, dir) }
}

/// A run of one or two servers, which fio calls its clients, with the sum over all of them.
fn clients(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let jobs = [
        "[global]\nioengine=null\nsize=16m\nrw=randread\n[a]\n[b]\nrw=write\nbs=8k\n",
        "[one]\nioengine=null\nsize=16m\nrw=randrw\niodepth=4\n",
        "[global]\nioengine=null\nruntime=100ms\ntime_based\nsize=16m\n[x]\nrw=read\nnumjobs=2\ngroup_reporting\n",
    ];
    std::fs::write(dir.join("jobs.fio"), dice.pick(&jobs)).ok()?;
    let sockets: Vec<PathBuf> = (0..=dice.below(2)).map(|at| dir.join(format!("s{at}"))).collect();
    let servers: Vec<Server> = sockets.iter().map(|socket| server(socket)).collect::<Option<_>>()?;
    let mut words = vec![format!("--output-format={}", dice.pick(&["json", "json+"]))];
    for socket in &sockets {
        words.extend([format!("--client=sock:{}", socket.display()), "jobs.fio".into()]);
    }
    let (text, _) = run("fio", &words, dir)?;
    drop(servers);
    let of = |is_sum: bool| iops(&text, "client_stats", |name| (name == ALL_CLIENTS) == is_sum);
    // Of one job alone there is no sum; of several the JSON says what it is.
    let (each, all) = (of(false), of(true));
    let says = if each > 0.0 { vec![("IOPS", each + all, 1e-9)] } else { Vec::new() };
    Some(Made { how: format!("fio {}", words.join(" ")), is_supported: !says.is_empty(), text, says })
}

/// How fio calls the sum over clients.
const ALL_CLIENTS: &str = "All clients";

/// `fio --server` on a socket.
fn server(socket: &Path) -> Option<Server> {
    let server = Server::start("fio", &[format!("--server=sock:{}", socket.display())])?;
    let until = Instant::now() + Duration::from_secs(30);
    while !socket.exists() {
        if Instant::now() > until {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Some(server)
}

fn alone(dice: &mut Dice, dir: &Path) -> Option<Made> {
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
    if format.starts_with("json") {
        // Several objects, of which the last is the whole run.
        dice.maybe(6, "--status-interval=100ms", &mut words);
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
    let sum = iops(text, "jobs", |_| true);
    if sum > 0.0 { vec![("IOPS", sum, 1e-9)] } else { Vec::new() }
}

/// The same of some of the entries of a list, in the last object of a text.
fn iops(text: &str, list: &str, is_one: impl Fn(&str) -> bool) -> f64 {
    let Some(begin) = text.rfind("{\n  \"fio version\"") else { return 0.0 };
    let mut stream = serde_json::Deserializer::from_str(&text[begin..]).into_iter::<Value>();
    let Some(Ok(root)) = stream.next() else { return 0.0 };
    let mut sum = 0.0;
    for job in root[list].as_array().into_iter().flatten() {
        let done = |name: &&str| job[*name]["total_ios"].as_f64().unwrap_or(0.0) > 0.0;
        let mut parts: Vec<&str> = ["read", "write", "trim", "mixed"].into_iter().filter(done).collect();
        // One direction and the sum over it are the same.
        if parts.len() == 2 {
            parts.retain(|name| *name != "mixed");
        }
        if is_one(job["jobname"].as_str().unwrap_or_default()) {
            sum += parts.iter().filter_map(|name| job[*name]["iops"].as_f64()).sum::<f64>();
        }
    }
    sum
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
