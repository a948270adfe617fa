//! iperf3 and sockperf, between two processes of this host.

use super::{Dice, Made, program, run};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A server that ends with the run.
pub struct Server(Child);

impl Server {
    /// Starts it, or gives nothing where the program is missing.
    pub fn start(program: &str, words: &[String]) -> Option<Server> {
        let mut command = program::command(program)?;
        command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().ok()?;
        // It says nothing when it is ready, and a look at its port would be its one client.
        std::thread::sleep(Duration::from_millis(200));
        Some(Server(child))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command line's words.
pub fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A port of this run alone.
pub fn port(dice: &mut Dice) -> u64 {
    20_000 + dice.below(10_000)
}

/// One run of iperf3.
pub fn iperf3(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let port = port(dice);
    let is_refused = dice.one_in(12);
    let server = Server::start("iperf3", &words(&format!("-s -1 -p {port}")));
    let to = if is_refused { 1 } else { port };
    let mut arguments = words(&format!("-c 127.0.0.1 -p {to} --connect-timeout 2000"));
    if dice.one_in(2) {
        arguments.extend(words("-n 8M"));
    } else {
        arguments.extend(words("-t 1"));
    }
    dice.maybe(3, "-u -b 50M", &mut arguments);
    match dice.below(4) {
        0 => arguments.push("-R".into()),
        1 => arguments.push("--bidir".into()),
        _ => {}
    }
    dice.maybe(3, "-P 2", &mut arguments);
    dice.maybe(4, "-l 1k", &mut arguments);
    dice.maybe(5, "-Z", &mut arguments);
    dice.maybe(5, "-i 0", &mut arguments);
    dice.maybe(5, "--get-server-output", &mut arguments);
    dice.maybe(6, "-T title", &mut arguments);
    dice.maybe(6, "-f K", &mut arguments);
    let is_json = !dice.one_in(5);
    if is_json {
        arguments.push("-J".into());
    }
    let (text, error) = run("iperf3", &arguments, dir)?;
    drop(server);
    let says = if is_json { received(&text) } else { Vec::new() };
    let text = if text.is_empty() { error } else { text };
    Some(Made { how: format!("iperf3 {}", arguments.join(" ")), is_supported: !says.is_empty(), text, says })
}

/// What all streams have received, out of the bytes and seconds of each.
fn received(text: &str) -> Vec<(&'static str, f64, f64)> {
    let Ok(root) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    if root.get("error").is_some() {
        return Vec::new();
    }
    let end = &root["end"];
    let mut sum = 0.0;
    for name in ["sum_received", "sum_received_bidir_reverse"] {
        sum += end[name]["bits_per_second"].as_f64().unwrap_or(0.0);
    }
    if sum == 0.0 {
        sum = end["sum"]["bits_per_second"].as_f64().unwrap_or(0.0);
    }
    if sum > 0.0 { vec![("throughput", sum / 1e6, 1e-6)] } else { Vec::new() }
}

/// One run of sockperf.
pub fn sockperf(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let port = port(dice);
    let tcp = if dice.one_in(2) { " --tcp" } else { "" };
    let server = Server::start("sockperf", &words(&format!("sr -i 127.0.0.1 -p {port}{tcp}")));
    let test = dice.pick(&["pp", "ul", "tp", "pp"]);
    let mut arguments = words(&format!("{test} -i 127.0.0.1 -p {port}{tcp} -t 1"));
    dice.maybe(3, "--msg-size=64", &mut arguments);
    if test != "pp" {
        arguments.push(format!("--mps={}", dice.pick(&["1000", "5000", "max"])));
    }
    if test == "ul" {
        dice.maybe(3, "--full-rtt", &mut arguments);
    }
    let wants_log = test != "tp" && dice.one_in(4);
    if wants_log {
        arguments.extend(words("--full-log log.csv"));
    }
    dice.maybe(5, "--debug", &mut arguments);
    let (text, _) = run("sockperf", &arguments, dir)?;
    drop(server);
    let summary = |begin: &str| {
        let line = text.lines().find_map(|line| line.split_once(begin))?.1;
        line.trim().split(' ').next()?.parse::<f64>().ok()
    };
    let says: Vec<_> = match test {
        "tp" => summary("Summary: Message Rate is ")
            .map(|rate| ("message_rate", rate, 1e-3))
            .into_iter()
            .collect(),
        _ => summary("Summary: Latency is ")
            .or_else(|| summary("Summary: Round trip is "))
            .map(|latency| ("latency_us", latency, 1e-3))
            .into_iter()
            .collect(),
    };
    Some(Made {
        how: format!("sockperf {}", arguments.join(" ")),
        is_supported: !says.is_empty(),
        text,
        says,
    })
}
