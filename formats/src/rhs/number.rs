//! Text to number, fast for what result files hold.

/// Parses a finite decimal number; `None` for anything else (`nan`, `inf`, an overflow, text, nothing).
///
/// Correctly rounded. Plain decimals of up to 15 digits take a short path: mantissa and power of ten are both
/// exact in a double, so one division rounds once (Clinger, "How to read floating point numbers accurately", 1990).
#[inline]
pub fn parse_finite(text: &str) -> Option<f64> {
    short_decimal(text.as_bytes()).or_else(|| text.parse::<f64>().ok().filter(|value| value.is_finite()))
}

/// Powers of ten that a double holds exactly and that 15 digits can need.
const TENS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

#[inline]
fn short_decimal(bytes: &[u8]) -> Option<f64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let mut mantissa: u64 = 0;
    let mut count = 0usize;
    let mut point = None;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            count += 1;
        } else if byte == b'.' && point.is_none() {
            point = Some(count);
        } else {
            return None;
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    let decimals = count - point.unwrap_or(count);
    let value = mantissa as f64 / TENS.get(decimals)?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_finite_numbers_are_numbers() {
        for text in
            ["", ".", "-", "nan", "inf", "-inf", "infinity", "1e999", "8k", "1_0", "0x10", "1.2.3", "１"]
        {
            assert_eq!(parse_finite(text), None, "{text:?}");
        }
        for (text, value) in [("1e+06", 1e6), ("5.", 5.0), (".5", 0.5), ("-0.25", -0.25), ("+7", 7.0)] {
            assert_eq!(parse_finite(text), Some(value), "{text:?}");
        }
        assert_eq!(parse_finite("-0").map(f64::is_sign_negative), Some(true));
    }

    proptest! {
        #[test]
        fn the_short_path_agrees_with_the_standard_library(text in "-?[0-9]{0,12}(\\.[0-9]{0,6})?") {
            prop_assert_eq!(parse_finite(&text), text.parse::<f64>().ok());
        }
    }
}
