//! Texts of each format, of about so many bytes.

use std::fmt::Write as _;

/// A reader's name and what makes a text for it.
pub type Input = (&'static str, fn(usize) -> String);

/// All of them.
pub const INPUTS: &[Input] = &[
    ("fio-jobs", fio_jobs),
    ("fio-runs", fio_runs),
    ("fio-terse", fio_terse),
    ("iperf3", iperf3),
    ("hyperfine", hyperfine),
    ("google-benchmark", google),
    ("github-benchmark", github),
    ("github-data.js", github_data),
    ("pytest-benchmark", pytest),
    ("perfherder", perfherder),
    ("go-test-json", go_json),
    ("go-bench", go_text),
    ("csv-long", csv_long),
    ("csv-long-few-cases", csv_long_few),
    ("csv-wide", csv_wide),
];

/// A value that differs from entry to entry.
fn value(n: usize) -> f64 {
    1000.0 + (n * 7919 % 1000) as f64 / 8.0
}

/// Entries between a head and a tail, with commas.
fn list(length: usize, head: &str, tail: &str, mut entry: impl FnMut(usize) -> String) -> String {
    let mut text = String::from(head);
    let mut n = 0;
    while text.len() < length {
        if n > 0 {
            text.push_str(",\n");
        }
        text.push_str(&entry(n));
        n += 1;
    }
    text.push_str(tail);
    text
}

/// A run of a real fio, and its one job.
const FIO: &str = include_str!("../../testdata/foreign/fio-3.33-read.json");

fn fio_job(n: usize, job: &str) -> String {
    job.replace("\"jobname\" : \"", &format!("\"jobname\" : \"job{n}-"))
}

fn fio_parts() -> (&'static str, &'static str, &'static str) {
    let jobs = FIO.find("\"jobs\" : [").expect("a list of jobs") + 10;
    let end =
        FIO.rfind("\n  ],\n  \"disk_util\"").or_else(|| FIO.rfind("\n  ]")).expect("the end of the list");
    (&FIO[..jobs], &FIO[jobs..end], &FIO[end..])
}

fn fio_jobs(length: usize) -> String {
    let (head, job, tail) = fio_parts();
    list(length, head, tail, |n| fio_job(n, job))
}

fn fio_runs(length: usize) -> String {
    let mut text = String::new();
    let mut n = 0;
    while text.len() < length {
        text.push_str(&fio_job(n % 20, FIO));
        n += 1;
    }
    text
}

fn fio_terse(length: usize) -> String {
    let line = include_str!("../../testdata/foreign/fio-3.33-terse3.txt");
    line.repeat(length / line.len() + 1)
}

fn iperf3(length: usize) -> String {
    let run = include_str!("../../testdata/iperf3/3.12-tcp.json");
    run.repeat(length / run.len() + 1)
}

fn hyperfine(length: usize) -> String {
    list(length, "{\n  \"results\": [\n", "\n  ]\n}\n", |n| {
        let mut times = String::new();
        for run in 0..10 {
            let comma = if run == 9 { "" } else { "," };
            let _ = writeln!(times, "        {:.17}{comma}", value(n * 10 + run) / 1e4);
        }
        let codes = ["        0"; 10].join(",\n");
        format!(
            "    {{\n      \"command\": \"sleep {n}\",\n      \"mean\": 0.10123,\n      \"stddev\": 0.0001,\n      \
             \"median\": 0.1012,\n      \"user\": 0.00057,\n      \"system\": 0.00039,\n      \"min\": 0.1,\n      \
             \"max\": 0.2,\n      \"times\": [\n{times}      ],\n      \"exit_codes\": [\n{codes}\n      ]\n    }}"
        )
    })
}

fn google(length: usize) -> String {
    let head = "{\n  \"context\": {\n    \"date\": \"2026-01-02\",\n    \"num_cpus\": 4,\n    \"mhz_per_cpu\": 2000,\n    \
                \"library_build_type\": \"release\"\n  },\n  \"benchmarks\": [\n";
    list(length, head, "\n  ]\n}\n", |n| {
        let name = format!("BM_Copy/{}/threads:{}", n / 5, n % 4 + 1);
        format!(
            "    {{\n      \"name\": \"{name}\",\n      \"run_name\": \"{name}\",\n      \"run_type\": \"iteration\",\n      \
             \"repetitions\": 5,\n      \"repetition_index\": {},\n      \"threads\": 1,\n      \"iterations\": 5021,\n      \
             \"real_time\": {},\n      \"cpu_time\": {},\n      \"time_unit\": \"ns\",\n      \
             \"bytes_per_second\": {}\n    }}",
            n % 5,
            value(n),
            value(n + 1),
            value(n) * 1e6
        )
    })
}

fn github_bench(n: usize) -> String {
    format!(
        "  {{\n    \"name\": \"bench number {}\",\n    \"unit\": \"ms\",\n    \"value\": {}\n  }}",
        n % 5000,
        value(n)
    )
}

fn github(length: usize) -> String {
    list(length, "[\n", "\n]\n", github_bench)
}

fn github_data(length: usize) -> String {
    let head = "window.BENCHMARK_DATA = {\n \"lastUpdate\": 1,\n \"entries\": {\n \"suite\": [\n";
    list(length, head, "\n ]\n }\n}\n", |n| {
        let benches: Vec<String> = (0..20).map(|bench| github_bench(n * 20 + bench)).collect();
        format!(
            "{{\"commit\": {{\"id\": \"{n:040}\", \"message\": \"change {n}\"}}, \"date\": {n}, \
             \"tool\": \"customSmallerIsBetter\", \"benches\": [\n{}\n]}}",
            benches.join(",\n")
        )
    })
}

fn pytest(length: usize) -> String {
    let head = "{\n    \"machine_info\": {\"node\": \"n\"},\n    \"benchmarks\": [\n";
    list(length, head, "\n    ],\n    \"datetime\": \"2026\",\n    \"version\": \"4.0.0\"\n}\n", |n| {
        let data: Vec<String> =
            (0..20).map(|run| format!("                    {:e}", value(n + run) / 1e7)).collect();
        format!(
            "        {{\n            \"group\": null,\n            \"name\": \"test_{n}\",\n            \
             \"fullname\": \"tests/test_all.py::test_{n}\",\n            \"params\": null,\n            \"param\": null,\n            \
             \"extra_info\": {{}},\n            \"options\": {{\"timer\": \"perf_counter\", \"min_rounds\": 5}},\n            \
             \"stats\": {{\n                \"min\": 1e-06,\n                \"mean\": {:e},\n                \"data\": [\n{}\n                ],\n                \
             \"iterations\": 1\n            }}\n        }}",
            value(n) / 1e7,
            data.join(",\n")
        )
    })
}

fn perfherder(length: usize) -> String {
    let head = "{\"framework\": {\"name\": \"talos\"}, \"suites\": [\n";
    list(length, head, "\n]}\n", |n| {
        let subtests: Vec<String> = (0..10)
            .map(|test| {
                format!(
                    "{{\"name\": \"sub{test}\", \"unit\": \"ms\", \"lowerIsBetter\": true, \"value\": {}, \"replicates\": [{}, {}, {}]}}",
                    value(n),
                    value(n + 1),
                    value(n + 2),
                    value(n + 3)
                )
            })
            .collect();
        format!(
            "{{\"name\": \"suite{n}\", \"lowerIsBetter\": true, \"unit\": \"ms\", \"extraOptions\": [\"e10s\"], \"subtests\": [{}]}}",
            subtests.join(", ")
        )
    })
}

fn go_line(n: usize) -> String {
    let size = [64, 1024, 4096][n / 10 % 3];
    format!(
        "BenchmarkDecode{}/size={size}-8   \t{:>10}\t{:>12.1} ns/op\t{:>8} B/op\t{:>6} allocs/op",
        n / 30,
        n + 1000,
        value(n),
        n % 512,
        n % 7
    )
}

fn go_text(length: usize) -> String {
    let mut text =
        String::from("goos: linux\ngoarch: amd64\npkg: example.org/codec\ncpu: Some CPU @ 2.00GHz\n");
    for n in 0.. {
        if text.len() > length {
            break;
        }
        text.push_str(&go_line(n));
        text.push('\n');
    }
    text.push_str("PASS\nok  \texample.org/codec\t1.2s\n");
    text
}

fn go_json(length: usize) -> String {
    let mut text = String::new();
    for n in 0.. {
        if text.len() > length {
            break;
        }
        let line = go_line(n);
        let (name, figures) = line.split_at(line.find('\t').expect("a tab") + 1);
        for part in [name, &format!("{figures}\n")] {
            let output = part.replace('\t', "\\t").replace('\n', "\\n");
            let _ = writeln!(
                text,
                "{{\"Time\":\"2026-01-02T03:04:05.678901234Z\",\"Action\":\"output\",\"Package\":\"example.org/codec\",\
                 \"Test\":\"BenchmarkDecode\",\"Output\":\"{output}\"}}"
            );
        }
    }
    text
}

fn csv_long(length: usize) -> String {
    csv_of(length, usize::MAX)
}

fn csv_long_few(length: usize) -> String {
    csv_of(length, 40)
}

fn csv_of(length: usize, cases: usize) -> String {
    let mut text = String::from("case,block_size,metric,repeat,value\n");
    for n in 0.. {
        if text.len() > length {
            break;
        }
        let metric = ["latency_ms", "requests_per_second"][n % 2];
        let _ = writeln!(text, "request-{},4096,{metric},{},{}", n / 20 % cases, n / 2 % 10 + 1, value(n));
    }
    text
}

fn csv_wide(length: usize) -> String {
    let mut text = String::from("time,commit,threads,latency_ms,requests,errors\n");
    for n in 0.. {
        if text.len() > length {
            break;
        }
        let _ = writeln!(text, "2026-01-02,{:07x},{},{},{},{}", n, n / 100, value(n), value(n + 1), n % 3);
    }
    text
}
