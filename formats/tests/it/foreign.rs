//! Results of other tools: what they are told to be, what is read of them, and what is said of damaged ones.

use formats::foreign::{Foreign, IdleCase, Kind, Record, parse, sniff};
use model::Direction;

const FIO: &str = include_str!("../../testdata/foreign/fio-3.33-read.json");
const FIO_PLUS: &str = include_str!("../../testdata/foreign/fio-3.33-randrw-plus.json");
const FIO_TWO: &str = include_str!("../../testdata/foreign/fio-3.33-two-jobs.json");
const NETPERF: &str = include_str!("../../testdata/foreign/netperf-2.7.0-default.csv");
const NETPERF_ALL: &str = include_str!("../../testdata/foreign/netperf-2.7.0-all.csv");
const NETPERF_KEYVAL: &str = include_str!("../../testdata/foreign/netperf-2.7.0-all.keyval");
const NETPERF_RR: &str = include_str!("../../testdata/foreign/netperf-2.7.0-rr.keyval");
const HYPERFINE: &str = include_str!("../../testdata/foreign/hyperfine-1.15.json");
const GO: &str = include_str!("../../testdata/foreign/go-bench.txt");
const CSV: &str = include_str!("../../testdata/foreign/long.csv");
const IOZONE: &str = include_str!("../../testdata/foreign/iozone-3.489-auto.txt");
const IPERF3: &str = include_str!("../../testdata/iperf3/3.12-tcp.json");
const IPERF3_UDP: &str = include_str!("../../testdata/iperf3/3.18-udp.json");
const IPERF3_REVERSE: &str = include_str!("../../testdata/iperf3/3.12-reverse.json");
const IPERF3_REFUSED: &str = include_str!("../../testdata/iperf3/3.12-refused.json");
const PYTEST: &str = include_str!("../../testdata/foreign/pytest-benchmark-4.0-reconstructed.json");
const GOOGLE: &str = include_str!("../../testdata/foreign/google-benchmark-1.9-reconstructed.json");
const IOZONE_THREADS: &str = include_str!("../../testdata/foreign/iozone-3.489-threads.txt");

pub fn read(text: &str) -> Foreign {
    parse(sniff(text.as_bytes()).expect("a kind"), text).unwrap()
}

pub fn refusal(kind: Kind, text: &str) -> String {
    parse(kind, text).unwrap_err().to_string()
}

/// `category/key=level,../metric#run`.
fn id(r: &Record) -> String {
    let keys: Vec<String> = r.keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!("{}/{}/{}#{}", r.category, keys.join(","), r.metric, r.run.as_deref().unwrap_or("all"))
}

pub fn find<'a>(foreign: &'a Foreign, wanted: &str) -> &'a Record {
    let known: Vec<String> = foreign.records.iter().map(id).collect();
    foreign
        .records
        .iter()
        .find(|r| id(r) == wanted)
        .unwrap_or_else(|| panic!("{wanted} is none of {known:#?}"))
}

pub fn value(foreign: &Foreign, wanted: &str) -> f64 {
    find(foreign, wanted).value.clone().unwrap()
}

/// What held when a value was taken.
pub fn fact<'a>(foreign: &'a Foreign, record: &Record, name: &str) -> Option<&'a str> {
    foreign.settings.get(record.setting)?.get(name).map(String::as_str)
}

#[test]
fn each_kind_is_told_by_its_content() {
    for (kind, texts) in [
        (Kind::FioJson, vec![FIO, FIO_PLUS, FIO_TWO]),
        (Kind::NetperfOmni, vec![NETPERF, NETPERF_ALL, NETPERF_KEYVAL, NETPERF_RR]),
        (Kind::Hyperfine, vec![HYPERFINE]),
        (Kind::Benchfmt, vec![GO]),
        (Kind::LongCsv, vec![CSV]),
        (Kind::Iozone, vec![IOZONE, IOZONE_THREADS]),
        (Kind::Iperf3, vec![IPERF3, IPERF3_UDP, IPERF3_REVERSE]),
    ] {
        for text in texts {
            assert_eq!(sniff(text.as_bytes()), Some(kind), "{:.60}", text);
            assert_eq!(sniff(text.replace('\n', "\r\n").as_bytes()), Some(kind), "Windows: {:.60}", text);
            let (windows, unix) =
                (parse(kind, &text.replace('\n', "\r\n")).unwrap(), parse(kind, text).unwrap());
            assert_eq!(windows, unix);
        }
    }
}

#[test]
fn anything_else_is_none_of_them() {
    let rhs =
        "### kvm_version : 6.1\nCategory:TCP_RR\n size|sessions| trans.rate\n   64|       1|    1000.0\n";
    for text in [
        "",
        "{",
        "hello\n",
        "a,b,c\n",
        "1,2,3\n4,5,6\n",
        "{\"results\": []}",
        "Benchmarking began\n",
        "[1]",
        rhs,
    ] {
        assert_eq!(sniff(text.as_bytes()), None, "{text}");
    }
    assert_eq!(sniff(&[0xff, 0xfe, 0, 0]), None);
}

#[test]
fn a_fio_job_gives_bandwidth_rate_latency_and_percentiles() {
    let fio = read(FIO);
    let case = "read/job=seqread,Block_size=4k,Iodepth=4,Threads=2";
    assert_eq!(value(&fio, &format!("{case}/BW(MB/S)#1")), 8_388_608_000.0 / 1_048_576.0);
    assert_eq!(value(&fio, &format!("{case}/IOPS#1")), 2_048_000.0);
    assert!((value(&fio, &format!("{case}/Latency(ms)#1")) - 167.873047e-6).abs() < 1e-15);
    assert!((value(&fio, &format!("{case}/clat_p999_ms#1")) - 4576e-6).abs() < 1e-15);
    let latency = find(&fio, &format!("{case}/Latency(ms)#1"));
    assert_eq!((latency.unit.as_ref(), latency.line), ("ms", 8));
    assert_eq!((fio.records.len(), fact(&fio, latency, "tool.fio")), (6, Some("fio-3.33")));
}

#[test]
fn a_mixed_fio_job_gives_a_category_for_each_direction() {
    let fio = read(FIO_PLUS);
    let categories: Vec<&str> = fio.records.iter().map(|r| r.category.as_ref()).collect();
    assert!(categories.contains(&"randrw read") && categories.contains(&"randrw write"), "{categories:?}");
    assert_eq!(fio.records.len(), 12);
}

#[test]
fn fio_jobs_keep_their_own_options_over_the_global_ones() {
    let fio = read(FIO_TWO);
    find(&fio, "randread/job=a,Block_size=4k,Iodepth=4,Threads=1/IOPS#1");
    find(&fio, "write/job=b,Block_size=4k,Iodepth=1,Threads=1/IOPS#1");
}

#[test]
fn entries_of_one_fio_job_add_up() {
    let entry = |bw: u32, mean: u32, n: u32| {
        format!(
            r#"{{"jobname":"j","groupid":0,"error":0,"job options":{{"rw":"read"}},"read":{{"io_bytes":1,"bw_bytes":{bw},"iops":10,
               "lat_ns":{{"mean":{mean},"N":{n}}},"clat_ns":{{"percentile":{{"99.000000":5}}}}}}}}"#
        )
    };
    let (one, two) = (entry(1_048_576, 1_000_000, 1), entry(3_145_728, 4_000_000, 2));
    let fio = read(&format!("note: of fio\n{{\"fio version\":\"fio-3.33\",\"jobs\":[{one},{two}]}}\n"));
    let case = "read/job=j,Block_size=4k,Iodepth=1,Threads=1";
    assert_eq!(value(&fio, &format!("{case}/BW(MB/S)#1")), 4.0);
    assert_eq!(value(&fio, &format!("{case}/IOPS#1")), 20.0);
    assert_eq!(value(&fio, &format!("{case}/Latency(ms)#1")), 3.0);
    assert_eq!(fio.records.len(), 3, "percentiles of parts have no common percentile");
}

/// One object of fio with one job, written so many milliseconds after the first and having run so long.
fn report(at_ms: u64, ran_ms: u64, ios: u64, bandwidth: u64) -> String {
    format!(
        r#"{{"fio version":"fio-3.33","timestamp":{},"timestamp_ms":{},"global options":{{"ioengine":"null"}},"jobs":[
  {{"jobname":"j","groupid":0,"error":0,"elapsed":{},"job options":{{"rw":"read"}},
   "read":{{"io_bytes":{ios},"total_ios":{ios},"runtime":{ran_ms},"bw_bytes":{bandwidth}}}}}]}}
"#,
        (1_700_000_000_000 + at_ms) / 1000,
        1_700_000_000_000 + at_ms,
        ran_ms / 1000 + 1
    )
}

fn bandwidths(text: &str) -> Vec<(Option<String>, f64)> {
    let fio = read(text);
    fio.records
        .iter()
        .map(|r| (r.run.as_ref().map(|run| run.to_string()), r.value.clone().unwrap()))
        .collect()
}

#[test]
fn of_fios_status_reports_the_last_counts() {
    let mib = 1_048_576;
    let reports =
        [report(1000, 999, 100, mib), report(2000, 1999, 210, 2 * mib), report(2900, 2890, 300, 3 * mib)];
    assert_eq!(bandwidths(&reports.concat()), [(Some("1".into()), 3.0)]);
    assert_eq!(
        find(&read(&reports.concat()), "read/job=j,Block_size=4k,Iodepth=1,Threads=1/BW(MB/S)#1").line,
        8
    );
    // Figures begin anew at the end of the ramp; the run does not.
    let ramp = [report(2000, 1990, 500, 9 * mib), report(4100, 4000, 200, mib)];
    assert_eq!(bandwidths(&ramp.concat()), [(Some("1".into()), 1.0)]);
    // Without the time of writing, growth tells.
    let untimed = reports.concat().replace("\"timestamp", "\"stamp");
    assert_eq!(bandwidths(&untimed), [(Some("1".into()), 3.0)]);
}

#[test]
fn runs_of_fio_in_one_file_count_one_by_one() {
    let mib = 1_048_576;
    for (what, gap, ran) in
        [("a minute each", 61_000, 60_000), ("a moment each", 300, 2), ("one time of writing", 0, 60_000)]
    {
        let runs: Vec<String> =
            (0..4).map(|i| report(i * gap, ran + i % 2, 100 + i, (i + 1) * mib)).collect();
        let expected: Vec<_> = (1..=4).map(|i| (Some(i.to_string()), f64::from(i))).collect();
        assert_eq!(bandwidths(&runs.concat()), expected, "{what}");
        assert_eq!(bandwidths(&runs.concat().replace("}\n{", "}{")), expected, "{what}, one line");
        assert_eq!(bandwidths(&format!("[{}]\n", runs.join(","))), expected, "{what}, an array");
        let told = format!("run 1\n{}", runs.join("\n[1/4] next run {now}\n"));
        assert_eq!(bandwidths(&told), expected, "{what}, text between");
    }
    let jobs = ["a", "b"].map(|job| report(0, 1000, 10, mib).replace("\"j\"", &format!("\"{job}\"")));
    let runs: Vec<String> = bandwidths(&jobs.concat()).into_iter().filter_map(|(run, _)| run).collect();
    assert_eq!(runs, ["1", "1"], "two jobs have one run each");
    let cut = format!("{}{}", jobs[0], &jobs[1][..jobs[1].len() / 2]);
    assert!(
        refusal(Kind::FioJson, &cut).contains("cut off"),
        "what is whole may be a report of the same run"
    );
}

#[test]
fn json_that_begins_within_a_line_is_read() {
    let text = format!("Jobs: 1 (f=1): [r(1)][50.0%][eta 00m:30s]{}", report(0, 1000, 10, 1_048_576));
    assert_eq!(bandwidths(&text), [(Some("1".into()), 1.0)]);
}

#[test]
fn a_fio_job_that_failed_is_there_without_a_value() {
    let failed = FIO_TWO.replacen("\"error\" : 0", "\"error\" : 5", 1);
    let fio = read(&failed);
    assert!(fio.losses.is_empty(), "{:?}", fio.losses);
    let case = "randread/job=a,Block_size=4k,Iodepth=4,Threads=1";
    for metric in ["BW(MB/S)", "IOPS", "Latency(ms)"] {
        let record = find(&fio, &format!("{case}/{metric}#1"));
        assert!(record.failed && record.line == 14, "{record:?}");
        assert_eq!(record.value, Err("job 'a' failed with error 5".into()));
    }
    assert!(fio.records.iter().any(|r| *r.keys[0].1 == *"b" && r.value.is_ok() && !r.failed));
    let cut = refusal(Kind::FioJson, &FIO[..2000]);
    assert!(cut.starts_with("fio JSON, line 7") && cut.contains("cut off"), "{cut}");
    assert!(refusal(Kind::FioJson, "{\"fio version\":\"3\"\n,,}").contains("line 2: not JSON"));
    assert!(refusal(Kind::FioJson, "{\"fio version\":\"3\"}").contains("no list \"jobs\""));
}

/// A file of fio with these entries.
fn fio_file(entries: &[String]) -> String {
    format!("{{\"fio version\":\"fio-3.33\",\"jobs\":[\n{}]}}\n", entries.join(",\n"))
}

/// An entry of one job with options, error, and bytes read in a second.
fn entry(name: &str, options: &str, error: u32, bytes: u64) -> String {
    format!(
        r#"{{"jobname":"{name}","groupid":0,"error":{error},"job options":{{{options}}},"read":{{"io_bytes":{bytes},"bw_bytes":{bytes},"iops":1}}}}"#
    )
}

#[test]
fn a_figure_of_json_that_is_no_number_is_a_cell_without_a_value() {
    let whole = read(FIO).records.len();
    for (figure, damaged, metric) in [
        ("\"iops\" : 2048000.000000", "\"iops\" : null", "IOPS"),
        ("\"iops\" : 2048000.000000,", "", "IOPS"),
        ("\"99.900000\" : ", "\"99.900000\" : null, \"1.5\" : ", "clat_p999_ms"),
    ] {
        assert!(FIO.contains(figure), "{figure}");
        let fio = read(&FIO.replacen(figure, damaged, 1));
        assert_eq!(fio.records.len(), whole, "{damaged}");
        let lost: Vec<&Record> = fio.records.iter().filter(|r| r.value.is_err()).collect();
        assert_eq!(lost.iter().map(|r| r.metric.as_ref()).collect::<Vec<_>>(), [metric]);
        let reason = lost[0].value.clone().unwrap_err();
        assert!(!lost[0].failed && reason.starts_with("it"), "{reason}");
    }
    let (before, behind) = FIO.split_once("\"lat_ns\"").unwrap();
    let mean = behind.find("\"mean\" : ").unwrap() + 9;
    let end = mean + behind[mean..].find(',').unwrap();
    let fio = read(&format!("{before}\"lat_ns\"{} null{}", &behind[..mean], &behind[end..]));
    let latency = fio.records.iter().find(|r| r.metric.as_ref() == "Latency(ms)").unwrap();
    assert_eq!(latency.value, Err("its \"mean\" is 'null', which is no finite number".into()));
    const BENCHES: &str = "[{\"name\": \"a\", \"unit\": \"ms\", \"value\": 1}]";
    for (whole, figure, damaged) in [
        (HYPERFINE, "\"user\": ", "\"user\": null, \"was\": "),
        (IPERF3, "\"retransmits\":\t14", "\"retransmits\":\tnull"),
        (PYTEST, "\"data\": [", "\"data\": [null, "),
        (GOOGLE, "\"cpu_time\": ", "\"cpu_time\": null, \"was\": "),
        (BENCHES, "1", "null"),
    ] {
        let without = |text: &str| read(text).records.iter().filter(|r| r.value.is_err()).count();
        assert!(without(&whole.replace(figure, damaged)) > without(whole), "{figure}");
    }
}

#[test]
fn a_fio_job_of_which_one_entry_failed_has_no_sum() {
    let options = r#""rw":"randread","numjobs":"4""#;
    let entries = [0, 0, 5, 0].map(|error| entry("j", options, error, 1_048_576));
    let fio = read(&fio_file(&entries));
    let case = "randread/job=j,Block_size=4k,Iodepth=1,Threads=4";
    for metric in ["BW(MB/S)", "IOPS"] {
        let record = find(&fio, &format!("{case}/{metric}#1"));
        let reason = record.value.clone().unwrap_err();
        assert!(record.failed && reason.contains("1 of 4 entries") && reason.contains("error 5"), "{reason}");
    }
    assert!(fio.losses.is_empty() && fio.records.iter().all(|r| r.failed));
    let whole = read(&fio_file(&[0; 4].map(|error| entry("j", options, error, 1_048_576))));
    assert_eq!(value(&whole, &format!("{case}/BW(MB/S)#1")), 4.0);
}

#[test]
fn a_fio_job_that_failed_before_it_began_is_there_in_each_direction() {
    let fio = read(&fio_file(&[entry("j", r#""rw":"randrw""#, 2, 0)]));
    let categories: Vec<&str> = fio.records.iter().map(|r| r.category.as_ref()).collect();
    assert!(categories.contains(&"randrw read") && categories.contains(&"randrw write"), "{categories:?}");
    assert!(fio.records.iter().all(|r| r.failed));
}

#[test]
fn a_fio_job_without_io_is_no_loss_beside_others_and_no_result_alone() {
    let create = entry("create", r#""rw":"write""#, 0, 0);
    let fio = read(&fio_file(&[create.clone(), entry("j", r#""rw":"read""#, 0, 1_048_576)]));
    assert!(fio.losses.is_empty() && fio.records.iter().all(|r| *r.keys[0].1 == *"j"), "{fio:?}");
    assert_eq!((fio.idle.len(), fio.idle[0].line, fio.idle[0].category.as_ref()), (1, 2, "write"));
    let only = entry("create", r#""rw":"write","create_only":"1""#, 0, 0);
    assert!(read(&fio_file(&[only, entry("j", r#""rw":"read""#, 0, 1)])).idle.is_empty());
    let alone = refusal(Kind::FioJson, &fio_file(&[create]));
    assert!(alone.contains("line 1: no job of it has done any I/O"), "{alone}");
}

#[test]
fn fios_options_are_levels_where_they_tell_cases_apart_and_facts_elsewhere() {
    let split = read(&fio_file(&[entry("j", r#""rw":"read","bssplit":"4k/50:64k/50""#, 0, 1)]));
    find(&split, "read/job=j,Block_size=4k/50:64k/50,Iodepth=1,Threads=1/IOPS#1");
    let spelled = read(&fio_file(&[entry("j", r#""rw":"read","bs":"4096""#, 0, 1)]));
    find(&spelled, "read/job=j,Block_size=4k,Iodepth=1,Threads=1/IOPS#1");
    let text =
        fio_file(&[entry("j", r#""rw":"read","direct":"1""#, 0, 1), entry("k", r#""rw":"read""#, 0, 1)]);
    let two = read(
        &text.replace("\"jobs\"", "\"global options\":{\"ioengine\":\"libaio\",\"runtime\":\"1m\"},\"jobs\""),
    );
    let facts = |job: &str, name: &str| {
        let record = two.records.iter().find(|r| *r.keys[0].1 == *job).unwrap();
        fact(&two, record, name).map(str::to_owned).unwrap_or_default()
    };
    assert_eq!((facts("j", "param.direct"), facts("k", "param.direct")), ("yes".into(), "no".into()));
    assert_eq!((facts("k", "param.ioengine"), facts("k", "param.runtime")), ("libaio".into(), "60".into()));
    // Two sections of one name are two cases, by what they differ in; the place of their files is nothing.
    let same = |one: &str, two: &str| {
        let text = fio_file(&[entry("j", one, 0, 1_048_576), entry("j", two, 0, 1_048_576)]);
        read(&text).records.iter().map(id).filter(|id| id.contains("BW")).collect::<Vec<_>>()
    };
    let sizes = same(r#""rw":"read","size":"1g""#, r#""rw":"read","size":"2g""#);
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    assert!(sizes[0].contains("size=1g") && sizes[1].contains("size=2g"), "{sizes:?}");
    let places = same(r#""rw":"read","filename":"a""#, r#""rw":"read","filename":"b""#);
    assert_eq!(places.len(), 1, "{places:?}");
}

#[test]
fn a_thousand_jobs_of_fio_that_differ_in_one_option_are_told_apart() {
    let jobs = |differ: bool| {
        let of =
            |n: u32| entry("j", &format!(r#""rw":"read","size":"{}""#, if differ { n } else { 1 }), 0, 1024);
        fio_file(&(1..=1000).map(of).collect::<Vec<_>>())
    };
    let (apart, same) = (read(&jobs(true)), read(&jobs(false)));
    let count = |foreign: &Foreign| foreign.records.iter().filter(|r| *r.metric == *"IOPS").count();
    assert_eq!((count(&apart), count(&same)), (1000, 1));
    assert_eq!(value(&same, "read/job=j,Block_size=4k,Iodepth=1,Threads=1/IOPS#1"), 1000.0);
}

#[test]
fn netperfs_csv_is_read_by_its_heading() {
    let default = read(NETPERF);
    let record = find(&default, "STREAM/size=1024/throughput#1");
    assert_eq!((record.value.clone(), record.unit.as_ref(), record.line), (Ok(7657.23), "Mbit/s", 3));
    let all = read(NETPERF_ALL);
    assert_eq!(value(&all, "TCP_STREAM/size=1024/throughput#1"), 7170.80);
    assert_eq!(value(&all, "TCP_STREAM/size=1024/re_pkts#1"), 3.0);
    assert_eq!(all.records.len(), 2, "what is -1 was not measured: {:?}", all.records);
}

#[test]
fn netperfs_keyval_is_read_by_its_keys() {
    let stream = read(NETPERF_KEYVAL);
    assert_eq!(value(&stream, "TCP_STREAM/size=1024/throughput#1"), 7253.21);
    assert_eq!(value(&stream, "TCP_STREAM/size=1024/local_CPU#1"), 65.0);
    let rr = read(NETPERF_RR);
    assert_eq!(value(&rr, "TCP_RR/size=64/trans.rate#1"), 18747.98);
    assert_eq!(value(&rr, "TCP_RR/size=64/latency_p99_us#1"), 72.0);
    let twice = read(&format!("{NETPERF_RR}{NETPERF_RR}"));
    assert_eq!(value(&twice, "TCP_RR/size=64/trans.rate#2"), 18747.98);
}

#[test]
fn netperfs_units_are_brought_to_one() {
    let of = |unit: &str, number: &str| {
        value(&read(&format!("THROUGHPUT={number}\nTHROUGHPUT_UNITS={unit}\n")), "OMNI//throughput#1")
    };
    assert_eq!(of("10^9bits/s", "1.5"), 1500.0);
    assert!((of("MBytes/s", "1") - 8.388608).abs() < 1e-12);
    let unknown = refusal(Kind::NetperfOmni, "THROUGHPUT=1\nTHROUGHPUT_UNITS=furlongs\n");
    assert!(unknown.contains("line 1") && unknown.contains("furlongs"), "{unknown}");
}

#[test]
fn damaged_netperf_output_is_told_with_its_line() {
    let cut = refusal(Kind::NetperfOmni, NETPERF.strip_suffix("7657.23,10^6bits/s\n").unwrap());
    assert!(cut.contains("line 3") && cut.contains("cut off"), "{cut}");
    let short = refusal(Kind::NetperfOmni, &NETPERF.replace("1.00,7657.23", "7657.23"));
    assert!(short.contains("line 3") && short.contains("5 cells under 6 headings"), "{short}");
    let nan = read(&NETPERF.replace("7657.23", "-nan"));
    assert_eq!(nan.records[0].value, Err("'-nan' is not a finite number".into()));
    let lost = read(&NETPERF_RR[..NETPERF_RR.len() - 3]);
    assert_eq!((lost.losses.len(), lost.losses[0].line), (1, 12), "{:?}", lost.losses);
}

#[test]
fn text_around_netperfs_results_is_no_loss_and_a_test_without_a_result_is() {
    let heading = "Elapsed Time (sec),Throughput,Throughput Units";
    let text = format!(
        "+ netperf -- -o a,b,c\n{heading}\n10.01,5,10^6bits/s\nretrying, now, soon\n10.00,6,10^6bits/s\ndone\n"
    );
    let netperf = read(&text);
    assert_eq!((netperf.records.len(), netperf.losses.len()), (2, 0), "{:?}", netperf.losses);
    assert!(
        netperf.records.iter().all(|r| fact(&netperf, r, "param.l") == Some("10")),
        "{:?}",
        netperf.settings
    );
    let banner = "MIGRATED TCP STREAM TEST from 0.0.0.0 port 0 to 10.0.0.1 port 0";
    let failed = read(&format!(
        "{banner}\n{heading}\n10.0,5,10^6bits/s\n{banner}\nconnect failed, 111\n{banner}\n{heading}\n10.0,5,10^6bits/s\n"
    ));
    let [idle] = failed.idle.as_slice() else { panic!("{:?}", failed.idle) };
    assert_eq!((failed.records.len(), idle.line, idle.category.as_ref()), (2, 4, "TCP_STREAM"));
    assert_eq!((&idle.of, idle.reason.as_str()), (&IdleCase::Failed, "a test without a result: it failed"));
    assert!(failed.losses.is_empty(), "{:?}", failed.losses);
}

#[test]
fn a_netperf_file_of_which_every_test_failed_is_told_by_its_banner() {
    let banner = "MIGRATED TCP REQUEST/RESPONSE TEST from 0.0.0.0 port 0 to 10.0.0.1 port 0 : first burst 0";
    let failed = read(&format!("{banner}\nsend_omni: connect failed: Connection refused\n"));
    assert_eq!((failed.records.len(), failed.idle.len(), failed.idle[0].category.as_ref()), (0, 1, "TCP_RR"));
    // The table that netperf prints without an output selection has another reader, and is no failure.
    let classic = format!(
        "{banner}\nLocal /Remote\nSocket Size   Request  Resp.   Elapsed  Trans.\nSend   Recv   Size     Size    Time     Rate\n\
         bytes  Bytes  bytes    bytes   secs.    per sec\n\n16384  131072 1        1       10.00    9415.24\n16384  131072\n"
    );
    let kind = sniff(classic.as_bytes()).unwrap();
    assert!(parse(kind, &classic).is_ok_and(|read| read.idle.is_empty()));
}

#[test]
fn a_heading_may_stand_again_in_a_table() {
    let one = "case,metric,repeat,value\na,t,1,1\na,t,2,2\n";
    let csv = read(&format!("{one}{one}\nmetric,value,case,repeat\nt,7,b,1\n"));
    assert!(csv.losses.is_empty() && csv.names_repeats, "{:?}", csv.losses);
    assert_eq!(value(&csv, "/case=a/t#2.2"), 2.0);
    assert_eq!((value(&csv, "/case=a/t#1"), value(&csv, "/case=b/t#1")), (1.0, 7.0));
}

#[test]
fn a_long_table_gives_one_record_a_line() {
    let csv = read(CSV);
    let record = find(&csv, "/case=small, cold,host=alpha/latency#2");
    assert_eq!((record.value.clone(), record.unit.as_ref(), record.line), (Ok(99.5), "us", 3));
    let invalid = find(&csv, "/case=small, cold,host=alpha/throughput#2");
    assert_eq!(invalid.value, Err("'n/a' is not a finite number".into()));
    assert_eq!((csv.records.len(), csv.names_repeats), (6, true));
    let unnumbered = read("Case;Metric;Value\na;t;1\na;t;2\nb;t;3\n");
    assert!(!unnumbered.names_repeats);
    assert_eq!(value(&unnumbered, "/case=a/t#2"), 2.0);
    assert_eq!(value(&unnumbered, "/case=b/t#1"), 3.0);
}

#[test]
fn a_line_of_a_table_that_begins_with_a_number_sign_is_a_comment_whatever_its_width() {
    let rows = "a,t,1,1\n# a, b, c, d\n#,\"it isn't\n  #a,t,2,9\n# x\na,t,2,2\n\"#1\",t,1,3\n";
    for head in ["case,metric,repeat,value\n", "# by x, y\n# metric, value\n\ncase,metric,repeat,value\n"] {
        let csv = read(&format!("{head}{rows}"));
        assert_eq!((csv.records.len(), csv.losses.len()), (3, 0), "{:?}", csv.losses);
        assert_eq!((value(&csv, "/case=a/t#2"), value(&csv, "/case=#1/t#1")), (2.0, 3.0));
        assert_eq!(csv.records[2].line as usize, head.lines().count() + 7);
    }
    // What is no comment and of the wrong width is told.
    let short = read(&format!("case,metric,repeat,value\n{rows}\"#2\",t,1\n"));
    assert_eq!((short.losses.len(), short.losses[0].line), (1, 9), "{:?}", short.losses);
}

#[test]
fn a_heading_may_be_behind_a_number_sign() {
    let table = "# case,metric,repeat,value\na,t,1,1\n# a,t,2,7\n";
    let csv = read(&format!("{table}{table}"));
    assert_eq!((csv.records.len(), csv.losses.len()), (2, 0), "{:?}", csv.losses);
    assert_eq!((value(&csv, "/case=a/t#1"), value(&csv, "/case=a/t#2.1")), (1.0, 1.0));
    // Alone it is the name of a column.
    assert_eq!(value(&read("#,metric,value\n1,t,5\n"), "/#=1/t#1"), 5.0);
}

#[test]
fn a_comment_with_which_a_table_ends_is_told_where_it_may_be_cut() {
    let csv = read("case,metric,value\na,t,1\n# the re");
    assert_eq!((csv.records.len(), csv.losses.len(), csv.losses[0].line), (1, 1, 3));
    assert!(csv.losses[0].reason.contains("no end"), "{:?}", csv.losses);
    assert!(read("case,metric,value\na,t,1\n# the rest\n").losses.is_empty());
}

#[test]
fn damaged_long_tables_are_told_with_their_line() {
    let cut = read(&CSV[..CSV.len() - 7]);
    assert_eq!((cut.losses.len(), cut.losses[0].line, cut.records.len()), (1, 7, 5), "{:?}", cut.losses);
    let twice = refusal(Kind::LongCsv, "case,metric,METRIC,value\n");
    assert!(twice.contains("line 1: two columns mean 'metric'"), "{twice}");
    assert!(refusal(Kind::LongCsv, "case,metric,value\n").contains("no result"));
    assert!(refusal(Kind::LongCsv, "case,value\na,1\n").contains("no column 'metric'"));
    assert!(refusal(Kind::LongCsv, "case,metric,value\na,,1\n").contains("line 2"));
}

#[test]
fn each_of_hyperfines_times_is_a_run() {
    let hyperfine = read(HYPERFINE);
    assert_eq!(value(&hyperfine, "/command=seq 100,n=100/time_s#1"), 0.0008065710000000001);
    assert_eq!(value(&hyperfine, "/command=seq 1000,n=1000/time_s#12"), 0.0012855850000000001);
    assert_eq!(value(&hyperfine, "/command=seq 1000,n=1000/system_s#all"), 0.00013);
    assert_eq!(find(&hyperfine, "/command=seq 1000,n=1000/time_s#12").line, 45);
    assert_eq!(hyperfine.records.len(), 2 * (12 + 2));
}

#[test]
fn a_run_of_hyperfine_that_failed_has_no_time() {
    let text = r#"{"results":[{"command":"x","times":[1.0,2.0,3.0],"memory_usage_byte":[0,9,9],"exit_codes":[0,1,null]}]}"#;
    let hyperfine = read(text);
    assert_eq!(value(&hyperfine, "/command=x/time_s#1"), 1.0);
    let reason = |run: u32| find(&hyperfine, &format!("/command=x/time_s#{run}")).value.clone().unwrap_err();
    assert!(reason(2).contains("exit code 1") && reason(3).contains("signal"));
    assert!(find(&hyperfine, "/command=x/memory_B#2").value.is_err());
    let failed: Vec<&str> =
        hyperfine.records.iter().filter(|r| r.failed).filter_map(|r| r.run.as_deref()).collect();
    assert_eq!(failed, ["2", "2", "3", "3"]);
}

#[test]
fn hyperfines_means_over_all_runs_are_no_values_where_a_run_failed() {
    let text = |codes: &str| {
        format!(
            r#"{{"results":[{{"command":"x","user":0.5,"system":0.25,"times":[1.0,2.0],"exit_codes":[{codes}]}}]}}"#
        )
    };
    for codes in ["0,1", "null,0"] {
        let hyperfine = read(&text(codes));
        for metric in ["user_s", "system_s"] {
            let record = find(&hyperfine, &format!("/command=x/{metric}#all"));
            assert!(record.failed, "{record:?}");
            assert!(record.value.clone().unwrap_err().contains("1 of 2 runs failed"), "{record:?}");
        }
    }
    assert_eq!(value(&read(&text("0,0")), "/command=x/user_s#all"), 0.5);
}

#[test]
fn every_export_of_hyperfine_in_a_file_counts() {
    let one = r#"{"results":[{"command":"x","times":[1.0,2.0]}]}"#;
    let two = r#"{"results":[{"command":"x","times":[3.0]},{"command":"y","times":[4.0]}]}"#;
    for text in [format!("{one}\n{two}\n"), format!("[{one},\n{two}]\n")] {
        let hyperfine = read(&text);
        assert_eq!((hyperfine.records.len(), value(&hyperfine, "/command=x/time_s#3")), (4, 3.0));
        assert_eq!(value(&hyperfine, "/command=y/time_s#1"), 4.0);
    }
}

#[test]
fn damaged_hyperfine_exports_are_told_with_their_line() {
    let cut = refusal(Kind::Hyperfine, &HYPERFINE[..HYPERFINE.len() / 2]);
    assert!(cut.contains("cut off"), "{cut}");
    let summary = refusal(Kind::Hyperfine, "{\"results\":[\n{\"command\":\"x\",\"mean\":1.0}]}");
    assert!(summary.contains("line 2") && summary.contains("no list of times"), "{summary}");
    assert!(refusal(Kind::Hyperfine, "{\"results\": 3}").contains("no list \"results\""));
}

#[test]
fn go_benchmarks_give_a_metric_for_each_unit() {
    let go = read(GO);
    let case = "/pkg=example.org/codec,name=Decode/size=1k,gomaxprocs=8";
    assert_eq!(value(&go, &format!("{case}/ns/op#2")), 1219.0);
    assert_eq!(value(&go, &format!("{case}/allocs/op#3")), 4.0);
    assert_eq!(value(&go, "/pkg=example.org/codec/wire,name=Serial,gomaxprocs=1/ns/op#1"), 24.10);
    assert_eq!(find(&go, &format!("{case}/MB/s#1")).line, 7);
    let said: Vec<_> = go.statements.iter().map(|s| (s.metric.as_ref(), s.direction)).collect();
    assert_eq!(said, [("ns/op", Direction::LowerIsBetter), ("rows/s", Direction::HigherIsBetter)]);
    let first = &go.records[0];
    assert_eq!(
        (fact(&go, first, "host.arch"), fact(&go, first, "bench.goos")),
        (Some("x86_64"), Some("linux"))
    );
    assert!(go.losses.is_empty(), "{:?}", go.losses);
}

#[test]
fn damaged_go_benchmarks_are_told_with_their_line() {
    let cut = read(&GO[..GO.find(" rows/s\nPASS").unwrap()]);
    assert_eq!((cut.losses.len(), cut.losses[0].line), (1, 11), "{:?}", cut.losses);
    let odd =
        read("BenchmarkA 1 2 ns/op\nUnit ns/op better=lower\nUnit ns/op better=higher\nUnit x better=up\n");
    let lines: Vec<u32> = odd.losses.iter().map(|l| l.line).collect();
    assert_eq!(lines, [3, 4]);
    let nan = read("BenchmarkA 1 NaN ns/op\n");
    assert!(nan.records[0].value.is_err());
    assert!(refusal(Kind::Benchfmt, "BenchmarkA 1 2 ns/op 3\n").contains("line 1"));
}

#[test]
fn text_between_gos_results_is_no_loss_and_what_a_benchmark_printed_into_its_own_is() {
    let log = "Benchmark results of today:\nBenchmarkA\n    a_test.go:3: BenchmarkA begins\n";
    let go = read(&format!("{log}BenchmarkA-2 \t 1 \t 2 ns/op\nPASS\nok  \texample.org/x\t1.2s\n"));
    assert_eq!((go.records.len(), go.losses.len()), (1, 0), "{:?}", go.losses);
    let split = read("BenchmarkB 1 2 ns/op\nBenchmarkA-2 \t hello\n  1000 \t 12.5 ns/op\n");
    assert_eq!((split.records.len(), split.losses.len(), split.losses[0].line), (1, 1, 3));
    assert!(split.losses[0].reason.contains("'A-2'"), "{:?}", split.losses);
}

#[test]
fn a_go_benchmark_that_failed_is_there_without_a_value() {
    for line in
        ["BenchmarkA-8   \t--- FAIL: BenchmarkA-8", "--- FAIL: BenchmarkA-8", "BenchmarkA-8   \tpanic: no"]
    {
        let text =
            format!("pkg: x\nBenchmarkA-8 1 2 ns/op\n{line}\n    a_test.go:7: no\nFAIL\tx\t1s\nFAIL\n");
        let go = read(&text);
        let record = find(&go, "/pkg=x,name=A,gomaxprocs=8/ns/op#2");
        assert!(record.failed && record.line == 3, "{line}: {record:?}");
        assert!(go.losses.is_empty(), "{:?}", go.losses);
    }
    let unbuilt = read("pkg: x\nBenchmarkA-8 1 2 ns/op\nok \tx\t1s\nFAIL\ty [build failed]\nFAIL\n");
    assert!(unbuilt.losses.len() == 1 && unbuilt.losses[0].reason.contains("y [build failed]"));
}

#[test]
fn a_go_benchmark_that_was_begun_when_its_package_failed_is_there_without_a_value() {
    for line in ["BenchmarkB-8   \tloading", "BenchmarkB", "BenchmarkB-8"] {
        let text = format!(
            "pkg: x\nBenchmarkA-8 1 2 ns/op\n{line}\nno such file\nexit status 1\nFAIL\tx\t1s\nFAIL\n"
        );
        let go = read(&text);
        let record = find(&go, "/pkg=x,name=B,gomaxprocs=8/ns/op#1");
        assert!(record.failed && record.line == 3, "{line}: {record:?}");
        assert!(go.losses.is_empty(), "{:?}", go.losses);
    }
    // A log is no benchmark, nor is one of a package that has ended.
    for begun in ["Benchmark results of today:\n", "BenchmarkA-8 begins\nPASS\nok  \tx\t1s\n"] {
        let go = read(&format!("pkg: x\nBenchmarkA-8 1 2 ns/op\n{begun}FAIL\ty [build failed]\nFAIL\n"));
        assert_eq!((go.records.len(), go.losses.len()), (1, 1), "{:?}", go.records);
    }
}

#[test]
fn gos_machine_is_a_fact_of_the_results_behind_it() {
    let go = read("cpu: one\nBenchmarkA 1 2 ns/op\ndate: today\ncpu: two\nBenchmarkA 1 2 ns/op\n");
    let cpus: Vec<_> = go.records.iter().map(|r| fact(&go, r, "host.cpu.model")).collect();
    assert_eq!(cpus, [Some("one"), Some("two")]);
    assert_eq!(fact(&go, &go.records[1], "bench.date"), None);
}

#[test]
fn iperf3s_runs_are_named_as_perfvts_own() {
    let tcp = read(&format!("{IPERF3}\n{IPERF3}"));
    let first = &tcp.records[0];
    let case = id(first).replace("/throughput#1", "");
    assert!(case.starts_with("TCP/size=") && case.contains(",streams="), "{case}");
    assert_eq!(value(&tcp, &format!("{case}/throughput#2")), 8570.471889214757);
    assert_eq!(value(&tcp, &format!("{case}/re_pkts#1")), 14.0);
    assert_eq!(fact(&tcp, first, "tool.iperf3"), Some("iperf 3.12"));
    assert!(fact(&tcp, first, "param.l").is_some() && fact(&tcp, first, "host.arch") == Some("x86_64"));
    let udp = read(IPERF3_UDP);
    assert!(udp.records.iter().any(|r| *r.category == *"UDP" && *r.metric == *"lost_percent"));
    assert!(read(IPERF3_REVERSE).records.iter().all(|r| *r.category == *"TCP_REVERSE"));
}

#[test]
fn a_server_of_iperf3_gives_what_it_knows_and_no_zeros_for_the_rest() {
    let metrics =
        |foreign: &Foreign| foreign.records.iter().map(|r| r.metric.to_string()).collect::<Vec<_>>();
    let server = read(include_str!("../../testdata/iperf3/3.12-udp-server.json"));
    assert_eq!(metrics(&server), ["throughput", "jitter_ms", "lost_percent"]);
    assert!(server.records.iter().all(|r| r.value.is_ok()));
    let sent = read(include_str!("../../testdata/iperf3/3.12-udp-reverse-server.json"));
    assert_eq!(metrics(&sent), ["throughput", "send_throughput"]);
    let (lost, sent) = (&sent.records[0], &sent.records[1]);
    assert!(!lost.failed && lost.value.clone().unwrap_err().contains("it was not measured"), "{lost:?}");
    assert!(sent.value.clone().unwrap() > 50.0);
}

#[test]
fn a_run_of_iperf3_that_failed_is_a_loss_or_has_no_value() {
    let refused = refusal(Kind::Iperf3, IPERF3_REFUSED);
    assert!(refused.contains("line 1") && refused.contains("Connection refused"), "{refused}");
    let broken = IPERF3.replacen('{', "{\"error\": \"control socket has closed\",", 1);
    let iperf3 = read(&format!("{IPERF3}{broken}{IPERF3_REFUSED}"));
    let failed: Vec<_> = iperf3.records.iter().filter(|r| r.failed).collect();
    assert_eq!((failed.len(), failed[0].run.as_deref(), iperf3.losses.len()), (1, Some("2"), 1));
    assert!(failed[0].value.clone().unwrap_err().contains("control socket"));
    assert!(refusal(Kind::Iperf3, &IPERF3[..IPERF3.len() / 2]).contains("cut off"));
}

#[test]
fn iozones_tables_are_read_by_size_and_record() {
    let iozone = read(IOZONE);
    assert_eq!(value(&iozone, "/size_kB=64,record_kB=4/Write_Thro-KBps#1"), 1_105_556.0);
    assert_eq!(value(&iozone, "/size_kB=256,record_kB=256/Random_Write_Thro-KBps#1"), 10_758_322.0);
    assert_eq!(iozone.records.len(), 6 * (5 + 6 + 7));
    let threads = read(IOZONE_THREADS);
    let case = "/size_kB=1024,record_kB=64,threads=2";
    assert_eq!(value(&threads, &format!("{case}/Write_Thro-KBps#1")), 4_339_202.50);
    assert_eq!(value(&threads, &format!("{case}/Reread_Thro-KBps#1")), 6_911_195.70);
    assert_eq!((threads.records.len(), threads.losses.len()), (4, 0), "{:?}", threads.losses);
}

#[test]
fn iozones_options_are_facts_but_not_those_that_choose_cases_or_places() {
    let of = |command: &str| {
        let line = IOZONE.lines().find(|l| l.contains("Command line used")).unwrap();
        let text = IOZONE.replace(line, &format!("\tCommand line used: {command}"));
        let iozone = read(&format!("starting up\n{text}all done, see \"log\"\n"));
        assert!(iozone.losses.is_empty(), "{:?}", iozone.losses);
        let fact = |name: &str| fact(&iozone, &iozone.records[0], name).unwrap().to_owned();
        (fact("param.iozone_options"), fact("tool.iozone"))
    };
    assert_eq!(of("iozone -R -a -n 64k -g 256k -i 0 -f io.tmp"), ("none".into(), "3.489".into()));
    assert_eq!(of("/usr/bin/iozone -RaI -i0 -e -j 4 -+n").0, "-+n -I -e -j 4");
    assert_eq!(of("iozone -Reac -Rb out.xls").0, "-c -e");
}

#[test]
fn iozones_part_on_cpu_time_has_metrics_of_its_own() {
    let part = "\"CPU utilization report Y-axis is type of test X-axis is number of processes\"\n\"Record size = 64 kBytes \"\n\"Output is in CPU%\"\n\n\"  Initial write \"  123.45\n";
    let iozone = read(&format!("{IOZONE_THREADS}{part}"));
    assert_eq!((iozone.records.len(), iozone.losses.len()), (5, 0), "{:?}", iozone.losses);
    assert_eq!(value(&iozone, "/size_kB=1024,record_kB=64,threads=2/Write_CPU#1"), 123.45);
    let tables = "\"Writer report\"\n\"4\" \"8\"\n\"64\" 100 200\n\"Writer CPU utilization report (Zero values should be ignored)\"\n\"4\" \"8\"\n\"64\" 0.00 50.5\n";
    let iozone = read(tables);
    assert_eq!((iozone.records.len(), iozone.losses.len()), (3, 0), "{iozone:?}");
    assert_eq!(value(&iozone, "/size_kB=64,record_kB=8/Write_CPU#1"), 50.5);
}

#[test]
fn damaged_iozone_reports_are_told_with_their_line() {
    let begin = IOZONE.find("kB  reclen").unwrap();
    assert!(refusal(Kind::Iozone, &IOZONE[..begin]).contains("run iozone with -R"));
    let operations = IOZONE.replace("Output is in kBytes/sec", "Output is in ops/sec");
    assert!(refusal(Kind::Iozone, &operations).contains("line 23: its unit is 'ops/sec'"));
    let odd = read(&IOZONE.replace("\"Reader report\"", "\"Juggler report\"").replacen(
        "\"64\"   1105556",
        "\"64\"   many",
        1,
    ));
    assert!(odd.losses[0].reason.contains("Juggler"), "{:?}", odd.losses);
    assert!(odd.losses.len() == 1 && odd.records.iter().filter(|r| r.value.is_err()).count() >= 1);
    let wide = read(&IOZONE.replacen("\"64\"   1105556", "\"64\" 1 2 3 4 5 6 7 8 9 10", 1));
    assert!(wide.losses[0].reason.contains("values under 13"), "{:?}", wide.losses);
}

#[test]
fn tables_of_spreadsheets_are_read() {
    let german = read("sep=;\ncase;metric;unit;value\nstart;latency;ms;1.416,5\n");
    assert_eq!(value(&german, "/case=start/latency#1"), 1416.5);
    let short = read("metric,value\nboot_ms,416.1\nboot_ms,421.8\n");
    assert_eq!((value(&short, "//boot_ms#1"), value(&short, "//boot_ms#2")), (416.1, 421.8));
}

#[test]
fn one_cell_of_a_table_tells_what_points_and_commas_mean_in_all_of_it() {
    let long = read("case;metric;value\na;ops;1.234\nb;ops;1.300,5\n");
    assert_eq!([value(&long, "/case=a/ops#1"), value(&long, "/case=b/ops#1")], [1234.0, 1300.5]);
    let plain = read("case;metric;value\na;ops;1.234\n");
    assert_eq!(value(&plain, "/case=a/ops#1"), 1.234);
    let wide = read("name;ops;latency_ms\na;1.234;2,5\nb;2.345;2,6\n");
    assert_eq!([value(&wide, "/name=a/ops#1"), value(&wide, "/name=b/ops#1")], [1234.0, 2345.0]);
    let both = read("case;metric;value\na;ops;1.234\nb;ops;2,5\nc;ops;2.5\n");
    let reason = both.records[0].value.clone().unwrap_err();
    assert!(reason.contains("'1.234' may be a thousand or a decimal"), "{reason}");
    assert_eq!([value(&both, "/case=b/ops#1"), value(&both, "/case=c/ops#1")], [2.5, 2.5]);
}

#[test]
fn sizes_and_times_are_one_level_however_they_are_spelled() {
    let table = read("bs,runtime,metric,value\n4096,1m,x,1\n4k,60s,x,2\n4 KiB,60,x,3\n");
    assert_eq!(value(&table, "/bs=4k,runtime=60/x#3"), 3.0);
    let go = read("BenchmarkRead/size=1024-8 10 5 ns/op\nBenchmarkRead/size=1k-8 10 7 ns/op\n");
    assert_eq!(value(&go, "/name=Read/size=1k,gomaxprocs=8/ns/op#2"), 7.0);
    let export = |bs: &str| {
        format!(r#"{{"results":[{{"command":"dd","times":[1.5],"parameters":{{"bs":"{bs}"}}}}]}}"#)
    };
    find(&read(&export("65536")), "/command=dd,bs=64k/time_s#1");
    find(&read(&export("64KiB")), "/command=dd,bs=64k/time_s#1");
}
