//! Which machine this is: twins have the same processor and the same kernel, and are two machines all the same.

use model::Fingerprint;
use std::path::Path;

/// What hashes of identities are made with, so that nobody finds a machine's own number by them (BLAKE3's key derivation).
const CONTEXT: &str = "perfvt 2026-11 host.id";
/// The firmware's number of a machine. Root alone may read it (sysfs-class-dmi).
const PRODUCT_UUID: &str = "sys/class/dmi/id/product_uuid";
/// The installation's number, which another installation changes (machine-id(5)).
const MACHINE_ID: &str = "etc/machine-id";
/// Numbers that makers of boards leave in many machines.
const NO_NUMBERS: [&str; 3] = [
    "00000000000000000000000000000000",
    "ffffffffffffffffffffffffffffffff",
    "03000200040005000006000700080009",
];

/// The name of the machine under `root`, and who it is: `host.name`, `host.id`, and with that where it comes from.
pub(super) fn machine(root: &Path, facts: &mut Fingerprint) {
    let read = |path: &str| edge::read::kernel(root.join(path)).unwrap_or_default();
    facts.set("host.name", read("proc/sys/kernel/hostname"));
    let known = [("dmi", PRODUCT_UUID), ("machine-id", MACHINE_ID)];
    let found = known.into_iter().find_map(|(source, path)| Some((source, number(&read(path))?)));
    if let Some((source, number)) = found {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(number.as_bytes());
        let id: String = hasher.finalize().to_hex().chars().take(16).collect();
        facts.set_version("host.id", id, source);
    }
}

/// The digits of a number that tells one machine from others.
fn number(text: &str) -> Option<String> {
    let digits: String = text.trim().chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    let is_one = digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit());
    (is_one && !NO_NUMBERS.contains(&digits.as_str())).then_some(digits)
}

/// Names the machine as its user does (`--machine`), who knows better than its files.
pub fn name_machine(facts: &mut Fingerprint, name: &str) {
    facts.set("host.name", name);
    facts.set_version("host.id", name, "given");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn facts_of(uuid: &str, machine_id: &str) -> Fingerprint {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in
            [(PRODUCT_UUID, uuid), (MACHINE_ID, machine_id), ("proc/sys/kernel/hostname", "lab7\n")]
        {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut facts = Fingerprint::default();
        machine(dir.path(), &mut facts);
        facts
    }

    const UUID: &str = "4C4C4544-0051-3010-8052-B4C04F4A4E32\n";
    const ID: &str = "d41d8cd98f00b204e9800998ecf8427e\n";

    #[test]
    fn a_machine_is_known_by_its_firmware_else_by_its_installation_and_by_neither_in_plain() {
        let (both, installed) = (facts_of(UUID, ID), facts_of("", ID));
        assert_eq!(both.get("host.name"), Some("lab7"));
        assert_eq!((both.version("host.id"), installed.version("host.id")), ("dmi", "machine-id"));
        assert_eq!(both, facts_of(&UUID.to_lowercase(), "another"));
        assert_ne!(installed, facts_of("", &ID.replace('d', "e")));
        for facts in [&both, &installed] {
            let id = facts.get("host.id").unwrap();
            assert!(id.len() == 16 && !ID.contains(id) && !UUID.to_lowercase().contains(id), "{id}");
        }
    }

    #[test]
    fn numbers_that_many_machines_share_are_none() {
        for uuid in
            ["00000000-0000-0000-0000-000000000000", "03000200-0400-0500-0006-000700080009", "Not Settable"]
        {
            assert_eq!(facts_of(uuid, ID).version("host.id"), "machine-id", "{uuid}");
        }
        assert_eq!(facts_of("", "uninitialized\n").get("host.id"), None);
    }

    #[test]
    fn ids_of_two_sources_are_neither_equal_nor_different() {
        assert!(facts_of(UUID, ID).diff(&facts_of("", ID)).is_empty());
        assert_eq!(facts_of("", ID).diff(&facts_of("", &ID.replace('d', "e"))).len(), 1);
    }

    #[test]
    fn what_the_user_says_counts_more() {
        let mut facts = facts_of(UUID, ID);
        name_machine(&mut facts, "rack 3");
        assert_eq!((facts.get("host.name"), facts.get("host.id")), (Some("rack 3"), Some("rack 3")));
        assert_eq!(facts.version("host.id"), "given");
    }
}
