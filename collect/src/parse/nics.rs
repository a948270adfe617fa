//! Which NICs there are, and what of them is left open.

use super::given;
use crate::parameters::NICS;
use model::{Origin, Params, ParamsError};
use vm::guest::network::{Home, Kind};

/// The NICs that `nics` lists.
///
/// # Errors
/// None at all, too many, or a name that is not one.
pub fn nics(params: &Params) -> Result<Vec<String>, ParamsError> {
    let names = params.objects("nics");
    let known = |name: &&str| NICS.contains(name);
    if names.is_empty() || !names.iter().all(known) {
        return Err(params.wrong("nics", "nic1, or nic1 nic2: the first for data, the second for control"));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// Whether some NIC is plugged into a switch of perfvt's own.
///
/// # Errors
/// `nics` is wrong.
pub fn has_switch(params: &Params) -> Result<bool, ParamsError> {
    let all = nics(params)?;
    let kind = |nic: &String| Kind::parse(params.object_params(nic).get("net").unwrap_or_default().trim());
    Ok(all.iter().filter_map(kind).any(|kind| kind.home() == Home::Switch))
}

/// Whether a second NIC is meant though nobody listed it: existing configurations name its bridge (here also a macvtap's
/// device) and leave `nics` alone.
pub fn second_nic_is_meant(params: &Params) -> bool {
    let listed = params.param("nics").is_some_and(|param| param.origin != Origin::BuiltIn);
    let mut devices = Kind::ALL.into_iter().filter_map(Kind::device);
    !listed && devices.any(|(key, _)| given(params, &format!("{key}_nic2")).is_some())
}

/// The keys that leave the choice of a network to perfvt: `net`, or `net_NIC`. A NIC with a bridge or a device for macvtap
/// leaves nothing open.
///
/// # Errors
/// `nics` is wrong.
pub fn open_choices(params: &Params) -> Result<Vec<String>, ParamsError> {
    let mut keys = Vec::new();
    for nic in nics(params)? {
        let own = params.object_params(&nic);
        let special = format!("net_{nic}");
        let key = if params.get(&special).is_some() { special } else { "net".to_owned() };
        if own.get("net").map(str::trim) == Some("auto") && kind_named(&own).is_none() && !keys.contains(&key)
        {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// The kind that `net=auto` means for a NIC whose parameters name a device to plug it into.
pub(super) fn kind_named(of_nic: &Params) -> Option<Kind> {
    let named = |kind: &Kind| kind.device().is_some_and(|(key, _)| given(of_nic, key).is_some());
    Kind::ALL.into_iter().find(named)
}
