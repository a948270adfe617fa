//! What must hold for any bytes that are read as the output of a tool: no panic, finite values, lines that exist.

// Each target uses one of these functions, the replay all of them.
#![allow(dead_code)]

use formats::tool::ToolError;
use formats::{
    boot, ffsb, fio, iperf3, kvm_unit_tests, ntttcp, pattern, qemu_img, qemu_iotests, sockperf, uperf,
};

/// An error names a line of the text and says why.
fn refused(text: &str, error: &ToolError) {
    let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
    assert!((1..=lines).contains(&error.line) && !error.reason.is_empty(), "{error}");
}

fn good(number: Option<f64>) {
    assert!(number.is_none_or(|n| n.is_finite() || n == f64::INFINITY), "{number:?}");
}

pub fn fio(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match fio::parse(&text) {
        Err(error) => refused(&text, &error),
        Ok(run) => {
            assert!(!run.flows.is_empty() && run.flows.len() <= 3);
            for flow in run.flows.iter().chain([&run.total()]) {
                let ordered = [50.0, 99.0, 99.9].map(|p| flow.percentile(p));
                assert!(ordered.windows(2).all(|w| w[0] <= w[1]), "{ordered:?}");
                good(ordered[2]);
            }
            assert_eq!(fio::parse(&text).as_ref(), Ok(&run));
        }
    }
    if let Err(error) = fio::parse_log(&text) {
        refused(&text, &error);
    }
}

pub fn iperf3(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match iperf3::parse(&text) {
        Err(error) => refused(&text, &error),
        Ok(run) => {
            for interval in &run.intervals {
                good(Some(interval.rate));
            }
            good(Some(run.sent));
            assert_eq!(iperf3::parse(&text).as_ref(), Ok(&run));
        }
    }
}

pub fn qemu_img(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match qemu_img::parse_bench(&text) {
        Err(error) => refused(&text, &error),
        Ok(bench) => assert!(bench.seconds > 0.0 && bench.seconds.is_finite()),
    }
    match qemu_img::parse_io(&text) {
        Err(error) => refused(&text, &error),
        Ok(io) => assert!(io.operations > 0 && io.seconds >= 0.0),
    }
    if let Err(error) = qemu_img::parse_check(&text) {
        assert!(error.line > 0 && !error.reason.is_empty());
    }
}

/// Each input is read as the tests of a tree and as what a test told.
pub fn kvm_unit_tests(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match kvm_unit_tests::parse_config(&text) {
        Err(error) => refused(&text, &error),
        Ok(tests) => {
            for test in &tests {
                assert!(
                    !test.file.is_empty() && !test.file.contains('/') && !test.name.contains('/'),
                    "{test:?}"
                );
                assert_eq!(tests.iter().filter(|other| other.name == test.name).count(), 1);
            }
        }
    }
    let log = kvm_unit_tests::parse_log(&text);
    let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
    for number in &log.numbers {
        assert!(number.cycles > 0.0 && number.cycles.is_finite() && (1..=lines).contains(&number.line));
    }
}

pub fn qemu_iotests(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match qemu_iotests::parse(&text) {
        Err(error) => refused(&text, &error),
        Ok(all) => {
            assert!(!all.is_empty());
            all.iter().for_each(|ran| good(ran.seconds));
        }
    }
    assert!(qemu_iotests::groups(&text).iter().all(|group| !group.is_empty()));
}

pub fn sockperf(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match sockperf::parse(&text) {
        Err(error) => refused(&text, &error),
        Ok(run) => assert!(run.line > 0 && run.seconds > 0.0 && run.mean_us.is_finite()),
    }
}

pub fn ffsb(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match ffsb::parse(&text) {
        Err(error) => refused(&text, &error),
        Ok(run) => assert!(run.line > 0 && run.throughput() > 0.0),
    }
}

pub fn ntttcp(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match ntttcp::parse(&text) {
        Err(error) => refused(&text, &error),
        Ok(run) => assert!(run.line > 0 && run.throughput >= 0.0),
    }
}

pub fn uperf(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match uperf::parse(&text) {
        Err(error) => refused(&text, &error),
        Ok(run) => assert!(run.line > 0 && (run.throughput > 0.0 || run.operations > 0.0)),
    }
}

pub fn boot(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match boot::parse(&text) {
        Err(error) => refused(&text, &error),
        Ok(stages) => {
            let order = [stages.firmware, stages.kernel, stages.user_space, stages.ready];
            assert!(order.windows(2).all(|w| w[0].at <= w[1].at), "{stages:?}");
        }
    }
}

/// What a guest says of its own boot: each input is read in both ways.
pub fn boot_stages(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
    let ways = [boot::systemd::parse(&text).map(Option::unwrap_or_default), boot::cloud_init::parse(&text)];
    for way in ways {
        match way {
            Err(error) => refused(&text, &error),
            Ok(stages) => {
                for stage in &stages {
                    assert!(
                        stage.ms > 0.0 && stage.ms.is_finite() && (1..=lines).contains(&stage.line),
                        "{stage:?}"
                    );
                    assert_eq!(stages.iter().filter(|other| other.metric == stage.metric).count(), 1);
                }
            }
        }
    }
}

/// The first line is the pattern, the rest is the output.
pub fn pattern(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (rule, output) = text.split_once('\n').unwrap_or((&text, ""));
    for pattern in [pattern::Pattern::regex(rule), pattern::Pattern::pointer(rule)].into_iter().flatten() {
        match pattern.find(output) {
            Err(reason) => assert!(!reason.is_empty()),
            Ok((number, line)) => {
                let lines = u32::try_from(output.split('\n').count()).unwrap_or(u32::MAX);
                assert!(number.is_finite() && line.is_none_or(|line| (1..=lines).contains(&line)));
            }
        }
    }
}

/// Stacks of a profile: what is kept of any text reads as itself, and nothing grows.
pub fn folded(data: &[u8]) {
    use formats::folded::{DEEPEST, Folded, LONGEST_NAME, MOST_STACKS};
    for folded in [Folded::read(data), Folded::of_perf(data, None), Folded::of_perf(data, Some((5, 50)))] {
        let mut stacks = 0;
        for (frames, samples) in folded.stacks() {
            let frames: Vec<&str> = frames.collect();
            assert!(samples > 0 && (1..=DEEPEST).contains(&frames.len()));
            assert!(frames.iter().all(|f| !f.is_empty() && f.len() <= LONGEST_NAME && !f.contains('\n')));
            stacks += 1;
        }
        assert!(stacks <= MOST_STACKS);
        let again = Folded::read(folded.text().as_bytes());
        assert_eq!((again.text(), again.lost), (folded.text(), 0));
    }
}
