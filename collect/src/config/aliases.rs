//! Other names: those that perfvt understands, of keys and of values, and those that only other tools have.

use crate::parameters::without_objects;
use model::{Params, bytes};

/// Other names of keys, first the other one.
pub const KEYS: [(&str, &str); 16] = [
    ("numanode", "numa_node"),
    ("vcpus", "smp"),
    ("memory", "mem"),
    ("username", "user"),
    ("shell_prompt", "prompt"),
    ("os_type", "guest_os"),
    ("login_timeout", "boot_timeout"),
    ("image_size", "disk_size"),
    ("drive_format", "disk_bus"),
    ("drive_cache", "disk_cache"),
    ("image_aio", "disk_aio"),
    ("drive_serial", "disk_serial"),
    ("preallocated", "disk_prealloc"),
    ("machine_type", "machine"),
    ("extra_params", "extra_args"),
    ("netdst", "bridge"),
];

/// Other words for values: the key, the other word, and perfvt's own.
pub const VALUES: [(&str, &str, &str); 6] = [
    ("nic_model", "virtio", "virtio_net"),
    ("nic_model", "virtio-net-pci", "virtio_net"),
    ("machine", "i440fx", "pc"),
    ("disk_bus", "virtio_blk", "virtio"),
    ("disk_bus", "virtio_scsi", "scsi"),
    ("disk_bus", "scsi-hd", "scsi"),
];

/// Keys of avocado-vt that have no effect here though perfvt has what they mean, and how that is said.
pub const FOREIGN: [(&str, &str); 24] = [
    ("nic_mode", "net = tap, user, bridge or macvtap"),
    ("bridge_force_create", "net = tap, which has a bridge of perfvt's own"),
    ("physical_nic", "macvtap = DEVICE, or bridge = NAME of a bridge that has the device in it"),
    ("type", "a workload by its name, as in type = netperf, or the word behind `perfvt run`"),
    ("vcpu_sockets", "smp = N"),
    ("vcpu_cores", "smp = N, and siblings"),
    ("vcpu_threads", "siblings"),
    ("vcpu_maxcpus", "smp = N"),
    ("vcpu_enable", "smp = N"),
    ("hugepage", "hugepages = 2M or 1G"),
    ("setup_hugepages", "hugepages = 2M or 1G, and `perfvt host prepare`"),
    ("netperf_with_numa", "numa_node"),
    ("host_tuned_profile", "`perfvt run --prepare`"),
    ("setup_ksm", "`perfvt run --prepare`"),
    ("username_client", "client_user"),
    ("password_client", "client_key: ssh takes no password from a program"),
    ("shell_port_client", "client_port"),
    ("shell_client_client", "client, which is reached by ssh"),
    ("cpu_model_flags", "cpu_model = MODEL,FLAGS"),
    ("bios_path", "firmware = FILE"),
    ("ovmf_path", "firmware = FILE"),
    ("image_boot", "image, the one that the guest boots from"),
    ("iterations", "--repeat N"),
    ("profilers", "nothing: what is counted in every window stands in `perfvt help workloads`"),
];

/// Another name that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was written.
    pub said: String,
    /// What that is.
    pub meant: String,
    /// Where.
    pub origin: String,
}

/// How perfvt says what a key of avocado-vt means, when it has no such key.
pub fn foreign(key: &str) -> Option<&'static str> {
    let of = |key: &str| FOREIGN.iter().find(|(name, _)| *name == key).map(|(_, here)| *here);
    of(key).or_else(|| of(without_objects(key)))
}

/// The key that another name means, which may be meant for one object only (`netdst_nic2`).
pub fn key(name: &str) -> Option<String> {
    let stem = without_objects(name);
    let (_, real) = KEYS.iter().find(|(alias, _)| *alias == stem)?;
    Some(format!("{real}{}", name.strip_prefix(stem).unwrap_or_default()))
}

/// Writes values that have another word here as perfvt does, and tells which.
pub fn values(params: &mut Params) -> Vec<Told> {
    let mut told = Vec::new();
    for param in params.iter().cloned().collect::<Vec<_>>() {
        let Some(meant) = value(without_objects(&param.key), param.value.trim()) else { continue };
        told.push(Told {
            said: format!("{} = {}", param.key, param.value.trim()),
            meant: meant.clone(),
            origin: param.origin.to_string(),
        });
        params.set(&param.key, meant, param.origin);
    }
    told
}

/// perfvt's word for a value of a key, when that is another one.
fn value(key: &str, said: &str) -> Option<String> {
    if key == "mem" && said.ends_with(|c: char| c.is_ascii_alphabetic()) {
        // What is no whole number of MiB stays, and is refused where the machine is described.
        let bytes = bytes(said).filter(|bytes| bytes.is_multiple_of(1 << 20))?;
        return Some((bytes >> 20).to_string());
    }
    VALUES.iter().find(|(of, word, _)| *of == key && *word == said).map(|(.., own)| (*own).to_owned())
}

/// One line about all of them, each once; `None` for none.
pub fn told(all: &[Told]) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    for (at, one) in all.iter().enumerate() {
        if all.iter().take(at).any(|other| (&other.said, &other.meant) == (&one.said, &one.meant)) {
            continue;
        }
        // A flag shows the very same words.
        let origin = if one.origin.starts_with("--") { String::new() } else { format!(" ({})", one.origin) };
        lines.push(format!("{}{origin} is {}", one.said, one.meant));
    }
    (!lines.is_empty()).then(|| format!("other names, understood: {}", lines.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::guest;
    use model::Origin;

    #[test]
    fn every_other_name_leads_to_a_key_and_is_none_itself() {
        let known = |key: &str| guest().any(|known| known.key == key);
        for (alias, real) in KEYS {
            assert!(known(real) && !known(alias), "{alias}");
        }
        for (key, word, own) in VALUES {
            let values = guest().find(|known| known.key == key).unwrap().values;
            assert!(values.contains(own) && value(key, own).is_none(), "{key} = {word}");
        }
        for (name, _) in FOREIGN {
            assert!(!known(name) && key(name).is_none(), "{name}");
        }
    }

    #[test]
    fn values_in_other_words_become_perfvts_own_and_are_told_once() {
        let mut params = Params::new();
        let file = |line| Origin::File { path: "t.cfg".into(), line };
        for (line, (key, value)) in (1..).zip([
            ("nic_model_nic1", "virtio"),
            ("mem", "1G"),
            ("mem_vm2", "512"),
            ("machine", "q35"),
            ("disk_bus", "ide"),
        ]) {
            params.set(key, value, file(line));
        }
        let all = values(&mut params);
        let of = |key: &str| params.get(key).unwrap().to_owned();
        assert_eq!(
            (of("nic_model_nic1"), of("mem"), of("mem_vm2")),
            ("virtio_net".into(), "1024".into(), "512".into())
        );
        assert_eq!(params.param("mem").unwrap().origin, file(2));
        let want = "other names, understood: nic_model_nic1 = virtio (t.cfg:1) is virtio_net, mem = 1G (t.cfg:2) is 1024";
        assert_eq!(told(&[all.clone(), all].concat()).as_deref(), Some(want));
        assert_eq!(told(&[]), None);
        for odd in ["1.5k", "G", "1T1", "-1G", "99999999999999999999G"] {
            assert_eq!(value("mem", odd), None, "{odd}");
        }
    }
}
