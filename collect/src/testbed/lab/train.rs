//! Whether links do what was asked of them: a short train of pings before anything is measured.

use super::GuestLab;
use super::peers::Sight;
use crate::lab::Failed;
use crate::lab::window::LinkMeasured;
use model::Code;
use vm::guest::machine::GuestError;
use vm::guest::network::{Link, Shape};
use vm::guest::os::Os;

/// So many pings, and the seconds between two of them.
const PINGS: u32 = 50;
const EVERY: &str = "0.04";
/// A ping is a frame of so many bytes.
const FRAME: u64 = 98;

/// An emulated guest needs milliseconds for an answer.
const SLACK_US: u64 = 10_000;
/// Loss that is less likely than this is not what was asked for.
const UNLIKELY: f64 = 1e-6;

impl GuestLab {
    /// Measures each link that was asked to be slow or to lose something, the data link for the window's facts.
    ///
    /// # Errors
    /// One of them does something else than was asked for.
    pub(super) fn measure_links(&mut self) -> Result<(), Failed> {
        if self.machine.os != Os::Linux {
            return Ok(());
        }
        for (index, link) in self.cables.way.layout.links.clone().into_iter().enumerate() {
            let sight = self.sight(index).filter(|_| link.shapes != [Shape::default(); 2]);
            let Some(sight) = sight else { continue };
            let train = self.train(&sight).map_err(|e| e.failure())?;
            if index == 0 {
                self.link = Some(train);
            }
            if let Some(trouble) = trouble(&link, &train) {
                return Err(Failed::new(Code::LinkMismatch, trouble));
            }
        }
        Ok(())
    }

    fn train(&mut self, sight: &Sight) -> Result<LinkMeasured, GuestError> {
        let count = PINGS.to_string();
        let argv = ["ping", "-q", "-c", &count, "-i", EVERY, "-W", "2", sight.to()];
        let printed = self.ask(sight, &argv)?.stdout;
        // Of which nothing came back is a train as well.
        let printed = String::from_utf8_lossy(&printed);
        measured(&printed).ok_or_else(|| super::odd(format!("ping told nothing of its train: {printed}")))
    }
}

/// What busybox and iputils print at the end: how many were sent and came back, and the least and the mean time in milliseconds.
fn measured(printed: &str) -> Option<LinkMeasured> {
    let counts = printed.lines().find(|line| line.contains("packets transmitted"))?;
    let mut numbers = counts.split(',').map(|part| part.split_whitespace().next()?.parse::<u32>().ok());
    let (sent, answered) = (numbers.next()??, numbers.next()??);
    let times = printed.lines().find(|line| line.starts_with("round-trip ") || line.starts_with("rtt "));
    let mut times = times.and_then(|line| line.split_once("= ")).map(|(_, times)| times.split('/'));
    let mut next = || -> Option<u64> {
        let milliseconds: f64 = times.as_mut()?.next()?.parse().ok()?;
        milliseconds.is_finite().then_some((milliseconds * 1000.0).round() as u64)
    };
    Some(LinkMeasured { sent, answered, least_us: next(), mean_us: next() })
}

/// In what a link differs from what was asked of it.
fn trouble(link: &Link, train: &LinkMeasured) -> Option<String> {
    let nic = &link.nic;
    let [a, b] = link.shapes;
    let sent = |shape: Shape| (FRAME * 8_000_000_000).checked_div(shape.rate).unwrap_or_default();
    let expected_us =
        [a, b].iter().map(|shape| shape.delay_ns.saturating_add(sent(*shape))).sum::<u64>() / 1000;
    let jitter_us = (a.jitter_ns + b.jitter_ns) / 1000;
    if let Some(least) = train.least_us {
        let (low, high) = (
            expected_us.saturating_sub(jitter_us).saturating_sub(100),
            expected_us + jitter_us + SLACK_US.max(expected_us / 2),
        );
        if !(low..=high).contains(&least) {
            let ms = |us: u64| us as f64 / 1000.0;
            return Some(format!(
                "a round trip over {nic} takes {:.2} ms at least, and its links were asked for {:.2} ms ({:.2} to {:.2} would do)",
                ms(least),
                ms(expected_us),
                ms(low),
                ms(high)
            ));
        }
    }
    let arrives = |shape: Shape| 1.0 - f64::from(shape.loss_ppm) / 1e6;
    let part = 1.0 - arrives(a) * arrives(b);
    let lost = train.sent.saturating_sub(train.answered);
    let unlikely =
        at_least(lost, train.sent, part).min(1.0 - at_least(lost + 1, train.sent, part)) < UNLIKELY;
    unlikely.then(|| {
        format!(
            "of {} pings over {nic} {lost} were lost, and its links were asked to lose {:.2} % of round trips",
            train.sent,
            100.0 * part
        )
    })
}

/// How likely it is that at least so many of all are lost.
fn at_least(lost: u32, all: u32, part: f64) -> f64 {
    // The term of k from that of k - 1; the first one is that all arrive.
    let mut term = (1.0 - part).powi(i32::try_from(all).unwrap_or(i32::MAX));
    let mut less = 0.0;
    for k in 0..lost {
        less += term;
        term *= f64::from(all - k.min(all)) / f64::from(k + 1) * part / (1.0 - part);
    }
    (1.0 - less).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vm::guest::network::{Kind, Layout};

    const MS: u64 = 1_000_000;

    fn link(shapes: [Shape; 2]) -> Link {
        Link { shapes, ..Layout::simple(Kind::Switch).links.remove(0) }
    }

    fn train(answered: u32, least_us: u64) -> LinkMeasured {
        LinkMeasured { sent: 50, answered, least_us: Some(least_us), mean_us: Some(least_us) }
    }

    #[test]
    fn both_kinds_of_ping_tell_how_many_came_back_and_when() {
        let busybox = "PING 192.168.100.1: 56 data bytes\n\n--- 192.168.100.1 ping statistics ---\n\
                       50 packets transmitted, 49 packets received, 2% packet loss\n\
                       round-trip min/avg/max = 10.226/11.800/12.345 ms\n";
        let told = LinkMeasured { sent: 50, answered: 49, least_us: Some(10_226), mean_us: Some(11_800) };
        assert_eq!(measured(busybox), Some(told));
        let iputils = "50 packets transmitted, 50 received, 0% packet loss, time 1999ms\n\
                       rtt min/avg/max/mdev = 0.045/0.060/0.082/0.011 ms\n";
        assert_eq!(measured(iputils).unwrap().least_us, Some(45));
        let nothing = measured("50 packets transmitted, 0 packets received, 100% packet loss\n").unwrap();
        assert_eq!((nothing.answered, nothing.least_us), (0, None));
        for odd in ["", "x packets transmitted, y", "packets transmitted"] {
            assert_eq!(measured(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_link_that_is_faster_or_slower_than_was_asked_for_is_told() {
        let slow = Shape { delay_ns: 5 * MS, ..Shape::default() };
        let both = link([slow, slow]);
        assert_eq!(trouble(&both, &train(50, 10_300)), None);
        assert_eq!(trouble(&both, &train(50, 19_900)), None);
        let fast = trouble(&both, &train(50, 5_300)).unwrap();
        assert!(fast.contains("takes 5.30 ms at least") && fast.contains("asked for 10.00 ms"), "{fast}");
        assert!(trouble(&both, &train(50, 20_100)).is_some());
        let varies = Shape { jitter_ns: 4 * MS, ..slow };
        assert_eq!(trouble(&link([varies, varies]), &train(50, 2_500)), None);
        // 98 bytes at 10 kbit/s.
        let narrow = Shape { rate: 10_000, ..Shape::default() };
        assert_eq!(trouble(&link([narrow, Shape::default()]), &train(50, 78_500)), None);
    }

    #[test]
    fn loss_is_told_only_where_chance_does_not_explain_it() {
        let loses = |percent: u32| Shape { loss_ppm: percent * 10_000, ..Shape::default() };
        let one = link([loses(1), loses(1)]);
        assert_eq!(trouble(&one, &train(50, 300)), None);
        assert_eq!(trouble(&one, &train(45, 300)), None);
        let much = trouble(&one, &train(35, 300)).unwrap();
        assert_eq!(
            much,
            "of 50 pings over nic1 15 were lost, and its links were asked to lose 1.99 % of round trips"
        );
        assert!(trouble(&link([loses(50), loses(0)]), &train(50, 300)).is_some(), "none of fifty");
        assert_eq!(trouble(&link([loses(50), loses(0)]), &train(22, 300)), None);
        assert!(trouble(&link([Shape { delay_ns: 1, ..Shape::default() }; 2]), &train(49, 300)).is_some());
    }

    #[test]
    fn the_tail_of_the_binomial_is_that_of_a_table() {
        assert!((at_least(1, 10, 0.5) - (1.0 - 1.0 / 1024.0)).abs() < 1e-12);
        assert!((at_least(5, 10, 0.5) - 638.0 / 1024.0).abs() < 1e-12);
        assert_eq!(at_least(0, 10, 0.3), 1.0);
        assert_eq!(at_least(1, 10, 0.0), 0.0);
    }
}
