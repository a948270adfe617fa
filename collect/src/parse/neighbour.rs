//! The load that a machine of a topology bears while others are measured.

use super::{VMS, given};
use crate::parameters::without_objects;
use model::{Params, ParamsError};

/// The key.
const KEY: &str = "neighbour";

/// What a neighbour does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// All of its vCPUs compute.
    Cpu,
}

impl Load {
    /// The command in the guest that does it until it is killed, for so many vCPUs.
    pub fn argv(self, vcpus: usize) -> [String; 5] {
        match self {
            Load::Cpu => {
                let script = "while [ \"$1\" -gt 1 ]; do set -- $(($1 - 1)); while :; do :; done & done; while :; do :; done";
                ["sh", "-c", script, "sh", &vcpus.to_string()].map(str::to_owned)
            }
        }
    }
}

/// The loads of the machines with these names, of which the first two serve and ask: each with the place of its machine.
///
/// # Errors
/// A load of another kind, or one of a machine that is measured itself.
pub fn neighbours(params: &Params, names: &[String]) -> Result<Vec<(usize, Load)>, ParamsError> {
    let mut all = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let own = params.object_params(name);
        if given(&own, KEY).is_none() {
            continue;
        }
        own.choice(KEY, &["cpu"])?;
        if place < 2 {
            let wanted = format!(
                "of a machine that is measured by no one, such as neighbour_vm9 = cpu; {name} serves or asks"
            );
            return Err(own.wrong(KEY, &wanted));
        }
        all.push((place, Load::Cpu));
    }
    let is_key = |key: &str| without_objects(key) == KEY;
    let asked = params.iter().find(|param| is_key(&param.key) && !param.value.trim().is_empty());
    match asked {
        Some(param) if all.is_empty() => {
            let wanted = format!(
                "the load of one of several machines ({VMS} with vlans), such as neighbour_vm4 = cpu"
            );
            Err(params.wrong(&param.key, &wanted))
        }
        _ => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    fn with(set: &[(&str, &str)]) -> Result<Vec<(usize, Load)>, String> {
        let mut params = Params::new();
        set.iter().for_each(|(key, value)| params.set(*key, *value, Origin::Flag("--set".into())));
        let names = ["vm3", "vm1", "vm2", "vm4"].map(str::to_owned);
        neighbours(&params, &names).map_err(|error| error.to_string())
    }

    #[test]
    fn a_machine_that_nobody_measures_may_bear_a_load() {
        assert_eq!(with(&[]).unwrap(), []);
        assert_eq!(with(&[("neighbour_vm4", "cpu")]).unwrap(), [(3, Load::Cpu)]);
        assert!(with(&[("neighbour_vm4", "fire")]).unwrap_err().contains("one of cpu"));
        assert!(with(&[("neighbour_vm3", "cpu")]).unwrap_err().contains("vm3 serves or asks"));
        assert!(
            with(&[("neighbour_vm7", "cpu")]).unwrap_err().contains("the load of one of several machines")
        );
        assert_eq!(Load::Cpu.argv(2)[4], "2");
    }
}
