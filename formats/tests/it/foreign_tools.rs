//! Results of further tools: what is read of each, and what is said of damaged ones. Files called `reconstructed` were written
//! after the tools' documentation, because the programs could not be had.

use crate::foreign::{fact, find, read, refusal, value};
use formats::foreign::{Kind, READERS, parse, sniff};
use model::Direction;

macro_rules! data {
    ($name:literal) => {
        include_str!(concat!("../../testdata/", $name))
    };
}

#[test]
fn each_further_kind_is_told_by_its_content() {
    for (kind, texts) in [
        (Kind::FioTerse, vec![data!("foreign/fio-3.33-terse3.txt"), data!("foreign/fio-3.33-terse5.txt")]),
        (Kind::GoJson, vec![data!("foreign/go-test-reconstructed.json")]),
        (Kind::Sockperf, vec![data!("sockperf/3.7-udp.txt"), data!("versions/sockperf/3.6-tcp.txt")]),
        (Kind::Uperf, vec![data!("uperf/stream-published.txt"), data!("uperf/verbose-published.txt")]),
        (
            Kind::Ntttcp,
            vec![
                data!("ntttcp/linux-1.4.0-receiver-published.txt"),
                data!("ntttcp/linux-1.4.0-sender-verbose-published.txt"),
                data!("ntttcp/windows-2009-reconstructed.txt"),
                data!("ntttcp/windows-5.40-published.txt"),
            ],
        ),
        (
            Kind::NtttcpXml,
            vec![
                data!("foreign/ntttcp-windows-5.40-reconstructed.xml"),
                data!("foreign/ntttcp-linux-1.4-reconstructed.xml"),
            ],
        ),
        (
            Kind::Ffsb,
            vec![
                data!("ffsb/6.0-mail-server-reconstructed.txt"),
                data!("ffsb/6.0-rc2-all-operations-published.txt"),
            ],
        ),
        (
            Kind::QemuImg,
            vec![
                data!("versions/qemu-img/11.1-bench-read.txt"),
                data!("versions/qemu-img/10.0-io-read.txt"),
                data!("foreign/qemu-io-7.2.txt"),
            ],
        ),
        (
            Kind::Netperf,
            vec![
                data!("foreign/netperf-2.7-rr-reconstructed.txt"),
                data!("versions/netperf/2.7.0-tcp_sendfile.txt"),
            ],
        ),
        (
            Kind::GoogleBenchmark,
            vec![
                data!("foreign/google-benchmark-1.9-reconstructed.json"),
                data!("foreign/google-benchmark-1.3-reconstructed.json"),
            ],
        ),
        (Kind::PytestBenchmark, vec![data!("foreign/pytest-benchmark-4.0-reconstructed.json")]),
        (
            Kind::Sysbench,
            vec![
                data!("foreign/sysbench-1.0-cpu-reconstructed.txt"),
                data!("foreign/sysbench-0.4-memory-reconstructed.txt"),
            ],
        ),
        (Kind::Phoronix, vec![data!("foreign/phoronix-10.8-reconstructed.xml")]),
        (Kind::Perfherder, vec![data!("foreign/perfherder-reconstructed.json")]),
        (
            Kind::GithubBenchmark,
            vec![
                data!("foreign/github-benchmark-reconstructed.json"),
                data!("foreign/github-benchmark-data-reconstructed.js"),
            ],
        ),
        (
            Kind::Iometer,
            vec![
                data!("foreign/iometer-1.1-reconstructed.csv"),
                data!("foreign/iometer-2006-reconstructed.csv"),
            ],
        ),
        (Kind::WideCsv, vec!["time,commit,x\n2026,a,1\n2027,b,2\n"]),
    ] {
        for text in texts {
            assert_eq!(sniff(text.as_bytes()), Some(kind), "{text:.60}");
            let windows = text.replace("\r\n", "\n").replace('\n', "\r\n");
            assert_eq!(parse(kind, &windows).unwrap(), parse(kind, text).unwrap(), "Windows: {text:.60}");
        }
    }
}

#[test]
fn every_reader_stands_in_the_document_and_has_a_section_of_perf_conf() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = std::fs::read_to_string(root.join("docs/foreign-files.md")).unwrap();
    let conf = std::fs::read_to_string(root.join("perf.conf")).unwrap();
    for reader in READERS {
        let tool = reader.tool.trim_start_matches("any ");
        assert!(document.contains(tool), "{tool} stands in no line of docs/foreign-files.md");
        assert!(
            document.contains(&format!("`{}`", reader.section)),
            "{} is not in the document",
            reader.section
        );
        assert!(conf.contains(&format!("\n[{}]\n", reader.section)), "perf.conf has no [{}]", reader.section);
    }
    for ending in formats::foreign::ENDINGS {
        assert!(document.contains(&format!("`.{ending}`")), ".{ending} is not in the document");
    }
}

#[test]
fn fios_unified_figures_are_a_category_of_their_own() {
    let case = "job=mix,Block_size=4k,Iodepth=1,Threads=1";
    let mixed = read(data!("foreign/fio-3.33-mixed.json"));
    assert!(value(&mixed, &format!("randrw mixed/{case}/IOPS#1")) > 0.0);
    assert_eq!(mixed.records.len(), 8);
    let both = read(data!("foreign/fio-3.33-both.json"));
    let of = |direction: &str| value(&both, &format!("randrw {direction}/{case}/IOPS#1"));
    assert!((of("read") + of("write") - of("mixed")).abs() < 1e-3 * of("mixed"));
    // A failed job has its cell in the row of the others.
    let failed = data!("foreign/fio-3.33-mixed.json").replacen("\"error\" : 0", "\"error\" : 5", 1);
    assert!(find(&read(&failed), &format!("randrw mixed/{case}/IOPS#1")).failed);
}

#[test]
fn fios_cpu_time_is_the_mean_of_a_jobs_processes_by_the_time_that_each_ran() {
    let job = |name: &str, rw: &str, runtime: u32, user: &str| {
        format!(
            "{{\"jobname\": \"{name}\", \"groupid\": 0, \"job options\": {{\"rw\": \"{rw}\"}}, \"job_runtime\": {runtime}, \
             \"usr_cpu\": {user}, \"sys_cpu\": 8.0, \"read\": {{\"total_ios\": 9, \"iops\": 9.0}}}}"
        )
    };
    let jobs = [
        job("a", "read", 100, "10.0"),
        job("a", "read", 300, "20.0"),
        job("b", "read", 0, "0.0"),
        job("c", "read", 9, "null"),
        job("d", "randrw", 9, "5.0"),
    ];
    let fio = read(&format!("{{\"fio version\": \"fio-3.33\", \"jobs\": [\n{}]}}\n", jobs.join(",\n")));
    let of = |pattern: &str, job: &str| format!("{pattern}/job={job},Block_size=4k,Iodepth=1,Threads=1");
    assert_eq!(value(&fio, &format!("{}/usr_cpu#1", of("read", "a"))), 17.5);
    assert_eq!(value(&fio, &format!("{}/sys_cpu#1", of("read", "a"))), 8.0);
    assert_eq!(value(&fio, &format!("{}/usr_cpu#1", of("randrw", "d"))), 5.0);
    // What fio did not measure is no 0, and what it could not say is told.
    assert!(
        !fio.records.iter().any(|r| &*r.metric == "usr_cpu" && r.keys.iter().any(|(_, job)| &**job == "b"))
    );
    let said = find(&fio, &format!("{}/usr_cpu#1", of("read", "c"))).value.clone().unwrap_err();
    assert!(said.contains("null"), "{said}");
    // Both directions of a job share it.
    let both = read(data!("foreign/fio-3.33-both.json"));
    assert_eq!(value(&both, "randrw mixed/job=mix,Block_size=4k,Iodepth=1,Threads=1/sys_cpu#1"), 33.898305);
}

#[test]
fn a_report_that_fio_writes_before_its_jobs_run_is_of_the_run_that_follows() {
    let report = |at: u32, runtime: u32, ios: u32| {
        format!(
            "{{\"fio version\": \"fio-3.33\", \"timestamp_ms\": {at}, \"jobs\": [{{\"jobname\": \"a\", \"elapsed\": 1, \
             \"job options\": {{\"rw\": \"write\"}}, \"job_runtime\": {runtime}, \"write\": {{\"total_ios\": {ios}, \
             \"runtime\": {runtime}, \"iops\": {ios}}}}}]}}\n"
        )
    };
    let runs = |texts: &[String]| {
        let fio = read(&texts.concat());
        fio.records.iter().filter(|record| &*record.metric == "IOPS").count()
    };
    assert_eq!(runs(&[report(1000, 0, 24), report(1107, 102, 150), report(1200, 195, 260)]), 1);
    assert_eq!(runs(&[report(1000, 100, 24), report(1539, 100, 24)]), 2);
}

#[test]
fn what_fios_syncs_took_and_every_percentile_that_was_asked_for_is_read() {
    let fio = read(data!("foreign/fio-3.33-fdatasync.json"));
    let case = "job=etcd,Block_size=2300,Iodepth=1,Threads=1";
    for word in ["p50", "p95", "p99", "p9999"] {
        let sync = value(&fio, &format!("write sync/{case}/lat_{word}_ms#1"));
        let write = value(&fio, &format!("write/{case}/clat_{word}_ms#1"));
        assert!(sync > 0.0 && write > 0.0);
    }
    assert!(value(&fio, &format!("write sync/{case}/Latency(ms)#1")) > 0.0);
    assert_eq!(fio.records.iter().filter(|r| *r.category == *"write sync").count(), 5);
}

#[test]
fn the_sum_over_fios_clients_has_no_value_when_one_of_them_failed() {
    let entry = |host: &str, error: u32| {
        format!(
            r#"{{"jobname":"w","groupid":0,"error":{error},"hostname":"{host}","job options":{{"rw":"read"}},"read":{{"total_ios":5,"iops":10}}}}"#
        )
    };
    let all = r#"{"jobname":"All clients","groupid":0,"error":0,"hostname":"h2","read":{"total_ios":10,"iops":20}}"#;
    let text = |error| {
        format!(
            "{{\"fio version\":\"fio-3.33\",\"client_stats\":[{},{},{all}]}}\n",
            entry("h1", 0),
            entry("h2", error)
        )
    };
    let whole = read(&text(0));
    assert_eq!(value(&whole, "read/job=All clients/IOPS#1"), 20.0);
    find(&whole, "read/job=w,hostname=h1,Block_size=4k,Iodepth=1,Threads=1/IOPS#1");
    let failed = read(&text(5));
    assert!(find(&failed, "read/job=All clients/IOPS#1").failed);
    // Options of all jobs, as fio's files of jobs have them, are none of the sum.
    let global = |error| {
        text(error).replacen(',', ",\"global options\":{\"ioengine\":\"null\",\"rw\":\"randread\"},", 1)
    };
    assert_eq!(value(&read(&global(0)), "read/job=All clients/IOPS#1"), 20.0);
    assert!(find(&read(&global(5)), "read/job=All clients/IOPS#1").failed);
}

#[test]
fn fios_terse_lines_of_each_version_have_the_same_figures() {
    let texts = [
        data!("foreign/fio-3.33-terse3.txt"),
        data!("foreign/fio-3.33-terse4.txt"),
        data!("foreign/fio-3.33-terse5.txt"),
    ];
    for text in texts {
        let fio = read(text);
        let fields: Vec<&str> = text.split(';').collect();
        assert_eq!(value(&fio, "read/job=mix/IOPS#1"), fields[7].parse::<f64>().unwrap());
        let bandwidth = fields[6].parse::<f64>().unwrap() / 1024.0;
        assert_eq!(value(&fio, "read/job=mix/BW(MB/S)#1"), bandwidth);
        for direction in ["read", "write"] {
            let of = |metric: &str| value(&fio, &format!("{direction}/job=mix/{metric}#1"));
            assert!(of("Latency(ms)") > 0.0 && of("clat_p99_ms") >= of("clat_p50_ms"));
        }
        // The use of the CPU is the job's, whatever its directions.
        let share = |metric: &str| format!("{:.6}%", value(&fio, &format!("mixed/job=mix/{metric}#1")));
        let shares = [share("usr_cpu"), share("sys_cpu")];
        assert!(fields.windows(2).any(|pair| pair == shares), "{shares:?}");
        assert_eq!((fio.records.len(), fio.losses.len()), (14, 0));
        assert_eq!(fact(&fio, &fio.records[0], "tool.fio"), Some("fio-3.33"));
    }
    let failed = texts[0].replacen(";mix;0;0;", ";mix;0;5;", 1);
    assert!(refusal(Kind::FioTerse, &failed).contains("job 'mix' failed with error 5"));
}

#[test]
fn events_of_go_test_are_put_together_by_package_reconstructed() {
    let go = read(data!("foreign/go-test-reconstructed.json"));
    let ring = "/pkg=example.org/ring,name=Push,gomaxprocs=8";
    assert_eq!(value(&go, &format!("{ring}/ns/op#1")), 99.2);
    assert_eq!(value(&go, &format!("{ring}/ns/op#2")), 101.5);
    assert_eq!(find(&go, &format!("{ring}/ns/op#1")).line, 12);
    assert_eq!(value(&go, "/pkg=example.org/tree,name=Walk,gomaxprocs=8/ns/op#1"), 250_000.0);
    assert_eq!((go.records.len(), go.losses.len()), (7, 0));
    let text = data!("foreign/go-test-reconstructed.json");
    let cut = parse(Kind::GoJson, &text[..text.len() - 30]).unwrap();
    assert!(cut.losses[0].reason.contains("not an event") && cut.losses[0].line == 17, "{:?}", cut.losses);
}

#[test]
fn sockperf_gives_latencies_and_rates_by_protocol() {
    let text = data!("sockperf/3.7-udp.txt");
    let sockperf = read(&format!("{text}{}", data!("sockperf/3.7-tcp-full-rtt.txt")));
    assert_eq!(value(&sockperf, "UDP//latency_us#1"), 21.748);
    assert_eq!(value(&sockperf, "UDP//latency_p999_us#1"), 2632.678);
    assert_eq!(value(&sockperf, "UDP//trans.rate#1"), 35511.0 / 1.547);
    let tcp = find(&sockperf, "TCP//latency_us#1");
    assert_eq!((tcp.line, fact(&sockperf, tcp, "param.full_rtt")), (39, Some("yes")));
    assert_eq!(fact(&sockperf, tcp, "tool.sockperf"), Some("3.7"));
    let throughput = "sockperf: == version #3.10-1 ==\n[ 0] IP = 1.2.3.4 PORT = 1 # TCP\n\
                      sockperf: Summary: Message Rate is 1273456 [msg/sec]\n\
                      sockperf: Summary: BandWidth is 17.002 MBps (136.017 Mbps)\n";
    let throughput = read(throughput);
    assert_eq!(value(&throughput, "TCP//message_rate#1"), 1_273_456.0);
    assert_eq!(value(&throughput, "TCP//throughput#1"), 136.017);
}

#[test]
fn uperf_gives_rates_by_profile_and_threads() {
    let uperf = read(data!("uperf/1.0.7-rr-reconstructed.txt"));
    assert_eq!(value(&uperf, "tcp_rr/threads=2/trans.rate#1"), 4848.0);
    assert_eq!(value(&uperf, "tcp_rr/threads=2/throughput#1"), 2.48);
    let twice = format!("{0}{0}", data!("uperf/1.0.4-stream-reconstructed.txt"));
    assert_eq!(value(&read(&twice), "tcp_stream/processes=1/trans.rate#2"), 139_160.0);
    let failed = "Starting 1 threads running profile:x ...\n** Error: connection refused\n";
    assert!(find(&read(failed), "x/threads=1/trans.rate#1").failed);
}

#[test]
fn ntttcp_gives_what_bytes_and_seconds_do_in_text_and_xml() {
    let linux = read(data!("ntttcp/linux-1.4.0-receiver-published.txt"));
    let rate = value(&linux, "TCP//throughput(Mbit/s)#1");
    assert!((rate - 630_292_053_310.0 * 8.0 / 60.0 / 1e6).abs() < 1e-6, "{rate}");
    assert_eq!(value(&linux, "TCP//CPU#1"), 534.41 / 192.0);
    assert_eq!(value(&linux, "TCP//re_pkts#1"), 4.0);
    let sender = read(data!("ntttcp/linux-1.4.0-sender-verbose-published.txt"));
    assert_eq!(value(&sender, "TCP/side=sender/re_pkts#1"), 805.0);
    let windows = read(data!("ntttcp/windows-5.40-published.txt"));
    assert_eq!(value(&windows, "TCP//CPU#1"), 14.704);
    // Windows counts in powers of 1024, Linux may in those of 1000: the two rates tell.
    let xml = read(data!("foreign/ntttcp-windows-5.40-reconstructed.xml"));
    let rate = value(&xml, "TCP/buf(k)=64,side=receiver/throughput(Mbit/s)#1");
    assert!((rate - 60_001.0 * 8.388_608 / 60.001).abs() < 1e-9, "{rate}");
    assert_eq!(fact(&xml, &xml.records[0], "param.l"), Some("60"));
    let xml = read(data!("foreign/ntttcp-linux-1.4-reconstructed.xml"));
    assert!((value(&xml, "TCP/side=sender/throughput(Mbit/s)#1") - 8000.0).abs() < 1e-9);
}

#[test]
fn ffsb_gives_transactions_and_throughput_by_threads() {
    let ffsb = read(data!("ffsb/6.0-mail-server-reconstructed.txt"));
    assert_eq!(value(&ffsb, "/thread=16/IOPS#1"), 1432.51);
    assert_eq!(value(&ffsb, "/thread=16/Thro-MBps#1"), 5.6 + 0.5);
    assert_eq!(value(&ffsb, "/thread=16/Hostcpu#1"), 10.0);
    assert_eq!(fact(&ffsb, &ffsb.records[0], "param.l"), Some("300"));
}

#[test]
fn qemu_img_bench_and_each_command_of_qemu_io_is_a_run() {
    let bench = read(&data!("qemu-img/7.2-bench-read.txt").repeat(2));
    assert_eq!(value(&bench, "bench_read/buffer_size=4,depth=8/IOPS#2"), 2000.0 / 0.031);
    let io = read(data!("foreign/qemu-io-7.2.txt"));
    assert_eq!(value(&io, "io_write/buffer_size=64,depth=1/IOPS#2"), 3227.566);
    assert_eq!(value(&io, "io_read/buffer_size=4,depth=1/BW#1"), 28536.3696 * 4096.0 / 1_048_576.0);
    assert_eq!(io.records.len(), 8);
    let commas = read(data!("qemu-img/7.2-io.txt"));
    assert_eq!(value(&commas, "io/buffer_size=64,depth=1/IOPS#3"), 14367.816);
}

#[test]
fn classic_tables_of_netperf_are_read_with_interim_results_between_reconstructed() {
    let stream = read(data!("foreign/netperf-2.7-stream-cpu-reconstructed.txt"));
    let of = |metric: &str| value(&stream, &format!("TCP_STREAM/size=16384/{metric}#1"));
    assert_eq!((of("throughput"), of("local_CPU"), of("local_service_demand")), (9415.05, 1.48, 0.309));
    assert_eq!(stream.records.len(), 3, "-1 was not measured");
    assert_eq!(fact(&stream, &stream.records[0], "param.l"), Some("10"));
    let rr = read(data!("foreign/netperf-2.7-rr-reconstructed.txt"));
    assert_eq!((value(&rr, "TCP_RR/size=1/trans.rate#1"), rr.records.len()), (18747.98, 1));
    let udp = read(data!("foreign/netperf-2.7-udp-reconstructed.txt"));
    assert_eq!(value(&udp, "UDP_STREAM/size=65507/throughput#1"), 6468.29);
    assert_eq!(value(&udp, "UDP_STREAM/size=65507/send_throughput#1"), 6471.23);
    let kib = data!("foreign/netperf-2.7-stream-cpu-reconstructed.txt")
        .replace("10^6bits/s  % S", "KBytes/sec  % S");
    assert_eq!(value(&read(&kib), "TCP_STREAM/size=16384/throughput#1"), 9415.05 * 8192e-6);
}

#[test]
fn the_real_table_of_sendfile_is_read_and_a_test_without_one_is_lost() {
    let text = data!("versions/netperf/2.7.0-tcp_sendfile.txt");
    assert_eq!(value(&read(text), "TCP_SENDFILE/size=1024/throughput#1"), 2954.39);
    let banner = text.lines().next().unwrap();
    let twice = read(&format!("{banner}\nestablish control: are you sure there is a netserver?\n{text}"));
    assert_eq!((twice.records.len(), twice.losses[0].line), (1, 1));
}

#[test]
fn google_benchmark_gives_repetitions_in_nanoseconds_reconstructed() {
    let new = read(data!("foreign/google-benchmark-1.9-reconstructed.json"));
    assert_eq!(value(&new, "/name=BM_Copy/8/real_time_ns#3"), 56.0);
    assert_eq!(value(&new, "/name=BM_Copy/1024/bytes_per_second#1"), 1e9);
    assert_eq!(value(&new, "/name=BM_Copy/8/hits#1"), 7.0);
    assert!(find(&new, "/name=BM_Bad/real_time_ns#1").value.clone().unwrap_err().contains("no such file"));
    assert_eq!(new.records.len(), 2 * 3 * 4 + 1);
    let old = read(data!("foreign/google-benchmark-1.3-reconstructed.json"));
    assert_eq!(value(&old, "/name=BM_Copy/8/real_time_ns#2"), 1700.0);
    let aggregates = r#"{"context":{},"benchmarks":[{"name":"a_mean","run_name":"a","run_type":"aggregate","aggregate_name":"mean","real_time":1,"time_unit":"ms"},{"name":"a_cv","run_name":"a","run_type":"aggregate","aggregate_name":"cv","real_time":0.1,"time_unit":"ms"}]}"#;
    assert_eq!(value(&read(aggregates), "/name=a/real_time_ns#1"), 1e6);
}

#[test]
fn pytest_benchmark_gives_its_times_or_their_mean_reconstructed() {
    let read = read(data!("foreign/pytest-benchmark-4.0-reconstructed.json"));
    assert_eq!(value(&read, "/test=t.py::test_a/time_s#3"), 2.0);
    assert_eq!(value(&read, "/test=t.py::test_b/time_s#1"), 1.25);
    assert_eq!(fact(&read, &read.records[0], "tool.python"), Some("3.11.2"));
}

#[test]
fn sysbench_gives_rates_and_latencies_of_each_test_reconstructed() {
    let cpu = read(data!("foreign/sysbench-1.0-cpu-reconstructed.txt"));
    let of = |metric: &str| value(&cpu, &format!("cpu/threads=4/{metric}#1"));
    assert_eq!((of("events_per_s"), of("latency_p95_ms"), of("latency_ms")), (3915.62, 1.10, 1.02));
    assert_eq!(fact(&cpu, &cpu.records[0], "param.cpu_max_prime"), Some("20000"));
    let oltp = read(data!("foreign/sysbench-1.0-oltp-reconstructed.txt"));
    assert_eq!(value(&oltp, "oltp/threads=8/transactions_per_s#1"), 729.41);
    assert_eq!(value(&oltp, "oltp/threads=8/queries_per_s#1"), 14588.16);
    let files = read(data!("foreign/sysbench-1.0-fileio-reconstructed.txt"));
    assert_eq!(value(&files, "fileio/threads=1/reads_per_s#1"), 1432.17);
    assert_eq!(value(&files, "fileio/threads=1/written_MiBps#1"), 14.92);
    let old = read(data!("foreign/sysbench-0.4-memory-reconstructed.txt"));
    assert_eq!(value(&old, "memory/threads=2/memory_MiBps#1"), 1892.39);
    assert_eq!(value(&old, "memory/threads=2/latency_max_ms#1"), 2.11);
    let failed = "sysbench 1.0.20 (x)\nNumber of threads: 1\nFATAL: unable to connect\n";
    assert!(find(&read(failed), "/threads=1/events_per_s#1").failed);
}

#[test]
fn a_failure_without_a_word_has_a_reason_all_the_same() {
    let sysbench = read("sysbench 1.0.20 (x)\nNumber of threads: 1\nFATAL: \n");
    let gbench = read(
        r#"{"context": {"library_build_type": "release"}, "benchmarks": [{"name": "a", "run_type": "iteration",
            "real_time": 1, "time_unit": "ns", "error_occurred": true, "error_message": ""}]}"#,
    );
    for read in [sysbench, gbench] {
        let failed = read.records.iter().find(|record| record.failed).unwrap();
        assert_eq!(failed.value, Err("it failed and does not say why".to_owned()));
    }
}

#[test]
fn phoronix_gives_trials_with_the_direction_that_the_file_states_reconstructed() {
    let read_one = read(data!("foreign/phoronix-10.8-reconstructed.xml"));
    let fio = "/test=pts/fio,description=Type: Random Read - Block Size: 4KB/MB/s";
    assert_eq!(
        (value(&read_one, &format!("{fio}#1")), value(&read_one, &format!("{fio}#3"))),
        (730.0, 734.0)
    );
    let stated: Vec<_> = read_one.statements.iter().map(|s| (s.metric.as_ref(), s.direction)).collect();
    assert_eq!(stated, [("MB/s", Direction::HigherIsBetter), ("Seconds", Direction::LowerIsBetter)]);
    assert!(read_one.losses[0].reason.contains("the test failed"), "{:?}", read_one.losses);
    assert_eq!(fact(&read_one, &read_one.records[0], "bench.test_version"), Some("1.15.0"));
    let merged = read(data!("foreign/phoronix-9-merged-reconstructed.xml"));
    find(&merged, "/test=pts/fio,description=randread 4k,system=B/MB/s#2");
}

#[test]
fn perfherder_and_github_action_benchmark_give_each_unit_with_its_direction_reconstructed() {
    let herder = read(data!("foreign/perfherder-reconstructed.json"));
    let suite = "suite=load,options=fission webrender";
    assert_eq!(value(&herder, &format!("/{suite},subtest=fcp/ms#3")), 305.0);
    assert_eq!(value(&herder, &format!("/{suite},subtest=score/score#1")), 88.0);
    assert_eq!(value(&herder, &format!("/{suite}/ms#1")), 310.5);
    let of = |metric: &str| herder.statements.iter().find(|s| s.metric == metric).map(|s| s.direction);
    assert_eq!(of("score"), Some(Direction::HigherIsBetter));
    let list = read(data!("foreign/github-benchmark-reconstructed.json"));
    assert_eq!((value(&list, "/name=start/ms#1"), find(&list, "/name=requests/1/s#1").line), (12.5, 11));
    assert!(list.statements.is_empty());
    let kept = read(data!("foreign/github-benchmark-data-reconstructed.js"));
    assert_eq!(value(&kept, "/suite=Suite,name=b/ms#2"), 11.0);
    assert_eq!(value(&kept, "/suite=Rates,name=b/ops#1"), 99.0);
    assert_eq!(kept.statements.len(), 2);
}

#[test]
fn iometers_row_of_all_targets_counts_reconstructed() {
    let new = read(data!("foreign/iometer-1.1-reconstructed.csv"));
    let case = "/access=4 KiB; 100% Read; 0% random,workers=1,disks=1,depth=8";
    assert_eq!(value(&new, &format!("{case}/IOPS#1")), 10234.5);
    assert_eq!(value(&new, &format!("{case}/latency_ms#1")), 0.78);
    assert_eq!(fact(&new, &new.records[0], "tool.iometer"), Some("1.1.0"));
    let old = read(data!("foreign/iometer-2006-reconstructed.csv"));
    assert_eq!(value(&old, "/access=4 KiB; 100% Read; 0% random,workers=1,disks=1/BW_MiBps#1"), 39.98);
}

#[test]
fn wide_tables_have_a_metric_in_each_column_of_numbers() {
    let otava = read(
        "time,commit,metric1,metric2\n2026-01-02 3:00,aaa0,158735,10.40\n2026-01-03 3:00,aaa1,160402,10.45\n",
    );
    assert_eq!((value(&otava, "//metric1#2"), value(&otava, "//metric2#1")), (160_402.0, 10.4));
    assert!(!otava.names_repeats);
    let factors = read("bs;threads;Run;Latenz (ms)\n4096;1;1;1,5\n4k;1;2;1,75\n8k;1;1;\n");
    assert_eq!(value(&factors, "/bs=4k,threads=1/Latenz (ms)#2"), 1.75);
    assert_eq!((factors.records.len(), factors.names_repeats), (2, true), "an empty cell is none");
    let times = read("case,time\na,1.5\nb,2\n");
    assert_eq!(value(&times, "/case=b/time#1"), 2.0);
    assert_eq!(sniff(b"case,time\na,1795721137\nb,1795721138\n"), None, "moments are no figures");
    let numbered = read(",x\n0,5\n1,6\n");
    assert_eq!((value(&numbered, "//x#2"), numbered.records.len()), (6.0, 2));
    let words = read("mode,x\nfast,1\nslow,oops\n");
    assert_eq!(value(&words, "/mode=fast/x#1"), 1.0);
    assert!(find(&words, "/mode=slow/x#1").value.is_err());
    let odd = parse(Kind::WideCsv, "a,b\n1,2\n3\n4,5").unwrap();
    assert_eq!(odd.losses.iter().map(|l| l.line).collect::<Vec<_>>(), [3, 4]);
    assert!(refusal(Kind::WideCsv, "commit,word\na,b\n").contains("one column a metric"));
}

#[test]
fn a_run_of_iperf3_in_both_directions_has_the_figures_of_both() {
    let sum = |rate: f64| format!("{{\"bits_per_second\": {rate}, \"retransmits\": 1}}");
    let text = format!(
        "{{\"start\": {{\"test_start\": {{\"protocol\": \"TCP\", \"num_streams\": 1, \"blksize\": 1024}}}}, \"end\": {{\
         \"sum_sent\": {}, \"sum_received\": {}, \"sum_sent_bidir_reverse\": {}, \"sum_received_bidir_reverse\": {}}}}}\n",
        sum(2e6),
        sum(1e6),
        sum(4e6),
        sum(3e6)
    );
    let read = parse(Kind::Iperf3, &text).unwrap();
    let found: Vec<_> = read
        .records
        .iter()
        .filter(|r| *r.metric == *"throughput")
        .map(|r| (r.category.to_string(), r.value.clone().unwrap(), r.run.as_deref().unwrap()))
        .collect();
    assert_eq!(found, [("TCP_BIDIR".to_owned(), 1.0, "1"), ("TCP_BIDIR_REVERSE".to_owned(), 3.0, "1")]);
}

#[test]
fn a_qemu_img_bench_that_flushes_is_a_case_of_its_own_and_discards_are_read() {
    let text = "Sending 500 write requests, 4096 bytes each, 8 in parallel (starting at offset 0, step size 4096)\n\
                Sending flush every 100 requests\nRun completed in 0.050 seconds.\n\
                discard 1048576/1048576 bytes at offset 0\n\
                1 MiB, 1 ops; 00.00 sec (1.560 GiB/sec and 1597.5666 ops/sec)\n";
    let read = parse(Kind::QemuImg, text).unwrap();
    let bench = &read.records[0];
    assert_eq!((bench.keys[2].0.as_ref(), bench.keys[2].1.as_ref()), ("flush_interval", "100"));
    assert_eq!(bench.value, Ok(10_000.0));
    assert!(read.records.iter().any(|r| *r.category == *"io_discard" && r.value == Ok(1597.5666)));
    assert!(read.losses.is_empty(), "{:?}", read.losses);
}

#[test]
fn a_terse_line_with_one_part_for_all_directions_is_mixed() {
    let text = include_str!("../../testdata/foreign/fio-3.33-terse4.txt");
    let fields: Vec<&str> = text.lines().next().unwrap().split(';').collect();
    // The head, the first part, and what follows the last one.
    let mixed = [&fields[..46], &fields[5 + 3 * 41..]].concat().join(";") + "\n";
    let read = parse(Kind::FioTerse, &mixed).unwrap();
    assert!(read.records.iter().all(|r| *r.category == *"mixed") && read.losses.is_empty(), "{read:?}");
}

#[test]
fn iozone_without_its_report_gives_the_same_cases_and_values() {
    let id =
        |r: &formats::foreign::Record| (r.metric.clone(), r.keys.clone(), r.value.clone().unwrap().to_bits());
    for (text, end) in [
        (include_str!("../../testdata/foreign/iozone-3.489-auto.txt"), "Excel output is below"),
        (include_str!("../../testdata/foreign/iozone-3.489-threads.txt"), "\"Throughput report"),
    ] {
        let sorted = |text: &str| {
            let read = parse(Kind::Iozone, text).unwrap();
            let mut found: Vec<_> = read.records.iter().map(id).collect();
            found.sort();
            (found, read.settings, read.losses)
        };
        assert_eq!(sorted(&text[..text.find(end).unwrap()]), sorted(text));
    }
    let beside = "Iozone: Performance Test of File I/O\n  kB  reclen    write\n              64       4   110555 77\n\
                  \tChildren see throughput for  2 jugglers \t= 5 kB/sec\n";
    let read = parse(Kind::Iozone, beside).unwrap();
    let told: Vec<&str> = read.losses.iter().map(|loss| loss.reason.as_str()).collect();
    let expected = ["'77' stands under no operation; run iozone with -R", "the unknown operation 'jugglers'"];
    assert_eq!((read.records.len(), told.as_slice()), (1, expected.as_slice()));
}

#[test]
fn a_stream_of_iperf3_is_read_as_its_one_object_is() {
    let whole: serde_json::Value =
        serde_json::from_str(include_str!("../../testdata/iperf3/3.12-tcp.json")).unwrap();
    let event = |name: &str, data: &serde_json::Value| format!("{{\"event\":\"{name}\",\"data\":{data}}}\n");
    let (start, end) = (event("start", &whole["start"]), event("end", &whole["end"]));
    let interval = event("interval", &whole["intervals"][0]);
    let stream = format!("{start}{interval}{end}");
    assert_eq!(sniff(stream.as_bytes()), Some(Kind::Iperf3));
    let read = parse(Kind::Iperf3, &stream).unwrap();
    let values = |read: &formats::foreign::Foreign| -> Vec<_> {
        read.records.iter().map(|r| (r.category.clone(), r.metric.clone(), r.value.clone())).collect()
    };
    assert_eq!(values(&read), values(&parse(Kind::Iperf3, &whole.to_string()).unwrap()));
    let failed = format!("{start}{}", event("error", &"the server is busy".into()));
    let read = parse(Kind::Iperf3, &failed).unwrap();
    assert_eq!(read.records[0].value, Err("it says 'the server is busy'".to_owned()));
    let cut = parse(Kind::Iperf3, &format!("{start}{interval}")).unwrap_err().to_string();
    assert!(cut.contains("no end"), "{cut}");
}
