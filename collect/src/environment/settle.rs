//! What parameters leave open and this host decides, for campaigns and for guests without one alike.

use crate::parse::{CONFINE, open_choices, second_nic_is_meant};
use model::{Origin, Params, ParamsError};
use std::collections::BTreeMap;
use vm::guest::confine::{Confine, has_sandbox};
use vm::guest::network::Kind;
use vm::scenario::Scenario;

/// Sets what was found out, and keeps where the question came from.
pub fn set(params: &mut Params, key: &str, value: &str) {
    let origin = params.param(key).map_or(Origin::BuiltIn, |p| p.origin.clone());
    params.set(key, value, origin);
}

/// Lists the second NIC where a name of a device stands for it, and puts a kind in the place of each `net=auto`: the one that
/// `auto` gives.
///
/// # Errors
/// `nics` is wrong, or that of `auto`.
pub fn networks<E: From<ParamsError>>(
    params: &mut Params,
    mut auto: impl FnMut() -> Result<Kind, E>,
) -> Result<(), E> {
    if second_nic_is_meant(params) {
        set(params, "nics", "nic1 nic2");
    }
    for key in open_choices(params)? {
        let kind = auto()?;
        set(params, &key, kind.word());
    }
    Ok(())
}

/// Decides `confine=auto` for all of these at once, as what every QEMU of them can do: environments that differ in what
/// confines their QEMU differ in more than what is compared. Gives the QEMU because of which nothing is confined.
///
/// # Errors
/// A sandbox is asked for by name, of a QEMU that has none.
pub fn confine(all: &mut [&mut Params], scenario: Scenario) -> Result<Option<String>, ParamsError> {
    let mut lacking: Option<String> = None;
    let mut asked: BTreeMap<String, bool> = BTreeMap::new();
    for params in &*all {
        for guest in scenario.guests() {
            let own = params.object_params(guest);
            let qemu = own.text("qemu_binary")?;
            let has = *asked.entry(qemu.to_owned()).or_insert_with(|| has_sandbox(qemu));
            if !has && own.get(CONFINE) == Some("sandbox") {
                return Err(own.wrong(CONFINE, &format!("none, because {qemu} was built without a sandbox")));
            }
            if !has {
                lacking.get_or_insert_with(|| qemu.to_owned());
            }
        }
    }
    let word = if lacking.is_some() { Confine::None } else { Confine::Sandbox }.word();
    let mut decided = false;
    for params in all.iter_mut().filter(|params| params.get(CONFINE) == Some("auto")) {
        set(params, CONFINE, word);
        decided = true;
    }
    Ok(lacking.filter(|_| decided))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag(format!("--set {key}={value}")));
        }
        params
    }

    #[test]
    fn one_qemu_without_a_sandbox_leaves_all_that_is_open_without_one() {
        let [qemu, none] = ["qemu_binary", "/nonexistent/qemu"];
        let mut open = params(&[(qemu, none), (CONFINE, "auto")]);
        let mut said = params(&[(qemu, none), (CONFINE, "none")]);
        let lacking = confine(&mut [&mut open, &mut said], Scenario::HostGuest).unwrap();
        assert_eq!((lacking.as_deref(), open.get(CONFINE)), (Some(none), Some("none")));
        assert!(matches!(open.param(CONFINE).unwrap().origin, Origin::Flag(_)), "who asked is still known");
        // Where nothing was open nothing has been decided.
        assert_eq!(confine(&mut [&mut said], Scenario::HostGuest).unwrap(), None);
        let mut asked = params(&[(qemu, none), (CONFINE, "sandbox")]);
        let error = confine(&mut [&mut asked], Scenario::HostGuest).unwrap_err().to_string();
        assert!(error.contains("built without a sandbox"), "{error}");
    }

    #[test]
    fn auto_is_asked_for_what_is_open_and_a_device_stands_for_its_nic() {
        let mut all = params(&[("net", "auto"), ("bridge_nic2", "vbr0")]);
        all.set("nics", "nic1", Origin::BuiltIn);
        networks(&mut all, || Ok::<_, ParamsError>(Kind::User)).unwrap();
        assert_eq!((all.get("nics"), all.get("net")), (Some("nic1 nic2"), Some("user")));
        networks(&mut all, || -> Result<Kind, ParamsError> { panic!("nothing is open any more") }).unwrap();
    }
}
