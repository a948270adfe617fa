//! How long each phase of a campaign may take, in one place.
//!
//! What a phase is asked to do (a window of `l` seconds, a command with a timeout of its own) comes on top: these are for
//! what should take next to no time. A translated guest gets more than one that the hardware executes, and the parameter
//! `deadline_factor` stretches or shortens those of a guest at work, for hosts that are busier or tests that cannot wait:
//! all but the first and the last.

use crate::accel::Accel;
use model::{Params, ParamsError, Phase};
use std::time::Duration;

/// The parameter that all deadlines are multiplied by.
pub const FACTOR: &str = "deadline_factor";

/// Each phase with its seconds under KVM and under TCG.
const TABLE: [(Phase, u64, u64); 7] = [
    // The host's work, which knows no guest: a data disk full of zeros, say.
    (Phase::Image, 3600, 3600),
    (Phase::Boot, 30, 120),
    (Phase::Prepare, 120, 300),
    (Phase::WarmUp, 30, 60),
    (Phase::Measure, 30, 60),
    (Phase::Fetch, 20, 60),
    (Phase::Shutdown, 5, 10),
];

/// Deadlines of one environment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deadlines {
    accel: Accel,
    factor: f64,
}

impl Deadlines {
    /// Those of guests that are executed in this way, as the table has them.
    pub fn usual(accel: Accel) -> Deadlines {
        Deadlines { accel, factor: 1.0 }
    }

    /// Those of guests that are executed in this way, with these parameters.
    ///
    /// # Errors
    /// A factor that is no number above 0.
    pub fn of(params: &Params, accel: Accel) -> Result<Deadlines, ParamsError> {
        let factor = match params.get(FACTOR) {
            None => 1.0,
            Some(_) => params.number(FACTOR, 1e-3, "a number from 0.001 to 1000")?,
        };
        if factor > 1e3 {
            return Err(params.wrong(FACTOR, "a number from 0.001 to 1000"));
        }
        Ok(Deadlines { accel, factor })
    }

    /// How long a phase may take.
    pub fn within(&self, phase: Phase) -> Duration {
        let row = TABLE.iter().find(|(of, ..)| *of == phase);
        let seconds = row.map_or(0, |(_, kvm, tcg)| if self.accel == Accel::Kvm { *kvm } else { *tcg });
        Duration::from_secs(seconds).mul_f64(self.factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn every_phase_has_a_deadline_and_translation_never_shortens_one() {
        let of = |accel| Deadlines::of(&Params::new(), accel).unwrap();
        for phase in [
            Phase::Image,
            Phase::Boot,
            Phase::Prepare,
            Phase::WarmUp,
            Phase::Measure,
            Phase::Fetch,
            Phase::Shutdown,
        ] {
            let (kvm, tcg) = (of(Accel::Kvm).within(phase), of(Accel::Tcg).within(phase));
            assert!(!kvm.is_zero() && kvm <= tcg, "{phase:?}");
        }
    }

    #[test]
    fn the_factor_scales_all_of_them_and_nonsense_is_refused() {
        let with = |factor: &str| {
            let mut params = Params::new();
            params.set(FACTOR, factor, Origin::BuiltIn);
            Deadlines::of(&params, Accel::Tcg)
        };
        assert_eq!(with("0.5").unwrap().within(Phase::Boot), Duration::from_secs(60));
        for nonsense in ["0", "-1", "NaN", "inf", "1e9", "much"] {
            assert!(with(nonsense).is_err(), "{nonsense}");
        }
    }
}
