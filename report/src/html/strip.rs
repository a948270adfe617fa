//! Marks on a line, as SVG in percentages of its width: the text beside them stays text, and nothing is distorted
//! on a narrow screen.

/// A linear axis from one value to another; log axes are given logarithms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    lo: f64,
    hi: f64,
}

/// Room left and right of the outermost value, in percent of the width.
const MARGIN: f64 = 2.0;

impl Axis {
    /// From the smaller to the larger; equal ends get room around them.
    pub fn new(lo: f64, hi: f64) -> Self {
        let (lo, hi) = if lo <= hi { (lo, hi) } else { (hi, lo) };
        if hi - lo > f64::EPSILON * lo.abs().max(hi.abs()) {
            return Axis { lo, hi };
        }
        let room = if lo == 0.0 { 1.0 } else { lo.abs() * 0.01 };
        Axis { lo: lo - room, hi: hi + room }
    }

    /// The axis that holds all values; `None` without any.
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let (lo, hi) = values
            .filter(|v| v.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (f64::min(lo, v), f64::max(hi, v)));
        (lo <= hi).then(|| Axis::new(lo, hi))
    }

    /// The left end.
    pub fn lo(&self) -> f64 {
        self.lo
    }

    /// The right end.
    pub fn hi(&self) -> f64 {
        self.hi
    }

    /// The place of a value in percent of the width, 0 to 100; values outside stand at the ends.
    pub fn at(&self, value: f64) -> f64 {
        let share = (value - self.lo) / (self.hi - self.lo);
        MARGIN + share.clamp(0.0, 1.0) * (100.0 - 2.0 * MARGIN)
    }

    /// The same as an attribute: `12.3%`.
    pub fn x(&self, value: f64) -> String {
        percent(self.at(value))
    }

    /// A width as an attribute.
    pub fn width(&self, from: f64, to: f64) -> String {
        percent((self.at(to) - self.at(from)).max(0.0))
    }

    /// Round values along a linear axis, about `count` of them.
    pub fn ticks(&self, count: usize) -> Vec<f64> {
        let step = nice_step((self.hi - self.lo) / count.max(1) as f64);
        multiples(self.lo, self.hi, step)
    }
}

/// `12.3%` without needless zeros: a tenth of a percent is less than a pixel of any strip.
fn percent(value: f64) -> String {
    let text = format!("{value:.1}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The smallest of 1, 2, 5 times a power of ten that is not smaller.
pub(super) fn nice_step(wanted: f64) -> f64 {
    let wanted = if wanted.is_finite() && wanted > 0.0 { wanted } else { 1.0 };
    let power = 10f64.powi(wanted.log10().floor() as i32);
    [1.0, 2.0, 5.0, 10.0]
        .map(|f| f * power)
        .into_iter()
        .find(|s| *s >= wanted * 0.999)
        .unwrap_or(10.0 * power)
}

/// Multiples of a step from one value to another, 50 at most.
pub(super) fn multiples(lo: f64, hi: f64, step: f64) -> Vec<f64> {
    let first = (lo / step).ceil();
    (0..50).map(|i| (first + f64::from(i)) * step).take_while(|v| *v <= hi + step * 1e-9).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_places_its_ends_inside_the_margin() {
        let axis = Axis::new(10.0, 20.0);
        assert_eq!((axis.x(10.0), axis.x(15.0), axis.x(20.0)), ("2%".into(), "50%".into(), "98%".into()));
        assert_eq!(axis.x(1e9), "98%");
        assert!(Axis::of([f64::NAN].into_iter()).is_none());
        assert_eq!(Axis::new(5.0, 5.0).x(5.0), "50%");
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(Axis::new(0.0, 10.0).ticks(5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(nice_step(0.3), 0.5);
        assert_eq!(nice_step(f64::NAN), 1.0);
    }
}
