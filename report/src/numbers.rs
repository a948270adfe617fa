//! Numbers as people read them: significant digits, units, signs, never NaN.
//!
//! Everything here returns ASCII digits and `-`; a renderer that has better typography at hand replaces them.

use analyze::{Interval, Row, Sample};

/// What is printed where there is no number.
pub const NONE: &str = "n/a";

/// A power of ten between a unit as it was measured and as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaled {
    /// Multiply a measured value by this to get the shown one.
    pub factor: f64,
    /// The unit as shown, for example `Gbit/s`; empty for a plain count.
    pub unit: String,
}

/// SI prefixes by power of ten.
const PREFIXES: [(&str, i32); 9] =
    [("n", -9), ("u", -6), ("µ", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12)];

/// Units that take prefixes directly (`Mbit/s`).
const SYMBOLS: [&str; 10] = ["bit/s", "b/s", "bps", "B/s", "Bps", "bit", "B", "s", "Hz", "J"];

/// Units that are words: the prefix stands apart (`k IOPS`).
const WORDS: [&str; 12] =
    ["", "IOPS", "iops", "1/s", "/s", "ops/s", "op/s", "trans/s", "pkt/s", "packets", "packets/s", "req/s"];

/// Below this share of a unit a value is shown in the next smaller one.
const SMALL: f64 = 0.1;
/// From this value on a value is shown in a larger unit.
const LARGE: f64 = 10_000.0;

/// The unit in which values up to `largest` are shown, chosen once for both sides of a row.
///
/// Values from 0.1 up to 10,000 keep the unit in which they were measured; only times go to smaller units.
/// Units that are not known to take SI prefixes (`%`, `KiB/s`) are never scaled.
pub fn scale(unit: &str, largest: f64) -> Scaled {
    let unchanged = Scaled { factor: 1.0, unit: unit.to_owned() };
    let largest = largest.abs();
    if !largest.is_finite() || largest == 0.0 || (SMALL..LARGE).contains(&largest) {
        return unchanged;
    }
    let Some((exponent, base)) = split_prefix(unit) else { return unchanged };
    if largest < SMALL && base != "s" {
        return unchanged;
    }
    let wanted = (((largest.log10() + f64::from(exponent)) / 3.0).floor() as i32 * 3).clamp(-9, 12);
    // A plain count is never shown in thousandths, and seconds are shown in seconds, not kiloseconds.
    let wanted = if base == "s" { wanted.min(0) } else { wanted };
    let Some((prefix, power)) = PREFIXES.iter().rev().find(|(_, p)| *p == wanted) else { return unchanged };
    let shown = if WORDS.contains(&base) && !prefix.is_empty() {
        format!("{prefix} {base}").trim_end().to_owned()
    } else {
        format!("{prefix}{base}")
    };
    Scaled { factor: 10f64.powi(exponent - power), unit: shown }
}

/// `Mbit/s` is a million `bit/s`.
fn split_prefix(unit: &str) -> Option<(i32, &str)> {
    let known = |u: &str| SYMBOLS.contains(&u);
    if known(unit) || WORDS.contains(&unit) {
        return Some((0, unit));
    }
    PREFIXES
        .iter()
        .chain([("K", 3)].iter())
        .filter(|(p, _)| !p.is_empty())
        .find_map(|(p, power)| unit.strip_prefix(p).filter(|rest| known(rest)).map(|rest| (*power, rest)))
}

/// The unit for the two sides of a row.
pub fn row_scale(row: &Row) -> Scaled {
    let sides = [row.a.mean, row.b.mean].into_iter().flatten();
    scale(&row.unit, sides.fold(0.0, |m, v| f64::max(m, v.abs())))
}

/// Digits behind the point that give `value` so many significant digits.
fn decimals(value: f64, digits: i32) -> usize {
    let value = value.abs();
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    // 9.996 with three digits is 10.0: the exponent after rounding counts.
    let exponent = |v: f64| v.log10().floor() as i32;
    let first = exponent(value);
    let unit = 10f64.powi(first - digits + 1);
    let rounded = (value / unit).round() * unit;
    (digits - 1 - exponent(rounded * (1.0 + 1e-12))).clamp(0, 12) as usize
}

/// A value with so many significant digits, never in powers of ten unless it is extreme.
pub fn significant(value: f64, digits: i32) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-7..1e15).contains(&value.abs()) {
        return format!("{value:.*e}", (digits - 1).max(0) as usize);
    }
    fixed(value, decimals(value, digits))
}

/// A round value, as labels of axes are: up to six significant digits, without zeros that say nothing.
pub fn trimmed(value: f64) -> String {
    let text = significant(value, 6);
    if text.contains('.') && !text.contains('e') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// A fixed number of decimals; what rounds to zero loses its sign.
fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|b| b == b'0' || b == b'.') => rest.to_owned(),
        _ => text,
    }
}

/// The same with a sign in front, except for zero.
fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let zero = text.bytes().all(|b| b == b'0' || b == b'.');
    if zero || text.starts_with('-') { text } else { format!("+{text}") }
}

/// Both means in the row's unit: four significant digits, and more where two different means would print alike.
/// Whole numbers stay whole.
pub fn means(a: Option<f64>, b: Option<f64>, scaled: &Scaled) -> (String, String) {
    let whole = [a, b].into_iter().flatten().all(|v| v.fract() == 0.0 && v.abs() < LARGE);
    let show = |v: Option<f64>, digits| match v {
        None => NONE.to_owned(),
        Some(v) if scaled.factor == 1.0 && whole => format!("{v:.0}"),
        Some(v) => significant(v * scaled.factor, digits),
    };
    let mut texts = (show(a, 4), show(b, 4));
    for digits in 5..=9 {
        if a == b || texts.0 != texts.1 {
            break;
        }
        texts = (show(a, digits), show(b, digits));
    }
    texts
}

/// `1.2%`, `12%`: two significant digits of a coefficient of variation.
pub fn cv(sample: &Sample) -> Option<String> {
    sample.cv.and_then(share)
}

/// The same of a share: 0.012 is `1.2%`.
pub(crate) fn share(value: f64) -> Option<String> {
    value.is_finite().then(|| percent_plain(value * 100.0))
}

/// The size of an effect, a ratio minus 1: 0.0034 is `0.34%`, 20.9 is `×21.9`.
pub fn size(ratio: f64) -> String {
    match ratio * 100.0 {
        percent if !percent.is_finite() => NONE.to_owned(),
        percent if percent >= FACTOR => factor(percent),
        percent => percent_plain(percent),
    }
}

/// A percentage that is a size, not a change: `0.34%`, `1.2%`, `12%`.
pub(crate) fn percent_plain(percent: f64) -> String {
    if percent != 0.0 && percent.abs() < 0.005 {
        return "<0.01%".to_owned();
    }
    let decimals = decimals(percent, 2).min(2);
    format!("{}%", fixed(percent, decimals))
}

/// A threshold as people write it: 0.05 is `5%`, 0.025 is `2.5%`.
pub fn percent(ratio: f64) -> String {
    let text = fixed(ratio * 100.0, 2);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The band of ratios on the log scale, 1/(1+m) to 1+m: `from -4.76% to +5%`.
pub fn band(m: f64) -> String {
    format!("from {} to +{}", percent(1.0 / (1.0 + m) - 1.0), percent(m))
}

/// How far B is from A, as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `-6.49%`; `+1001 pkt/s` where a ratio has no meaning; [`NONE`] where nothing is known.
    pub text: String,
    /// `[-8.10, -4.90]`, with the decimals of the estimate.
    pub ci: Option<String>,
    /// It is a difference in the row's unit, not a ratio.
    pub absolute: bool,
    /// The interval is the one after choosing, of a decided row; else the 95 % interval.
    pub chosen: bool,
}

/// The change of a row: the ratio where there is one, else the difference in the row's unit. Its interval is the one after
/// choosing where the row has it; where nothing varies there is none.
pub fn change(row: &Row, scaled: &Scaled) -> Change {
    let (ratio_ci, diff_ci) = (row.ratio_ci_fcr.or(row.ratio_ci), row.diff_ci_fcr.or(row.diff_ci));
    let found = change_of((row.ratio, ratio_ci), (row.diff, diff_ci), scaled);
    let chosen = if found.absolute { row.diff_ci_fcr } else { row.ratio_ci_fcr };
    Change { chosen: chosen.is_some(), ..found }
}

/// The same of a ratio and a difference with their intervals.
pub(crate) fn change_of(
    ratio: (Option<f64>, Option<Interval>),
    diff: (Option<f64>, Option<Interval>),
    scaled: &Scaled,
) -> Change {
    let varies = |ci: &Interval| ci.0 != ci.1;
    if let Some(found) = ratio.0.filter(|r| r.is_finite()) {
        let percent = |r: f64| (r - 1.0) * 100.0;
        let ci = ratio.1.filter(varies).map(|Interval(lo, hi)| Interval(percent(lo), percent(hi)));
        return estimate(percent(found), ci, "%", false);
    }
    match diff.0.filter(|d| d.is_finite()) {
        Some(found) => {
            let f = scaled.factor;
            let ci = diff.1.filter(varies).map(|Interval(lo, hi)| Interval(lo * f, hi * f));
            estimate(found * f, ci, &unit_of_difference(scaled), true)
        }
        None => Change { text: NONE.to_owned(), ci: None, absolute: false, chosen: false },
    }
}

/// The unit of a difference with its space: that of percentages is in percentage points.
pub(crate) fn unit_of_difference(scaled: &Scaled) -> String {
    match scaled.unit.as_str() {
        "" => String::new(),
        "%" => " pp".to_owned(),
        unit => format!(" {unit}"),
    }
}

/// Three significant digits of the estimate or, where that is coarser, of the interval's half width.
fn estimate(value: f64, ci: Option<Interval>, suffix: &str, absolute: bool) -> Change {
    let ci = ci.filter(|Interval(lo, hi)| lo.is_finite() && hi.is_finite());
    let half = ci.map_or(0.0, |Interval(lo, hi)| (hi - lo).abs() / 2.0);
    let size = f64::max(value.abs(), half);
    let whole = absolute && value.fract() == 0.0 && ci.is_none();
    // Hundredths of a percent are enough from a tenth of one on.
    let most = if !absolute && ci.is_some() && size >= 0.1 { 2 } else { 6 };
    let decimals = if whole { 0 } else { decimals(size, 3).min(most) };
    let is_factor = |v: f64| !absolute && v >= FACTOR;
    let one = |v: f64, suffix: &str| {
        if is_factor(v) { factor(v) } else { format!("{}{suffix}", signed(v, decimals)) }
    };
    let ci = ci.map(|Interval(lo, hi)| {
        // Beside a factor the percentage needs its sign.
        let suffix = if is_factor(lo) || is_factor(hi) { suffix } else { "" };
        format!("[{}, {}]", one(lo, suffix), one(hi, suffix))
    });
    Change { text: one(value, suffix), ci, absolute, chosen: false }
}

/// From this percentage on a change is shown as a factor.
const FACTOR: f64 = 1000.0;

/// `+2088%` is `×21.9`; beyond a million in powers of ten.
fn factor(percent: f64) -> String {
    let ratio = 1.0 + percent / 100.0;
    if ratio < 1e6 { format!("×{}", significant(ratio, 3)) } else { format!("×{ratio:.0e}") }
}

/// `<0.001` or `0.012`; with more digits where three would put it on the wrong side of `alpha`.
pub fn p_value(p: Option<f64>, alpha: f64) -> String {
    let Some(p) = p.filter(|p| p.is_finite()) else { return NONE.to_owned() };
    if p < 0.001 {
        return "<0.001".to_owned();
    }
    for digits in 3..=6 {
        let text = format!("{p:.digits$}");
        let shown: f64 = text.parse().unwrap_or(p);
        if (shown <= alpha) == (p <= alpha) {
            return text;
        }
    }
    format!("{p}")
}

/// p with four digits, small ones in powers of ten.
pub(crate) fn exact_p(p: f64) -> String {
    if !p.is_finite() {
        return NONE.to_owned();
    }
    if p != 0.0 && p < 1e-4 { format!("{p:.2e}") } else { format!("{p:.4}") }
}

/// Smallest detectable effect of a row, down and up: `-7.4/+8.0%`.
pub fn mde(row: &Row) -> Option<String> {
    let mde = row.mde.filter(|m| m.up.is_finite() && m.down.is_finite())?;
    let (down, up) = (mde.down * 100.0, mde.up * 100.0);
    let decimals = decimals(up, 2).min(2);
    if up >= FACTOR {
        return Some(format!("{}%/{}", signed(down, decimals), factor(up)));
    }
    Some(format!("{}/{}%", signed(down, decimals), signed(up, decimals)))
}

/// A ratio with its interval: `0.968 [0.951, 0.985]`.
pub fn ratio(value: f64, ci: Interval) -> String {
    let show = |v: f64| if v.is_finite() { format!("{v:.3}") } else { NONE.to_owned() };
    format!("{} [{}, {}]", show(value), show(ci.0), show(ci.1))
}

/// The natural logarithm for a place on a log axis; what has none lies far to the left.
pub(crate) fn ln(value: f64) -> f64 {
    if value > 0.0 { value.ln() } else { -1e9 }
}

/// A raw value as exactly as it was read.
pub fn raw(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value != 0.0 && !(1e-7..1e15).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_scaled_once_for_the_larger_side() {
        assert_eq!(scale("Mbit/s", 94_123.0), Scaled { factor: 1e-3, unit: "Gbit/s".into() });
        assert_eq!(scale("Mbit/s", 9_412.0), Scaled { factor: 1.0, unit: "Mbit/s".into() });
        assert_eq!(scale("us", 0.02).unit, "ns");
        assert_eq!(scale("us", 25_000.0).unit, "ms");
        assert_eq!(scale("IOPS", 1_250_000.0).unit, "M IOPS");
        assert_eq!(scale("", 1_250_000.0).unit, "M");
        assert_eq!(scale("%", 250_000.0).unit, "%");
        assert_eq!(scale("KiB/s", 250_000.0).unit, "KiB/s");
        assert_eq!(scale("Mbit/s", 0.001).unit, "Mbit/s");
        assert_eq!(scale("s", 86_400.0).unit, "s");
        assert_eq!(scale("Mbit/s", f64::NAN).factor, 1.0);
    }

    #[test]
    fn different_means_never_print_alike() {
        let one = Scaled { factor: 1.0, unit: String::new() };
        assert_eq!(means(Some(941.23), Some(880.1), &one), ("941.2".into(), "880.1".into()));
        assert_eq!(means(Some(941.23), Some(941.24), &one), ("941.23".into(), "941.24".into()));
        assert_eq!(means(Some(5.0), Some(6.0), &one), ("5".into(), "6".into()));
        let mega = scale("", 1_048_580.0);
        assert_eq!(
            means(Some(1_048_576.0), Some(1_048_580.0), &mega),
            ("1.048576".into(), "1.048580".into())
        );
        assert_eq!(means(None, Some(0.0), &one), ("n/a".into(), "0".into()));
    }

    #[test]
    fn a_change_has_three_digits_and_its_interval_the_same_decimals() {
        let c = estimate(-6.4912, Some(Interval(-8.1, -4.9)), "%", false);
        assert_eq!((c.text.as_str(), c.ci.as_deref()), ("-6.49%", Some("[-8.10, -4.90]")));
        let c = estimate(0.0512, Some(Interval(-1.23, 1.34)), "%", false);
        assert_eq!((c.text.as_str(), c.ci.as_deref()), ("+0.05%", Some("[-1.23, +1.34]")));
        let c = estimate(-0.0001, Some(Interval(-12.3, 13.4)), "%", false);
        assert_eq!((c.text.as_str(), c.ci.as_deref()), ("0.0%", Some("[-12.3, +13.4]")));
        let c = estimate(2088.4, Some(Interval(-99.97, 2.2e16)), "%", false);
        assert_eq!((c.text.as_str(), c.ci.as_deref()), ("×21.9", Some("[-100%, ×2e14]")));
        assert_eq!(estimate(123.4, None, "%", false).text, "+123%");
        assert_eq!(estimate(9.996, None, "%", false).text, "+10.0%");
        assert_eq!(estimate(1001.0, None, " pkt/s", true).text, "+1001 pkt/s");
    }

    #[test]
    fn p_never_rounds_across_alpha() {
        assert_eq!(p_value(Some(1e-9), 0.05), "<0.001");
        assert_eq!(p_value(Some(0.0123), 0.05), "0.012");
        assert_eq!(p_value(Some(0.050_04), 0.05), "0.05004");
        assert_eq!(p_value(Some(0.999_99), 0.05), "1.000");
        assert_eq!(p_value(None, 0.05), "n/a");
        assert_eq!(p_value(Some(f64::NAN), 0.05), "n/a");
    }

    #[test]
    fn what_is_not_finite_is_not_printed() {
        for v in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(significant(v, 3), "n/a");
            assert_eq!(raw(v), "n/a");
        }
        assert_eq!(significant(1.5e300, 3), "1.50e300");
        assert_eq!(significant(-0.000_000_001, 3), "-1.00e-9");
        assert_eq!(percent(0.05), "5%");
        assert_eq!(percent(0.025), "2.5%");
    }

    #[test]
    fn the_band_of_ratios_is_narrower_below_than_above() {
        assert_eq!(band(0.05), "from -4.76% to +5%");
        assert_eq!(band(0.25), "from -20% to +25%");
    }
}
