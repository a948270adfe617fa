//! The parameters that perfvt knows whatever the workload: the one table, from which `perfvt:parameters.cfg`, the checks of
//! keys, `perfvt list`, `perfvt help keys` and docs/keys.md are made. Those of a workload stand in its file.

mod conduct;
mod guests;
mod hardware;

/// The parameter that names a guest.
pub const GUEST_NAME: &str = "guest";
/// The name of the built-in guest.
pub const BUILTIN: &str = "builtin";
/// The parameter that says where folders that the user brings are built.
pub const BUILD_ON: &str = "build_on";
/// The parameter that all deadlines are multiplied by.
pub const DEADLINE_FACTOR: &str = "deadline_factor";
/// The parameter that says how long a boot may take, whatever the table of deadlines says.
pub const BOOT_TIMEOUT: &str = "boot_timeout";

/// The parameter that names a profiler.
pub const PROFILER: &str = "profiler";
/// The parameter that says how often a guest's disk is booted before the boot that counts.
pub const EARLIER_BOOTS: &str = "earlier_boots";

/// The NICs that guests of a scenario may have.
pub const NICS: [&str; 2] = ["nic1", "nic2"];

/// What the names of perfvt's own configurations begin with.
pub const SCHEME: &str = "perfvt:";

/// Whether something is a name of a machine: `vm1` to `vm99`.
pub fn is_machine(name: &str) -> bool {
    is_numbered(name, "vm")
}

/// Whether something is a name of a data disk: `disk1` to `disk99`.
pub fn is_disk(name: &str) -> bool {
    is_numbered(name, "disk")
}

/// A key without the names of guests, NICs, disks and drives at its end: `mtu` of `mtu_nic2_vm1`. A parameter that ends in `_NAME` is meant for that
/// one alone.
pub fn without_objects(key: &str) -> &str {
    match key.rsplit_once('_') {
        Some((stem, name))
            if is_machine(name) || is_numbered(name, "nic") || is_numbered(name, "cd") || is_disk(name) =>
        {
            without_objects(stem)
        }
        _ => key,
    }
}

/// A word with a number from 1 to 99 behind it.
fn is_numbered(name: &str, word: &str) -> bool {
    let digits = name.strip_prefix(word).unwrap_or_default();
    matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}

/// A parameter that a workload (or perfvt itself) knows.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The key.
    pub key: &'static str,
    /// Its default; `None` when there is none, or perfvt finds one at run time.
    pub default: Option<&'static str>,
    /// What holds where it has no default and is not set; empty otherwise.
    pub otherwise: &'static str,
    /// What values it takes, with their unit.
    pub values: &'static str,
    /// One line for people.
    pub help: &'static str,
}

impl Known {
    /// A key with a default.
    pub const fn new(
        key: &'static str,
        default: &'static str,
        values: &'static str,
        help: &'static str,
    ) -> Known {
        Known { key, default: Some(default), otherwise: "", values, help }
    }

    /// A key without one, and what holds when it is not set.
    pub const fn open(
        key: &'static str,
        otherwise: &'static str,
        values: &'static str,
        help: &'static str,
    ) -> Known {
        Known { key, default: None, otherwise, values, help }
    }
}

/// Keys that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// What one value is for, and how a key names a part of that.
    pub applies: &'static str,
    /// The keys.
    pub keys: &'static [Known],
}

const OF_GUEST: &str = "each guest; KEY_vm2 is for the second one alone";
const OF_CARD: &str =
    "each network card of each guest; KEY_nic2, KEY_vm2 or KEY_nic2_vm2 is for that one alone";
const OF_MACHINE: &str = "each machine that vms lists; KEY_vm2 is for one alone";
const OF_ENVIRONMENT: &str = "the environment";

/// All keys of every guest, whatever the workload.
pub const GROUPS: [Group; 9] = [
    Group { title: "What a guest is", applies: OF_GUEST, keys: guests::IMAGE },
    Group {
        title: "Drives for CDs",
        applies: "each guest with an image; KEY_cd1 is for the first drive alone",
        keys: guests::CDROMS,
    },
    Group { title: "The way into a guest", applies: OF_GUEST, keys: guests::ENTRANCE },
    Group { title: "Where the client is", applies: OF_ENVIRONMENT, keys: guests::CLIENT },
    Group { title: "Network", applies: OF_CARD, keys: hardware::NETWORK },
    Group { title: "Machines on networks of their own", applies: OF_MACHINE, keys: hardware::TOPOLOGY },
    Group { title: "Machine", applies: OF_GUEST, keys: hardware::MACHINE },
    Group {
        title: "Data disks",
        applies: "the first guest; KEY_disk2 is for the second disk alone",
        keys: hardware::DISK,
    },
    Group { title: "How it is measured", applies: OF_ENVIRONMENT, keys: conduct::MEASURING },
];

/// Parameters of every guest, whatever the workload.
pub fn guest() -> impl Iterator<Item = &'static Known> {
    GROUPS.into_iter().flat_map(|group| group.keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects_end_a_key_in_any_order() {
        assert_eq!(without_objects("mtu_nic2_vm1"), "mtu");
        assert_eq!(without_objects("mem_vm2"), "mem");
        assert_eq!(without_objects("bridge_nic2"), "bridge");
        assert_eq!(without_objects("nic1"), "nic1");
        assert_eq!(without_objects("link_delay_nic3_vm12"), "link_delay");
        assert_eq!(without_objects("disk_size_disk2_vm1"), "disk_size");
        assert_eq!(without_objects("mem_vm0"), "mem_vm0");
        assert_eq!(without_objects("mem_vm100"), "mem_vm100");
        assert_eq!(without_objects("mem_vm"), "mem_vm");
        assert_eq!(without_objects("nic_model"), "nic_model");
    }
}
