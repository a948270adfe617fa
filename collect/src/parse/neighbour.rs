//! Neighbours: guests that bear a load while others are measured. One is a machine of a topology, or a further guest beside those that
//! there are without it.

use super::{disk, given};
use crate::parameters::without_objects;
use model::{Origin, Params, ParamsError};
use vm::guest::disk::Disk;

/// The key.
const KEY: &str = "neighbour";

/// The disk that fio works on, where no key says how large it is.
const DISK_SIZE: &str = "256M";

/// More seconds than any case takes: a load is ended when its case is over.
const FOR_EVER: &str = "86400";

/// What a neighbour does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Nothing: it is there, as in the environments that have it work.
    Idle,
    /// All of its vCPUs compute.
    Cpu,
    /// It reads and writes its data disk here and there, 4 KiB at a time.
    Fio,
    /// It sends a stream over TCP to the server's guest.
    Netperf,
}

impl Load {
    const ALL: [Load; 4] = [Load::Idle, Load::Cpu, Load::Fio, Load::Netperf];
    const WORDS: [&str; 4] = ["idle", "cpu", "fio", "netperf"];

    /// The word of the key.
    pub fn word(self) -> &'static str {
        let known = Load::ALL.into_iter().zip(Load::WORDS).find(|(load, _)| *load == self);
        known.map_or("", |(_, word)| word)
    }

    /// Whether it takes a tool that is on the tools disk.
    pub fn has_tool(self) -> bool {
        self == Load::Fio
    }

    /// The command in the guest that does it until it is killed, for so many vCPUs; `on` is the device or the address that it works
    /// on. One that is idle has none.
    pub fn argv(self, vcpus: usize, on: &str, port: &str) -> Vec<String> {
        let vcpus = vcpus.to_string();
        let file = format!("--filename={on}");
        let runtime = format!("--runtime={FOR_EVER}");
        let words: &[&str] = match self {
            Load::Idle => &[],
            Load::Cpu => {
                let script = "while [ \"$1\" -gt 1 ]; do set -- $(($1 - 1)); while :; do :; done & done; while :; do :; done";
                &["sh", "-c", script, "sh", &vcpus]
            }
            Load::Fio => &[
                "fio",
                "--name=neighbour",
                &file,
                "--rw=randrw",
                "--bs=4k",
                "--direct=1",
                "--ioengine=libaio",
                "--iodepth=4",
                "--thread",
                "--time_based",
                &runtime,
            ],
            Load::Netperf => &["netperf", "-H", on, "-p", port, "-t", "TCP_STREAM", "-l", FOR_EVER],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The disk of its own that a guest with this load has.
    ///
    /// # Errors
    /// Keys of a disk that cannot be.
    pub fn disk(self, own: &Params) -> Result<Option<Disk>, ParamsError> {
        if self != Load::Fio {
            return Ok(None);
        }
        let mut own = own.clone();
        if given(&own, "disk_size").is_none() {
            own.set("disk_size", DISK_SIZE, Origin::BuiltIn);
        }
        disk(&own)
    }
}

/// The name of the guest that is there for its load alone, where parameters ask for one: `name` unless they do not.
pub(super) fn wanted(params: &Params, name: &str) -> Option<String> {
    given(&params.object_params(name), KEY).map(|_| name.to_owned())
}

/// The load of a guest whose parameters these are.
///
/// # Errors
/// A load of another kind.
pub fn load(own: &Params) -> Result<Load, ParamsError> {
    let word = own.choice(KEY, &Load::WORDS)?;
    let known = Load::ALL.into_iter().find(|load| load.word() == word);
    Ok(known.unwrap_or(Load::Idle))
}

/// The loads of the guests with these names, of which so many are measured and `further` is there for its load alone: each with the
/// place of its guest.
///
/// # Errors
/// A load of another kind, or one of a guest that is measured itself, or of none.
pub fn neighbours(
    params: &Params,
    names: &[String],
    (measured, further): (usize, Option<&str>),
) -> Result<Vec<(usize, Load)>, ParamsError> {
    let mut all = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let own = params.object_params(name);
        // The key without a name is of the further guest alone.
        let is_meant = Some(name.as_str()) == further || given(params, &format!("{KEY}_{name}")).is_some();
        if !is_meant {
            continue;
        }
        let load = load(&own)?;
        if place < measured {
            let wanted = format!(
                "of a guest that is measured by no one, such as neighbour = cpu for a further one; {name} serves or asks"
            );
            return Err(own.wrong(KEY, &wanted));
        }
        all.push((place, load));
    }
    let is_of_none = |key: &str| match key.strip_prefix(KEY).and_then(|rest| rest.strip_prefix('_')) {
        Some(name) => without_objects(key) == KEY && !names.iter().any(|known| known == name),
        None => false,
    };
    match params.iter().find(|param| is_of_none(&param.key) && !param.value.trim().is_empty()) {
        Some(param) => {
            let names = names.join(", ");
            let wanted = format!(
                "the load of a guest that there is, or neighbour without a name for a further one; the guests are {names}"
            );
            Err(params.wrong(&param.key, &wanted))
        }
        None => Ok(all),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(set: &[(&str, &str)]) -> Result<Vec<(usize, Load)>, String> {
        let mut params = Params::new();
        set.iter().for_each(|(key, value)| params.set(*key, *value, Origin::Flag("--set".into())));
        let mut names = ["vm3", "vm1", "vm2", "vm4"].map(str::to_owned).to_vec();
        let further = wanted(&params, "vm5");
        names.extend(further.clone());
        neighbours(&params, &names, (2, further.as_deref())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_guest_that_nobody_measures_may_bear_a_load() {
        assert_eq!(with(&[]).unwrap(), []);
        assert_eq!(with(&[("neighbour_vm4", "cpu")]).unwrap(), [(3, Load::Cpu)]);
        assert_eq!(
            with(&[("neighbour_vm4", "fire")]).unwrap_err().matches("one of idle, cpu, fio, netperf").count(),
            1
        );
        assert!(with(&[("neighbour_vm3", "cpu")]).unwrap_err().contains("vm3 serves or asks"));
        let none = with(&[("neighbour_vm7", "cpu")]).unwrap_err();
        assert!(none.contains("the guests are vm3, vm1, vm2, vm4"), "{none}");
        assert_eq!(Load::Cpu.argv(2, "", "")[4], "2");
    }

    #[test]
    fn without_a_name_it_is_a_further_guest_and_no_other() {
        assert_eq!(with(&[("neighbour", "fio")]).unwrap(), [(4, Load::Fio)]);
        assert_eq!(
            with(&[("neighbour", "fio"), ("neighbour_vm4", "cpu")]).unwrap(),
            [(3, Load::Cpu), (4, Load::Fio)]
        );
        assert_eq!(with(&[("neighbour", " ")]).unwrap(), []);
    }

    #[test]
    fn the_words_of_the_key_are_those_of_the_loads() {
        for (load, word) in Load::ALL.into_iter().zip(Load::WORDS) {
            assert_eq!(load.word(), word);
            assert_eq!(load.argv(1, "x", "1").is_empty(), load == Load::Idle);
        }
    }
}
