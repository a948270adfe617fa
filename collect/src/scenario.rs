//! Who talks to whom: where the client of a workload is.

use model::{Params, ParamsError};
use std::fmt;

/// Where server and client of a workload are. The server is always in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// The client is on the host.
    HostGuest,
    /// The client is in a second guest.
    GuestGuest,
    /// The client is outside of the host.
    ExhostGuest,
}

impl Scenario {
    /// The word in files, in names of directories and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Scenario::HostGuest => "host_guest",
            Scenario::GuestGuest => "guest_guest",
            Scenario::ExhostGuest => "exhost_guest",
        }
    }

    /// The scenario that parameters name. `guest_exhost`, as some manuals call it, is `exhost_guest`.
    ///
    /// # Errors
    /// A word that is none of these.
    pub fn of(params: &Params) -> Result<Scenario, ParamsError> {
        let words = ["host_guest", "guest_guest", "exhost_guest", "guest_exhost"];
        Ok(match params.choice("scenario", &words)? {
            "host_guest" => Scenario::HostGuest,
            "guest_guest" => Scenario::GuestGuest,
            _ => Scenario::ExhostGuest,
        })
    }

    /// The guests that it takes, by the names that parameters of one guest alone end in; the server first.
    pub fn guests(self) -> &'static [&'static str] {
        match self {
            Scenario::GuestGuest => &GUESTS,
            _ => &[SERVER],
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

const SERVER: &str = "vm1";
const GUESTS: [&str; 2] = [SERVER, "vm2"];

/// Names of guests and NICs: a parameter that ends in `_NAME` is meant for that one alone.
pub const OBJECTS: [&str; 4] = ["vm1", "vm2", "nic1", "nic2"];

/// A key without the names of guests and NICs at its end: `mtu` of `mtu_nic2_vm1`.
pub fn without_objects(key: &str) -> &str {
    let shorter = OBJECTS.iter().find_map(|name| key.strip_suffix(name)?.strip_suffix('_'));
    shorter.map_or(key, without_objects)
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
            Scenario::of(&params)
        };
        assert_eq!(named("guest_exhost"), named("exhost_guest"));
        assert_eq!(named("guest_exhost").unwrap().word(), "exhost_guest");
        let error = named("guest2guest").unwrap_err().to_string();
        assert!(error.contains("one of host_guest, guest_guest, exhost_guest"), "{error}");
    }

    #[test]
    fn names_of_objects_end_a_key_in_any_order() {
        assert_eq!(without_objects("mtu_nic2_vm1"), "mtu");
        assert_eq!(without_objects("mem_vm2"), "mem");
        assert_eq!(without_objects("bridge_nic2"), "bridge");
        assert_eq!(without_objects("nic1"), "nic1");
        assert_eq!(without_objects("nic_model"), "nic_model");
    }
}
