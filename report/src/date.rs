//! Dates of the data, in UTC: the only clock that a report knows is the one that wrote the results.

use jiff::Timestamp;

/// `2014-05-01 12:00 UTC`, or `date unknown`.
pub(crate) fn utc(seconds: Option<i64>) -> String {
    match seconds.and_then(|s| Timestamp::from_second(s).ok()) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        None => "date unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn a_date_is_utc_or_unknown() {
        assert_eq!(utc(Some(1_398_945_600)), "2014-05-01 12:00 UTC");
        assert_eq!(utc(Some(i64::MAX)), "date unknown");
        assert_eq!(utc(None), "date unknown");
    }
}
