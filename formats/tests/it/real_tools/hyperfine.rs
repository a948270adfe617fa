//! hyperfine, in each of its exports.

use super::{Dice, Made, run};
use serde_json::Value;
use std::path::Path;

/// One run of hyperfine.
pub fn make(dice: &mut Dice, dir: &Path) -> Option<Made> {
    let mut words: Vec<String> = vec!["--runs".into(), (2 + dice.below(3)).to_string()];
    let export = dice.pick(&["json", "json", "json", "csv", "csv", "markdown", "asciidoc", "none"]);
    words.extend(["--export-json".into(), "all.json".into()]);
    if !matches!(export, "json" | "none") {
        words.extend([format!("--export-{export}"), "other".into()]);
    }
    dice.maybe(2, "--ignore-failure", &mut words);
    dice.maybe(3, "--warmup 1", &mut words);
    dice.maybe(3, "--style basic", &mut words);
    dice.maybe(4, "--time-unit millisecond", &mut words);
    match dice.below(4) {
        0 => {
            words.extend("--parameter-scan n 1 2".split(' ').map(str::to_owned));
            words.push("exit $(({n} % 1))".into());
        }
        1 => {
            words.extend(
                "--parameter-list bs 4k,4096 --parameter-list word a;b,c".split(' ').map(str::to_owned),
            );
            words.push("echo {bs} '{word}'".into());
        }
        _ => words.push("true".into()),
    }
    dice.maybe(2, "false", &mut words);
    dice.maybe(3, "echo\t\"quoted\"", &mut words);
    let (stdout, _) = run("hyperfine", &words, dir)?;
    let of_json = std::fs::read_to_string(dir.join("all.json")).unwrap_or_default();
    let text = match export {
        "json" => of_json.clone(),
        "none" => stdout,
        _ => std::fs::read_to_string(dir.join("other")).unwrap_or_default(),
    };
    if text.is_empty() {
        // A command that fails ends hyperfine before it exports anything.
        return None;
    }
    // The CSV has summaries and no runs: it is refused.
    let says = if export == "json" { vec![("time_s", times(&of_json)?, 1e-9)] } else { Vec::new() };
    let how = format!("hyperfine {} as {export}", words.join(" "));
    Some(Made { how, is_supported: !says.is_empty(), text, says })
}

fn results(text: &str) -> Option<Vec<Value>> {
    serde_json::from_str::<Value>(text).ok()?.get("results")?.as_array().cloned()
}

/// All times of runs that ended well.
fn times(text: &str) -> Option<f64> {
    let mut sum = 0.0;
    for result in results(text)? {
        let codes = result["exit_codes"].as_array().cloned().unwrap_or_default();
        for (index, time) in result["times"].as_array()?.iter().enumerate() {
            if codes.get(index).is_none_or(|code| *code == 0) {
                sum += time.as_f64()?;
            }
        }
    }
    Some(sum)
}
