//! How guests that are alike share CPUs.

use super::given;
use model::{Params, ParamsError};

/// The key that says how many vCPUs have a CPU together.
pub const OVERCOMMIT: &str = "overcommit";

/// vCPUs for each CPU, where somebody asked for a number of them.
///
/// # Errors
/// It is none from 1 to 1000.
pub fn overcommit(params: &Params) -> Result<Option<f64>, ParamsError> {
    let Some(asked) = given(params, OVERCOMMIT) else { return Ok(None) };
    let number = asked.trim().parse::<f64>().ok().filter(|number| (1.0..=1000.0).contains(number));
    number.map(Some).ok_or_else(|| params.wrong(OVERCOMMIT, "vCPUs for each CPU, from 1 to 1000"))
}
