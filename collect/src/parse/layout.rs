//! What joins server and client: the links of a scenario with their addresses, a pure function of the parameters.

use super::client::client_place;
use super::error::{LayoutError, refused};
use super::given;
use super::link::{refuse_strangers, shape, vde};
use super::nics::{kind_named, nics};
use super::reach::{mtu, needs_tap, reach};
use super::scenario::scenario;
use super::topology::measured;
use model::Params;
use vm::guest::network::{Address, Home, Kind, Layout, Link, Shape, default_address};
use vm::scenario::Scenario;

/// The layout that parameters describe; `net=auto` must have been resolved.
///
/// # Errors
/// Parameters of the wrong kind, and what cannot work together.
pub fn layout(params: &Params) -> Result<Layout, LayoutError> {
    let scenario = scenario(params)?;
    if scenario == Scenario::Topology {
        return Ok(measured(params)?.way()?);
    }
    let client = client_place(scenario, params)?;
    let mut links = Vec::new();
    let cards = nics(params)?;
    let guests = scenario.guests().iter().map(|guest| (*guest, cards.len()));
    refuse_strangers(params, &guests.collect::<Vec<_>>())?;
    for (index, nic) in (0u8..).zip(cards) {
        links.push(link(params, scenario, nic, index)?);
    }
    Ok(Layout::new(scenario, client, links, reach(params)?)?)
}

/// The address that a parameter gives, if it does.
fn address(params: &Params, key: &str) -> Result<Option<Address>, LayoutError> {
    match given(params, key) {
        None => Ok(None),
        Some(text) => Address::parse(text).map(Some).ok_or_else(|| {
            params.wrong(key, "an IPv4 address of a host, such as 192.168.100.21 or 192.168.100.21/24").into()
        }),
    }
}

fn link(params: &Params, scenario: Scenario, nic: String, index: u8) -> Result<Link, LayoutError> {
    let of_nic = params.object_params(&nic);
    let words = Kind::WORDS;
    let kind = match of_nic.choice("net", &words) {
        Ok(word) => Kind::parse(word),
        // `auto` that is left belongs to a NIC with a bridge, or a device for macvtap.
        Err(error) if of_nic.get("net").map(str::trim) != Some("auto") => return Err(error.into()),
        Err(_) => kind_named(&of_nic),
    };
    let kind = kind.unwrap_or(Kind::Bridge);
    let device = device(&of_nic, &nic, kind)?;
    let server = match (address(&of_nic, "ip")?, kind) {
        (None, kind) if !kind.is_plugged() => Some(default_address(kind, index)),
        // QEMU has addresses of its own in there, of which perfvt knows those of such a network.
        (Some(given), kind)
            if kind.home() == Home::Ports && (given.prefix != 24 || given.ip.octets()[3] < 4) =>
        {
            return Err(of_nic.wrong("ip", "an address /24 that ends in 4 or more, with net=user").into());
        }
        (given, _) => given,
    };
    let second = match scenario {
        Scenario::GuestGuest => address(&params.object_params("vm2").object_params(&nic), "ip")?,
        _ => None,
    };
    let client = match (kind, scenario, second.filter(|address| Some(*address) != server)) {
        (kind, ..) if kind.home() == Home::Ports => None,
        (kind, Scenario::HostGuest | Scenario::ExhostGuest, _) if kind.is_plugged() => None,
        // One of them is told its address: the other one has to be, too.
        (kind, Scenario::GuestGuest, None) if kind.is_plugged() && server.is_some() => {
            return Err(no_address(&nic, device.as_deref()));
        }
        (kind, Scenario::GuestGuest, second) if kind.is_plugged() => second,
        (_, _, Some(address)) => Some(address),
        (_, _, None) => server.map(|server| server.neighbour()),
    };
    let mtu = mtu(&of_nic, kind)?;
    needs_tap(&of_nic, &nic, kind)?;
    let vde = vde(&of_nic, kind)?;
    let mut shapes = [Shape::default(); 2];
    for (to, guest) in shapes.iter_mut().zip(scenario.guests()) {
        *to = shape(&params.object_params(guest).object_params(&nic), &nic, kind)?;
    }
    Ok(Link { nic, kind, device, mtu, server, client, shapes, vde })
}

/// What a name of a network device may be, so that it can be given to QEMU and `ip` as it is.
fn is_device_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    // IFNAMSIZ is 16 with the zero at the end.
    (1..=15).contains(&name.len()) && name.chars().all(plain) && !name.starts_with(['-', '.'])
}

/// The device of the host that a NIC is plugged into, where its kind has one.
fn device(of_nic: &Params, nic: &str, kind: Kind) -> Result<Option<String>, LayoutError> {
    let Some((key, called)) = kind.device() else { return Ok(None) };
    match given(of_nic, key) {
        Some(name) if is_device_name(name) => Ok(Some(name.to_owned())),
        Some(_) => {
            let wanted = format!("the name of a {called} of this host, at most 15 characters");
            Err(of_nic.wrong(key, &wanted).into())
        }
        None => Err(refused(format!("net={key} needs {key}=NAME, or {key}_{nic}=NAME"))),
    }
}

fn no_address(nic: &str, device: Option<&str>) -> LayoutError {
    refused(format!(
        "the client's guest needs an address on {}: set ip_{nic}_vm2=ADDRESS/LENGTH to a free one of its \
         network, or give neither guest one and let DHCP do it",
        device.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn made(set: &[(&str, &str)]) -> Result<Layout, LayoutError> {
        let mut params = Params::new();
        for (key, value) in [
            ("scenario", "host_guest"),
            ("nics", "nic1"),
            ("net", "tap"),
            ("mtu", "1500"),
            ("guest_reach", "none"),
            ("vhost", "no"),
            ("queues", "1"),
        ] {
            params.set(key, value, Origin::BuiltIn);
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::BuiltIn);
        }
        layout(&params)
    }

    fn refusal(set: &[(&str, &str)]) -> String {
        made(set).unwrap_err().to_string()
    }

    #[test]
    fn the_simple_layout_is_that_of_the_defaults() {
        assert_eq!(made(&[]).unwrap(), Layout::simple(Kind::Tap));
        assert_eq!(made(&[("net", "user")]).unwrap(), Layout::simple(Kind::User));
    }

    #[test]
    fn two_nics_are_two_networks_with_the_data_on_the_first() {
        let two = made(&[("nics", "nic1 nic2"), ("net_nic2", "user"), ("mtu_nic1", "9000")]).unwrap();
        let data = two.data().unwrap();
        assert_eq!((data.nic.as_str(), data.kind, data.mtu), ("nic1", Kind::Tap, 9000));
        let control = two.control().unwrap();
        assert_eq!((control.kind, control.mtu), (Kind::User, 1500));
        assert_eq!(control.server.unwrap().to_string(), "10.0.3.15/24");
        assert_eq!(control.peer().unwrap().to_string(), "10.0.3.2");
        assert_eq!(two.kinds(), "tap,user");
    }

    #[test]
    fn a_bridge_turns_auto_into_itself_and_an_address_that_is_not_given_is_left_to_dhcp() {
        let set = [("net", "auto"), ("bridge", "vbr0"), ("ip_nic1", "192.168.100.21")];
        let link = made(&set).unwrap().links.remove(0);
        assert_eq!((link.kind, link.device.as_deref()), (Kind::Bridge, Some("vbr0")));
        assert_eq!((link.server.unwrap().to_string().as_str(), link.client), ("192.168.100.21/24", None));
        assert_eq!(made(&[("net", "auto"), ("bridge", "vbr0")]).unwrap().links[0].server, None);
        let both = [("scenario", "guest_guest"), ("net", "bridge"), ("bridge", "b"), ("ip", "10.0.0.5/16")];
        assert!(refusal(&both).contains("set ip_nic1_vm2="), "{}", refusal(&both));
        let neither = made(&both[..3]).unwrap().links.remove(0);
        assert_eq!((neither.server, neither.client), (None, None));
        let given = [both.as_slice(), &[("ip_nic1_vm2", "10.0.0.6/16")]].concat();
        assert_eq!(made(&given).unwrap().links[0].client.unwrap().to_string(), "10.0.0.6/16");
        // A net that is named beats the bridge, which a configuration may hold for other runs.
        assert_eq!(made(&[("bridge", "vbr0")]).unwrap().links[0].device, None);
    }

    #[test]
    fn a_macvtap_is_plugged_into_the_device_that_is_named() {
        let set = [("scenario", "guest_guest"), ("net", "auto"), ("macvtap", "eth0"), ("nics", "nic1 nic2")];
        let both = made(&[&set[..], &[("macvtap_nic2", "eth1")]].concat()).unwrap();
        let devices: Vec<_> = both.links.iter().map(|link| (link.kind, link.device.as_deref())).collect();
        assert_eq!(devices, [(Kind::Macvtap, Some("eth0")), (Kind::Macvtap, Some("eth1"))]);
        assert_eq!((both.links[0].server, both.links[0].client), (None, None), "DHCP gives both");
        let outside =
            [("scenario", "exhost_guest"), ("client", "netns"), ("net", "macvtap"), ("macvtap", "eth0")];
        assert!(refusal(&outside).contains("use net=tap"), "{}", refusal(&outside));
        let host = [("net", "macvtap"), ("macvtap", "eth0")];
        assert!(refusal(&host).contains("joins no guest with its own host"), "{}", refusal(&host));
        assert!(refusal(&host[..1]).contains("net=macvtap needs macvtap=NAME, or macvtap_nic1=NAME"));
    }

    #[test]
    fn what_cannot_work_is_refused_with_the_way_out() {
        let says = |set: &[(&str, &str)], text: &str| {
            let error = refusal(set);
            assert!(error.contains(text), "{error}");
        };
        says(&[("scenario", "guest_guest"), ("net", "user")], "joins no two guests");
        says(&[("net", "dgram")], "joins two guests and nothing else");
        says(&[("scenario", "exhost_guest")], "needs client = ");
        says(&[("scenario", "exhost_guest"), ("client", "netns"), ("net", "user")], "from this host only");
        let outside = [("scenario", "exhost_guest"), ("client", "192.168.100.15"), ("net", "tap")];
        says(
            &outside,
            "exhost_guest: net=tap of nic1 is not reached by another host; give the NIC a bridge=NAME",
        );
        says(&[("scenario", "exhost_guest"), ("client", "-oX")], "is no name or address of a host");
        says(&[("client", "vm2")], "the client is this host, but client = vm2");
        says(&[("net", "user"), ("mtu", "9000")], "net=user carries 1500");
        says(&[("mtu", "70000")], "576 to 65521");
        says(&[("net", "user"), ("vhost", "yes")], "vhost=yes of nic1 needs net=tap");
        says(&[("scenario", "guest_guest"), ("net", "dgram"), ("queues", "2")], "queues=2 of nic1 needs");
        says(&[("nics", "nic1 nic3")], "nic1, or nic1 nic2");
        says(&[("net", "bridge")], "needs bridge=NAME");
        says(&[("net", "bridge"), ("bridge", "-x")], "the name of a bridge");
        says(&[("ip", "192.168.1.255")], "an IPv4 address of a host");
        let mixed =
            [("nics", "nic1 nic2"), ("net_nic2", "bridge"), ("bridge_nic2", "b"), ("ip_nic2", "10.1.1.2")];
        says(&mixed, "one QEMU cannot be in both");
    }
}
