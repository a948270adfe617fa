//! What is known to fail, and until when: the key `expected_until`.

/// The key of an environment: `2027-01-31, BUG`.
pub const EXPECTED_UNTIL: &str = "expected_until";
/// What its value looks like.
pub const WANTED: &str = "a day and what is known, such as 2027-01-31, BUG-17";

/// Until when failures are known, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedUntil {
    /// The last day, `YYYY-MM-DD`.
    pub day: String,
    /// The bug, by its name or its address.
    pub bug: String,
}

impl ExpectedUntil {
    /// Reads `DAY, BUG`, or `DAY BUG` where a comma ends a value; `None` for anything else.
    pub fn parse(text: &str) -> Option<ExpectedUntil> {
        let (day, bug) = text.trim().split_once([',', ' '])?;
        let (day, bug) = (day.trim(), bug.trim_start_matches([',', ' ']).trim());
        (is_day(day) && !bug.is_empty()).then(|| ExpectedUntil { day: day.to_owned(), bug: bug.to_owned() })
    }

    /// Whether the last day is over. `today` is `YYYY-MM-DD`; an empty one is before any.
    pub fn is_over(&self, today: &str) -> bool {
        self.day.as_str() < today
    }
}

/// A day of the calendar as `YYYY-MM-DD`.
pub fn is_day(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() };
    let number = |range| text.get(range).and_then(|part: &str| part.parse::<u32>().ok());
    let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_day = (1..=12).contains(&month) && (1..=days).contains(&day);
    text.len() == 10 && text.bytes().enumerate().all(shape) && is_day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_and_a_bug_are_read_and_nothing_else() {
        let known = ExpectedUntil::parse(" 2027-01-31 , https://bugs.example/1, 2").unwrap();
        assert_eq!((known.day.as_str(), known.bug.as_str()), ("2027-01-31", "https://bugs.example/1, 2"));
        assert_eq!(ExpectedUntil::parse("2027-01-31 BUG 7").unwrap().bug, "BUG 7");
        assert!(!known.is_over("2027-01-31") && known.is_over("2027-02-01") && !known.is_over(""));
        for text in
            ["", "2027-01-31", "2027-01-31,", "2027-02-29, x", "2027-13-01, x", "soon, x", "31.1.2027, x"]
        {
            assert_eq!(ExpectedUntil::parse(text), None, "{text}");
        }
    }
}
