//! sysbench: its tests that need no database.

use super::{Dice, Made, run};
use std::path::Path;

/// One run of sysbench.
pub fn make(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let test = dice.pick(&["cpu", "cpu", "memory", "threads", "mutex", "fileio"]);
    let mut words = vec![test.to_owned(), format!("--threads={}", dice.below(3) + 1)];
    if dice.one_in(3) {
        words.push("--time=1".into());
    } else {
        words.extend(["--time=0".into(), format!("--events={}", 50 + dice.below(200))]);
    }
    match test {
        "cpu" => words.push(format!("--cpu-max-prime={}", 100 + dice.below(2000))),
        "memory" => {
            words.push(format!("--memory-block-size={}", dice.pick(&["1K", "4K", "1M"])));
            words.push(format!("--memory-oper={}", dice.pick(&["read", "write"])));
            words.push("--memory-total-size=64M".into());
        }
        "mutex" => {
            words.extend(["--mutex-num=64".into(), "--mutex-locks=500".into(), "--mutex-loops=10".into()])
        }
        "fileio" => {
            words.extend(["--file-total-size=1M".into(), "--file-num=4".into()]);
            let mode = dice.pick(&["seqwr", "seqrd", "rndrd", "rndwr", "rndrw"]);
            words.push(format!("--file-test-mode={mode}"));
            let prepare: Vec<String> = words.iter().cloned().chain(["prepare".into()]).collect();
            run("sysbench", &prepare, dir)?;
        }
        _ => {}
    }
    dice.maybe(4, "--report-interval=1", &mut words);
    dice.maybe(4, "--percentile=99", &mut words);
    dice.maybe(8, "--percentile=0", &mut words);
    dice.maybe(5, "--histogram=on", &mut words);
    dice.maybe(8, "--verbosity=4", &mut words);
    words.push("run".into());
    let (text, error) = run("sysbench", &words, dir)?;
    let says = says(&text);
    let text = if dice.one_in(4) { format!("{error}{text}") } else { text };
    Some(Made { how: format!("sysbench {}", words.join(" ")), is_supported: !says.is_empty(), text, says })
}

/// What the text says in other words: the number of events over the time, and what is printed of memory.
fn says(text: &str) -> Vec<(&'static str, f64, f64)> {
    let after = |words: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(words))?;
        line.trim().trim_end_matches('s').parse::<f64>().ok()
    };
    let mut out = Vec::new();
    let (events, seconds) = (after("total number of events:"), after("total time:"));
    if let (Some(events), Some(seconds)) = (events, seconds)
        && seconds > 0.1
        && (text.contains("events per second:") || !text.contains("per second"))
    {
        // Times are printed to a tenth of a millisecond, and rates are of another clock.
        out.push(("events_per_s", events / seconds, 0.1));
    }
    if let Some(line) = text.lines().find(|line| line.contains(" MiB/sec)"))
        && let Some(rate) = line.rsplit_once('(').and_then(|(_, rate)| rate.split(' ').next()?.parse().ok())
    {
        out.push(("memory_MiBps", rate, 1e-9));
    }
    if let Some(average) = text.lines().find_map(|line| line.trim().strip_prefix("avg:"))
        && let Ok(average) = average.trim().parse::<f64>()
    {
        out.push(("latency_ms", average, 1e-9));
    }
    out
}
