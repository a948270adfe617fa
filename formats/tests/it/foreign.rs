//! Results of other tools: what they are told to be, what is read of them, and what is said of damaged ones.

use formats::foreign::{Foreign, Kind, Record, parse, sniff};
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
const IOZONE_THREADS: &str = include_str!("../../testdata/foreign/iozone-3.489-threads.txt");

fn read(text: &str) -> Foreign {
    parse(sniff(text.as_bytes()).expect("a kind"), text).unwrap()
}

fn refusal(kind: Kind, text: &str) -> String {
    parse(kind, text).unwrap_err().to_string()
}

/// `category/key=level,../metric#run`.
fn id(r: &Record) -> String {
    let keys: Vec<String> = r.keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
    format!("{}/{}/{}#{}", r.category, keys.join(","), r.metric, r.run.as_deref().unwrap_or("all"))
}

fn find<'a>(foreign: &'a Foreign, wanted: &str) -> &'a Record {
    let known: Vec<String> = foreign.records.iter().map(id).collect();
    foreign
        .records
        .iter()
        .find(|r| id(r) == wanted)
        .unwrap_or_else(|| panic!("{wanted} is none of {known:#?}"))
}

fn value(foreign: &Foreign, wanted: &str) -> f64 {
    find(foreign, wanted).value.clone().unwrap()
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
    ] {
        for text in texts {
            assert_eq!(sniff(text.as_bytes()), Some(kind), "{:.60}", text);
            assert_eq!(sniff(text.replace('\n', "\r\n").as_bytes()), Some(kind), "Windows: {:.60}", text);
            let (mut windows, unix) =
                (parse(kind, &text.replace('\n', "\r\n")).unwrap(), parse(kind, text).unwrap());
            windows.facts.clone_from(&unix.facts);
            assert_eq!(windows, unix);
        }
    }
}

#[test]
fn anything_else_is_none_of_them() {
    let rhs =
        "### kvm_version : 6.1\nCategory:TCP_RR\n size|sessions| trans.rate\n   64|       1|    1000.0\n";
    for text in
        ["", "{", "hello\n", "a,b,c\n1,2,3\n", "{\"results\": []}", "Benchmarking began\n", "[1]", rhs]
    {
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
    assert_eq!((latency.unit.as_str(), latency.line), ("ms", 8));
    assert_eq!((fio.records.len(), fio.facts["fio"].as_str()), (6, "fio-3.33"));
}

#[test]
fn a_mixed_fio_job_gives_a_category_for_each_direction() {
    let fio = read(FIO_PLUS);
    let categories: Vec<&str> = fio.records.iter().map(|r| r.category.as_str()).collect();
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

#[test]
fn of_fios_status_reports_the_last_counts() {
    let earlier = FIO.replace("2048000.000000", "1.0");
    let fio = read(&format!("{earlier}{FIO}"));
    let iops = find(&fio, "read/job=seqread,Block_size=4k,Iodepth=4,Threads=2/IOPS#1");
    assert_eq!((iops.value.clone(), iops.line), (Ok(2_048_000.0), 8 + FIO.lines().count() as u32));
}

#[test]
fn a_fio_job_that_failed_is_lost_and_a_cut_file_is_refused() {
    let failed = FIO_TWO.replacen("\"error\" : 0", "\"error\" : 5", 1);
    let fio = read(&failed);
    assert_eq!((fio.losses.len(), fio.losses[0].line), (1, 14));
    assert!(fio.losses[0].reason.contains("job 'a' failed with error 5"), "{:?}", fio.losses);
    let cut = refusal(Kind::FioJson, &FIO[..2000]);
    assert!(cut.starts_with("fio JSON, line 7") && cut.contains("cut off"), "{cut}");
    assert!(refusal(Kind::FioJson, "{\"fio version\":\"3\"\n,,}").contains("line 2: not JSON"));
    assert!(refusal(Kind::FioJson, "{\"fio version\":\"3\"}").contains("no list \"jobs\""));
}

#[test]
fn netperfs_csv_is_read_by_its_heading() {
    let default = read(NETPERF);
    let record = find(&default, "STREAM/size=1024/throughput#1");
    assert_eq!((record.value.clone(), record.unit.as_str(), record.line), (Ok(7657.23), "Mbit/s", 3));
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
fn a_long_table_gives_one_record_a_line() {
    let csv = read(CSV);
    let record = find(&csv, "/case=small, cold,host=alpha/latency#2");
    assert_eq!((record.value.clone(), record.unit.as_str(), record.line), (Ok(99.5), "us", 3));
    let invalid = find(&csv, "/case=small, cold,host=alpha/throughput#2");
    assert_eq!(invalid.value, Err("'n/a' is not a finite number".into()));
    assert_eq!((csv.records.len(), csv.names_repeats), (6, true));
    let unnumbered = read("Case;Metric;Value\na;t;1\na;t;2\nb;t;3\n");
    assert!(!unnumbered.names_repeats);
    assert_eq!(value(&unnumbered, "/case=a/t#2"), 2.0);
    assert_eq!(value(&unnumbered, "/case=b/t#1"), 3.0);
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
    let said: Vec<_> = go.statements.iter().map(|s| (s.metric.as_str(), s.direction)).collect();
    assert_eq!(said, [("ns/op", Direction::LowerIsBetter), ("rows/s", Direction::HigherIsBetter)]);
    assert_eq!(go.facts["bench.goarch"], "amd64");
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
    assert!(refusal(Kind::Benchfmt, "BenchmarkA x 1 ns/op\n").contains("line 1"));
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
fn damaged_iozone_reports_are_told_with_their_line() {
    let before = IOZONE.find("Excel output is below").unwrap();
    assert!(refusal(Kind::Iozone, &IOZONE[..before]).contains("run iozone with -R"));
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
