//! QEMU's block layer without a guest: `qemu-img bench` and qemu-io on the host, on a file that is made for each case.

use super::common::{busy, failed, host_series, kib, read, said, sizes_of, value, value_at, word, words_of};
use super::{Known, Needs, Outcome, Workload, add_case};
use crate::lab::{Failed, Lab, Measured, keep, window_until};
use crate::parse::disk;
use formats::qemu_img::{parse_bench, parse_io};
use model::{Case, Params, ParamsError};
use process::tail;
use std::path::Path;
use std::time::Duration;
use vm::deadlines::Step;
use vm::guest::disk::Disk;

/// The workload.
pub struct QemuImgBench;

const TOOLS: [&str; 2] = ["bench", "io"];
const PATTERNS: [&str; 2] = ["read", "write"];

const PARAMETERS: [Known; 8] = [
    Known::new("tools", "bench io", "bench, io", "programs: qemu-img bench and qemu-io"),
    Known::new("pattern", "read write", "read, write", "access patterns"),
    Known::new("buffer_size", "4k 64k", "sizes", "a request"),
    Known::new("depth", "1 8 64", "numbers", "requests at a time (bench)"),
    Known::new("requests", "100000", "a number", "requests of a run of bench"),
    Known::new("io_requests", "5000", "a number", "requests of qemu-io, one after the other"),
    Known::new("qemu_io_binary", "qemu-io", "a program", "qemu-io's program"),
    Known::new("disk_size", "256M", "a size", "size of the file"),
];

/// Requests go on qemu-io's command line, one option each.
const MAX_IO: u32 = 10_000;

impl Workload for QemuImgBench {
    fn name(&self) -> &'static str {
        "qemu-img-bench"
    }

    fn measures(&self) -> &'static str {
        "QEMU's block layer on the host, without a guest"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("buffer_size", "4k"),
            ("depth", "8"),
            ("requests", "20000"),
            ("io_requests", "5000"),
            ("disk_size", "64M"),
        ]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        let disk = disk(params)?.ok_or_else(|| params.wrong("disk_size", "a size such as 256M"))?;
        params.number("requests", 1u64, "a number of requests, 1 or more")?;
        let requests = params.number("io_requests", 1u32, "a number of requests, 1 or more")?;
        if requests > MAX_IO {
            return Err(params.wrong("io_requests", &format!("at most {MAX_IO} requests")));
        }
        let sizes = sizes_of(params, "buffer_size")?;
        if sizes.iter().any(|size| *size > disk.size) {
            return Err(params.wrong("buffer_size", "sizes that the file (disk_size) holds"));
        }
        let depths = params.numbers("depth", "numbers of requests, such as '1 8'")?;
        let mut cases = Vec::new();
        for tool in words_of(params, "tools", &TOOLS)? {
            // qemu-io's commands wait for one another.
            let depths: &[u32] = if tool == "io" { &[1] } else { &depths };
            for pattern in words_of(params, "pattern", &PATTERNS)? {
                for size in &sizes {
                    for depth in depths {
                        let keys = [("buffer_size", kib(*size)), ("depth", depth.to_string())];
                        let keys = keys.into_iter().collect();
                        let category = format!("{tool}_{pattern}");
                        let case = Case { workload: self.name().into(), category, keys };
                        add_case(&mut cases, case, params, "buffer_size")?;
                    }
                }
            }
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        ["IOPS", "BW", "time_s", "CPU"].map(String::from).into()
    }

    fn needs(&self, params: &Params) -> Needs {
        let tool = |key: &str, default: &str| params.get(key).unwrap_or(default).to_owned();
        let host_tools = vec![tool("qemu_img_binary", "qemu-img"), tool("qemu_io_binary", "qemu-io")];
        Needs { guest: false, host_tools, ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        // Some ten thousand requests a second, and the file is written first.
        1.0 + params.number("requests", 0.0, "").unwrap_or(1e5) / 1e4
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("requests").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "qemu-img-bench-result.RHS".into()
    }

    fn prepare(&self, _: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        Ok(())
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let disk = lab.disk().cloned().ok_or_else(|| failed("there is no disk_size"))?;
        let file = disk.make(&lab.deadlines(), &[]).map_err(failed)?;
        let argv = argv(lab, case, params, &disk, file.path())?;
        keep(raw, "tool.argv", &argv.join("\n"))?;
        let (out, err) = (raw.join("tool.txt"), raw.join("tool.stderr"));
        let mut client = lab.start_client(&argv, &out, &err)?;
        let mut end = None;
        let mut ended = |_: &mut dyn Lab| {
            end = client.ended();
            Ok(end.is_some())
        };
        let limit = lab.deadlines().within(Step::HostRun);
        let measured = window_until(lab, limit, Duration::from_millis(20), &mut ended)?;
        if let Some(Err(how)) = end {
            return Err(failed(format!("it ended with {how}: {}", said(&[&tail(&err)]))));
        }
        measured.keep(raw)
    }

    fn parse(&self, case: &Case, params: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let text = read(raw, "tool.txt")?;
        let (operations, bytes, seconds, line) = if case.category.starts_with("io_") {
            let io = parse_io(&text).map_err(failed)?;
            let asked: u64 = params.number("io_requests", 1, "a number").map_err(failed)?;
            if io.operations != asked {
                let reason =
                    format!("tool.txt has {} of {asked} requests of qemu-io: it was cut off", io.operations);
                return Err(failed(reason));
            }
            (io.operations, io.bytes, io.seconds, io.line)
        } else {
            let bench = parse_bench(&text).map_err(failed)?;
            (bench.requests, bench.requests.saturating_mul(bench.size), bench.seconds, bench.line)
        };
        let values = vec![
            value_at("IOPS", operations as f64 / seconds, "tool.txt", line),
            value_at("BW", bytes as f64 / 1_048_576.0 / seconds, "tool.txt", line),
            value_at("time_s", seconds, "tool.txt", line),
            value("CPU", busy(&measured)?),
        ];
        Ok(Outcome { window: measured.window, values, series: host_series("CPU", &measured) })
    }
}

fn argv(
    lab: &dyn Lab,
    case: &Case,
    params: &Params,
    disk: &Disk,
    file: &Path,
) -> Result<Vec<String>, Failed> {
    let (tool, pattern) = case.category.split_once('_').unwrap_or(("bench", "read"));
    let size = (super::common::level::<f64>(case, "buffer_size")? * 1024.0) as u64;
    let common = ["-f", disk.format, "-t", disk.cache, "-i", disk.aio].map(String::from);
    let mut argv: Vec<String> = Vec::new();
    if tool == "io" {
        argv.push(lab.host_tool(params.text("qemu_io_binary").map_err(failed)?)?);
        argv.extend(common);
        let requests: u64 = params.number("io_requests", 1, "a number").map_err(failed)?;
        let room = (disk.size / size).max(1);
        for index in 0..requests {
            argv.extend(["-c".to_owned(), format!("{pattern} -C {} {size}", index % room * size)]);
        }
    } else {
        argv.extend([lab.host_tool(params.text("qemu_img_binary").map_err(failed)?)?, "bench".to_owned()]);
        argv.extend(common);
        let requests = params.text("requests").map_err(failed)?;
        let depth = word(case, "depth")?;
        argv.extend(["-c", requests, "-d", depth, "-s", &size.to_string()].map(String::from));
        if pattern == "write" {
            argv.push("-w".into());
        }
    }
    argv.push(file.display().to_string());
    Ok(argv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Snapshot, keep};
    use formats::counters::CpuTicks;
    use model::Moment;
    use model::{Origin, Window};

    #[test]
    fn requests_that_are_not_in_the_output_make_a_sequence_invalid() {
        let raw = tempfile::tempdir().unwrap();
        let snapshot = |second: u64| Snapshot {
            at: Moment { unix_ns: second * 1_000_000_000, mono_ns: second * 1_000_000_000 },
            host_cpu: CpuTicks { idle: second * 50, steal: 0, total: second * 100 },
            ..Snapshot::default()
        };
        let window = Window { start_unix_ns: 0, mono_ns: 0, len_ns: 1_000_000_000 };
        let (start, end) = (snapshot(1), snapshot(2));
        let measured = Measured { window, start, end, samples: Vec::new(), interface: String::new() };
        measured.keep(raw.path()).unwrap();
        let mut params = Params::new();
        params.set("io_requests", "2", Origin::BuiltIn);
        let keys = [("buffer_size", "4")].into_iter().collect();
        let case = Case { workload: "qemu-img-bench".into(), category: "io_read".into(), keys };
        let line = "4096,1,0:00:00.00,8192000.0,2000.0\n";
        keep(raw.path(), "tool.txt", &line.repeat(2)).unwrap();
        let outcome = QemuImgBench.parse(&case, &params, raw.path()).unwrap();
        assert_eq!((outcome.values[0].value, outcome.values[2].value), (2000.0, 0.001));
        keep(raw.path(), "tool.txt", line).unwrap();
        let error = QemuImgBench.parse(&case, &params, raw.path()).unwrap_err().to_string();
        assert!(error.contains("1 of 2 requests"), "{error}");
    }
}
