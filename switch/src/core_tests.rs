use super::*;
use crate::line::{BACKLOG, CROWD, ON_THE_WAY, STUCK_NS};
use crate::table::OF_A_PORT;
use crate::talk::Port;
use proptest::prelude::*;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Three ports in network 1, of which the second has this link, and one in network 2.
fn core(shape: Shape) -> Core {
    let port = |network, shape| Port { network, shape };
    let plain = Shape::default();
    Core::new(&Plan { seed: 7, ports: vec![port(1, plain), port(1, shape), port(1, plain), port(2, plain)] })
}

fn mac(last: u8) -> Address {
    [0x52, 0x54, 0, 0, 0, last]
}

const EVERYBODY: Address = [0xff; 6];

/// A frame of a length, with a number in it.
fn frame(to: Address, from: Address, number: u32, length: usize) -> Vec<u8> {
    let mut frame = [&to[..], &from[..], &[8, 0], &number.to_be_bytes()].concat();
    frame.resize(length.max(18), 0);
    frame
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(frame[14..18].try_into().unwrap())
}

/// What a port has been given until a time, each with the time.
fn delivered(core: &mut Core, port: usize, until: u64) -> Vec<(u64, u32)> {
    let mut all = Vec::new();
    while let Some(at) = core.next(port).filter(|at| *at <= until) {
        all.push((at, number(core.due(port, at).unwrap())));
        core.sent(port);
    }
    all
}

/// Ports 0 and 1 know one another.
fn introduced(shape: Shape) -> Core {
    let mut core = core(Shape::default());
    core.take(0, &frame(EVERYBODY, mac(1), 0, 60), 0);
    core.take(1, &frame(mac(1), mac(2), 0, 60), 0);
    for port in 0..3 {
        delivered(&mut core, port, 0);
    }
    assert!(core.reshape(1, shape));
    core
}

#[test]
fn a_frame_goes_to_whom_it_is_for_and_what_is_not_known_to_all_of_its_network() {
    let mut core = core(Shape::default());
    let got = |core: &mut Core| (0..4).map(|port| delivered(core, port, SECOND).len()).collect::<Vec<_>>();
    core.take(0, &frame(mac(2), mac(1), 1, 60), 0);
    assert_eq!(got(&mut core), [0, 1, 1, 0], "nobody knows where it is");
    core.take(1, &frame(mac(1), mac(2), 2, 60), 1);
    assert_eq!(got(&mut core), [1, 0, 0, 0]);
    core.take(0, &frame(mac(2), mac(1), 3, 60), 2);
    assert_eq!(got(&mut core), [0, 1, 0, 0]);
    core.take(0, &frame(mac(1), mac(1), 4, 60), 3);
    assert_eq!(got(&mut core), [0, 0, 0, 0], "it is where it came from");
    core.take(2, &frame(EVERYBODY, mac(3), 5, 60), 4);
    assert_eq!(got(&mut core), [1, 1, 0, 0]);
    core.take(0, &frame(mac(2), mac(1), 6, 60), 400 * SECOND);
    assert_eq!(got(&mut core), [0, 0, 0, 0], "not before its time");
    assert_eq!(
        (0..4).map(|port| delivered(&mut core, port, 500 * SECOND).len()).collect::<Vec<_>>(),
        [0, 1, 1, 0]
    );
}

#[test]
fn each_frame_is_late_by_the_delay_and_no_more() {
    let mut core = introduced(Shape { delay_ns: 5 * MS, ..Shape::default() });
    for n in 0..100 {
        core.take(0, &frame(mac(2), mac(1), n, 1000), u64::from(n) * MS / 10);
    }
    assert!(core.due(1, 5 * MS - 1).is_none());
    let got = delivered(&mut core, 1, SECOND);
    let want: Vec<_> = (0..100).map(|n| (5 * MS + u64::from(n) * MS / 10, n)).collect();
    assert_eq!(got, want);
}

#[test]
fn a_delay_that_varies_stays_in_its_bounds_and_keeps_the_order() {
    let mut core = introduced(Shape { delay_ns: 10 * MS, jitter_ns: 4 * MS, ..Shape::default() });
    for n in 0..2000u32 {
        core.take(0, &frame(mac(2), mac(1), n, 60), u64::from(n) * 20 * MS);
    }
    let got = delivered(&mut core, 1, 100 * SECOND);
    assert!(got.iter().map(|(_, n)| *n).eq(0..2000), "in order");
    let late: Vec<f64> =
        got.iter().map(|(at, n)| (at - u64::from(*n) * 20 * MS) as f64 / MS as f64).collect();
    assert!(late.iter().all(|ms| (6.0..=14.0).contains(ms)), "{late:?}");
    let mean = late.iter().sum::<f64>() / 2000.0;
    // Even over 8 ms: its deviation is 2.31 ms, that of the mean 0.052 ms.
    assert!((mean - 10.0).abs() < 0.25, "{mean}");
    let deviation = (late.iter().map(|ms| (ms - mean).powi(2)).sum::<f64>() / 2000.0).sqrt();
    assert!((deviation - 2.31).abs() < 0.2, "{deviation}");
    // Frames that come at once would overtake one another.
    for n in 0..1000 {
        core.take(0, &frame(mac(2), mac(1), n, 60), 200 * SECOND);
    }
    assert!(delivered(&mut core, 1, 300 * SECOND).iter().map(|(_, n)| *n).eq(0..1000));
}

#[test]
fn as_many_are_lost_as_should_be_and_the_same_ones_each_time() {
    let lost = || {
        let mut core = introduced(Shape { loss_ppm: 10_000, ..Shape::default() });
        let mut got = Vec::new();
        for n in 0..100_000 {
            core.take(0, &frame(mac(2), mac(1), n, 60), u64::from(n));
            got.extend(delivered(&mut core, 1, SECOND));
        }
        let counted = core.counters()[1].lost;
        assert_eq!(counted + got.len() as u64, 100_000);
        (counted, got)
    };
    let (counted, got) = lost();
    // Binomial: 1000 with a deviation of 31.5; five of them.
    assert!(counted.abs_diff(1000) < 158, "{counted}");
    assert_eq!(lost().1, got);
}

#[test]
fn a_link_is_as_fast_as_its_rate_and_drops_what_would_wait_too_long() {
    let mut core = introduced(Shape { rate: 8_000_000, ..Shape::default() });
    // A megabyte a second; four are sent in one.
    for n in 0..4000u32 {
        core.take(0, &frame(mac(2), mac(1), n, 1000), u64::from(n) * MS / 4);
    }
    let got = delivered(&mut core, 1, 10 * SECOND);
    assert_eq!(got.iter().filter(|(at, _)| *at <= SECOND).count(), 1000);
    let dropped = core.counters()[1].dropped;
    assert_eq!(dropped + got.len() as u64, 4000);
    let waited = got.len() as u64 * 1000 - 1_000_000;
    assert!(waited.abs_diff(BACKLOG) < 2000, "{waited}");
    assert!(
        got.windows(2).all(|two| two[1].0 - two[0].0 >= MS),
        "never faster than a kilobyte a millisecond"
    );
}

#[test]
fn a_hundred_thousand_frames_at_once_do_not_break_a_link_that_delays() {
    let mut core = introduced(Shape { delay_ns: 50 * MS, ..Shape::default() });
    let begun = std::time::Instant::now();
    for n in 0..100_000 {
        core.take(0, &frame(mac(2), mac(1), n, 60), 0);
        assert!(!core.waits(0, 0), "what is on its way keeps nobody waiting");
    }
    let got = delivered(&mut core, 1, 50 * MS);
    assert!(got.iter().map(|(at, n)| (*at, *n)).eq((0..100_000).map(|n| (50 * MS, n))));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn memory_is_bounded_whatever_the_delay() {
    let mut core = introduced(Shape { delay_ns: 60 * SECOND, ..Shape::default() });
    for n in 0..1000 {
        core.take(0, &frame(mac(2), mac(1), n, 60_000), 0);
    }
    let fit = (ON_THE_WAY / 60_000) as u64;
    assert_eq!(core.counters()[1].dropped, 1000 - fit);
    assert_eq!(delivered(&mut core, 1, 100 * SECOND).len() as u64, fit);
}

#[test]
fn whoever_sends_more_than_another_takes_waits_and_nobody_waits_for_a_machine_that_is_down() {
    let mut core = introduced(Shape::default());
    core.full(1, 0);
    let mut sent = 0;
    while !core.waits(0, 0) {
        core.take(0, &frame(mac(2), mac(1), sent, 1000), 0);
        sent += 1;
        assert!(sent < 100);
    }
    assert_eq!(sent as usize, CROWD + 1);
    assert!(!core.waits(2, 0), "who sends nothing there is not held");
    assert_eq!(delivered(&mut core, 1, 0).len() as u32, sent, "nothing was dropped");
    assert!(!core.waits(0, 1));
    // Nothing is taken any more.
    core.full(1, SECOND);
    for n in 0..1000 {
        core.take(0, &frame(mac(2), mac(1), n, 1000), SECOND);
    }
    assert!(core.waits(0, SECOND + STUCK_NS) && !core.waits(0, SECOND + STUCK_NS + 1));
    let before = core.counters()[1].dropped;
    for n in 0..1000 {
        core.take(0, &frame(mac(2), mac(1), n, 1000), 3 * SECOND);
        assert!(!core.waits(0, 3 * SECOND));
    }
    assert_eq!(core.counters()[1].dropped - before, 1000);
}

#[test]
fn nobody_waits_for_a_port_that_its_machine_has_left() {
    let mut core = introduced(Shape::default());
    core.full(1, MS);
    for n in 0..=CROWD as u32 {
        core.take(0, &frame(mac(2), mac(1), n, 60), MS);
    }
    assert!(core.waits(0, MS), "nobody takes anything there");
    // What is for all keeps nobody waiting.
    core.take(2, &frame(EVERYBODY, mac(3), 0, 60), MS);
    assert!(!core.waits(2, MS));
    // The machine turns up at another port.
    core.take(2, &frame(EVERYBODY, mac(2), 0, 60), 2 * MS);
    assert!(!core.waits(0, 2 * MS));
    delivered(&mut core, 2, 2 * MS);
    core.take(0, &frame(mac(2), mac(1), 77, 60), 2 * MS);
    assert_eq!(delivered(&mut core, 2, SECOND).last().map(|(_, number)| *number), Some(77));
}

#[test]
fn whoever_makes_up_addresses_forgets_his_own_and_nobody_elses() {
    let mut core = introduced(Shape::default());
    for n in 0..100_000u32 {
        let made_up = [0x02, 0, 0, (n >> 16) as u8, (n >> 8) as u8, n as u8];
        core.take(2, &frame(mac(1), made_up, n, 60), 1);
        delivered(&mut core, 0, SECOND);
    }
    assert_eq!(core.tables[&1].len(), OF_A_PORT + 2);
    core.take(0, &frame(mac(2), mac(1), 1, 60), 2);
    assert_eq!((delivered(&mut core, 1, SECOND).len(), delivered(&mut core, 2, SECOND).len()), (1, 0));
}

#[test]
fn what_is_no_frame_goes_nowhere_and_is_counted() {
    let mut core = core(Shape::default());
    let group = [1, 0, 0x5e, 0, 0, 1];
    for wrong in [vec![], vec![0; 13], vec![0; LONGEST + 1], frame(EVERYBODY, group, 0, 60)] {
        core.take(0, &wrong, 0);
    }
    let counters = core.counters();
    assert_eq!((counters[0].malformed, counters[0].received), (4, 0));
    assert!((0..4).all(|port| core.next(port).is_none()));
    core.take(9, &frame(EVERYBODY, mac(1), 0, 60), 0);
    assert!(!core.reshape(9, Shape::default()) && core.due(9, 0).is_none());
}

proptest! {
    #[test]
    fn whatever_is_sent_each_frame_is_delivered_lost_or_dropped_and_none_is_invented(
        frames in prop::collection::vec(
            (0..5usize, prop::collection::vec(any::<u8>(), 0..40), 0..3u64 * SECOND),
            0..300,
        ),
        loss_ppm in 0..1_000_001u32,
        rate in 0..2_000_000u64,
        delay_ns in 0..2 * SECOND,
        jitter_ns in 0..4 * SECOND,
    ) {
        let mut core = core(Shape { delay_ns, jitter_ns, loss_ppm, rate });
        let mut now = 0;
        for (port, bytes, later) in &frames {
            core.take(*port, bytes, now);
            now += later;
            if later % 3 == 0 {
                core.full(1, now);
            }
            core.waits(*port, now);
        }
        let mut given = 0;
        for port in 0..4 {
            while core.due(port, u64::MAX).is_some() {
                core.sent(port);
                given += 1;
            }
        }
        let all = core.counters();
        let sum = |of: fn(&Counters) -> u64| all.iter().map(of).sum::<u64>();
        let from = frames.iter().filter(|(port, ..)| *port < 4).count() as u64;
        prop_assert_eq!(sum(|c| c.received) + sum(|c| c.malformed), from);
        prop_assert_eq!(sum(|c| c.sent), given);
        prop_assert!(given + sum(|c| c.lost) + sum(|c| c.dropped) <= 2 * sum(|c| c.received));
    }
}
