//! fio's options as facts and levels: one spelling for what means the same (fio manual, "Parameter types").
//!
//! What says how a job works is a fact, under perfvt's own name where perfvt has one. What says where it works, or what is
//! written about it, is none. An option that is absent has fio's default, where that is known.

use super::spelling::{seconds, size};
use std::collections::BTreeMap;

/// Names of options that have two.
const ALIASES: [(&str, &str); 4] =
    [("readwrite", "rw"), ("blocksize", "bs"), ("blocksize_range", "bsrange"), ("timeout", "runtime")];

/// Options that say where, for whom and in what order, and what is written about it.
const PLACE: [&str; 46] = [
    "name",
    "description",
    "filename",
    "filename_format",
    "directory",
    "opendir",
    "lockfile",
    "unlink",
    "unlink_each_loop",
    "create_only",
    "create_serialize",
    "create_on_open",
    "create_fsync",
    "output",
    "output-format",
    "minimal",
    "group_reporting",
    "new_group",
    "stats",
    "stonewall",
    "wait_for",
    "wait_for_previous",
    "startdelay",
    "exitall",
    "exitall_on_error",
    "exit_what",
    "per_job_logs",
    "log_offset",
    "log_unix_epoch",
    "log_avg_msec",
    "log_hist_msec",
    "log_hist_coarseness",
    "log_max_value",
    "log_compression",
    "log_store_compressed",
    "disk_util",
    "percentile_list",
    "clat_percentiles",
    "lat_percentiles",
    "slat_percentiles",
    "significant_figures",
    "unified_rw_reporting",
    "randseed",
    "exec_prerun",
    "exec_postrun",
    "status-interval",
];

/// Options whose name begins with one of these write logs.
const LOGS: [&str; 5] = ["write_bw_log", "write_lat_log", "write_iops_log", "write_hist_log", "write_iolog"];

/// Options that are levels of the case.
const LEVELS: [&str; 7] = ["rw", "bs", "bssplit", "bsrange", "iodepth", "numjobs", "hostname"];

/// What fio does when nothing is said, by the name of the fact.
const DEFAULTS: [(&str, &str); 13] = [
    ("param.direct", "no"),
    ("param.ioengine", "psync"),
    ("param.time_based", "no"),
    ("param.ramp", "0"),
    ("param.fsync", "0"),
    ("param.fdatasync", "0"),
    ("param.end_fsync", "no"),
    ("param.sync", "no"),
    ("param.random_distribution", "random"),
    ("param.rate", "none"),
    ("param.rate_iops", "none"),
    ("param.thinktime", "0"),
    ("param.verify", "none"),
];

/// Options that take yes or no.
const SWITCHES: [&str; 8] =
    ["direct", "time_based", "end_fsync", "thread", "norandommap", "invalidate", "randrepeat", "sync"];

/// Options that take a size, and those that take seconds.
const SIZES: [&str; 6] = ["size", "io_size", "filesize", "offset", "offset_increment", "file_service_size"];
const TIMES: [&str; 2] = ["runtime", "ramp_time"];

/// The name under which an option is looked up.
pub(super) fn canonical(option: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == option).map_or(option, |(_, name)| name)
}

/// The facts that a job's options are.
pub(super) fn facts(options: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    if options.is_empty() {
        return BTreeMap::new();
    }
    let mut facts = BTreeMap::new();
    for (name, value) in options {
        let name = name.as_str();
        let is_fact = !PLACE.contains(&name)
            && !LEVELS.contains(&name)
            && !LOGS.iter().any(|log| name.starts_with(log))
            && name != "buffered";
        if is_fact {
            let of_perfvt = if name == "ramp_time" { "ramp" } else { name };
            facts.insert(format!("param.{of_perfvt}"), value_of(name, value));
        }
    }
    if let (Some(buffered), false) = (options.get("buffered"), options.contains_key("direct")) {
        let direct = if switch(buffered) == "no" { "yes" } else { "no" };
        facts.insert("param.direct".into(), direct.into());
    }
    for (name, default) in DEFAULTS {
        facts.entry(name.to_owned()).or_insert_with(|| default.to_owned());
    }
    let mixed = options.get("rw").is_some_and(|rw| is_mixed(rw));
    if mixed {
        if let Some(write) = facts.remove("param.rwmixwrite").and_then(|w| w.parse::<u32>().ok()) {
            facts.insert("param.rwmixread".into(), 100u32.saturating_sub(write).to_string());
        }
        facts.entry("param.rwmixread".into()).or_insert_with(|| "50".into());
    } else {
        // They say nothing of a job that only reads or only writes.
        facts.remove("param.rwmixread");
        facts.remove("param.rwmixwrite");
    }
    facts
}

/// Whether a pattern reads and writes.
pub(super) fn is_mixed(pattern: &str) -> bool {
    let name = pattern.split(':').next().unwrap_or_default();
    matches!(name, "rw" | "readwrite" | "randrw")
}

/// What a job was told about the sizes of its blocks.
pub(super) fn blocks_as_written(options: &BTreeMap<String, String>) -> Option<&str> {
    let text = |name: &str| options.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
    ["bssplit", "bsrange", "bs"].into_iter().find_map(text)
}

/// The sizes of a job's blocks: one, one for each direction, a range, or shares of several.
pub(super) fn blocks(options: &BTreeMap<String, String>) -> String {
    let separators = [',', ':', '/', '-'];
    let Some(text) = blocks_as_written(options) else { return "4k".into() };
    // What stands behind a slash is a share in per cent.
    let (mut out, mut part, mut share) = (String::new(), String::new(), false);
    for c in text.chars().filter(|c| !c.is_whitespace()).chain([',']) {
        if separators.contains(&c) {
            out.push_str(&if share { std::mem::take(&mut part) } else { size(&std::mem::take(&mut part)) });
            out.push(c);
            share = c == '/';
        } else {
            part.push(c);
        }
    }
    out.pop();
    // `bs=4k,4k` is the same size in both directions.
    let mut each = out.split(',');
    match each.next() {
        Some(first) if !first.is_empty() && each.all(|other| other == first) => first.to_owned(),
        _ => out,
    }
}

fn value_of(name: &str, value: &str) -> String {
    let value = value.trim();
    if SWITCHES.contains(&name) {
        switch(value)
    } else if SIZES.contains(&name) {
        size(value)
    } else if TIMES.contains(&name) {
        seconds(value)
    } else if value.is_empty() {
        "yes".to_owned()
    } else {
        value.to_owned()
    }
}

/// An option without a value is switched on.
fn switch(value: &str) -> String {
    match value.trim() {
        "" | "1" | "true" => "yes".to_owned(),
        "0" | "false" | "none" => "no".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn blocks_are_named_by_all_that_fio_was_told() {
        let of = |pairs: &[(&str, &str)]| blocks(&options(pairs));
        assert_eq!(of(&[]), "4k");
        assert_eq!(of(&[("bs", "4096")]), "4k");
        assert_eq!(of(&[("bs", "4k,4096")]), "4k");
        assert_eq!(of(&[("bs", "4k,8k")]), "4k,8k");
        assert_eq!(of(&[("bsrange", "4096-65536")]), "4k-64k");
        assert_eq!(of(&[("bs", "4k"), ("bssplit", "4k/50:64K/50")]), "4k/50:64k/50");
    }

    #[test]
    fn what_says_how_is_a_fact_and_what_says_where_is_none() {
        let given = [("filename", "/dev/vdb"), ("write_bw_log", "x"), ("bs", "4k"), ("rw", "randread")];
        let facts = facts(&options(&[&given[..], &[("direct", "1"), ("runtime", "1m")]].concat()));
        assert_eq!((facts["param.direct"].as_str(), facts["param.runtime"].as_str()), ("yes", "60"));
        assert_eq!(facts["param.ioengine"], "psync");
        let none = ["filename", "write_bw_log", "bs", "rw", "rwmixread"];
        assert!(none.iter().all(|n| !facts.contains_key(&format!("param.{n}"))), "{facts:?}");
    }

    #[test]
    fn what_is_said_in_other_words_or_by_default_is_the_same_fact() {
        let of = |pairs: &[(&str, &str)]| facts(&options(pairs));
        assert_eq!(of(&[("rw", "read"), ("buffered", "0")]), of(&[("rw", "read"), ("direct", "")]));
        assert_eq!(of(&[("rw", "read")]), of(&[("rw", "read"), ("direct", "0"), ("ramp_time", "0s")]));
        assert_eq!(of(&[("rw", "randrw")]), of(&[("rw", "randrw"), ("rwmixwrite", "50")]));
        assert!(of(&[]).is_empty(), "a file that tells no options tells no facts");
    }
}
