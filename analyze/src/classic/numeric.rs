//! The ancestor's arithmetic and number formats.

use super::fixed::{Plus, write_fixed};

/// The arithmetic mean as the ancestor prints it: a whole number, cut towards zero, when the first repeat's text is one;
/// two decimals otherwise. Writes nothing without values or when the sum overflows.
pub(super) fn write_mean(values: &[f64], whole: bool, out: &mut String) {
    let mean = values.iter().fold(0.0, |sum, x| sum + x) / values.len() as f64;
    if !mean.is_finite() {
        return;
    }
    // + 0.0 turns the -0 of a mean between -1 and 0 into 0.
    let (mean, decimals) = if whole { (mean.trunc() + 0.0, 0) } else { (mean, 2) };
    write_fixed(mean, decimals, Plus::Hidden, out);
}

/// `%SD`: the sample standard deviation, rounded to three decimals, as a percentage of the printed mean.
///
/// The deviation comes from the sum of squares, as the ancestor's does: where that cancels to nothing it is 0. Writes nothing
/// when the squares overflow.
pub(super) fn write_relative_sd(values: &[f64], printed_mean: f64, out: &mut String) {
    if printed_mean == 0.0 {
        out.push_str("0.0");
        return;
    }
    // The deviation goes through its text, in the place where the percentage will stand.
    let (start, deviation) = (out.len(), standard_deviation(values));
    if !deviation.is_finite() {
        return;
    }
    write_fixed(deviation, 3, Plus::Hidden, out);
    let rounded = out.get(start..).and_then(formats::rhs::parse_finite).unwrap_or(deviation);
    out.truncate(start);
    let percent = rounded / printed_mean * 100.0;
    if percent.is_finite() {
        write_fixed(percent, if percent < 1.0 { 2 } else { 0 }, Plus::Hidden, out);
        out.push('%');
    }
}

fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let (sum, squares) = values.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    let mean = sum / n;
    let spread = squares - n * (mean * mean);
    if mean == 0.0 || values.len() == 1 || spread <= 0.0 { 0.0 } else { (spread / (n - 1.0)).sqrt() }
}

/// `%Diff between Avg` of the printed means. Writes nothing when it overflows.
pub(super) fn write_difference(a: f64, b: f64, out: &mut String) {
    if a == 0.0 {
        out.push_str("+0.0");
    } else {
        let percent = (b - a) / a * 100.0;
        if percent.is_finite() {
            write_fixed(percent, 3, Plus::Shown, out);
            out.push('%');
        }
    }
}

/// `1 - p` with three decimals; signed only where p, unrounded, is at most 0.05: `+` when side 2 is larger or equal.
pub(super) fn write_significance(p: f64, a: f64, b: f64, out: &mut String) {
    let sign = match (p <= 0.05, a > b) {
        (false, _) => ' ',
        (true, true) => '-',
        (true, false) => '+',
    };
    out.push(sign);
    write_fixed(1.0 - p, 3, Plus::Hidden, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn means_are_cut_or_rounded_by_the_first_text() {
        assert_eq!(text(|o| write_mean(&[1.0, 1.9, 1.9], true, o)), "1");
        assert_eq!(text(|o| write_mean(&[-0.5, -0.5], true, o)), "0");
        assert_eq!(text(|o| write_mean(&[-3.0, -4.0], true, o)), "-3");
        assert_eq!(text(|o| write_mean(&[1.9, 1.0, 1.9], false, o)), "1.60");
        assert_eq!(text(|o| write_mean(&[], false, o)), "");
        assert_eq!(text(|o| write_mean(&[1e308, 1e308], false, o)), "");
        // Python rounds the exact binary value, halves to even.
        assert_eq!(text(|o| write_mean(&[0.125], false, o)), "0.12");
        assert_eq!(text(|o| write_mean(&[0.375], false, o)), "0.38");
    }

    #[test]
    fn deviations_keep_two_decimals_below_one_percent_only() {
        assert_eq!(text(|o| write_relative_sd(&[315.43, 280.06], 297.75, o)), "8%");
        assert_eq!(text(|o| write_relative_sd(&[725.56, 732.78], 729.17, o)), "0.70%");
        assert_eq!(text(|o| write_relative_sd(&[2.0, 2.0], 2.0, o)), "0.00%");
        // SD 0.250 of a mean of 10 is 2.5 %: halves to even.
        assert_eq!(text(|o| write_relative_sd(&[9.75, 10.0, 10.25], 10.0, o)), "2%");
        assert_eq!(text(|o| write_relative_sd(&[0.0, 1.0], 0.0, o)), "0.0");
        assert_eq!(text(|o| write_relative_sd(&[5.0], 5.0, o)), "0.00%");
        assert_eq!(text(|o| write_relative_sd(&[1e300, 2e300], 1.5e300, o)), "");
    }

    #[test]
    fn differences_and_significance_carry_their_sign() {
        assert_eq!(text(|o| write_difference(4523.61, 4635.51, o)), "+2.474%");
        assert_eq!(text(|o| write_difference(0.0, 7.0, o)), "+0.0");
        assert_eq!(text(|o| write_significance(0.640, 1.0, 2.0, o)), " 0.360");
        assert_eq!(text(|o| write_significance(0.05, 1.0, 2.0, o)), "+0.950");
        assert_eq!(text(|o| write_significance(0.0500001, 1.0, 2.0, o)), " 0.950");
        assert_eq!(text(|o| write_significance(1e-9, 3.0, 2.0, o)), "-1.000");
        assert_eq!(text(|o| write_significance(0.01, 2.0, 2.0, o)), "+0.990");
    }
}
