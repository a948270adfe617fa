//! How long anything may take.

use crate::parameters::{BOOT_TIMEOUT, DEADLINE_FACTOR};
use model::{Accel, Params, ParamsError};
use std::time::Duration;
use vm::deadlines::Deadlines;

/// The deadlines of guests that are executed in this way, with these parameters.
///
/// # Errors
/// A factor that is no number from 0.001 to 1000, or a `boot_timeout` that is no number of seconds.
pub fn deadlines(params: &Params, accel: Accel) -> Result<Deadlines, ParamsError> {
    let wanted = "a number from 0.001 to 1000";
    let factor = match params.get(DEADLINE_FACTOR) {
        None => 1.0,
        Some(_) => params.number(DEADLINE_FACTOR, 1e-3, wanted)?,
    };
    let scaled = Deadlines::scaled(accel, factor);
    let scaled = scaled.ok_or_else(|| params.wrong(DEADLINE_FACTOR, wanted))?;
    Ok(match params.get(BOOT_TIMEOUT) {
        None => scaled,
        Some(_) => {
            let seconds = params.number(BOOT_TIMEOUT, 1u64, "seconds, 1 or more")?;
            scaled.with_boot(Duration::from_secs(seconds))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;
    use vm::deadlines::Step;

    fn with(key: &str, value: &str) -> Result<Deadlines, ParamsError> {
        let mut params = Params::new();
        params.set(key, value, Origin::BuiltIn);
        deadlines(&params, Accel::Tcg)
    }

    #[test]
    fn a_factor_and_a_time_for_boots_are_taken_and_nonsense_is_refused() {
        assert_eq!(deadlines(&Params::new(), Accel::Kvm), Ok(Deadlines::usual(Accel::Kvm)));
        let half = with(DEADLINE_FACTOR, "0.5").unwrap();
        assert_eq!(half.within(Step::Boot) * 2, Deadlines::usual(Accel::Tcg).within(Step::Boot));
        for nonsense in ["0", "-1", "NaN", "inf", "1e9", "much"] {
            let error = with(DEADLINE_FACTOR, nonsense).unwrap_err().to_string();
            assert!(error.contains("want a number from 0.001 to 1000"), "{nonsense}: {error}");
        }
        assert_eq!(with(BOOT_TIMEOUT, "7").unwrap().boot(true), Duration::from_secs(7));
        assert!(with(BOOT_TIMEOUT, "0").is_err());
    }
}
