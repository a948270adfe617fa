//! What must hold for any bytes that are read as a result of another tool.

// Each target uses one of these functions, the replay all of them.
#![allow(dead_code)]

use formats::foreign::{Kind, look, parse, plain, sniff};

pub fn fio_json(data: &[u8]) {
    holds(Kind::FioJson, data);
}

pub fn netperf_omni(data: &[u8]) {
    holds(Kind::NetperfOmni, data);
}

pub fn long_csv(data: &[u8]) {
    holds(Kind::LongCsv, data);
}

pub fn hyperfine(data: &[u8]) {
    holds(Kind::Hyperfine, data);
}

pub fn benchfmt(data: &[u8]) {
    holds(Kind::Benchfmt, data);
}

pub fn iozone(data: &[u8]) {
    holds(Kind::Iozone, data);
}

pub fn iperf3_json(data: &[u8]) {
    holds(Kind::Iperf3, data);
}

pub fn fio_terse(data: &[u8]) {
    holds(Kind::FioTerse, data);
}

pub fn go_json(data: &[u8]) {
    holds(Kind::GoJson, data);
}

pub fn sockperf_text(data: &[u8]) {
    holds(Kind::Sockperf, data);
}

pub fn uperf_text(data: &[u8]) {
    holds(Kind::Uperf, data);
}

pub fn ntttcp_text(data: &[u8]) {
    holds(Kind::Ntttcp, data);
}

pub fn ntttcp_xml(data: &[u8]) {
    holds(Kind::NtttcpXml, data);
}

pub fn ffsb_text(data: &[u8]) {
    holds(Kind::Ffsb, data);
}

pub fn qemu_img_text(data: &[u8]) {
    holds(Kind::QemuImg, data);
}

pub fn netperf_text(data: &[u8]) {
    holds(Kind::Netperf, data);
}

pub fn gbench(data: &[u8]) {
    holds(Kind::GoogleBenchmark, data);
}

pub fn pytest_bench(data: &[u8]) {
    holds(Kind::PytestBenchmark, data);
}

pub fn sysbench(data: &[u8]) {
    holds(Kind::Sysbench, data);
}

pub fn phoronix(data: &[u8]) {
    holds(Kind::Phoronix, data);
}

pub fn perfherder(data: &[u8]) {
    holds(Kind::Perfherder, data);
}

pub fn github_bench(data: &[u8]) {
    holds(Kind::GithubBenchmark, data);
}

pub fn iometer(data: &[u8]) {
    holds(Kind::Iometer, data);
}

pub fn wide_csv(data: &[u8]) {
    holds(Kind::WideCsv, data);
}

/// Whatever is packed or encoded gives text within the bound, and a sentence when it does not.
pub fn foreign_plain(data: &[u8]) {
    const LIMIT: u64 = 1 << 16;
    let _ = sniff(data);
    let said = look(data);
    assert!(said.starts_with("it ") && !said.contains('\n'), "{said}");
    match plain(data, LIMIT) {
        Ok(text) => {
            // UTF-16 and what is not valid may take three times as much in UTF-8.
            assert!(text.len() as u64 <= 3 * LIMIT.max(data.len() as u64));
        }
        Err(reason) => assert!(!reason.is_empty()),
    }
}

/// Panics when the law is broken.
fn holds(kind: Kind, data: &[u8]) {
    let _ = sniff(data);
    let text = String::from_utf8_lossy(data);
    let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
    match parse(kind, &text) {
        Err(error) => {
            assert_eq!(error.kind, kind);
            assert!((1..=lines).contains(&error.line) && !error.reason.is_empty(), "{error}");
        }
        Ok(foreign) => {
            assert!(!foreign.records.is_empty() || !foreign.idle.is_empty());
            for record in &foreign.records {
                assert!((1..=lines).contains(&record.line) && !record.metric.is_empty(), "{record:?}");
                match &record.value {
                    Ok(value) => assert!(value.is_finite(), "{record:?}"),
                    Err(reason) => assert!(!reason.is_empty(), "{record:?}"),
                }
            }
            for loss in &foreign.losses {
                assert!((1..=lines).contains(&loss.line) && !loss.reason.is_empty(), "{loss:?}");
            }
            for idle in &foreign.idle {
                assert!((1..=lines).contains(&idle.line) && !idle.reason.is_empty(), "{idle:?}");
            }
            // Reading is a function of the text alone.
            assert_eq!(parse(kind, &text).as_ref(), Ok(&foreign));
        }
    }
}
