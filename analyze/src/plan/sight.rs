//! What a campaign can see whatever its pilot would say: told before hours are spent on one that sees nothing.

use super::limits::FamilyOf;
use super::simulate::{End, Pages, Row, Scheme};
use super::values::{Change, Size};
use super::{Asked, MOST_PLANNED, by_blocks, family_of, rule};
use crate::family::Members;
use crate::options::CompareOptions;
use model::Scale;

/// A spread is looked for until it is known to this share of it.
const FINE: f64 = 0.02;
/// Spreads below this are not looked for.
const SMALLEST: f64 = 1e-5;

/// A campaign that finds the change that matters only where boots vary by less than can be hoped for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blind {
    /// The rows that gate.
    pub rows: usize,
    /// The change, as a ratio minus 1: twice the smallest `min_effect` of the rows that gate.
    pub effect: f64,
    /// The largest SD between boots (of the logarithm) with which the verdict finds it as often as [`crate::POWER`] says; `None`:
    /// no change of any size is found.
    pub spread: Option<f64>,
}

/// Says it of a campaign that is blind where boots vary by `spread`; `None` of others, and where no row has a band.
pub fn blind(options: &CompareOptions, asked: &Asked, spread: f64) -> Option<Blind> {
    let design = asked.design.as_ref()?;
    let boots = asked.boots?.min(MOST_PLANNED);
    let (confs, family) = family_of(design, options);
    let members = Members { all_rows: family.all_rows };
    let gating = || confs.iter().filter(|conf| members.has(conf.role));
    let margin = gating().map(|conf| conf.min_effect).filter(|e| *e > 0.0).reduce(f64::min)?;
    let mut out = Blind { rows: gating().count(), effect: 2.0 * margin, spread: None };
    if boots < 2 {
        return Some(out);
    }
    let scheme = Scheme { blocks: by_blocks(options, Some(design), true), rule: rule(asked), apart: None };
    let of = FamilyOf { size: family.size, level: family.alpha_rows };
    let pages = Pages::draw(options, of, scheme, boots);
    let effect = out.effect;
    let row = |sd: f64| -> Row<'_> {
        let change = Change {
            scale: Scale::Log,
            base: 1.0,
            sd,
            shared: 0.0,
            margin,
            margin_abs: None,
            exact: false,
            in_family: true,
        };
        pages.row(change, effect, End::Hoped)
    };
    let enough = |sd: f64| row(sd).is_enough(effect, Size { boots, sessions: 1 });
    if enough(spread) {
        return None;
    }
    let (mut low, mut high) = (0.5 * spread, spread);
    while !enough(low) {
        if low < SMALLEST {
            return Some(out);
        }
        (low, high) = (0.5 * low, low);
    }
    while high - low > FINE * low {
        let middle = f64::midpoint(low, high);
        if enough(middle) { low = middle } else { high = middle }
    }
    out.spread = Some(low);
    Some(out)
}
