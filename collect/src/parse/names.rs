//! What machines may be called.

use super::topology::{VLANS, VMS};
use crate::parameters::is_machine;
use model::{Params, ParamsError};

/// Refuses machines whose names no key can end in, where keys do: those are unknown ones, and nothing would come of the machines.
///
/// # Errors
/// Such names, with those that take their place.
pub fn refuse_names(params: &Params, unknown: &[&str]) -> Result<(), ParamsError> {
    let listed: Vec<&str> = params.get(VMS).unwrap_or_default().split_whitespace().collect();
    let is_meant = |name: &&&str| unknown.contains(&format!("{VLANS}_{name}").as_str());
    let Some(name) = listed.iter().filter(|name| !is_machine(name)).find(is_meant) else { return Ok(()) };
    let place = listed.iter().position(|other| other == name).unwrap_or_default() + 1;
    let names: Vec<String> = (1..=listed.len()).map(|number| format!("vm{number}")).collect();
    let wanted = format!(
        "{} in place of {}: keys of one machine end in vm and its number, so {VLANS}_{name} is {VLANS}_vm{place}, and so on",
        names.join(" "),
        listed.join(" ")
    );
    Err(params.wrong(VMS, &wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn machines_that_no_key_can_name_are_refused_with_names_that_keys_can_end_in() {
        let mut params = Params::new();
        params.set(VMS, "client router server", Origin::File { path: "t.cfg".into(), line: 1 });
        assert!(refuse_names(&params, &["vlans_other", "colour_router"]).is_ok());
        let said = refuse_names(&params, &["vlans_router"]).unwrap_err().to_string();
        for part in ["vm1 vm2 vm3 in place of client router server", "vlans_router is vlans_vm2", "(t.cfg:1)"]
        {
            assert!(said.contains(part), "{said}");
        }
        params.set(VMS, "vm1 vm2", Origin::BuiltIn);
        assert!(refuse_names(&params, &["vlans_router"]).is_ok());
    }
}
