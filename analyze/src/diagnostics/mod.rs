//! Diagnostics: what values show of how they came to be, noted beside the verdicts and never feeding them (statistics.md,
//! "Diagnostics").
//!
//! Every one is a test, and a page has many: all of a page together raise a note on one unchanged page of a hundred.

mod boots;
mod host;
mod spread;

use crate::family::Members;
use crate::input::LoadedSide;
use crate::input::repeat::Repeat;
use crate::pairing::Pairing;
use crate::{Row, Warning};

/// The chance of a note, of any kind and on any row, on a page on which nothing is the matter.
pub(crate) const FAMILY_WISE: f64 = 0.01;
/// What boots tell has half of it: few tests of the whole page, which no number of rows may drown.
const OF_BOOTS: f64 = FAMILY_WISE / 2.0;
/// The tests of single rows have the other half.
const OF_ROWS: f64 = FAMILY_WISE - OF_BOOTS;

/// What is diagnosed.
pub(crate) struct Page<'a> {
    /// The sides.
    pub pairings: &'a [Pairing],
    /// All files.
    pub files: &'a [Repeat],
    /// The sides, the baseline first.
    pub sides: &'a [LoadedSide],
    /// Seed of what is drawn.
    pub seed: u64,
}

/// A test and what is said when it finds something.
struct Finding {
    p: f64,
    told: Warning,
}

impl Page<'_> {
    fn label(&self, side: usize) -> &str {
        self.sides.get(side).map_or("", |side| side.label.as_str())
    }

    /// Notes what single rows show in them, and gives what is to be said of the whole page.
    pub fn diagnose(&self, rows: &mut [Row]) -> Vec<Warning> {
        let members = Members::among(rows.iter().map(|row| row.role));
        let of = |pairing| {
            boots::findings(self, pairing, rows, members).into_iter().chain(host::findings(self, pairing))
        };
        // What differs from host to host is no step and no drift of one.
        let findings = self.pairings.iter().filter(|pairing| pairing.hosts.is_none()).flat_map(of);
        let mut out: Vec<Warning> = Vec::new();
        for (_, told) in noted(findings.map(|f| ((), f)).collect(), OF_BOOTS) {
            // A baseline beside several candidates says the same of itself each time.
            if !out.contains(&told) {
                out.push(told);
            }
        }
        for (row, told) in noted(spread::findings(rows), OF_ROWS) {
            if let Some(row) = rows.get_mut(row) {
                row.warnings.push(told);
            }
        }
        for row in rows {
            row.warnings.extend(spread::ratio_of_means(row));
        }
        out
    }
}

/// The findings that stand at the family-wise level `alpha` (Holm 1979), in their order.
fn noted<T>(findings: Vec<(T, Finding)>, alpha: f64) -> Vec<(T, Warning)> {
    let p: Vec<f64> = findings.iter().map(|(_, finding)| finding.p).collect();
    let corrected = stats::holm(&p);
    let stands = corrected.into_iter().zip(findings).filter(|(p, _)| *p <= alpha);
    stands.map(|(_, (of, finding))| (of, finding.told)).collect()
}
