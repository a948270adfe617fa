//! Series as nights bring them: sessions of five boots, whose levels differ by an SD of 1 %.

use stats::{HistoryPoint, SplitMix64};

/// Boots of a session.
const BOOTS: usize = 5;
/// The SD between sessions.
const SESSION: f64 = 0.01;

/// How a session's boots come about.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Normal sessions and boots.
    Quiet,
    /// A share of sessions is off by 5 to 15 %, to either side.
    Outliers(f64),
    /// Boots of Student's t with four degrees of freedom.
    T4,
    /// Boots of two modes.
    Bimodal,
    /// Sessions resemble their neighbours: AR(.8).
    Drifting,
    /// The same, as differences to a build that was measured besides.
    Anchored,
}

/// A series on its way.
pub struct World {
    kind: Kind,
    boot: f64,
    random: SplitMix64,
    session: f64,
}

impl World {
    /// A series whose boots have an SD.
    pub fn new(kind: Kind, boot: f64, seed: u64) -> Self {
        let mut random = SplitMix64::new(seed);
        let session = SESSION * random.next_normal();
        World { kind, boot, random, session }
    }

    /// The next point of a series at a level.
    pub fn point(&mut self, level: f64) -> HistoryPoint {
        let fresh = SESSION * self.random.next_normal();
        self.session = match self.kind {
            Kind::Drifting | Kind::Anchored => 0.8 * self.session + 0.6 * fresh,
            Kind::Outliers(share) if self.random.next_f64() < share => {
                let far = 0.05 + 0.1 * self.random.next_f64();
                if self.random.below(2) == 0 { far } else { -far }
            }
            _ => fresh,
        };
        let values: Vec<f64> = (0..BOOTS)
            .map(|_| match self.kind {
                // The anchor has seen the same session.
                Kind::Anchored => level + self.noise() - self.noise(),
                _ => level + self.session + self.noise(),
            })
            .collect();
        HistoryPoint::of_boots(&values).unwrap_or(HistoryPoint::of_one(level))
    }

    fn noise(&mut self) -> f64 {
        let z = self.random.next_normal();
        self.boot
            * match self.kind {
                // Scaled to a variance of 1.
                Kind::T4 => {
                    let chi: f64 = (0..4).map(|_| self.random.next_normal().powi(2)).sum();
                    z / (chi / 4.0).sqrt() / 2.0_f64.sqrt()
                }
                Kind::Bimodal => 0.5 * z + if self.random.below(2) == 0 { 0.866 } else { -0.866 },
                _ => z,
            }
    }
}
