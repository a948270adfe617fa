//! When a run was made, where its file says so.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Seconds since the epoch that a date gives: `2021-11-01T10:00:00+01:00`; without a zone it is taken as UTC.
pub(super) fn seconds_of(text: &str) -> Option<f64> {
    let zoned = || text.parse::<Timestamp>().ok();
    let plain = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    zoned().or_else(plain).map(|at| at.as_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::seconds_of;

    #[test]
    fn a_date_has_its_zone_or_is_utc() {
        assert_eq!(seconds_of("2021-11-01T10:00:00+01:00"), Some(1_635_757_200.0));
        assert_eq!(seconds_of("2021-11-01T09:00:00.412317"), Some(1_635_757_200.0));
        assert_eq!(seconds_of("yesterday"), None);
    }
}
