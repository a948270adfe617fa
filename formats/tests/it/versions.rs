//! What several versions of each tool printed for every case that a workload measures: what the reader makes of it is what
//! the text itself says, found there in another way; and a part of it is refused, or says less, but nothing else.

use formats::foreign::{self, Kind, Record};
use formats::{fio, iperf3, netperf, qemu_img, sockperf};
use serde_json::Value;
use std::path::Path;

/// Every captured output of a tool: its version, its case, the text.
fn captured(tool: &str) -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/versions").join(tool);
    let mut all: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let (version, case) = stem.split_once('-').unwrap();
            (version.to_owned(), case.to_owned(), std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// The versions, each with the number of its files.
fn versions(tool: &str) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for (version, ..) in captured(tool) {
        match counts.last_mut().filter(|(last, _)| *last == version) {
            Some((_, n)) => *n += 1,
            None => counts.push((version, 1)),
        }
    }
    counts
}

fn near(what: &str, a: f64, b: f64, part: f64) {
    assert!((a / b - 1.0).abs() <= part, "{what}: {a} and {b}");
}

/// Lengths at which a text is cut off: the ends and the middles of lines, and some between.
fn cuts(text: &str) -> impl Iterator<Item = usize> {
    (1..text.len().saturating_sub(1)).step_by(1 + text.len() / 400).filter(|end| text.is_char_boundary(*end))
}

/// The number behind a text.
fn behind(text: &str, what: &str) -> f64 {
    let rest = text.split(what).nth(1).unwrap_or_else(|| panic!("no {what:?} in {text}"));
    rest.split_whitespace().next().unwrap().trim_matches(',').parse().unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap()
}

#[test]
fn every_tool_is_there_in_several_versions_with_all_of_its_cases() {
    // A refused connection is the fourth case of iperf3; 3.9 had no word of it in its JSON.
    let wanted: [(&str, &[(&str, usize)]); 6] = [
        ("netperf", &[("2.7.0", 7), ("2.7.1", 7)]),
        ("fio", &[("3.25", 6), ("3.33", 6), ("3.39", 6), ("3.41", 6)]),
        ("iozone", &[("3.489", 4), ("3.507", 4), ("3.510", 4)]),
        ("iperf3", &[("3.12", 4), ("3.18", 4), ("3.22", 4), ("3.9", 3)]),
        ("sockperf", &[("3.6", 2), ("3.7", 2)]),
        ("qemu-img", &[("10.0", 4), ("11.1", 4), ("5.2", 4), ("7.2", 4)]),
    ];
    for (tool, wanted) in wanted {
        let found = versions(tool);
        let found: Vec<(&str, usize)> = found.iter().map(|(version, n)| (version.as_str(), *n)).collect();
        assert_eq!(found, wanted, "{tool}");
    }
}

#[test]
fn the_intervals_of_every_netperf_hold_the_work_of_its_own_summary() {
    for (version, case, text) in captured("netperf") {
        let what = format!("netperf {version} {case}");
        let session = netperf::parse_session(&text).unwrap();
        let unit = if case.ends_with("rr") { "Trans/s" } else { "10^6bits/s" };
        assert_eq!(session.unit, unit, "{what}");
        // What arrived is the summary's throughput of UDP_STREAM; intervals are about what was sent.
        let key = if case == "udp_stream" { "LOCAL_SEND_THROUGHPUT" } else { "THROUGHPUT" };
        let (own, _) = session.summary_number(key).unwrap();
        let (elapsed, _) = session.summary_number("ELAPSED_TIME").unwrap();
        let work: f64 = session.intervals.iter().map(|i| i.rate * i.seconds).sum();
        let covered = session.last_end().unwrap() - session.first_start().unwrap();
        if case == "tcp_sendfile" {
            // It does not tell its last interval.
            assert!(elapsed - covered > 0.0 && elapsed - covered < 0.25, "{what}: {covered} of {elapsed}");
            near(&what, work / covered, own, 0.05);
        } else {
            near(&what, covered, elapsed, 0.01);
            near(&what, work, own * elapsed, 0.01);
        }
        for end in cuts(&text) {
            let cut = netperf::parse_session(&text[..end]).unwrap();
            assert!(session.intervals.starts_with(&cut.intervals), "{what} cut at {end}");
            assert!(
                cut.summary.iter().all(|(k, v)| session.summary.get(k) == Some(v)),
                "{what} cut at {end}"
            );
        }
        let odd = text.replacen("0.20", "soon", 1);
        assert!(netperf::parse_session(&odd).unwrap_err().to_string().contains("soon"), "{what}");
    }
}

#[test]
fn every_fio_is_read_as_it_says_itself() {
    for (version, case, text) in captured("fio").into_iter().filter(|(_, _, text)| text.contains("\"jobs\""))
    {
        let what = format!("fio {version} {case}");
        let run = fio::parse(&text).unwrap();
        assert_eq!(run.version, format!("fio-{version}"));
        let own = json(&text);
        let own = &own["jobs"][0];
        let directions: Vec<&str> = run.flows.iter().map(|f| f.name).collect();
        let wanted = match case.as_str() {
            "read" | "randread" => vec!["read"],
            "write" | "randwrite" => vec!["write"],
            _ => vec!["read", "write"],
        };
        assert_eq!(directions, wanted, "{what}");
        for flow in &run.flows {
            let way = &own[flow.name];
            near(&what, flow.iops.unwrap(), way["iops"].as_f64().unwrap(), 1e-12);
            near(&what, flow.bandwidth.unwrap() * 1_048_576.0, way["bw_bytes"].as_f64().unwrap(), 1e-12);
            near(&what, flow.latency().unwrap() * 1e6, way["lat_ns"]["mean"].as_f64().unwrap(), 1e-9);
            // The histogram gives the percentiles that fio prints.
            for (percent, key) in [(50.0, "50.000000"), (99.0, "99.000000"), (99.9, "99.900000")] {
                let printed = way["clat_ns"]["percentile"][key].as_f64().unwrap() / 1e6;
                near(&format!("{what} p{percent}"), flow.percentile(percent).unwrap(), printed, 1e-9);
            }
        }
        assert!(run.disks["vda"] > 5.0, "{what}: {:?}", run.disks);
        for end in cuts(text.trim_end()) {
            assert!(fio::parse(&text[..end]).is_err(), "{what} cut at {end}");
        }
    }
}

#[test]
fn the_logs_of_every_fio_add_up_to_its_averages() {
    for (version, case, log) in captured("fio").into_iter().filter(|(_, _, text)| !text.contains("\"jobs\""))
    {
        let what = format!("fio {version} {case}");
        let points = fio::parse_log(&log).unwrap();
        assert_eq!(points.len(), log.lines().count(), "{what}");
        let run =
            captured("fio").into_iter().find(|(v, c, t)| (v, c) == (&version, &case) && *t != log).unwrap();
        let run = fio::parse(&run.2).unwrap();
        for (direction, name) in [(0, "read"), (1, "write")] {
            // Logs of bandwidth and of IOPS differ by the size of a block: 4 KiB.
            let of = |job: u32| -> Vec<f64> {
                let mine = points.iter().filter(|p| (p.job, p.direction) == (job, direction));
                mine.map(|p| p.value).collect()
            };
            let mean = |job: u32| {
                let (bandwidth, iops): (Vec<f64>, Vec<f64>) = {
                    let all = of(job);
                    let half = all.len() / 2;
                    (all[..half].to_vec(), all[half..].to_vec())
                };
                near(&what, bandwidth.iter().sum::<f64>(), 4.0 * iops.iter().sum::<f64>(), 0.02);
                bandwidth.iter().sum::<f64>() / bandwidth.len() as f64
            };
            let own = run.flow(name).unwrap().bandwidth.unwrap() * 1024.0;
            near(&format!("{what} {name}"), mean(1) + mean(2), own, 0.05);
        }
    }
}

#[test]
fn every_iperf3_is_read_as_it_says_itself() {
    for (version, case, text) in captured("iperf3").into_iter().filter(|(_, case, _)| case != "refused") {
        let what = format!("iperf3 {version} {case}");
        let run = iperf3::parse(&text).unwrap();
        assert_eq!(run.version, format!("iperf {version}"));
        let udp = case == "udp";
        assert_eq!(
            (run.protocol.as_str(), run.reverse),
            (if udp { "UDP" } else { "TCP" }, case == "tcp_reverse")
        );
        let own = json(&text);
        let end = &own["end"];
        let rate = |sum: &str| end[sum]["bits_per_second"].as_f64();
        // 3.9 has one sum of UDP, of what was sent, with the share of it that was lost.
        let lost = end["sum"]["lost_percent"].as_f64().unwrap_or(0.0) / 100.0;
        let received = rate("sum_received").unwrap_or_else(|| rate("sum").unwrap() * (1.0 - lost));
        near(&what, run.received, received, 1e-12);
        near(&what, run.sent, rate("sum_sent").or_else(|| rate("sum")).unwrap(), 1e-12);
        assert_eq!((run.jitter_ms.is_some(), run.lost_percent.is_some()), (udp, udp), "{what}");
        assert_eq!(run.retransmits.is_some(), !udp, "{what}");
        // Those that are left out of the result are left out here; the side that prints counts them.
        let seconds: f64 = run.intervals.iter().map(|i| i.seconds).sum();
        let work: f64 = run.intervals.iter().map(|i| i.rate * i.seconds).sum();
        let own = if run.reverse { run.received } else { run.sent };
        if text.matches("\"omitted\":\ttrue").count() == 4 {
            near(&what, seconds, 2.0, 0.02);
            near(&what, work / seconds, own, 0.02);
        } else {
            // One began before, of those that were left out: half a second of it counts, and is not known.
            near(&what, seconds, 1.5, 0.02);
            assert!(work < own * 2.0, "{what}");
        }
        for end in cuts(text.trim_end()) {
            assert!(iperf3::parse(&text[..end]).is_err(), "{what} cut at {end}");
        }
        assert!(iperf3::parse(&text.replace("\"end\"", "\"ende\"")).unwrap_err().reason.contains("no sum"));
    }
}

#[test]
fn a_refused_connection_is_told_by_every_version_that_tells_it() {
    for (version, _, text) in captured("iperf3").into_iter().filter(|(_, case, _)| case == "refused") {
        let reason = iperf3::parse(&text).unwrap_err().reason;
        assert!(
            reason.contains("unable to connect") && reason.contains("Connection refused"),
            "{version}: {reason}"
        );
    }
}

#[test]
fn every_sockperf_is_read_as_it_says_itself() {
    for (version, case, text) in captured("sockperf") {
        let what = format!("sockperf {version} {case}");
        let run = sockperf::parse(&text).unwrap();
        assert!(!run.round_trip, "{what}");
        assert_eq!(run.mean_us, behind(&text, "Latency is"), "{what}");
        assert_eq!(run.max_us, behind(&text, "<MAX> observation ="), "{what}");
        for (percent, key) in [(50.0, "50.000"), (99.0, "99.000"), (99.9, "99.900")] {
            let own = behind(&text, &format!("percentile {key} ="));
            assert_eq!(run.percentile(percent), Some(own), "{what} p{percent}");
        }
        // A message at a time: what came back took its round trips.
        near(&what, run.messages * 2.0 * run.mean_us / 1e6, run.seconds, 0.05);
        for end in cuts(&text) {
            let Ok(cut) = sockperf::parse(&text[..end]) else { continue };
            assert_eq!((cut.mean_us, cut.messages, cut.seconds), (run.mean_us, run.messages, run.seconds));
            assert!(run.percentiles.starts_with(&cut.percentiles), "{what} cut at {end}");
        }
    }
}

#[test]
fn every_qemu_img_and_qemu_io_is_read_as_it_says_itself() {
    for (version, case, text) in captured("qemu-img") {
        let what = format!("QEMU {version} {case}");
        if case.starts_with("bench") {
            let bench = qemu_img::parse_bench(&text).unwrap();
            assert_eq!((bench.requests, bench.size, bench.depth), (2000, 4096, 8), "{what}");
            assert_eq!(bench.seconds, behind(&text, "completed in"), "{what}");
            assert!(case.ends_with(&bench.direction), "{what}");
            for end in cuts(&text) {
                assert!(qemu_img::parse_bench(&text[..end]).is_err(), "{what} cut at {end}");
            }
        } else {
            let io = qemu_img::parse_io(&text).unwrap();
            assert_eq!((io.operations, io.bytes), (12, 12 * 65536), "{what}");
            // The bytes of a second are another figure of the same command.
            let rates = text.lines().map(|l| l.split(',').nth(3).unwrap().parse::<f64>().unwrap());
            near(&what, io.seconds, rates.map(|rate| 65536.0 / rate).sum(), 1e-3);
            for end in cuts(&text) {
                let whole_lines = text[..end].matches('\n').count() as u64;
                let operations = qemu_img::parse_io(&text[..end]).map_or(0, |io| io.operations);
                assert_eq!(operations, whole_lines, "{what} cut at {end}");
            }
        }
    }
}

#[test]
fn every_iozone_is_read_as_it_says_itself() {
    // The report's words, and those of the text before it from which they are made.
    let operations = [
        ("Write_Thro-KBps", "initial writers"),
        ("ReWrite_Thro-KBps", "rewriters"),
        ("Read_Thro-KBps", "readers"),
        ("Reread_Thro-KBps", "re-readers"),
        ("Random_Read_Thro-KBps", "random readers"),
        ("Random_Write_Thro-KBps", "random writers"),
    ];
    for (version, case, text) in captured("iozone") {
        let what = format!("iozone {version} {case}");
        assert!(text.contains(&format!("Version $Revision: {version} $")), "{what}");
        let report = foreign::parse(Kind::Iozone, &text).unwrap();
        assert_eq!((report.records.len(), &report.losses), (operations.len(), &Vec::new()), "{what}");
        // The row of the first table: file size, record size, six rates in this order.
        let row = text.lines().find(|l| l.trim_start().starts_with("32768"));
        let row: Vec<&str> = row.map(|l| l.split_whitespace().collect()).unwrap_or_default();
        for (index, (metric, words)) in operations.into_iter().enumerate() {
            let record = report.records.iter().find(|r| *r.metric == *metric).unwrap();
            let own = if case.ends_with('2') {
                let sum =
                    text.lines().find(|l| l.contains("Children see") && l.contains(&format!(" 2 {words} ")));
                behind(sum.unwrap(), "=")
            } else {
                row[2 + index].parse().unwrap()
            };
            assert_eq!(record.value, Ok(own), "{what} {metric}");
        }
        for end in cuts(&text) {
            let Ok(cut) = foreign::parse(Kind::Iozone, &text[..end]) else { continue };
            // Without its report the text before it is read, which holds the same on other lines.
            let is_known = |r: &Record| {
                let same = |o: &Record| (&o.metric, &o.keys, &o.value) == (&r.metric, &r.keys, &r.value);
                report.records.iter().any(same)
            };
            assert!(cut.records.iter().all(is_known), "{what} cut at {end}");
        }
    }
}
