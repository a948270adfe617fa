//! A guest of libvirt (domain XML, <https://libvirt.org/formatdomain.html>) as perfvt's keys.
//!
//! What measures the same guest is taken over: memory, CPUs, machine, kernel, the disk that boots, network cards. Everything else is
//! listed with its line and what there is instead, so that nothing is lost in silence.

use crate::xml::{self, Element};

/// A guest of libvirt, in perfvt's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Its name.
    pub name: String,
    /// Keys and values, each with the line it comes from.
    pub keys: Vec<(String, String, u32)>,
    /// What has no key: line, element, and what there is instead.
    pub unmapped: Vec<Unmapped>,
}

/// An element that no key comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// Its line.
    pub line: u32,
    /// Its place: `devices/graphics type=spice`.
    pub what: String,
    /// What perfvt does instead, or what to set by hand.
    pub why: &'static str,
}

/// Elements that say nothing about what a guest is to a measurement.
const SILENT: [&str; 12] = [
    "name",
    "uuid",
    "genid",
    "title",
    "description",
    "metadata",
    "on_poweroff",
    "on_reboot",
    "on_crash",
    "resource",
    "devices",
    "os",
];

/// Those directly below `domain` that have no key, and why.
const OTHERS: [(&str, &str); 12] = [
    ("features", "QEMU's defaults for the machine; cpu_model = MODEL,FLAGS takes flags such as hv_relaxed"),
    ("clock", "QEMU's default clock; extra_args = -rtc base=localtime for Windows"),
    ("cputune", "perfvt pins each thread by a plan of its own: numa_node, siblings"),
    ("numatune", "numa_node"),
    ("memoryBacking", "hugepages"),
    ("memtune", "nothing limits a guest's memory here"),
    ("blkiotune", "nothing limits a guest's disks here"),
    ("pm", "guests are neither suspended nor resumed"),
    ("seclabel", "confine says how QEMU is confined"),
    ("iothreads", "disk_iothread, for the data disk"),
    ("iothreadids", "disk_iothread, for the data disk"),
    ("commandline", "extra_args, quoted as in a shell"),
];

/// Devices that have no key, and why.
const DEVICES: [(&str, &str); 18] = [
    ("controller", "perfvt adds the controllers that its devices need"),
    ("graphics", "guests have no screen"),
    ("video", "guests have no screen"),
    ("sound", "nothing that is measured"),
    ("audio", "nothing that is measured"),
    ("input", "nothing that is measured"),
    ("memballoon", "guests have no balloon: their memory is theirs"),
    ("rng", "extra_args = -device virtio-rng-pci"),
    ("watchdog", "a guest that hangs is found by its deadlines"),
    ("tpm", "extra_args"),
    ("hostdev", "extra_args = -device vfio-pci,host=ADDRESS"),
    ("filesystem", "files come into the guest by the way in"),
    ("redirdev", "nothing that is measured"),
    ("smartcard", "nothing that is measured"),
    ("parallel", "nothing that is measured"),
    ("panic", "a panic is found on the console"),
    ("vsock", "the way in is channel"),
    ("iommu", "extra_args = -device intel-iommu"),
];

/// Reads a domain.
///
/// # Errors
/// Line and reason: it is no XML, or no domain that perfvt could boot.
pub fn parse(text: &str) -> Result<Imported, (u32, String)> {
    let root = xml::parse(text)?;
    if root.name != "domain" {
        return Err((
            root.line,
            format!("want <domain>, as `virsh dumpxml NAME` prints it, and this is <{}>", root.name),
        ));
    }
    let mut out =
        Imported { name: root.text_of("name").unwrap_or("libvirt").to_owned(), ..Imported::default() };
    out.machine(&root);
    for child in &root.children {
        out.below_domain(child);
    }
    let none = Element::default();
    out.devices(root.child("devices").unwrap_or(&none));
    out.unmapped.sort_by_key(|one| one.line);
    Ok(out)
}

impl Imported {
    fn set(&mut self, key: impl Into<String>, value: impl Into<String>, from: &Element) {
        let value: String = value.into();
        if !value.is_empty() {
            self.keys.push((key.into(), value, from.line));
        }
    }

    fn leave(&mut self, place: &str, element: &Element, why: &'static str) {
        let kind = ["type", "device", "model", "bus", "mode"]
            .iter()
            .find_map(|key| Some((key, element.attribute(key)?)));
        let kind = kind.map_or(String::new(), |(key, value)| format!(" {key}={value}"));
        let what = format!("{place}{}{kind}", element.name);
        self.unmapped.push(Unmapped { line: element.line, what, why });
    }

    /// Machine, firmware and kernel.
    fn machine(&mut self, root: &Element) {
        let Some(os) = root.child("os") else { return };
        if let Some(kind) = os.child("type") {
            match kind.attribute("arch") {
                None | Some("x86_64") => {}
                Some(_) => self.leave("os/", kind, "guests are x86-64 here"),
            }
            self.set("machine", machine(kind.attribute("machine").unwrap_or_default()), kind);
        }
        for child in &os.children {
            match child.name.as_str() {
                "kernel" | "initrd" => self.set(child.name.as_str(), child.text.as_str(), child),
                "cmdline" => self.set("kernel_params", child.text.as_str(), child),
                "loader" => self.set("firmware", child.text.as_str(), child),
                "nvram" => self.leave("os/", child, "firmware keeps no variables: every boot begins alike"),
                "type" | "boot" | "bootmenu" => {}
                _ => self.leave("os/", child, "QEMU's default"),
            }
        }
        if os.attribute("firmware") == Some("efi") && os.child("loader").is_none() {
            self.leave("", os, "firmware = FILE names UEFI's file, such as /usr/share/OVMF/OVMF_CODE.fd");
        }
    }

    fn below_domain(&mut self, child: &Element) {
        match child.name.as_str() {
            "memory" if !self.has("mem") => match mebibytes(child) {
                Some(mebibytes) => self.set("mem", mebibytes.to_string(), child),
                None => self.leave("", child, "mem = MiB: its unit is not known"),
            },
            "currentMemory" | "maxMemory" | "memory" => {}
            "vcpu" => self.set("smp", child.attribute("current").unwrap_or(&child.text), child),
            "cpu" => self.cpu(child),
            "memoryBacking" => match child.child("hugepages") {
                Some(pages) => {
                    let size = pages.child("page").and_then(|page| page.attribute("size").zip(Some(page)));
                    let gigantic = size.is_some_and(|(size, page)| {
                        size == "1" && page.attribute("unit").is_some_and(|unit| unit.starts_with('G'))
                            || size == "1048576"
                    });
                    self.set("hugepages", if gigantic { "1G" } else { "2M" }, pages);
                }
                None => self.leave("", child, "hugepages"),
            },
            "numatune" => {
                let node = child.child("memory").and_then(|memory| memory.attribute("nodeset"));
                match node.and_then(|node| node.parse::<u32>().ok()) {
                    // perfvt counts nodes from 1, as the ancestor does.
                    Some(node) => self.set("numa_node", (u64::from(node) + 1).to_string(), child),
                    None => self.leave(
                        "",
                        child,
                        "numa_node names one node; guest_nodes spreads a guest over several",
                    ),
                }
            }
            name if SILENT.contains(&name) => {}
            name => {
                let local = name.rsplit(':').next().unwrap_or(name);
                let why = OTHERS.iter().find(|(other, _)| *other == local).map_or("no key", |(_, why)| *why);
                self.leave("", child, why);
            }
        }
    }

    fn cpu(&mut self, cpu: &Element) {
        let flags = cpu.all("feature").filter_map(|feature| {
            let sign = match feature.attribute("policy") {
                Some("disable" | "forbid") => '-',
                _ => '+',
            };
            Some(format!(",{sign}{}", feature.attribute("name")?))
        });
        let flags: String = flags.collect();
        match (cpu.attribute("mode"), cpu.text_of("model")) {
            (Some("host-passthrough" | "maximum"), _) => self.set("cpu_model", format!("host{flags}"), cpu),
            (Some("host-model"), _) => {
                self.leave(
                    "",
                    cpu,
                    "cpu_model = host, the default under KVM, is the host's CPU and not a model near it",
                );
            }
            (_, Some(model)) => self.set("cpu_model", format!("{model}{flags}"), cpu),
            _ => {}
        }
        for child in &cpu.children {
            match child.name.as_str() {
                "topology" => self.leave(
                    "cpu/",
                    child,
                    "smp counts vCPUs; siblings says how they share the host's cores",
                ),
                "numa" => self.leave("cpu/", child, "guest_nodes = N"),
                _ => {}
            }
        }
    }

    fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|(known, ..)| known == key)
    }

    fn devices(&mut self, devices: &Element) {
        let mut cards = 0;
        for device in &devices.children {
            match device.name.as_str() {
                "emulator" => self.set("qemu_binary", device.text.as_str(), device),
                "disk" => self.disk(device),
                "interface" if cards < 2 => {
                    cards += 1;
                    self.card(device, cards);
                }
                "interface" => self.leave("devices/", device, "guests have at most two network cards"),
                "channel" => match device.child("target").and_then(|target| target.attribute("name")) {
                    Some("org.qemu.guest_agent.0") => self.set("channel", "agent", device),
                    _ => self.leave("devices/", device, "nothing that is measured"),
                },
                // perfvt has a console of its own.
                "serial" | "console" => {}
                name => {
                    let why =
                        DEVICES.iter().find(|(other, _)| *other == name).map_or("no key", |(_, why)| *why);
                    self.leave("devices/", device, why);
                }
            }
        }
        if cards == 2 {
            self.keys.push(("nics".into(), "nic1 nic2".into(), devices.line));
        }
    }

    fn disk(&mut self, disk: &Element) {
        let source = disk.child("source");
        let file = source.and_then(|source| source.attribute("file"));
        let is_disk = matches!(disk.attribute("device"), None | Some("disk"));
        let Some(file) = file.filter(|_| is_disk) else {
            let why = match (is_disk, disk.attribute("type")) {
                (false, _) => "guests have no drives for removable disks",
                (true, Some("block")) => {
                    "block devices have no hash that says what was measured: copy it into a file"
                }
                _ => "image = FILE; disks of networks are not known",
            };
            return self.leave("devices/", disk, why);
        };
        if self.has("image") {
            return self.leave("devices/", disk, "disk_size makes an empty data disk for each boot");
        }
        self.set("image", file, disk);
        if let Some(format) = disk.child("driver").and_then(|driver| driver.attribute("type")) {
            self.set("image_format", format, disk);
        }
        let mut backing = disk.child("backingStore");
        let mut files = Vec::new();
        while let Some(store) = backing {
            files.extend(store.child("source").and_then(|source| source.attribute("file")));
            backing = store.child("backingStore");
        }
        // Quoted as in a shell: libvirt's names may hold blanks.
        let quoted: Vec<String> =
            files.iter().map(|file| format!("'{}'", file.replace('\'', "'\\''"))).collect();
        self.set("image_backing", quoted.join(" "), disk);
    }

    fn card(&mut self, card: &Element, number: u32) {
        let key = |name: &str| if number == 1 { name.to_owned() } else { format!("{name}_nic{number}") };
        let of =
            |child: &str, attribute: &str| card.child(child).and_then(|child| child.attribute(attribute));
        match (card.attribute("type"), of("source", "bridge"), of("source", "dev")) {
            (Some("bridge"), Some(bridge), _) => self.set(key("bridge"), bridge, card),
            (Some("direct"), _, Some(device)) => self.set(key("macvtap"), device, card),
            (Some("user"), ..) => self.set(key("net"), "user", card),
            _ => self.leave(
                "devices/",
                card,
                "net = tap has a bridge of perfvt's own; bridge = NAME is one of this host",
            ),
        }
        match of("model", "type") {
            Some("virtio" | "virtio-non-transitional") => self.set(key("nic_model"), "virtio_net", card),
            Some("e1000") => self.set(key("nic_model"), "e1000", card),
            Some(_) => self.leave("devices/", card, "nic_model is virtio_net or e1000"),
            None => {}
        }
        self.set(key("queues"), of("driver", "queues").unwrap_or_default(), card);
        if of("driver", "name") == Some("vhost") {
            self.set(key("vhost"), "yes", card);
        }
        self.set(key("mtu"), of("mtu", "size").unwrap_or_default(), card);
    }
}

/// `pc-q35-7.2` stays, `pc-i440fx-7.2` too; names that only a vendor's QEMU has are of its kind.
fn machine(name: &str) -> String {
    let of_vendor = name.contains("rhel") || name.contains("ubuntu") || name.contains("virt-");
    match name {
        _ if of_vendor && name.contains("q35") => "q35".to_owned(),
        _ if of_vendor => "pc".to_owned(),
        name => name.to_owned(),
    }
}

/// An element's size in MiB; libvirt's unit without one is KiB.
fn mebibytes(of: &Element) -> Option<u64> {
    let number: u128 = of.text.parse().ok()?;
    let unit: u128 = match of.attribute("unit").unwrap_or("KiB") {
        "b" | "bytes" => 1,
        "KB" => 1000,
        "k" | "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        _ => return None,
    };
    u64::try_from(number.checked_mul(unit)? >> 20).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = include_str!("../testdata/libvirt/domain.xml");

    #[test]
    fn a_domain_becomes_keys_and_the_rest_is_listed_with_its_line() {
        let guest = parse(DOMAIN).unwrap();
        let keys: Vec<String> = guest.keys.iter().map(|(key, value, _)| format!("{key} = {value}")).collect();
        let want = "machine = pc-q35-7.2
mem = 2048
hugepages = 2M
smp = 4
numa_node = 2
cpu_model = Skylake-Server,+vmx,-mpx
qemu_binary = /usr/bin/qemu-system-x86_64
image = /var/lib/libvirt/images/web 1.qcow2
image_format = qcow2
image_backing = '/srv/base & more.qcow2'
bridge = br0
nic_model = virtio_net
queues = 4
vhost = yes
macvtap_nic2 = eth1
nic_model_nic2 = e1000
channel = agent
nics = nic1 nic2";
        assert_eq!((guest.name.as_str(), keys.join("\n").as_str()), ("web1", want));
        let left: Vec<&str> = guest.unmapped.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(
            left,
            [
                "cputune",
                "os/nvram",
                "features",
                "cpu/topology",
                "clock",
                "devices/disk type=file",
                "devices/disk type=file",
                "devices/interface type=network",
                "devices/graphics type=spice",
                "devices/unheard-of",
                "qemu:commandline",
            ]
        );
        assert!(guest.unmapped.iter().all(|one| one.line > 1 && !one.why.is_empty()));
    }

    #[test]
    fn what_is_no_domain_is_refused_with_its_line() {
        assert!(parse("<network/>").unwrap_err().1.contains("want <domain>"));
        assert_eq!(parse("<domain>\n<name>").unwrap_err().0, 2);
    }

    #[test]
    fn sizes_of_memory_have_units() {
        let of = |text: &str| mebibytes(parse_element(text).child("memory").unwrap());
        assert_eq!(of("<d><memory>2097152</memory></d>"), Some(2048));
        assert_eq!(of("<d><memory unit='GiB'>2</memory></d>"), Some(2048));
        assert_eq!(of("<d><memory unit='EiB'>2</memory></d>"), None);
        assert_eq!(of("<d><memory unit='TiB'>340282366920938463463374607431768211455</memory></d>"), None);
    }

    fn parse_element(text: &str) -> Element {
        xml::parse(text).unwrap()
    }
}
