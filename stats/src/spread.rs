//! How far the SD of a few values may lie from the true one.

use super::common::{Unavailable, finite};
use super::special::chi_square_cdf;

/// The bound that the true SD of normal values lies below with this chance, from an SD of `df` degrees of freedom:
/// `sd √(df / χ²)` with χ² the quantile at `1 - level`. At a level below one half it is a lower bound.
///
/// Five values of SD 1 have an upper 80 % bound of 1.56 and a lower one of 0.82.
pub fn sd_bound(sd: f64, df: f64, level: f64) -> Result<f64, Unavailable> {
    if !(sd >= 0.0 && sd.is_finite() && df > 0.0 && df.is_finite() && level > 0.0 && level < 1.0) {
        return Err(Unavailable::Domain);
    }
    // The ratio of the quantile to df is near 1: what is looked for is its logarithm.
    let (mut low, mut high) = (-1.0, 1.0);
    let below = |ln: f64| chi_square_cdf(df * f64::exp(ln), df) < 1.0 - level;
    while !below(low) && low > -600.0 {
        low *= 2.0;
    }
    while below(high) && high < 600.0 {
        high *= 2.0;
    }
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if below(middle) { low = middle } else { high = middle }
    }
    finite(sd * (-0.25 * (low + high)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against quantiles of the chi-squared distribution as tables have them.
    #[test]
    fn bounds_are_those_of_the_chi_squared_distribution() {
        for (df, level, quantile) in [
            (4.0, 0.8, 1.648_776_618_065_96),
            (4.0, 0.2, 5.988_616_694_004_24),
            (1.0, 0.8, 0.064_184_754_667_30),
            (9.0, 0.95, 3.325_112_843_066_82),
            // Of two degrees of freedom it is -2 ln of the level.
            (2.0, 0.8, -2.0 * f64::ln(0.8)),
            (2.0, 0.001, -2.0 * f64::ln(0.001)),
        ] {
            let bound = sd_bound(2.0, df, level).unwrap();
            let wanted = 2.0 * f64::sqrt(df / quantile);
            assert!((bound / wanted - 1.0).abs() < 1e-9, "{df} {level}: {bound}, not {wanted}");
        }
        assert_eq!(sd_bound(0.0, 4.0, 0.8), Ok(0.0));
        for (sd, df, level) in [(-1.0, 4.0, 0.8), (1.0, 0.0, 0.8), (1.0, 4.0, 1.0), (f64::NAN, 4.0, 0.8)] {
            assert_eq!(sd_bound(sd, df, level), Err(Unavailable::Domain));
        }
    }
}
