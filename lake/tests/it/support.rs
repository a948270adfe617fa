//! Campaigns as nights bring them.

use lake::{Boot, Build, Campaign, Commit, Micros, Point};

/// A campaign of some series with five boots each.
pub fn night(name: &str, month: &str, series: usize, day: i64) -> Campaign {
    let id = |i: usize| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        id
    };
    let value = |i: usize, boot: usize| {
        let mixed = (i * 31 + boot * 17 + day as usize * 7) as u64;
        1000.0 * (1.0 + (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / 1e9)
    };
    let at = Micros(1_764_500_000_000_000 + day * 86_400_000_000);
    let points = (0..series).map(|i| Point {
        series_id: id(i),
        machine: "host-a".to_owned(),
        accel: "kvm".to_owned(),
        workload: "netperf".to_owned(),
        scenario: Some("host_guest".to_owned()),
        case: format!("TCP_STREAM size={}", 64 << (i % 8)),
        metric: "throughput".to_owned(),
        unit: "Mbit/s".to_owned(),
        direction: "higher".to_owned(),
        scale: "log".to_owned(),
        role: "judged".to_owned(),
        env: "a".to_owned(),
        build_id: format!("build-{day}"),
        campaign: name.to_owned(),
        source: name.to_owned(),
        measured_at: at,
        n: 5,
        mean: value(i, 0).ln(),
        sd: Some(0.03),
        se: None,
        min: value(i, 1),
        max: value(i, 2),
        mean_raw: value(i, 3),
        quiet: Some(i % 2 == 0),
        schema: 1,
        ..Point::default()
    });
    let boots = (0..series * 5).map(|i| Boot {
        series_id: id(i / 5),
        campaign: name.to_owned(),
        source: name.to_owned(),
        env: "a".to_owned(),
        block: Some((i % 5) as i32),
        order: Some(0),
        repeat: (i % 5) as i32,
        attempt: 1,
        boot: Some((i % 5) as i32),
        host_boot: Some("0f1e".to_owned()),
        value: (i % 97 != 0).then(|| value(i / 5, i % 5)),
        invalid_code: (i % 97 == 0).then(|| "guest-died".to_owned()),
        start: Some(Micros(at.0 + (i % 5) as i64 * 60_000_000)),
        len: Some(10.0),
    });
    Campaign {
        name: name.to_owned(),
        machine: "host-a".to_owned(),
        month: month.to_owned(),
        points: points.collect(),
        boots: boots.collect(),
        builds: vec![Build {
            build_id: format!("build-{day}"),
            source: name.to_owned(),
            commit: Some(format!("{day:040x}")),
            ..Build::default()
        }],
        commits: vec![Commit {
            commit: format!("{day:040x}"),
            source: name.to_owned(),
            ordinal: Some(day),
            ..Commit::default()
        }],
    }
}
