//! Where the client of a workload runs.

use super::error::{LayoutError, refused};
use super::given;
use model::{Params, ParamsError};
use vm::guest::network::ClientPlace;
use vm::scenario::Scenario;
use vm::ssh::Destination;

/// What `client` calls the stand-in for another host.
const NAMESPACE: &str = "netns";
/// The key of how many guests move at once.
pub const TOGETHER: &str = "migrate_guests";

/// What `scenario` and `client` say.
///
/// # Errors
/// They contradict each other, or the external host is not named.
pub fn client_place(scenario: Scenario, params: &Params) -> Result<ClientPlace, LayoutError> {
    let named = given(params, "client");
    let contradiction = |place: &str, named: &str| {
        Err(refused(format!(
            "in {scenario} the client is {place}, but client = {named}; leave client out, or choose another scenario"
        )))
    };
    if migrates(params) {
        return match (scenario, named) {
            (Scenario::HostGuest, None) => Ok(ClientPlace::Observer),
            (Scenario::HostGuest, Some(named)) => contradiction("perfvt, which watches the guest", named),
            _ => Err(refused(format!(
                "a guest that moves to another QEMU is one of scenario=host_guest; {scenario} has other machines, too"
            ))),
        };
    }
    match (scenario, named) {
        (Scenario::HostGuest, None | Some("localhost")) => Ok(ClientPlace::Host),
        (Scenario::HostGuest, Some(named)) => contradiction("this host", named),
        (Scenario::GuestGuest, None | Some("vm2")) => Ok(ClientPlace::Guest),
        (Scenario::GuestGuest, Some(named)) => contradiction("the guest vm2", named),
        // Which of the machines it is stands in the topology.
        (Scenario::Topology, _) => Ok(ClientPlace::Guest),
        (Scenario::ExhostGuest, Some(NAMESPACE)) => Ok(ClientPlace::Namespace),
        (Scenario::ExhostGuest, Some(named)) => destination(named, params).map(ClientPlace::Remote),
        (Scenario::ExhostGuest, None) => Err(refused(format!(
            "{scenario} needs client = ADDRESS of a host that ssh reaches, or client = {NAMESPACE}, a network \
             namespace that stands in for one"
        ))),
    }
}

/// Whether the guest moves to another QEMU: the key of the workload that does that is set, which has a default.
pub fn migrates(params: &Params) -> bool {
    given(params, "migrate_mode").is_some()
}

/// How many guests move at once: `migrate_guests`.
///
/// # Errors
/// It is no number of guests.
pub fn together(params: &Params) -> Result<usize, ParamsError> {
    const MOST: usize = 64;
    const WANTED: &str = "a number of guests, 1 to 64";
    if !migrates(params) || given(params, TOGETHER).is_none() {
        return Ok(1);
    }
    let number = params.number(TOGETHER, 1, WANTED)?;
    if number > MOST { Err(params.wrong(TOGETHER, WANTED)) } else { Ok(number) }
}

/// The folder that holds the tools on the client's host; `None` where they are on its PATH.
pub fn client_tools(params: &Params) -> Option<String> {
    given(params, "client_tools").map(str::to_owned)
}

/// Keys of a client on another host, where this client is elsewhere: they have no effect.
pub fn idle(place: &ClientPlace, params: &Params) -> Vec<&'static str> {
    let keys = ["client_user", "client_key", "client_port", "client_ssh_config", "client_tools"];
    let is_remote = matches!(place, ClientPlace::Remote(_));
    keys.into_iter().filter(|key| !is_remote && given(params, key).is_some()).collect()
}

/// The external host, and how to log in there.
fn destination(address: &str, params: &Params) -> Result<Destination, LayoutError> {
    let destination =
        Destination::new(address).map_err(|error| refused(format!("client = {address}: {error}")))?;
    let given = |key: &str| given(params, key);
    let port = match given("client_port") {
        None => None,
        Some(_) => Some(port(params)?),
    };
    Ok(Destination {
        user: given("client_user").map(str::to_owned),
        port,
        key: given("client_key").map(Into::into),
        config: given("client_ssh_config").map(Into::into),
        ..destination
    })
}

fn port(params: &Params) -> Result<u16, ParamsError> {
    params.number("client_port", 1u16, "the port of the client's sshd, 1 to 65535")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn an_address_is_another_host_with_its_user_key_and_port() {
        let mut params = Params::new();
        for (key, value) in [("client", "192.168.100.15"), ("client_user", "perf"), ("client_port", "2222")] {
            params.set(key, value, Origin::BuiltIn);
        }
        let place = client_place(Scenario::ExhostGuest, &params).unwrap();
        let ClientPlace::Remote(host) = &place else { panic!("{place:?}") };
        assert_eq!(
            (host.address.as_str(), host.user.as_deref(), host.port),
            ("192.168.100.15", Some("perf"), Some(2222))
        );
        assert_eq!((&host.key, place.is_here()), (&None, false));
        params.set("client_tools", "/opt/netperf", Origin::BuiltIn);
        assert!(idle(&place, &params).is_empty());
        assert_eq!(idle(&ClientPlace::Host, &params), ["client_user", "client_port", "client_tools"]);
        params.set("client_port", "0", Origin::BuiltIn);
        assert!(
            client_place(Scenario::ExhostGuest, &params).unwrap_err().to_string().contains("client_port")
        );
    }
}
