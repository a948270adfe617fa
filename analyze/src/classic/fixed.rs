//! Numbers with a fixed count of decimals, as C and Python print them, several times faster than `format!`.

use std::fmt::Write as _;

/// How a number that is not negative begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plus {
    /// `%.3f`.
    Hidden,
    /// `%+.3f`.
    Shown,
}

/// Appends `value`, which must be finite, with up to three decimals.
///
/// The exact binary value is rounded, halves to even: `m * 10^decimals` fits 64 bits for the 53-bit significand `m`, so the
/// quotient and the remainder of its division by a power of two are exact.
pub(super) fn write_fixed(value: f64, decimals: u32, plus: Plus, out: &mut String) {
    const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = value.to_bits();
    let exponent = (bits >> MANTISSA_BITS) & 0x7ff;
    let fraction = bits & ((1 << MANTISSA_BITS) - 1);
    // value = mantissa / 2^shift, for normal numbers whose significand has a fractional part at all.
    let shift = i64::from(1023 + MANTISSA_BITS) - exponent as i64;
    if exponent == 0 || shift <= 0 || decimals > 3 {
        let _ = match plus {
            Plus::Hidden => write!(out, "{value:.*}", decimals as usize),
            Plus::Shown => write!(out, "{value:+.*}", decimals as usize),
        };
        return;
    }
    let unit = 10u64.pow(decimals);
    let scaled = (fraction | (1 << MANTISSA_BITS)) * unit;
    let rounded = match u32::try_from(shift) {
        Ok(shift @ 1..64) => {
            let (quotient, rest, half) = (scaled >> shift, scaled & ((1 << shift) - 1), 1u64 << (shift - 1));
            quotient + u64::from(rest > half || (rest == half && quotient & 1 == 1))
        }
        // Less than half of the last decimal.
        _ => 0,
    };
    match (value.is_sign_negative(), plus) {
        (true, _) => out.push('-'),
        (false, Plus::Shown) => out.push('+'),
        (false, Plus::Hidden) => {}
    }
    push_digits(rounded / unit, 1, out);
    if decimals > 0 {
        out.push('.');
        push_digits(rounded % unit, decimals, out);
    }
}

/// Appends a number with at least `width` digits.
fn push_digits(mut number: u64, width: u32, out: &mut String) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    let mut left = width;
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        if number == 0 && left == 0 {
            break;
        }
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        left = left.saturating_sub(1);
        start = index;
    }
    if let Some(text) = digits.get(start..).and_then(|digits| std::str::from_utf8(digits).ok()) {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fixed(value: f64, decimals: u32, plus: Plus) -> String {
        let mut out = String::new();
        write_fixed(value, decimals, plus, &mut out);
        out
    }

    #[test]
    fn edges_print_as_the_standard_library_prints_them() {
        let values = [
            0.0,
            -0.0,
            0.125,
            0.375,
            2.5,
            3.5,
            0.5,
            1.5,
            -0.5,
            0.0005,
            0.00049999,
            1e-300,
            5e-324,
            999.9995,
            0.9995,
            1e15,
            4503599627370495.5,
            4503599627370496.0,
            9007199254740993.0,
            1e300,
            -123456.785,
            f64::MAX,
            2f64.powi(-11),
            2f64.powi(-12),
            99.995,
        ];
        for value in values {
            for decimals in 0..=3 {
                let width = decimals as usize;
                assert_eq!(fixed(value, decimals, Plus::Hidden), format!("{value:.width$}"), "{value:e}");
                assert_eq!(fixed(value, decimals, Plus::Shown), format!("{value:+.width$}"), "{value:e}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_number_prints_as_the_standard_library_prints_it(
            value in prop_oneof![
                any::<f64>().prop_filter("finite", |v| v.is_finite()),
                -1e7..1e7f64,
                (-1_000_000i64..1_000_000).prop_map(|n| n as f64 / 16.0),
                (-1_000_000i64..1_000_000).prop_map(|n| n as f64 / 2000.0),
            ],
            decimals in 0u32..4,
        ) {
            let width = decimals as usize;
            prop_assert_eq!(fixed(value, decimals, Plus::Hidden), format!("{value:.width$}"));
        }
    }
}
