//! QEMU's command line, built from a description and nothing else.

mod check;

pub use check::{check, forbidden_extra};

use super::backing::Chain;
use super::blockdev;
use super::channel::qga;
use super::disk::Disk;
use super::image::Image;
use super::network::{NicWiring, SSH_MAC, Wiring, mac};
use crate::host::pin::Cell;
use model::Accel;
use std::path::{Path, PathBuf};

/// The name of the command channel's port, which the guest's init looks for.
pub const PORT_NAME: &str = "perfvt.cmd";

/// A panic first tells pvpanic, which pauses the guest; the reboot is for kernels without it. The kernel's self-tests of
/// its ciphers would be half of what a guest executes until it is ready.
const KERNEL_COMMAND_LINE: &str = "console=ttyS0 panic=-1 quiet cryptomgr.notests";

/// What a guest is made of.
#[derive(Clone, Debug)]
pub struct Hardware {
    /// QEMU's `-accel`.
    pub accel: Accel,
    /// QEMU's `-machine`: `pc` or `q35`.
    pub machine: String,
    /// QEMU's `-cpu`; empty means `host` under KVM and QEMU's own default under TCG.
    pub cpu_model: String,
    /// vCPUs.
    pub smp: usize,
    /// Memory in MiB.
    pub mem_mib: u64,
    /// Nodes of the host to which the memory is bound; with several, each is a node of the guest. None leaves it anywhere.
    pub cells: Vec<Cell>,
    /// NICs, in the order of the layout's links.
    pub nics: Vec<Nic>,
    /// Data disk.
    pub disk: Option<Disk>,
    /// Size of the host's pages for the guest's memory, such as `2M`; `None` takes ordinary ones.
    pub hugepages: Option<&'static str>,
    /// What the kernel is told beside its command line, where perfvt starts it.
    pub kernel_params: String,
    /// Further arguments, one by one, after all others.
    pub extra: Vec<String>,
}

/// One NIC of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Model as perfvt names it: see [`NIC_MODELS`].
    pub model: String,
    /// Queues.
    pub queues: u32,
    /// Whether the kernel's vhost moves the packets.
    pub vhost: bool,
}

/// What a guest starts from, and the way into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Kernel; `None` leaves starting to the firmware and the disk.
    pub kernel: Option<PathBuf>,
    /// What starts the disk; `None` is QEMU's own, SeaBIOS.
    pub firmware: Option<PathBuf>,
    /// Initial RAM disk of the kernel.
    pub initramfs: Option<PathBuf>,
    /// The kernel's command line.
    pub command_line: String,
    /// The disk that the guest runs from. `None` where all is in the RAM disk.
    pub root: Option<Root>,
    /// The way into the guest.
    pub entry: Entry,
}

/// The disk that a guest runs from: a qcow2 layer above an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The layer, which goes with the boot.
    pub overlay: PathBuf,
    /// What lies below it.
    pub chain: Chain,
}

/// What a guest gets for the way into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A virtio-serial port for perfvt's own agent.
    Port,
    /// A virtio-serial port for the QEMU guest agent.
    Agent,
    /// The serial console, on a socket.
    Serial,
    /// A NIC of its own, over which a port of the loopback leads to the guest's ssh server.
    Ssh {
        /// The port of the loopback.
        port: u16,
        /// The port of the guest.
        to: u16,
    },
}

impl System {
    /// perfvt's own guest.
    pub fn builtin(kernel: &Path, initramfs: &Path) -> System {
        System {
            kernel: Some(kernel.to_owned()),
            firmware: None,
            initramfs: Some(initramfs.to_owned()),
            command_line: KERNEL_COMMAND_LINE.to_owned(),
            root: None,
            entry: Entry::Port,
        }
    }

    /// The same with files as people read them: by their names, in folders that are called IMAGE and BOOT.
    #[must_use]
    pub fn for_people(self) -> System {
        let named = |path: PathBuf| Path::new("IMAGE").join(path.file_name().unwrap_or_default());
        let root = self.root.map(|root| Root {
            overlay: Path::new("BOOT").join(root.overlay.file_name().unwrap_or_default()),
            chain: root.chain.for_people(),
        });
        let (kernel, initramfs) = (self.kernel.map(named), self.initramfs.map(named));
        System { kernel, initramfs, firmware: self.firmware.map(named), root, ..self }
    }
}

/// Files of one boot.
#[derive(Clone, Debug)]
pub struct BootFiles {
    /// What it starts from.
    pub system: System,
    /// Read-only disk with further tools.
    pub tools: Option<PathBuf>,
    /// The data disk's file.
    pub disk: PathBuf,
    /// Where the firmware's debug port is logged, when somebody listens.
    pub debug: Option<PathBuf>,
    /// Where the serial console is logged.
    pub serial: PathBuf,
    /// QMP's socket.
    pub qmp: PathBuf,
    /// The command channel's socket.
    pub channel: PathBuf,
}

impl Hardware {
    /// What the built-in defaults of the parameters describe, with one vCPU and its memory anywhere.
    pub fn plain(accel: Accel) -> Hardware {
        Hardware {
            accel,
            machine: "pc".into(),
            cpu_model: String::new(),
            smp: 1,
            mem_mib: 512,
            cells: Vec::new(),
            nics: vec![Nic::plain()],
            disk: None,
            hugepages: None,
            kernel_params: String::new(),
            extra: Vec::new(),
        }
    }
}

impl Nic {
    /// What the built-in defaults of the parameters describe.
    pub fn plain() -> Nic {
        Nic { model: "virtio_net".into(), queues: 1, vhost: false }
    }
}

impl BootFiles {
    /// The files of a boot in a folder.
    pub fn in_dir(dir: &Path, system: System) -> BootFiles {
        BootFiles {
            tools: system.root.is_some().then(|| PathBuf::from("IMAGE/tools.img")),
            system,
            disk: dir.join("disk"),
            debug: None,
            serial: dir.join("serial.log"),
            qmp: dir.join("qmp"),
            channel: dir.join("cmd"),
        }
    }
}

/// NIC models by perfvt's names (the ancestor's), with QEMU's device. The guest's image has a driver for each.
pub const NIC_MODELS: [(&str, &str); 2] = [("virtio_net", VIRTIO_NET), ("e1000", "e1000")];
const VIRTIO_NET: &str = "virtio-net-pci";

/// The arguments behind the program. Starts paused (`-S`), so that the threads can be pinned before the guest runs.
pub fn build(hardware: &Hardware, files: &BootFiles, wiring: Wiring<'_>) -> Vec<String> {
    let h = hardware;
    let mut args = Arguments::default();
    args.machine(h, &files.system);
    let serial = option_value(&files.serial);
    match files.system.entry {
        Entry::Serial => {
            let socket = option_value(&files.channel);
            let log = format!("socket,id=serial0,path={socket},server=on,wait=off,logfile={serial}");
            args.add("-chardev", log);
        }
        _ => args.add("-chardev", format!("file,id=serial0,path={serial}")),
    }
    args.add("-serial", "chardev:serial0");
    args.add("-chardev", format!("socket,id=qmp0,path={},server=on,wait=off", option_value(&files.qmp)));
    args.add("-mon", "chardev=qmp0,mode=control");
    args.entry(files);
    args.add("-device", "pvpanic");
    // QMP tells of a panic, and the guest stays to be looked at.
    args.add("-action", "panic=pause");
    args.root(&files.system);
    args.devices(h, files.tools.as_deref(), wiring);
    for (name, value) in h.disk.iter().flat_map(|disk| disk.arguments(&files.disk)) {
        args.add(name, value);
    }
    if let Some(debug) = &files.debug {
        // SeaBIOS and OVMF say there what they do.
        args.add("-chardev", format!("file,id=debug0,path={}", option_value(debug)));
        args.add("-device", "isa-debugcon,iobase=0x402,chardev=debug0");
    }
    args.0.push("-S".into());
    args.0.extend(h.extra.iter().cloned());
    args.0
}

/// The arguments behind the program for a guest with a shell on its console, which is QEMU's own terminal.
pub fn console(hardware: &Hardware, image: &Image, wiring: Wiring<'_>) -> Vec<String> {
    let mut args = Arguments::default();
    let mut system = System::builtin(&image.kernel, &image.initramfs);
    system.command_line.push_str(" perfvt.shell=1");
    args.machine(hardware, &system);
    args.add("-serial", "mon:stdio");
    args.devices(hardware, image.tools.as_deref(), wiring);
    args.0
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.extend([name.to_owned(), value.into()]);
    }

    fn entry(&mut self, files: &BootFiles) {
        let port = match files.system.entry {
            Entry::Port => PORT_NAME,
            Entry::Agent => qga::PORT_NAME,
            Entry::Serial => return,
            Entry::Ssh { port, to } => {
                // The guest reaches nothing over it, and nobody but this host reaches the guest.
                let forward = format!("hostfwd=tcp:127.0.0.1:{port}-:{to}");
                self.add("-netdev", format!("user,id=ssh0,restrict=on,{forward}"));
                self.add("-device", format!("virtio-net-pci,netdev=ssh0,mac={SSH_MAC}"));
                return;
            }
        };
        let socket = option_value(&files.channel);
        self.add("-device", "virtio-serial-pci,id=ports0");
        self.add("-chardev", format!("socket,id=cmd0,path={socket},server=on,wait=off"));
        self.add("-device", format!("virtserialport,bus=ports0.0,chardev=cmd0,name={port}"));
    }

    /// The disk that the guest runs from. It is the first, and the one that firmware starts.
    fn root(&mut self, system: &System) {
        let Some(root) = &system.root else { return };
        self.add("-blockdev", blockdev::above("root0", &root.overlay, &root.chain));
        let first = if system.kernel.is_none() { ",bootindex=0" } else { "" };
        self.add("-device", format!("virtio-blk-pci,drive=root0{first}"));
    }

    fn machine(&mut self, h: &Hardware, system: &System) {
        self.0.extend(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"].map(String::from));
        self.add("-name", "guest=perfvt,debug-threads=on");
        let accel = match h.accel {
            Accel::Kvm => "kvm",
            // One thread for each vCPU, which pinning needs.
            Accel::Tcg => "tcg,thread=multi",
        };
        self.add("-accel", accel);
        // The memory of a guest with several nodes belongs to these.
        let memory = if h.cells.len() > 1 { "" } else { ",memory-backend=mem0" };
        self.add("-machine", format!("{}{memory}", h.machine));
        match (h.cpu_model.as_str(), h.accel) {
            ("", Accel::Kvm) => self.add("-cpu", "host"),
            ("", Accel::Tcg) => {}
            (model, _) => self.add("-cpu", model),
        }
        self.add("-smp", smp(h));
        self.add("-m", format!("{}M", h.mem_mib));
        self.memory(h);
        // Without variables of its own: every boot begins alike.
        if let Some(firmware) = &system.firmware {
            self.add("-bios", firmware.display().to_string());
        }
        if let Some(kernel) = &system.kernel {
            self.add("-kernel", kernel.display().to_string());
            if let Some(initramfs) = &system.initramfs {
                self.add("-initrd", initramfs.display().to_string());
            }
            self.add(
                "-append",
                [&system.command_line, &h.kernel_params].map(|text| text.trim()).join(" ").trim(),
            );
        }
    }

    fn memory(&mut self, h: &Hardware) {
        let backend = |id: usize, mib: u64, bound: &str| {
            let huge = h.hugepages.map(|size| format!(",hugetlb=on,hugetlbsize={size}")).unwrap_or_default();
            format!("memory-backend-memfd,id=mem{id}{huge},size={mib}M,prealloc=on{bound}")
        };
        if h.cells.is_empty() {
            self.add("-object", backend(0, h.mem_mib, ""));
        }
        for (id, cell) in h.cells.iter().enumerate() {
            let mib = if h.cells.len() > 1 { cell.mem_mib } else { h.mem_mib };
            self.add("-object", backend(id, mib, &format!(",host-nodes={},policy=bind", cell.node)));
            if let ([first, .., last] | [first @ last], true) = (&cell.vcpus[..], h.cells.len() > 1) {
                self.add("-numa", format!("node,nodeid={id},memdev=mem{id},cpus={first}-{last}"));
            }
        }
    }

    fn devices(&mut self, h: &Hardware, tools: Option<&Path>, wiring: Wiring<'_>) {
        for (index, nic) in h.nics.iter().enumerate() {
            let wants = NicWiring { vhost: nic.vhost, queues: nic.queues };
            self.add("-netdev", wiring.wires.netdev(wiring.layout, wiring.guest, index, wants));
            self.add("-device", nic_device(nic, index, wiring));
        }
        if let Some(tools) = tools {
            self.add("-blockdev", blockdev::read_only("tools", tools));
            self.add("-device", "virtio-blk-pci,drive=tools,serial=perfvt.tools");
        }
    }
}

/// QEMU's device of a NIC model.
fn device(nic_model: &str) -> &str {
    NIC_MODELS.iter().find(|(name, _)| *name == nic_model).map_or(nic_model, |(_, device)| device)
}

/// The vCPUs. One that is emulated alone has room for a second one, which is never plugged: QEMU translates the guest's
/// locked instructions, which are also its memory barriers, into such of the host only where there may be several vCPUs
/// (`CF_PARALLEL`, accel/tcg/tcg-accel-ops-mttcg.c). Devices run in threads of their own all the same, and without the
/// barriers an interrupt of a virtio queue is lost sooner or later, which the queue never gets over.
fn smp(h: &Hardware) -> String {
    match (h.accel, h.smp) {
        (Accel::Tcg, 1) => "1,maxcpus=2".to_owned(),
        (_, vcpus) => vcpus.to_string(),
    }
}

fn nic_device(nic: &Nic, index: usize, wiring: Wiring<'_>) -> String {
    let device = device(&nic.model);
    let queues =
        if nic.queues > 1 { format!(",mq=on,vectors={}", 2 * nic.queues + 2) } else { String::new() };
    let mac = mac(wiring.layout, &wiring.wires.tag, wiring.guest, index);
    format!("{device},netdev=net{index},mac={mac}{queues}")
}

/// A path within a QEMU option: a comma is doubled.
fn option_value(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::super::backing::{Format, Layer};
    use super::super::network::{Kind, Layout, Wires};
    use super::check::FORBIDDEN;
    use super::*;
    use model::{NodeId, VcpuIndex};

    fn build(hardware: &Hardware, files: &BootFiles, kind: Kind) -> Vec<String> {
        let wires = Wires {
            tag: "t".into(),
            folder: PathBuf::from("/run"),
            control_port: 4001,
            data_ports: vec![4002],
            helper: false,
        };
        super::build(hardware, files, Wiring { layout: &Layout::simple(kind), wires: &wires, guest: 0 })
    }

    fn cell(node: u32, vcpus: &[u32], mem_mib: u64) -> Cell {
        Cell { node: NodeId(node), vcpus: vcpus.iter().copied().map(VcpuIndex).collect(), mem_mib }
    }

    fn hardware() -> Hardware {
        Hardware {
            accel: Accel::Tcg,
            machine: "pc".into(),
            cpu_model: String::new(),
            smp: 1,
            mem_mib: 256,
            cells: vec![cell(1, &[0], 256)],
            nics: vec![Nic::plain()],
            disk: None,
            hugepages: None,
            kernel_params: String::new(),
            extra: vec![],
        }
    }

    fn files() -> BootFiles {
        let at = |name: &str| PathBuf::from("/run/a,b").join(name);
        BootFiles {
            system: System::builtin(&at("vmlinux"), &at("initramfs")),
            tools: None,
            disk: at("disk"),
            debug: None,
            serial: at("serial"),
            qmp: at("qmp"),
            channel: at("cmd"),
        }
    }

    fn line(h: &Hardware, kind: Kind) -> String {
        build(h, &files(), kind).join(" ")
    }

    #[test]
    fn a_comma_in_a_path_does_not_end_an_option() {
        assert!(line(&hardware(), Kind::Tap).contains("path=/run/a,,b/serial"));
    }

    #[test]
    fn a_guest_of_the_users_starts_from_a_layer_and_has_one_way_in() {
        let line = |entry: Entry, kernel: Option<PathBuf>| {
            let layer = Layer { file: "/i/x.raw".into(), format: Format::Raw, data: None };
            let chain = Chain { size: 1, layers: vec![layer] };
            let root = Some(Root { overlay: PathBuf::from("/run/a,b/overlay.qcow2"), chain });
            let system =
                System { kernel, firmware: None, initramfs: None, command_line: "x".into(), root, entry };
            let files = BootFiles { system, ..files() };
            build(&hardware(), &files, Kind::User).join(" ")
        };
        let firmware = line(Entry::Agent, None);
        assert!(
            firmware.contains(r#""file":{"driver":"file","filename":"/run/a,b/overlay.qcow2"}"#),
            "{firmware}"
        );
        let below = r#""backing":{"driver":"raw","file":{"driver":"file","filename":"/i/x.raw"}}"#;
        assert!(firmware.contains(below), "{firmware}");
        assert!(firmware.contains("drive=root0,bootindex=0") && !firmware.contains("-kernel"));
        assert!(firmware.contains("chardev=cmd0,name=org.qemu.guest_agent.0"));
        let serial = line(Entry::Serial, Some("/k".into()));
        assert!(serial.contains("-kernel /k -append x") && !serial.contains("bootindex"));
        assert!(serial.contains("path=/run/a,,b/cmd,server=on,wait=off,logfile=/run/a,,b/serial"));
        assert!(!serial.contains("virtserialport"));
        let ssh = line(Entry::Ssh { port: 4022, to: 22 }, None);
        assert!(ssh.contains("restrict=on,hostfwd=tcp:127.0.0.1:4022-:22") && !ssh.contains("cmd0"));
    }

    #[test]
    fn one_emulated_vcpu_has_room_for_another_so_that_barriers_are_kept() {
        let smp = |accel, smp| {
            let argv = build(&Hardware { accel, smp, ..hardware() }, &files(), Kind::Tap);
            let at = argv.iter().position(|word| word == "-smp").unwrap();
            argv[at + 1].clone()
        };
        assert_eq!(smp(Accel::Tcg, 1), "1,maxcpus=2");
        assert_eq!((smp(Accel::Tcg, 2).as_str(), smp(Accel::Kvm, 1).as_str()), ("2", "1"));
    }

    #[test]
    fn memory_is_bound_only_when_a_node_is_planned() {
        let bound = "-object memory-backend-memfd,id=mem0,size=256M,prealloc=on,host-nodes=1,policy=bind ";
        assert!(line(&hardware(), Kind::Tap).contains(bound));
        let unbound = Hardware { cells: Vec::new(), ..hardware() };
        assert!(!line(&unbound, Kind::Tap).contains("host-nodes"));
        let huge = line(&Hardware { hugepages: Some("2M"), ..hardware() }, Kind::Tap);
        assert!(huge.contains("memfd,id=mem0,hugetlb=on,hugetlbsize=2M,size=256M,prealloc=on,host-nodes=1"));
    }

    #[test]
    fn a_guest_on_several_nodes_has_as_many() {
        let cells = vec![cell(1, &[0, 1], 130), cell(0, &[2], 126)];
        let spread = line(&Hardware { smp: 3, cells, ..hardware() }, Kind::Tap);
        assert!(!spread.contains("memory-backend=mem0"), "{spread}");
        for wanted in [
            "id=mem0,size=130M,prealloc=on,host-nodes=1,policy=bind -numa node,nodeid=0,memdev=mem0,cpus=0-1",
            "id=mem1,size=126M,prealloc=on,host-nodes=0,policy=bind -numa node,nodeid=1,memdev=mem1,cpus=2-2",
        ] {
            assert!(spread.contains(wanted), "{spread}");
        }
    }

    #[test]
    fn one_parameter_changes_one_thing() {
        let base = build(&hardware(), &files(), Kind::Tap);
        let e1000 = Hardware { nics: vec![Nic { model: "e1000".into(), ..Nic::plain() }], ..hardware() };
        let head = build(&e1000, &files(), Kind::Tap);
        let changed: Vec<_> =
            base.iter().zip(&head).filter(|(a, b)| a != b).map(|(a, _)| a.as_str()).collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        let user = line(&hardware(), Kind::User);
        assert!(user.contains("hostfwd=tcp:127.0.0.1:4001-:12865"), "{user}");
    }

    #[test]
    fn an_argument_that_takes_the_guest_away_is_refused_in_either_spelling() {
        let args = |list: &[&str]| list.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>();
        for (name, _) in FORBIDDEN {
            for spelling in [format!("-{name}"), format!("--{name}")] {
                let reason = forbidden_extra(&args(&["-device", "x", &spelling])).unwrap();
                assert!(reason.starts_with(&format!("-{name}: ")), "{spelling}: {reason}");
            }
        }
        assert_eq!(forbidden_extra(&args(&["-smbios", "type=1", "-s", "-device", "monitor", "S"])), None);
    }

    #[test]
    fn hardware_that_no_guest_can_have_is_named() {
        assert_eq!(check(&hardware()), Ok(()));
        let nic = |model: &str, queues| Nic { model: model.into(), queues, vhost: false };
        let with = |nic| Hardware { nics: vec![Nic::plain(), nic], ..hardware() };
        let four = with(nic("virtio_net", 4));
        assert_eq!(check(&four), Ok(()));
        let says = |h: Hardware, text: &str| {
            let error = check(&h).unwrap_err();
            assert!(error.contains(text), "{error}");
        };
        says(with(nic("e1000", 4)), "queues is 4, but a NIC of model e1000 has one");
        says(with(nic("virtio_net", 65)), "queues is 65, want 1 to 64");
        says(Hardware { smp: 1025, ..hardware() }, "smp is 1025, want 1 to 1024 vCPUs");
        says(Hardware { mem_mib: 64, ..hardware() }, "mem is 64, want 128 to 16777216 MiB");
        says(Hardware { extra: vec!["--daemonize".into()], ..hardware() }, "extra_args has -daemonize: ");
    }

    #[test]
    fn the_guest_starts_paused_and_nothing_comes_from_the_users_own_configuration() {
        let args = build(&hardware(), &files(), Kind::Tap);
        for wanted in ["-S", "-nodefaults", "-no-user-config", "-no-reboot"] {
            assert!(args.iter().any(|a| a == wanted), "{wanted}");
        }
    }
}
