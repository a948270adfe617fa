//! Every workload in its quick profile, in a real guest, its values held against what the tool itself says.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::quick::{json, near, raw, reasons, run, value};
use support::{apart, beside, files, measurements, output, text};

#[test]
fn fio_measures_five_patterns_and_a_job_file_as_it_says_itself() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), "fio", &["l=1", "disk_dir=."]);
    let all = measurements(&out);
    for pattern in ["read", "write", "randread", "randwrite", "randrw"] {
        let json: Value = json(&raw(&out, &format!(".{pattern}."), "fio.json"));
        let job = &json["jobs"][0];
        let sum = |key: &str| job["read"][key].as_f64().unwrap() + job["write"][key].as_f64().unwrap();
        let case = format!("/{pattern}/");
        near("IOPS", value(&all, &case, "IOPS"), sum("iops"), 1e-9);
        near("BW", value(&all, &case, "BW(MB/S)"), sum("bw_bytes") / 1_048_576.0, 1e-9);
        assert!(value(&all, &case, "Util%") > 5.0, "the data disk was busy");
        assert!(value(&all, &case, "clat_p50_ms") <= value(&all, &case, "clat_p999_ms"));
    }
    let (read, write) = (value(&all, "/randrw/", "read_IOPS"), value(&all, "/randrw/", "write_IOPS"));
    near("randrw", value(&all, "/randrw/", "IOPS"), read + write, 1e-9);
    let series = fs::read_to_string(&files(&out, "series.jsonl")[0]).unwrap();
    assert!(series.contains("read_BW(MB/S)"), "fio's averages are kept");
    let rhs = fs::read_to_string(&files(&out, "fio_result.RHS")[0]).unwrap();
    assert_eq!(rhs.matches("Category:").count(), 5, "{rhs}");
    // Not where disks usually are: another campaign may have one there.
    let left = fs::read_dir(dir.path())
        .unwrap()
        .flatten()
        .any(|e| e.file_name().to_string_lossy().starts_with("perfvt-"));
    assert!(!left, "the disk's file is gone");
}

#[test]
fn a_job_file_runs_on_a_scsi_disk_and_another_on_nvme() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let job = dir.path().join("two.fio");
    let jobs = "[global]\nfilename=${PERFVT_DISK}\nsize=16m\nioengine=io_uring\ndirect=1\n[a]\nrw=read\nbs=64k\n[b]\nstonewall\nrw=randwrite\nbs=4k\nnumber_ios=200\n";
    fs::write(&job, jobs).unwrap();
    let job = format!("fio_job={}", job.display());
    for (bus, more) in [("scsi", "disk_format=qcow2"), ("nvme", "disk_iothread=no")] {
        let bus = format!("disk_bus={bus}");
        let sub = dir.path().join(&bus);
        fs::create_dir(&sub).unwrap();
        let out = run(&sub, "fio", &[&job, &bus, more, "disk_prealloc=off", "disk_size=64M"]);
        let all = measurements(&out);
        let json: Value = json(&raw(&out, "job-two", "fio.json"));
        let of = |job: usize, way: &str| json["jobs"][job][way]["iops"].as_f64().unwrap();
        near("IOPS", value(&all, "job-two", "IOPS"), of(0, "read") + of(1, "write"), 1e-9);
        assert!(all[0]["case"].as_str().unwrap().ends_with("Block_size=mixed,Iodepth=1,Threads=1"));
    }
}

/// Metrics of iozone, with the table of one file and the line of several threads that iozone itself reports them in.
pub const IOZONE: [(&str, &str, &str); 6] = [
    ("Write_Thro-KBps", "Writer report", "Initial write"),
    ("ReWrite_Thro-KBps", "Re-writer report", "Rewrite"),
    ("Read_Thro-KBps", "Reader report", "Read"),
    ("Reread_Thro-KBps", "Re-Reader report", "Re-read"),
    ("Random_Read_Thro-KBps", "Random read report", "Random read"),
    ("Random_Write_Thro-KBps", "Random write report", "Random write"),
];

/// The only value of a table of iozone's: a title, a line of record sizes, a line of a file's size and the value.
pub fn of_table(report: &str, title: &str) -> f64 {
    let row = report.lines().skip_while(|l| *l != format!("\"{title}\"")).nth(2).unwrap();
    row.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The value behind a name in quotes.
fn of_line(report: &str, name: &str) -> f64 {
    let named = |line: &str| {
        let (label, value) = line.strip_prefix('"')?.split_once('"')?;
        (label.trim() == name).then(|| value.trim().parse().unwrap())
    };
    report.lines().find_map(named).unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[test]
fn iozone_measures_in_cache_out_of_cache_and_direct() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    // A guest that nobody talks to measures with one thread (offline).
    let out = run(dir.path(), "iozone", &["threads=2", "disk_prealloc=falloc"]);
    let all = measurements(&out);
    for (mode, size) in [("incache", "26112"), ("outcache", "52352"), ("dio", "26112")] {
        let levels = format!("size_kB={size},record_kB=64,threads=2");
        let report = raw(&out, &format!("{mode}.{levels}"), "iozone.txt");
        for (metric, _, line) in IOZONE {
            let own = of_line(&report, line);
            assert_eq!(value(&all, &format!("/{mode}/{levels}"), metric), own, "{metric} of {mode} {levels}");
        }
    }
    let of = |mode: &str| value(&all, &format!("/{mode}/size_kB=26112"), "Read_Thro-KBps");
    assert!(of("incache") > of("dio"), "{} in cache, {} past it", of("incache"), of("dio"));
    assert_eq!(files(&out, "iozone-result.RHS").len(), 1);
}

#[test]
fn iperf3_measures_both_directions_and_udp() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), "iperf3", &["l=1"]);
    let all = measurements(&out);
    for (case, folder) in [("/TCP/", ".TCP."), ("/TCP_REVERSE/", ".TCP_REVERSE."), ("/UDP/", ".UDP.")] {
        let json: Value = json(&raw(&out, folder, "iperf3.txt"));
        let own = json["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e6;
        near(case, value(&all, case, "throughput"), own, 1e-9);
    }
}

#[test]
fn sockperf_measures_latencies_over_udp_and_tcp() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), "sockperf", &["l=1"]);
    let all = measurements(&out);
    for (case, folder) in [("/UDP/", ".UDP."), ("/TCP/", ".TCP.")] {
        let said = raw(&out, folder, "sockperf.txt");
        let own = |what: &str| -> f64 {
            let rest = said.split(what).nth(1).unwrap_or_else(|| panic!("no {what} in {said}"));
            rest.split_whitespace().next().unwrap().parse().unwrap()
        };
        for (metric, what) in [
            ("latency_us", "Latency is"),
            ("latency_p50_us", "percentile 50.000 ="),
            ("latency_p99_us", "percentile 99.000 ="),
            ("latency_p999_us", "percentile 99.900 ="),
            ("latency_max_us", "<MAX> observation ="),
        ] {
            assert_eq!(value(&all, case, metric), own(what), "{metric} of {case}");
        }
        let valid = said.split("[Valid Duration]").nth(1).unwrap();
        let part = |what: &str| -> f64 {
            valid.split(what).nth(1).unwrap().split([' ', ';', '\n']).next().unwrap().parse().unwrap()
        };
        let rate = part("ReceivedMessages=") / part("RunTime=");
        near("rate", value(&all, case, "trans.rate"), rate, 1e-9);
        // One message is on its way at a time: the rate is that of round trips.
        near("round trips", rate, 1e6 / (2.0 * value(&all, case, "latency_us")), 0.1);
    }
}

#[test]
fn qemus_block_layer_is_measured_without_a_guest() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), "qemu-img-bench", &["disk_dir=.", "disk_aio=threads", "noise=warn"]);
    let all = measurements(&out);
    let said = raw(&out, "bench_read.", "tool.txt");
    let seconds: f64 =
        said.split("completed in ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    near("IOPS", value(&all, "/bench_read/", "IOPS"), 20_000.0 / seconds, 1e-9);
    let said = raw(&out, "bench_write.", "tool.txt");
    let seconds: f64 =
        said.split("completed in ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    near("time_s", value(&all, "/bench_write/", "time_s"), seconds, 1e-9);
    // qemu-io's own rates are of single requests; over all of them their inverses add up.
    for way in ["read", "write"] {
        let said = raw(&out, &format!("io_{way}."), "tool.txt");
        let rates = said.lines().filter_map(|l| l.split(',').nth(4)?.trim().parse::<f64>().ok());
        let times: Vec<f64> = rates.map(f64::recip).collect();
        let own = times.len() as f64 / times.iter().sum::<f64>();
        near("IOPS", value(&all, &format!("/io_{way}/"), "IOPS"), own, 1e-3);
    }
    assert_eq!(files(dir.path(), "disk").len(), 0, "no file is left");
}

#[test]
fn a_command_of_the_host_boots_nothing_and_needs_no_packages() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let deps = dir.path().join("deps/tool");
    fs::create_dir_all(&deps).unwrap();
    // It is busy for some tenths of a second: the kernel counts CPU time in steps of 10 ms.
    let tool = "#!/bin/sh\ni=0; while [ $i -lt 300000 ]; do i=$((i+1)); done\necho speed $((42 + $1))\n";
    fs::write(deps.join("tool.sh"), tool).unwrap();
    fs::write(deps.join("Makefile"), "tool: tool.sh\n\tcp tool.sh tool\n\tchmod 755 tool\n").unwrap();
    let out = dir.path().join("out");
    let command = |flags: &[&str]| {
        let mut command = apart();
        command.env("XDG_CACHE_HOME", dir.path().join("cache")).current_dir(dir.path());
        command.args(["run", "command", "--repeat", "2", "--allow-unpinned", "--out"]).arg(&out);
        for set in [
            "command=${deps}/tool ${case}",
            "command_deps=deps/tool",
            "command_cases=1 2",
            "command_on=host",
            "noise=warn",
            "metrics=speed",
            "pattern_speed=speed ([0-9]+)",
        ] {
            command.args(["--set", set]);
        }
        command.args(flags);
        output(&mut command)
    };
    let plan = command(&["--dry-run"]);
    let shown = text(&plan.stdout);
    assert!(shown.contains("on the host alone, no guest is booted"), "{shown}{}", text(&plan.stderr));
    assert!(!shown.contains("-nodefaults") && !shown.contains("emulation"), "{shown}");
    let run = command(&[]);
    assert!(run.status.success(), "{}{}\n{}", text(&run.stdout), text(&run.stderr), reasons(&out));
    let all = measurements(&out);
    let speeds: Vec<f64> =
        all.iter().filter(|m| m["metric"] == "speed").map(|m| m["value"].as_f64().unwrap()).collect();
    assert_eq!(speeds.iter().sum::<f64>(), 2.0 * (43.0 + 44.0), "{speeds:?}");
    let run: Value = serde_json::from_str(&fs::read_to_string(out.join("base/run.json")).unwrap()).unwrap();
    assert_eq!((&run["accel"], &run["network"]), (&"none".into(), &"none".into()));
    assert!(run["fingerprint"]["brought.command_deps"].is_string(), "{run}");
    assert!(
        run["fingerprint"].get("qemu.version").is_none() && run["warnings"] == serde_json::json!([]),
        "{run}"
    );
}

#[test]
fn the_stages_of_a_boot_add_up() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), "boot", &[]);
    let all = measurements(&out);
    let ms = |metric: &str| value(&all, "boot", metric);
    let sum = ms("qemu_ms") + ms("firmware_ms") + ms("kernel_ms") + ms("userspace_ms");
    near("total_ms", ms("total_ms"), sum, 1e-6);
    let journal = fs::read_to_string(out.join("journal.jsonl")).unwrap();
    let ready = journal.lines().find(|l| l.contains("\"boot_ready\"")).unwrap();
    let ready: Value = serde_json::from_str(ready).unwrap();
    near("ready", ms("total_ms") / 1000.0, ready["event"]["seconds"].as_f64().unwrap(), 1e-3);
    // Two other clocks: the time of day in the journal, from before QEMU's start, and the guest's kernel's own.
    let at = |kind: &str| {
        let line = journal.lines().find(|l| l.contains(&format!("\"type\":\"{kind}\""))).unwrap();
        serde_json::from_str::<Value>(line).unwrap()["unix_ns"].as_f64().unwrap() / 1e6
    };
    let day = at("boot_ready") - at("boot_started");
    // What comes before QEMU takes seconds on a busy host.
    assert!(day >= ms("total_ms") && day < ms("total_ms") + 10_000.0, "{day} ms by the time of day, {all:?}");
    let dmesg = fs::read_to_string(&files(&out, "guest.dmesg")[0]).unwrap();
    let init = dmesg.lines().find(|l| l.contains("Run /init")).unwrap_or_else(|| panic!("{dmesg}"));
    let init: f64 = init.trim_start_matches(['[', ' ']).split(']').next().unwrap().parse().unwrap();
    assert!(
        (ms("kernel_ms") - init * 1000.0).abs() < 0.5 * ms("kernel_ms"),
        "{init} s in the guest, {all:?}"
    );
    assert!(ms("firmware_ms") > 5.0 && ms("kernel_ms") > 50.0, "{all:?}");
}

#[test]
fn a_guest_that_moves_is_watched_from_outside_and_one_that_does_not_converge_is_an_outcome() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("migration");
    let mut command = apart();
    command.args(["run", "migration", "--repeat", "1", "--allow-unpinned", "--set", "attempts=1"]);
    // So slow a link takes a quarter of a minute for what the guest holds when it does nothing.
    command.args(["--env", "fast:", "--env", "slow:migrate_bandwidth=8M,migrate_timeout=4"]);
    command.args(["--set", "load=memory netperf"]);
    // Long enough for a busy host, on which a link is slow and a guest that writes is not.
    command.args(["--set", "migrate_downtime_limit=3s", "--set", "dirty_mb=16", "--out"]);
    command.arg(&out).current_dir(dir.path());
    let run = output(&mut command);
    let said = format!("{}{}\n{}", text(&run.stdout), text(&run.stderr), reasons(&out));
    let cell = |environment: &'static str, load: &str, metric: &str| {
        let is = |m: &Value| m["metric"] == metric && m["case"].as_str().unwrap().contains(load);
        let found = measurements(&out.join(environment)).into_iter().find(is);
        found.unwrap_or_else(|| panic!("{metric} of {environment}, {load}: {said}"))
    };
    for load in ["/memory/", "/netperf/"] {
        // QEMU may lose an emulated guest that moves (docs/migration.md).
        let lost = cell("fast", load, "blackout_ms")["invalid"]["code"].as_str().map(str::to_owned);
        if lost.is_some_and(|code| LOST.contains(&code.as_str())) {
            println!("the guest was lost: {said}");
            return;
        }
        // A busy host may give it no time for a second, before it moves and while it does.
        let why = cell("fast", load, "blackout_ms")["invalid"]["reason"].as_str().map(str::to_owned);
        if why.is_some_and(|why| why.contains("did nothing in the second before")) {
            println!("{load}: the guest had no time: {said}");
            continue;
        }
        // 20 MB a second are written, and 1 MB a second moves.
        assert_eq!(cell("slow", load, "blackout_ms")["invalid"]["code"], "not-converged", "{said}");
        let of = |metric| {
            let cell = cell("fast", load, metric);
            cell["value"].as_f64().unwrap_or_else(|| panic!("{metric} of {load}: {said}"))
        };
        assert!(of("blackout_ms") >= of("switchover_ms"), "{said}");
        assert!(of("total_ms") > 0.0 && of("sent_MB") > 16.0 && of("rounds") >= 1.0, "{said}");
        let loss = of("load_loss_percent");
        assert!(loss <= 100.0, "{load}: {loss} %; {said}");
        // On a busy host a load may not be what it was while it is watched.
        let recovery = cell("fast", load, "load_recovery_ms")["value"].as_f64();
        assert!(recovery.is_none_or(|ms| ms >= 0.0), "{load}: {recovery:?} ms; {said}");
        if load == "/netperf/" {
            let (stall, stood) = (of("tcp_stall_ms"), of("switchover_ms"));
            // What it sent before it stood may still be on its way to who notes it, on a busy host for long.
            assert!(
                stall > 0.0 && stall + 500.0 >= stood,
                "its stream stood for {stall} ms, and the guest for {stood}: {said}"
            );
        }
        println!("{load}: blackout {:.1} ms, loss {loss:.1} %, recovery {recovery:?} ms", of("blackout_ms"));
        let folder = format!(".{}.", load.trim_matches('/'));
        let probes = raw_of(&out, &folder, "probes.txt");
        assert!(probes.lines().filter(|line| !line.ends_with('-')).count() > 20, "the guest answered");
        let kept: Value = serde_json::from_str(&raw_of(&out, &folder, "migration.json")).unwrap();
        near("downtime", of("downtime_ms"), kept["told"]["downtime"].as_f64().unwrap(), 1e-9);
    }
}

/// What becomes of a guest that QEMU loses.
const LOST: [&str; 5] = ["panic", "oops", "hang", "early-exit", "silent-after-move"];

/// A raw file of the case whose folder's name has this in it, in the environment "fast".
fn raw_of(out: &Path, case: &str, name: &str) -> String {
    let is = |file: &PathBuf| {
        let file = file.to_str().unwrap();
        file.contains("/fast/") && file.contains(case)
    };
    let found: Vec<PathBuf> = files(out, name).into_iter().filter(is).collect();
    assert_eq!(found.len(), 1, "{name} of {case}: {found:?}");
    fs::read_to_string(&found[0]).unwrap()
}

#[test]
fn a_command_is_measured_by_patterns_and_compared_by_its_own_section() {
    let Some(_guard) = beside() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("tool.sh");
    fs::write(&script, "#!/bin/sh\necho \"warm: 1\"\nsleep 0.3\necho \"speed: $(($1 * 2)) x\"\necho '{\"lat\": {\"p99\": 7.5}}'\n").unwrap();
    let files = format!("command_files={}", script.display());
    let out = run(
        dir.path(),
        "command",
        &[
            "command=/root/tool.sh ${case}",
            "command_cases=21 4",
            "command_section=mytool",
            "metrics=speed latency",
            "pattern_speed=^speed: ([0-9]+) x",
            "pointer_latency=/lat/p99",
            &files,
        ],
    );
    let all = measurements(&out);
    assert_eq!(value(&all, "mytool/command/case=21", "speed"), 42.0);
    assert_eq!(value(&all, "case=4", "latency"), 7.5);
    assert!((0.25..20.0).contains(&value(&all, "case=4", "elapsed_s")));
    let conf = "[mytool]\nkeys = case\nmetric.speed = x/s higher primary log\nmetric.latency = ms lower primary log\n";
    fs::write(dir.path().join("perf.conf"), conf).unwrap();
    let mut compare = apart();
    compare.current_dir(dir.path()).args([
        "compare",
        "--no-html",
        "--format",
        "json",
        "command/base",
        "command/base",
        "--force",
    ]);
    let compared = output(&mut compare);
    assert!(
        text(&compared.stdout).contains("\"unit\":\"x/s\"")
            || text(&compared.stdout).contains("\"unit\": \"x/s\""),
        "{}{}",
        text(&compared.stdout),
        text(&compared.stderr)
    );
}
