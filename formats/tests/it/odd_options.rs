//! Outputs of known tools in odd layouts: options that change them, what a log puts around them.

use formats::foreign::{self, Foreign, Kind};

const STREAM: &str =
    "MIGRATED TCP STREAM TEST from 0.0.0.0 (0.0.0.0) port 0 AF_INET to 127.0.0.1 () port 0 AF_INET : demo\n";
const RR: &str = "MIGRATED TCP REQUEST/RESPONSE TEST from 0.0.0.0 (0.0.0.0) port 0 AF_INET to 127.0.0.1 () port 0 AF_INET\n";
const STREAM_CPU: &str = "\
Recv   Send    Send                          Utilization       Service Demand
Socket Socket  Message  Elapsed              Send     Recv     Send    Recv
Size   Size    Size     Time     Throughput  local    remote   local   remote
bytes  bytes   bytes    secs.    10^6bits/s  % S      % U      us/KB   us/KB

131072  16384  16384    1.00       1467.18   100.00   -1.00    1.363   -1.000 \n";
const RR_CPU: &str = "\
Local /Remote
Socket Size   Request Resp.  Elapsed Tput     CPU    CPU    S.dem   S.dem
Send   Recv   Size    Size   Time    10^6bits local  remote local   remote
bytes  bytes  bytes   bytes  secs.   per sec  % S    % U    us/KB   us/KB

16384  131072 1       1      1.00    0.67    100.00 -1.00  24298.082  -1.000 
16384  131072\n";
const RR_KBYTES: &str = "\
Local /Remote
Socket Size   Request  Resp.   Elapsed  
Send   Recv   Size     Size    Time     Throughput 
bytes  Bytes  bytes    bytes   secs.    KBytes/sec   

16384  131072 1        1       1.00       93.01   
16384  131072\n";
const COLUMNS: &str = "\
Throughput Throughput Elapsed Local  Mean         
           Units      Time    Send   Latency      
                      (sec)   Size   Microseconds 
                                                  
63933.64   Trans/s    1.00    16384  15.60        \n";

fn read(text: &str) -> Foreign {
    let kind = foreign::sniff(text.as_bytes()).unwrap();
    foreign::parse(kind, text).unwrap()
}

fn refusal(text: &str) -> String {
    match foreign::sniff(text.as_bytes()) {
        Some(kind) => foreign::parse(kind, text).unwrap_err().to_string(),
        None => foreign::look(text.as_bytes()),
    }
}

/// The value of a metric that a file has once.
fn once(read: &Foreign, metric: &str) -> f64 {
    let found: Vec<f64> =
        read.records.iter().filter(|r| *r.metric == *metric).map(|r| r.value.clone().unwrap()).collect();
    assert_eq!(found.len(), 1, "{metric}: {read:?}");
    found[0]
}

/// A script that adds outputs to one file, with and without an output selection.
#[test]
fn classic_tables_of_netperf_beside_selected_output_are_results() {
    let selected = format!("{STREAM}Throughput,Throughput Units,Local Send Size\n900.5,10^6bits/s,4096\n");
    let failed = format!("{RR}establish control: are you sure there is a netserver listening\n");
    let parts = [format!("{STREAM}{STREAM_CPU}"), selected, failed.clone(), format!("{RR}{RR_KBYTES}")];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let text: String = order.iter().map(|part| parts[*part].as_str()).collect();
        let mixed = read(&text);
        let values = |name: &str| {
            let of = mixed.records.iter().filter(|r| *r.category == *name && *r.metric == *"throughput");
            let mut values: Vec<f64> = of.map(|r| r.value.clone().unwrap()).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        assert_eq!(values("TCP_STREAM"), [900.5, 1467.18], "{order:?}");
        assert_eq!(values("TCP_RR"), [93.01 * 8e-6 * 1024.0], "{order:?}");
        assert_eq!((mixed.idle.len(), mixed.losses.len()), (1, 0), "{order:?}: {mixed:?}");
        assert_eq!(&*mixed.idle[0].category, "TCP_RR");
    }
    // Where a line is cut off nobody knows whether its test failed; a table that stands before it is whole.
    let cut = read(&format!("{}{}{}16384", parts[1], failed, parts[0]));
    assert_eq!((cut.records.len(), cut.idle.len(), cut.losses.len()), (4, 1, 1), "{cut:?}");
    let lost = read(&format!("{}1,2\n{failed}", parts[1]));
    assert_eq!((lost.losses.len(), lost.idle.len()), (1, 1), "a lost row hides no failed test: {lost:?}");
}

#[test]
fn netperfs_units_are_told_wherever_its_headings_put_them() {
    for (said, factor) in [
        ("10^3bits/s", 1e-3),
        ("10^6bits/s", 1.0),
        ("10^9bits/s", 1e3),
        ("Bytes   /s", 8e-6),
        ("KBytes  /s", 8e-6 * 1024.0),
        ("MBytes  /s", 8e-6 * 1_048_576.0),
        ("GBytes  /s", 8e-6 * 1_073_741_824.0),
    ] {
        let stream = format!("{STREAM}{}", STREAM_CPU.replace("10^6bits/s", said));
        assert_eq!(once(&read(&stream), "throughput"), 1467.18 * factor, "{said}");
    }
    // As netperf prints them: the value may stand where the heading does.
    let aligned = "Recv   Send    Send                          \nSocket Socket  Message  Elapsed              \n\
                   Size   Size    Size     Time     Throughput  \nbytes  bytes   bytes    secs.    KBytes/sec  \n\n\
                   131072  16384  16384    1.00     1704742.01   \n";
    assert_eq!(once(&read(&format!("{STREAM}{aligned}")), "throughput"), 1_704_742.01 * 8e-6 * 1024.0);
    let unknown = format!("{STREAM}{}", STREAM_CPU.replace("10^6bits/s", "furlongs/s"));
    assert!(
        refusal(&unknown).contains("no heading tells the unit; run netperf with -- -k"),
        "{}",
        refusal(&unknown)
    );
}

#[test]
fn a_rate_of_transactions_in_a_unit_of_bytes_is_no_number_of_transactions() {
    for (table, value) in [(RR_CPU, 0.67), (RR_KBYTES, 93.01 * 8192e-6)] {
        let rr = read(&format!("{RR}{table}"));
        assert_eq!(once(&rr, "throughput"), value);
        assert!(rr.records.iter().all(|record| *record.metric != *"trans.rate"), "{rr:?}");
    }
}

#[test]
fn netperfs_columns_are_read_by_their_headings_in_one_block_or_several() {
    let columns = read(&format!("{RR}{COLUMNS}"));
    assert_eq!((once(&columns, "trans.rate"), once(&columns, "latency_us")), (63_933.64, 15.6));
    assert_eq!(columns.records[0].keys[0], ("size".into(), "16384".into()));
    let apart = "Throughput Throughput \n           Units      \n                      \n                      \n\
                 63933.64   Trans/s    \n\nMean         \nLatency      \nMicroseconds \n             \n15.60        \n";
    let blocks = read(&format!("{RR}{apart}{RR}{COLUMNS}"));
    let of = |metric: &str| blocks.records.iter().filter(|r| *r.metric == *metric).count();
    assert_eq!((of("trans.rate"), of("latency_us"), blocks.losses.len()), (2, 2, 0), "{blocks:?}");
    // Without the headings of its numbers a row is nothing, not the row of another layout.
    let bare = COLUMNS.replace("Throughput", "Frobnicate");
    assert!(!refusal(&format!("{RR}{bare}")).is_empty());
}

#[test]
fn what_netperf_prints_without_its_headings_is_refused_with_the_way_out() {
    let table = "131072  16384  16384    1.00     11732.65   \n";
    for (text, way) in [
        (table.to_owned(), "run the tool with its headings (netperf without -P 0)"),
        (
            format!("Interim result: 15012.24 10^6bits/s over 0.533 seconds\n{table}"),
            "run netperf without -P 0",
        ),
        ("4194304,3128931,16384,1.00,12806.81,10^6bits/s\n".to_owned(), "netperf without -P 0"),
        (format!("{STREAM}7711.60 \n"), "run netperf without -v 0"),
        (format!("{STREAM}Throughput\n4066.08\n"), "select THROUGHPUT_UNITS, too"),
    ] {
        assert!(refusal(&text).contains(way), "{text}: {}", refusal(&text));
    }
}

const IOZONE: &str = "\tIozone: Performance Test of File I/O\n\t        Version $Revision: 3.489 $\n";
const TABLE: &str =
    "              kB  reclen    write  rewrite    read\n              64       4   181962   373229\n";

#[test]
fn iozones_operations_and_microseconds_are_not_taken_for_throughput() {
    for mode in [
        "OPS Mode. Output is in operations per second.",
        "Microseconds/op Mode. Output is in microseconds per operation.",
    ] {
        for end in ["", "\"Writer report\"\n        \"4\"  \"8\"\n\"64\"   181962 \n"] {
            let text = format!("{IOZONE}\t{mode}\n{TABLE}{end}");
            let error = foreign::parse(Kind::Iozone, &text).unwrap_err();
            assert_eq!(error.line, 3);
            assert!(error.reason.contains("run iozone without -O and -N, for kBytes/sec"), "{error}");
        }
    }
}

#[test]
fn each_number_of_processes_of_one_run_of_iozone_is_a_case_with_its_sizes() {
    let part = |threads: u32, value: f64| {
        format!(
            "\tEach process writes a 512 kByte file in 4 kByte records\n\tChildren see throughput for  {threads} initial \
             writers \t= {value} kB/sec\n"
        )
    };
    let head = format!("{IOZONE}\tMin process = 1 \n\tMax process = 2 \n\tThroughput test with 1 process\n");
    let plain = format!("{head}{}{}", part(1, 125.5), part(2, 117.25));
    let report = format!(
        "{plain}\"Throughput report Y-axis is type of test X-axis is number of processes\"\n\"Record size = 4 kBytes \"\n\
         \"Output is in kBytes/sec\"\n\n\"  Initial write \" 125.5  117.25 \n"
    );
    let cases = |text: &str| -> Vec<(String, f64)> {
        let read = read(text);
        assert!(read.losses.is_empty(), "{:?}", read.losses);
        let levels =
            |r: &foreign::Record| r.keys.iter().map(|(key, level)| format!("{key}={level} ")).collect();
        read.records.iter().map(|r| (levels(r), r.value.clone().unwrap())).collect()
    };
    let expected = [
        ("size_kB=512 record_kB=4 threads=1 ".to_owned(), 125.5),
        ("size_kB=512 record_kB=4 threads=2 ".to_owned(), 117.25),
    ];
    assert_eq!(cases(&plain), expected);
    assert_eq!(cases(&report), expected);
}

#[test]
fn json_behind_the_stamps_of_a_log_is_refused_with_the_way_out() {
    let text = "[node1] {\n[node1]   \"fio version\" : \"fio-3.33\",\n[node1]   \"jobs\" : [\n[node1]   ]\n[node1] }\n";
    assert!(
        refusal(text).contains("where a log put something before its lines, cut that away"),
        "{}",
        refusal(text)
    );
}

#[test]
fn the_cpu_time_of_processes_of_iozone_is_read_without_its_report_too() {
    let of = |who: &str, rate: f64, said: &str, used: f64| {
        format!(
            "\tChildren see throughput for  2 {who} \t= {rate:>10.2} kB/sec\n\tMin xfer \t\t\t= 1024.00 kB\n\
             \tCPU {said}: Wall time    0.010    CPU time    0.012    CPU utilization {used:6.2} %\n\n"
        )
    };
    let text = format!(
        "\tIozone: Performance Test of File I/O\n\tCPU utilization Resolution = 0.000 seconds.\n\
         \tEach process writes a 1024 kByte file in 64 kByte records\n\n{}{}{}",
        // iozone itself writes it with a large letter here.
        of("initial writers", 3469.5, "Utilization", 191.93),
        of("rewriters", 5175.25, "utilization", 119.98),
        of("readers", 6441.0, "utilization", 0.0),
    );
    let file = read(&text);
    let found: Vec<(&str, f64)> =
        file.records.iter().map(|r| (r.metric.as_ref(), r.value.clone().unwrap())).collect();
    let expected = [
        ("Write_Thro-KBps", 3469.5),
        ("Write_CPU", 191.93),
        ("ReWrite_Thro-KBps", 5175.25),
        ("ReWrite_CPU", 119.98),
        ("Read_Thro-KBps", 6441.0),
    ];
    assert_eq!(found, expected);
    assert!(file.records.iter().all(|r| r.keys == file.records[0].keys && !r.unit.is_empty()), "{file:?}");
}

#[test]
fn columns_of_days_are_labels_whatever_they_are_called() {
    for days in
        [["2026-01-02", "2026-01-03T10:00"], ["2.1.2026", "13.1.2026 10:00"], ["1/2/2026", "1/13/2026"]]
    {
        let [first, second] = days;
        let table = read(&format!("Datum;threads;ms\n{first};4;1,5\n{second};4;2,5\n"));
        let names: Vec<String> =
            table.records.iter().map(|record| format!("{:?} {:?}", record.keys, record.run)).collect();
        assert_eq!(names, ["[(\"threads\", \"4\")] Some(\"1\")", "[(\"threads\", \"4\")] Some(\"2\")"]);
    }
    // What only looks like one is a level.
    let table = read("kernel,ms\n6.12.1,1.5\n6.12.2,2.5\n");
    assert!(table.records.iter().all(|record| record.keys.len() == 1), "{:?}", table.records);
}

#[test]
fn cells_with_separators_of_thousands_are_told_where_commas_separate_the_cells() {
    let table = read("threads,ops\n4,\"15,012,345\"\n4,\"9,012\"\n");
    for record in &table.records {
        assert!(
            record.value.as_ref().is_err_and(|reason| reason.contains("separators of thousands")),
            "{record:?}"
        );
    }
    assert_eq!(table.records.len(), 2);
}

#[test]
fn a_size_in_hexadecimal_is_the_same_level() {
    let table = read("bs,metric,value\n0x1000,ms,1.5\n4k,ms,2.5\n0x,ms,3\n0x+4,ms,3\n");
    let levels: Vec<&str> = table.records.iter().map(|record| record.keys[0].1.as_ref()).collect();
    assert_eq!(levels, ["4k", "4k", "0x", "0x+4"]);
}
