//! Who talks to whom.

use model::{Params, ParamsError};
use vm::scenario::Scenario;

/// The scenario that parameters name. `guest_exhost`, as some manuals call it, is `exhost_guest`.
///
/// # Errors
/// A word that is none of these.
pub fn scenario(params: &Params) -> Result<Scenario, ParamsError> {
    let words = ["host_guest", "guest_guest", "exhost_guest", "guest_exhost"];
    Ok(match params.choice("scenario", &words)? {
        "host_guest" => Scenario::HostGuest,
        "guest_guest" => Scenario::GuestGuest,
        _ => Scenario::ExhostGuest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn both_names_of_the_external_host_are_one_scenario() {
        let named = |word: &str| {
            let mut params = Params::new();
            params.set("scenario", word, Origin::BuiltIn);
            scenario(&params)
        };
        assert_eq!(named("guest_exhost"), named("exhost_guest"));
        assert_eq!(named("guest_exhost").unwrap().word(), "exhost_guest");
        let error = named("guest2guest").unwrap_err().to_string();
        assert!(error.contains("one of host_guest, guest_guest, exhost_guest"), "{error}");
    }
}
