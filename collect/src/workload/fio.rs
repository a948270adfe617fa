//! fio: a matrix of patterns, block sizes, depths and threads on the guest's data disk, or a job file of the user's.
//!
//! fio is in the image already, nothing is built or copied within a window. It tells when its jobs begin, after laying
//! out files and before its ramp time, by a file that `exec_prerun` makes; the window of the host's counters opens after
//! the ramp and closes before fio ends. Rates, latencies and percentiles are fio's own, over the whole of its run.

mod values;

use super::common::{
    Job, busy, drop_caches, failed, host_series, interval, kib, late, level, read, seconds_of, sizes_of,
    value, wanted, word, words_of,
};
use super::storage::device;
use super::{Known, Needs, Outcome, Workload, add_case};
use crate::lab::window::EXITS;
use crate::lab::{Failed, Lab, Measured, keep, window, window_until};
use crate::parse::disk;
use formats::fio::parse;
use model::{Case, Params, ParamsError, Phase, Scope};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use values::{PERCENTILES, log_points, utilisation, values_of};
use vm::deadlines::Step;
use vm::guest::os::Os;

/// The workload.
pub struct Fio;

const PATTERNS: [&str; 5] = ["read", "write", "randread", "randwrite", "randrw"];
/// Patterns that read and write.
const MIXED: [&str; 3] = ["rw", "readwrite", "randrw"];

const PARAMETERS: [Known; 12] = [
    Known::new("rw", "read write randread randwrite randrw", "fio's patterns", "access patterns"),
    Known::new("block_size", "4k 16k 64k 256k", "sizes", "block sizes"),
    Known::new("iodepth", "1 8 64", "numbers", "queue depths of each thread"),
    Known::new("threads", "16", "numbers", "threads (fio's numjobs)"),
    Known::new("ioengine", "libaio", "one of fio's engines", "libaio, io_uring, or another"),
    Known::new("direct", "yes", "yes, no", "whether the guest's page cache is bypassed"),
    Known::new("ramp", "5", "seconds", "how long fio runs before it measures"),
    Known::new(JOB, "", "a file", "a job file of this host, measured as it is instead of the matrix"),
    Known::new("fio_options", "", "words", "further options of fio, quoted as in a shell"),
    Known::new("l", "60", "seconds, 1 or more", "measured in each case"),
    Known::new("job_timeout", "3600", "seconds", "time after which a job file has failed"),
    Known::new("disk_size", "1G", "a size", "size of the data disk, on all of which fio works"),
];

/// The key of a job file.
const JOB: &str = "fio_job";
/// The most bytes of a job file.
const MAX_JOB: u64 = 1 << 20;
/// Where fio works in the guest.
const DIR: &str = "/run/perfvt-fio";
/// How much longer than the window fio measures, so that the window lies within.
const MARGIN: u64 = 1;

impl Workload for Fio {
    fn name(&self) -> &'static str {
        "fio"
    }

    fn measures(&self) -> &'static str {
        "the data disk: bandwidth, operations a second and latency, by pattern, block size and depth"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("block_size", "4k"),
            ("iodepth", "8"),
            ("threads", "1"),
            ("ramp", "1"),
            ("l", "2"),
            ("disk_size", "256M"),
        ]
    }

    fn paths(&self) -> &'static [&'static str] {
        &[JOB]
    }

    fn reads(&self, params: &Params) -> Vec<(&'static str, PathBuf)> {
        job_file(params).map(|job| (JOB, PathBuf::from(job))).into_iter().collect()
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        seconds_of(params)?;
        params.words("fio_options")?;
        params.number("ramp", 0u32, "whole seconds, 0 or more")?;
        params.switch("direct")?;
        if let Some(job) = job_file(params) {
            let text = read_job(job)
                .map_err(|e| params.wrong(JOB, &format!("a job file that can be read ({e})")))?;
            return Ok(vec![case_of_job(job, &text)]);
        }
        if disk(params)?.is_none() {
            return Err(params.wrong("disk_size", "a size such as 1G, because fio works on the data disk"));
        }
        let depths = params.numbers("iodepth", "numbers, such as '1 8 64'")?;
        let threads = params.numbers("threads", "numbers of threads, such as '1 16'")?;
        let mut cases = Vec::new();
        for pattern in words_of(params, "rw", &PATTERNS)? {
            for size in sizes_of(params, "block_size")? {
                for depth in &depths {
                    for threads in &threads {
                        let case = case(pattern, kib(size), depth.to_string(), threads.to_string());
                        add_case(&mut cases, case, params, "block_size")?;
                    }
                }
            }
        }
        Ok(cases)
    }

    fn metrics(&self, category: &str, params: &Params, kvm: bool) -> Vec<String> {
        let mut all = vec!["BW(MB/S)", "IOPS", "Latency(ms)", "Host_CPU", "BW/CPU"];
        if kvm {
            all.push("KVM_Exits");
        }
        if job_file(params).is_none() {
            all.push("Util%");
        }
        let mut all: Vec<String> = all.into_iter().map(String::from).collect();
        all.extend(PERCENTILES.iter().map(|(_, word)| format!("clat_{word}_ms")));
        if MIXED.contains(&category) {
            for direction in ["read", "write"] {
                all.extend(["BW(MB/S)", "IOPS", "Latency(ms)"].map(|metric| format!("{direction}_{metric}")));
                all.push(format!("{direction}_clat_p99_ms"));
            }
        }
        all
    }

    fn guest_timed(&self) -> bool {
        true
    }

    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("its jobs are written for libaio and a block device of Linux"),
        }
    }

    fn runs_alone(&self, _: &Params) -> Result<(), &'static str> {
        Ok(())
    }

    fn needs(&self, params: &Params) -> Needs {
        // What a job file does is its own.
        let patterns = params.get("rw").filter(|_| job_file(params).is_none()).unwrap_or_default();
        let writes_disk = patterns.split([' ', ',']).any(|word| !matches!(word, "" | "read" | "randread"));
        Needs { tools: true, writes_disk, guest_tools: vec!["fio"], ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        let ramp = params.number("ramp", 0u32, "").unwrap_or(5);
        f64::from(seconds_of(params).unwrap_or(60)) + f64::from(ramp) + MARGIN as f64 + 2.0
    }

    fn timeout(&self, params: &Params) -> Option<&'static str> {
        job_file(params).map(|_| "job_timeout")
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "fio_result.RHS".into()
    }

    fn prepare(&self, lab: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        // The first call mounts the tools disk and reads fio and its libraries from it.
        lab.exec(&["fio", "--version"], lab.deadline(Phase::Prepare)).map(drop)
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        lab.exec(&["rm", "-rf", DIR], lab.soon())?;
        lab.exec(&["mkdir", "-p", DIR], lab.soon())?;
        let argv = match job_file(params) {
            Some(job) => job_argv(lab, job, params, raw)?,
            None => matrix_argv(lab, case, params)?,
        };
        keep(raw, "fio.argv", &argv.join("\n"))?;
        drop_caches(lab)?;
        let words: Vec<&str> = argv.iter().map(String::as_str).collect();
        let job = Job::start(lab, &words)?;
        if let Err(why) = wait_for_begin(lab, &job, raw) {
            // Whatever it was: what comes next is not measured beside it.
            job.signal(lab, "KILL")?;
            return Err(why);
        }
        let seconds = seconds_of(params).map_err(failed)?;
        let (measured, limit) = if job_file(params).is_some() {
            let limit = Duration::from_secs(params.number("job_timeout", 1, "seconds").map_err(failed)?);
            let mut ended = |lab: &mut dyn Lab| Ok(job.status(lab)?.is_some());
            (window_until(lab, limit, Duration::from_secs(1), &mut ended), lab.soon())
        } else {
            let ramp = params.number("ramp", 0u64, "seconds").map_err(failed)?;
            lab.sleep(Duration::from_secs(ramp));
            (
                window(lab, Duration::from_secs(u64::from(seconds)), interval(seconds)),
                lab.deadline(Phase::Measure) + Duration::from_secs(MARGIN),
            )
        };
        // A job that outlives its time is ended before anything else is measured.
        let ended = job.finish(lab, if measured.is_ok() { limit } else { Duration::ZERO }, raw, "fio");
        let measured = measured?;
        ended?;
        let fetch = lab.deadline(Phase::Fetch);
        let report = lab.exec(&["cat", &format!("{DIR}/fio.json")], fetch);
        keep(raw, "fio.json", &report.map_err(|f| f.during(Phase::Fetch))?)?;
        keep_logs(lab, raw)?;
        measured.keep(raw)
    }

    fn parse(&self, case: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let run = parse(&read(raw, "fio.json")?).map_err(failed)?;
        let mut values = values_of(&run.total(), "", run.line)?;
        let busy = busy(&measured)?;
        values.push(value("Host_CPU", busy));
        let bandwidth = wanted("bandwidth", run.total().bandwidth)?;
        values.push(value("BW/CPU", bandwidth / busy));
        // The name that the ancestor's tables have for them.
        values.extend(measured.kvm_delta(EXITS)?.map(|exits| value("KVM_Exits", exits as f64)));
        if job_file(params).is_none() {
            values.push(value("Util%", utilisation(&run)?));
        }
        if MIXED.contains(&case.category.as_str()) {
            for direction in ["read", "write"] {
                let flow = wanted(&format!("{direction} part"), run.flow(direction))?;
                values.extend(values_of(flow, &format!("{direction}_"), run.line)?);
            }
        }
        let mut series = host_series("Host_CPU", &measured);
        series.extend(log_points(params, &measured, raw)?);
        Ok(Outcome { window: measured.window, values, series })
    }
}

/// The user's job file, when there is one.
fn job_file(params: &Params) -> Option<&str> {
    params.get(JOB).map(str::trim).filter(|job| !job.is_empty())
}

/// The text of a job file.
fn read_job(path: &str) -> std::io::Result<String> {
    edge::read_text(path, MAX_JOB)
}

fn case(category: &str, size: String, depth: String, threads: String) -> Case {
    let keys = [("Block_size", size), ("Iodepth", depth), ("Threads", threads)].into_iter().collect();
    Case { workload: "fio".into(), category: category.to_owned(), keys }
}

/// The case of a job file: its name, and what its jobs agree on.
fn case_of_job(path: &str, text: &str) -> Case {
    let option = |names: &[&str], default: &str| {
        let is = |line: &&str| line.split_once('=').is_some_and(|(key, _)| names.contains(&key.trim()));
        let mut found =
            text.lines().map(str::trim).filter(is).filter_map(|l| Some(l.split_once('=')?.1.trim()));
        match found.next() {
            None => default.to_owned(),
            Some(first) if found.all(|other| other == first) => first.to_owned(),
            Some(_) => "mixed".to_owned(),
        }
    };
    let size = option(&["bs", "blocksize"], "4k");
    let size = model::bytes(&size).map_or(size, kib);
    let name = Path::new(path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    case(&format!("job-{name}"), size, option(&["iodepth"], "1"), option(&["numjobs"], "1"))
}

/// What fio is told in any case: its output, its logs, and to say when it begins. `exec_prerun` goes through the guest's
/// shell, and so it holds nothing but names that stand here.
fn common(seconds_between_logs: f64) -> Vec<(String, String)> {
    let log = format!("{DIR}/fio");
    let ms = ((seconds_between_logs * 1000.0) as u64).max(100).to_string();
    [
        ("exec_prerun", format!("touch {DIR}/begun")),
        ("write_bw_log", log.clone()),
        ("write_iops_log", log),
        ("log_avg_msec", ms),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn matrix_argv(lab: &mut dyn Lab, case: &Case, params: &Params) -> Result<Vec<String>, Failed> {
    let wrong = |e: ParamsError| failed(e);
    let device = device(lab)?;
    let kib: f64 = level(case, "Block_size")?;
    let seconds = seconds_of(params).map_err(wrong)?;
    let ramp = params.number("ramp", 0u32, "seconds").map_err(wrong)?;
    let mut argv = vec!["fio".to_owned(), "--name=job1".into()];
    let mut add = |key: &str, value: &str| argv.push(format!("--{key}={value}"));
    add("rw", &case.category);
    add("bs", &((kib * 1024.0) as u64).to_string());
    add("iodepth", word(case, "Iodepth")?);
    add("numjobs", word(case, "Threads")?);
    add("runtime", &(u64::from(seconds) + MARGIN).to_string());
    add("ramp_time", &ramp.to_string());
    add("direct", if params.switch("direct").map_err(wrong)? { "1" } else { "0" });
    add("ioengine", params.text("ioengine").map_err(wrong)?);
    add("filename", &device);
    add("randrepeat", "0");
    for (key, value) in common(interval(seconds).as_secs_f64()) {
        add(&key, &value);
    }
    argv.extend(["--time_based", "--thread", "--group_reporting"].map(String::from));
    argv.extend(["--output-format=json+".to_owned(), format!("--output={DIR}/fio.json")]);
    argv.extend(params.words("fio_options").map_err(wrong)?);
    Ok(argv)
}

/// A user's job file goes into the guest behind a global section of ours. Its jobs begin in `/run/perfvt-fio`, and
/// `${PERFVT_DISK}` in it is the data disk.
fn job_argv(lab: &mut dyn Lab, path: &str, params: &Params, raw: &Path) -> Result<Vec<String>, Failed> {
    let text = read_job(path).map_err(|e| failed(format!("reading {path}: {e}")))?;
    let mut whole = String::from("[global]\n");
    for (key, value) in common(1.0) {
        whole.push_str(&format!("{key}={value}\n"));
    }
    whole.push('\n');
    if text.contains("${PERFVT_DISK}") {
        whole.push_str(&text.replace("${PERFVT_DISK}", &device(lab)?));
    } else {
        whole.push_str(&text);
    }
    keep(raw, "fio.job", &whole)?;
    let job = format!("{DIR}/fio.job");
    lab.put(&job, "644", whole.as_bytes())?;
    let output = format!("--output={DIR}/fio.json");
    // The directory and everything behind it are arguments, never part of what the shell reads.
    let inside = "cd \"$0\" && exec \"$@\"";
    let mut argv =
        ["sh", "-c", inside, DIR, "fio", "--output-format=json+", &output].map(String::from).to_vec();
    argv.extend(params.words("fio_options").map_err(failed)?);
    argv.push(job);
    Ok(argv)
}

/// Waits until fio's first job begins.
fn wait_for_begin(lab: &mut dyn Lab, job: &Job, raw: &Path) -> Result<(), Failed> {
    let limit = lab.deadline(Phase::WarmUp) + lab.deadlines().within(Step::LayOut);
    let until = Instant::now() + limit;
    loop {
        if lab.exec(&["ls", DIR], lab.soon())?.split_whitespace().any(|name| name == "begun") {
            return Ok(());
        }
        let standing = job.standing(lab)?;
        if let Some(status) = standing.status {
            keep(raw, "fio.txt", &standing.stdout)?;
            keep(raw, "fio.stderr", &standing.stderr)?;
            let said = lab.exec(&["cat", &format!("{DIR}/fio.json")], lab.soon()).unwrap_or_default();
            let said = super::common::said(&[&standing.stderr, &standing.stdout, &said]);
            return Err(failed(format!("fio ended with status {status} before its jobs began: {said}")));
        }
        if Instant::now() >= until {
            let reason = format!("fio's jobs did not begin within {} s", limit.as_secs());
            return Err(late(Phase::WarmUp, reason));
        }
        lab.sleep(Duration::from_millis(50));
    }
}

/// Keeps the logs of averages, each line behind its file's name.
fn keep_logs(lab: &mut dyn Lab, raw: &Path) -> Result<(), Failed> {
    let names = lab.exec(&["ls", DIR], lab.soon())?;
    for kind in ["bw", "iops"] {
        let prefix = format!("fio_{kind}.");
        let files: Vec<String> = names
            .split_whitespace()
            .filter(|n| n.starts_with(&prefix))
            .map(|n| format!("{DIR}/{n}"))
            .collect();
        if files.is_empty() {
            continue;
        }
        let mut argv = vec!["grep", "-H", ","];
        argv.extend(files.iter().map(String::as_str));
        // A run that was shorter than an interval has logs without a line, which grep calls a failure.
        let text = match lab.exec(&argv, lab.soon()) {
            Ok(text) => text,
            Err(failed) if failed.scope() == Scope::Sample => continue,
            Err(dead) => return Err(dead),
        };
        keep(raw, &format!("fio_{kind}.log"), &text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn a_job_files_case_says_what_its_jobs_agree_on() {
        let text = "[global]\nbs=8k\niodepth=4\n[a]\nrw=read\nnumjobs=1\n[b]\nrw=write\nnumjobs = 2\n";
        let case = case_of_job("/x/mail server.fio", text);
        assert_eq!(case.id(), "fio/job-mail server/Block_size=8,Iodepth=4,Threads=mixed");
        assert_eq!(case_of_job("a", "[j]\nrw=read").keys.to_string(), "Block_size=4,Iodepth=1,Threads=1");
    }

    #[test]
    fn a_missing_job_file_and_a_missing_disk_are_said_when_planning() {
        let mut params = Params::new();
        for known in crate::parameters::guest().chain(&PARAMETERS) {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        assert_eq!(Fio.cases(&params).unwrap().len(), 60);
        assert_eq!(Fio.reads(&params), []);
        params.set("fio_job", "/nonexistent/job.fio", Origin::Flag("--set".into()));
        assert!(Fio.cases(&params).unwrap_err().to_string().contains("a job file that can be read"));
        assert_eq!(Fio.reads(&params), [(JOB, PathBuf::from("/nonexistent/job.fio"))]);
        params.set("fio_job", "", Origin::BuiltIn);
        params.set("disk_size", "", Origin::Flag("--set".into()));
        assert!(Fio.cases(&params).unwrap_err().to_string().contains("fio works on the data disk"));
    }
}
