//! What the clock says of two sides whose files do not tell their sessions: the moment of each file, from its name, its folder or
//! its content.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use std::path::Path;

/// When a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// To the second, since the epoch.
    Second(i64),
    /// By the name of its job's folder, in that host's own time, taken as UTC.
    Named(i64),
    /// By the day alone, its first second.
    Day(i64),
}

/// Seconds of a day.
const DAY: i64 = 86_400;
/// By so much a host's own time may be another than UTC.
const ZONES: i64 = 14 * 3600;

impl Moment {
    /// Seconds since the epoch, as it is shown.
    pub fn seconds(self) -> i64 {
        match self {
            Moment::Second(at) | Moment::Named(at) | Moment::Day(at) => at,
        }
    }

    /// The first and the last second that it may be; `mixed`: others are of another clock.
    fn span(self, mixed: bool) -> (i64, i64) {
        let zones = if mixed { ZONES } else { 0 };
        match self {
            Moment::Second(at) => (at, at),
            Moment::Named(at) => (at - zones, at + zones),
            Moment::Day(at) => (at - zones, at + DAY - 1 + zones),
        }
    }
}

/// The time in the folders of a file: `job-2024-05-01T12.30-1a2b3c4`, or `2024-05-01` without a time.
pub(crate) fn named(path: &Path) -> Option<Moment> {
    path.parent()?.components().rev().find_map(|part| in_name(part.as_os_str().to_str()?))
}

fn in_name(name: &str) -> Option<Moment> {
    let text = name.strip_prefix("job-").unwrap_or(name);
    let date: Date = text.get(..10)?.parse().ok().filter(|_| text.as_bytes().get(4) == Some(&b'-'))?;
    let clock = text.get(10..).and_then(|rest| rest.strip_prefix('T')).and_then(|rest| {
        let (hour, minute) = (rest.get(..2)?.parse().ok()?, rest.get(3..5)?.parse().ok()?);
        Time::new(hour, minute, 0, 0).ok()
    });
    let at = |time: Time| {
        let zoned = DateTime::from_parts(date, time).to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp().as_second())
    };
    match clock {
        Some(time) => at(time).map(Moment::Named),
        None => at(Time::midnight()).map(Moment::Day),
    }
}

/// How two sides stand to each other in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// A file does not tell when it was written.
    Unknown,
    /// Days alone are known, and the sides share one.
    SameDay,
    /// One side was over, at that second, before the other began.
    After {
        /// The baseline was the first.
        a_first: bool,
        /// The last moment of the first side.
        over: Moment,
        /// The first moment of the second.
        begun: Moment,
    },
    /// They overlap; in the order of time the side changes so many times, of so many that are possible.
    Overlap {
        /// Changes.
        turns: usize,
        /// Of a strict order of turns.
        possible: usize,
    },
}

/// How two sides stand to each other by the moments of all of their files; `None`: a file does not tell.
pub(crate) fn order(a: Option<Vec<Moment>>, b: Option<Vec<Moment>>) -> Order {
    let (Some(a), Some(b)) = (a, b) else { return Order::Unknown };
    let mut all: Vec<(Moment, bool)> =
        a.iter().map(|m| (*m, true)).chain(b.iter().map(|m| (*m, false))).collect();
    let is_exact = |m: &Moment| matches!(m, Moment::Second(_));
    let mixed = all.iter().any(|(m, _)| is_exact(m)) && !all.iter().all(|(m, _)| is_exact(m));
    let ends = |side: &[Moment]| {
        let first = side.iter().copied().min_by_key(|m| m.span(mixed).0)?;
        Some((first, side.iter().copied().max_by_key(|m| m.span(mixed).1)?))
    };
    let (Some(of_a), Some(of_b)) = (ends(&a), ends(&b)) else { return Order::Unknown };
    for (first, second, a_first) in [(of_a, of_b, true), (of_b, of_a, false)] {
        if first.1.span(mixed).1 < second.0.span(mixed).0 {
            return Order::After { a_first, over: first.1, begun: second.0 };
        }
    }
    if mixed || all.iter().any(|(m, _)| matches!(m, Moment::Day(_))) {
        return Order::SameDay;
    }
    all.sort_by_key(|(m, _)| m.seconds());
    // Of two sides at the same second nobody knows which was the first.
    if all.windows(2).any(|pair| matches!(pair, [x, y] if x.1 != y.1 && x.0 == y.0)) {
        return Order::Unknown;
    }
    let turns = all.windows(2).filter(|pair| matches!(pair, [x, y] if x.1 != y.1)).count();
    let possible = (2 * a.len().min(b.len())).min(all.len() - 1);
    Order::Overlap { turns, possible }
}

/// The day of a moment in UTC, `2026-11-29`: the one form of days. `?` for a moment that no calendar has.
pub fn day(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// `2024-05-01 12:30 UTC`, `2024-05-01 12:30 by its folder`, `2024-05-01`.
pub(crate) fn said(moment: Moment) -> String {
    let Ok(at) = Timestamp::from_second(moment.seconds()) else { return "an unknown time".to_owned() };
    let form = match moment {
        Moment::Second(_) => "%Y-%m-%d %H:%M UTC",
        Moment::Named(_) => "%Y-%m-%d %H:%M by its folder",
        Moment::Day(at) => return day(at),
    };
    at.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_job_tells_its_time_and_others_their_day() {
        let of = |path: &str| named(Path::new(path));
        assert_eq!(
            of("x/job-2025-11-03T21.10-1a2b3c4/test-results/1/r.RHS"),
            Some(Moment::Named(1_762_204_200))
        );
        assert_eq!(of("x/2025-11-03/r.RHS"), Some(Moment::Day(1_762_128_000)));
        assert_eq!(of("x/job-2025-13-03T21.10-1a/r.RHS"), None);
        assert_eq!(of("2025-11-03"), None, "a file's own name is no folder");
        assert_eq!(of("x/2025-11-0é/r.RHS"), None);
    }

    #[test]
    fn times_tell_turns_from_one_side_after_the_other() {
        let at = |times: &[i64]| Some(times.iter().map(|t| Moment::Second(*t)).collect::<Vec<_>>());
        let (over, begun) = (Moment::Second(3), Moment::Second(4));
        assert_eq!(order(at(&[1, 3]), at(&[4, 5])), Order::After { a_first: true, over, begun });
        assert_eq!(order(at(&[1, 3, 5]), at(&[2, 4, 6])), Order::Overlap { turns: 5, possible: 5 });
        assert_eq!(order(at(&[1, 2, 5]), at(&[3, 4, 6])), Order::Overlap { turns: 3, possible: 5 });
        assert_eq!(order(at(&[1, 3]), at(&[1, 4])), Order::Unknown, "which was the first of a second");
        assert_eq!(order(at(&[1]), None), Order::Unknown);
    }

    #[test]
    fn days_tell_no_turns_and_another_clock_no_hours() {
        let (day, next) = (|| Some(vec![Moment::Day(0)]), || Some(vec![Moment::Day(DAY)]));
        assert_eq!(order(day(), day()), Order::SameDay);
        assert!(matches!(order(day(), next()), Order::After { a_first: true, .. }));
        let (named, exact) = (Some(vec![Moment::Named(0)]), Some(vec![Moment::Second(3600)]));
        assert_eq!(order(named, exact), Order::SameDay);
    }
}
