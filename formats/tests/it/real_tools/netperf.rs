//! netperf, between two processes of this host.

use super::network::{Server, port, words};
use super::{Dice, Made, run};
use std::path::Path;

/// Units of `-f`, with their factors to Mbit/s.
const UNITS: [(&str, f64); 7] = [
    ("k", 1e-3),
    ("m", 1.0),
    ("g", 1e3),
    ("B", 8e-6),
    ("K", 8e-6 * 1024.0),
    ("M", 8e-6 * 1_048_576.0),
    ("G", 8e-6 * 1_073_741_824.0),
];

/// What is selected after `--`, beside what each has.
const SELECTED: [&str; 6] = [
    "",
    ",elapsed_time,local_send_size,protocol,direction",
    ",local_cpu_util,remote_cpu_util,local_sd,remote_sd",
    ",mean_latency,p50_latency,p99_latency,max_latency",
    ",command_line,request_size,response_size",
    ",local_transport_retrans,lss_size_end,remote_recv_size",
];

/// One run of netperf.
pub fn make(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let port = port(dice);
    let server = Server::start("netserver", &words(&format!("-D -L 127.0.0.1 -p {port}")));
    let test =
        dice.pick(&["TCP_STREAM", "TCP_STREAM", "TCP_MAERTS", "UDP_STREAM", "TCP_RR", "UDP_RR", "TCP_CRR"]);
    let mut arguments = words(&format!("-H 127.0.0.1 -p {port} -t {test}"));
    match dice.below(4) {
        0 if !test.starts_with("UDP") => {
            arguments.extend(words(if test.ends_with("_STREAM") { "-l -20000000" } else { "-l 1" }));
        }
        _ => arguments.extend(words("-l 1")),
    }
    let (letter, factor) = UNITS[dice.below(7) as usize];
    // Under TCP_CRR with a unit netperf's table says "per sec" whatever it holds: nobody can tell.
    let is_plain_unit = !dice.one_in(3) || test == "TCP_CRR";
    if !is_plain_unit {
        arguments.extend(words(&format!("-f {letter}")));
    }
    let has_banner = !dice.one_in(6);
    if !has_banner {
        arguments.extend(words("-P 0"));
    }
    dice.maybe(4, "-D 0.25", &mut arguments);
    dice.maybe(5, "-c", &mut arguments);
    dice.maybe(5, "-C", &mut arguments);
    dice.maybe(6, "-B tag", &mut arguments);
    let mut wordy = true;
    if dice.one_in(5) {
        let level = dice.pick(&["0", "2"]);
        wordy = level != "0";
        arguments.extend(words(&format!("-v {level}")));
    }
    let format = dice.pick(&["table", "table", "o", "O", "k"]);
    if format != "table" {
        let more = SELECTED[dice.below(6) as usize];
        let comma =
            if format != "k" && dice.one_in(5) { more.replacen(',', ";", 1) } else { more.to_owned() };
        arguments.extend(["--".into(), format!("-{format}"), format!("throughput,throughput_units{comma}")]);
    } else if dice.one_in(3) {
        let own = if test.ends_with("RR") { "-- -r 10,20" } else { "-- -m 1000" };
        arguments.extend(words(own));
    }
    let (text, error) = run("netperf", &arguments, dir)?;
    drop(server);
    // With a unit of bits or bytes the rate of transactions is told in it.
    let factor = if is_plain_unit { 1.0 } else { factor };
    let metric = if test.ends_with("RR") && is_plain_unit { "trans.rate" } else { "throughput" };
    let value = match format {
        "table" if wordy => of_table(&text, test),
        "table" => None,
        "k" => text.lines().find_map(|line| line.strip_prefix("THROUGHPUT=")?.parse().ok()),
        // Interim results come first.
        "o" => text.lines().filter_map(|line| line.split(',').next()?.parse().ok()).next_back(),
        // The first cell of the first line that begins with a number, under the headings.
        _ => text.lines().find_map(|line| line.split(' ').next()?.parse().ok()),
    };
    // Without a banner nothing tells whose numbers those are, but of `KEY=VALUE`.
    let is_supported = value.is_some() && (has_banner || format == "k");
    let value: Option<f64> = value.filter(|_| is_supported);
    let says = value.iter().map(|value| (metric, value * factor, 1e-9)).collect();
    let text = if text.is_empty() { error } else { text };
    Some(Made { how: format!("netperf {}", arguments.join(" ")), is_supported, text, says })
}

/// The rate of a classic table: a stream's fifth number, a datagram stream's fourth of its second row, a transaction's sixth.
fn of_table(text: &str, test: &str) -> Option<f64> {
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let (row, at) = match test {
        "UDP_STREAM" => (1, 3),
        "TCP_RR" | "UDP_RR" | "TCP_CRR" => (0, 5),
        _ => (0, 4),
    };
    rows.get(row)?.get(at)?.parse().ok()
}
