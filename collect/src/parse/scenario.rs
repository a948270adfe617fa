//! Who talks to whom.

use super::neighbour::wanted;
use super::topology::{VMS, cast, has_topology, machines, next_to};
use crate::parameters::SCHEME;
use model::{Origin, Params, ParamsError};
use vm::scenario::Scenario;

/// The guest that is there for its load alone, where a scenario has two others at most.
const FURTHER: &str = "vm3";

/// The scenario that parameters name; machines on networks of their own are one that nobody needs to name. `guest_exhost`, as some
/// manuals call it, is `exhost_guest`.
///
/// # Errors
/// A word that is none of these, or one that contradicts what else is said of machines.
pub fn scenario(params: &Params) -> Result<Scenario, ParamsError> {
    let words = ["host_guest", "guest_guest", "exhost_guest", "guest_exhost", "topology"];
    let named = match params.choice("scenario", &words)? {
        "host_guest" => Scenario::HostGuest,
        "guest_guest" => Scenario::GuestGuest,
        "topology" => Scenario::Topology,
        _ => Scenario::ExhostGuest,
    };
    let is_open = params.param("scenario").is_some_and(|param| is_default(&param.origin));
    match (named, has_topology(params)) {
        (Scenario::Topology, false) => Err(params.wrong(
            "scenario",
            "vms and vlans_NAME beside topology, which say which machines there are, and on which networks",
        )),
        (Scenario::Topology, true) => Ok(named),
        (Scenario::HostGuest, true) if is_open => Ok(Scenario::Topology),
        (_, true) => {
            let vms = params.get(VMS).unwrap_or_default();
            let wanted =
                format!("topology, because vms = {vms} with vlans describes one; or leave vlans out");
            Err(params.wrong("scenario", &wanted))
        }
        (_, false) => Ok(named),
    }
}

/// Whether nobody asked for a scenario: it stands in perfvt's own files, where the usual one is what is taken without a filter.
fn is_default(origin: &Origin) -> bool {
    match origin {
        Origin::BuiltIn => true,
        Origin::File { path, .. } => path.to_str().is_some_and(|path| path.starts_with(SCHEME)),
        Origin::Flag(_) => false,
    }
}

/// The guests of an environment, by the names that parameters of one guest alone end in: the server first, then the client where that is
/// one, and last the one that is there for its load alone.
///
/// # Errors
/// Parameters of the wrong kind.
pub fn guests(params: &Params) -> Result<Vec<String>, ParamsError> {
    let mut all = match scenario(params)? {
        Scenario::Topology => cast(params)?,
        other => other.guests().iter().map(|name| (*name).to_owned()).collect(),
    };
    all.extend(further(params)?);
    Ok(all)
}

/// The guest that is there for its load alone, where `neighbour` asks for one.
///
/// # Errors
/// Parameters of the wrong kind.
pub fn further(params: &Params) -> Result<Option<String>, ParamsError> {
    Ok(match scenario(params)? {
        Scenario::Topology => wanted(params, &next_to(&machines(params)?)),
        _ => wanted(params, FURTHER),
    })
}

/// Whether the client runs in a guest.
pub fn client_in_guest(params: &Params) -> bool {
    matches!(scenario(params), Ok(Scenario::GuestGuest | Scenario::Topology))
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

    #[test]
    fn machines_on_networks_are_a_scenario_that_nobody_needs_to_name() {
        let with = |word: &str, origin: Origin, sets: &[(&str, &str)]| {
            let mut params = Params::new();
            params.set("scenario", word, origin);
            sets.iter().for_each(|(key, value)| params.set(*key, *value, Origin::BuiltIn));
            params
        };
        let three = [("vms", "vm1 vm2 vm3"), ("vlans", "1")];
        let flag = || Origin::Flag("--set".into());
        let open = with("host_guest", Origin::BuiltIn, &three);
        assert_eq!(scenario(&open).unwrap(), Scenario::Topology);
        assert!(client_in_guest(&open) && !client_in_guest(&with("host_guest", flag(), &[])));
        assert_eq!(guests(&open).unwrap(), ["vm3", "vm1", "vm2"]);
        let roles = [&three[..], &[("server", "vm1"), ("client", "vm3")]].concat();
        assert_eq!(guests(&with("topology", flag(), &roles)).unwrap(), ["vm1", "vm3", "vm2"]);
        let other = scenario(&with("guest_guest", flag(), &three)).unwrap_err().to_string();
        assert!(other.contains("topology, because vms = vm1 vm2 vm3 with vlans"), "{other}");
        let none = scenario(&with("topology", flag(), &three[..1])).unwrap_err().to_string();
        assert!(none.contains("vms and vlans_NAME beside topology"), "{none}");
        assert_eq!(guests(&with("guest_guest", flag(), &[])).unwrap(), ["vm1", "vm2"]);
        let beside = [("neighbour", "cpu")];
        assert_eq!(guests(&with("guest_guest", flag(), &beside)).unwrap(), ["vm1", "vm2", "vm3"]);
        assert_eq!(guests(&with("host_guest", flag(), &beside)).unwrap(), ["vm1", "vm3"]);
        let four = guests(&with("topology", flag(), &[&three[..], &beside].concat())).unwrap();
        assert_eq!(four, ["vm3", "vm1", "vm2", "vm4"]);
    }
}
