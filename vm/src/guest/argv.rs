//! QEMU's command line, built from a description and nothing else.

use super::blockdev;
use super::channel::PORT_NAME;
use super::definition::SSH_PORT;
use super::hardware::{Display, Hardware, Nic, device};
use super::network::{ClientPlace, Layout, Wires, Wiring, mac};
use super::spec::{Disks, GuestSpec, Source};
use super::way::{Ends, port};
use model::Accel;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

/// The serial numbers of perfvt's own disks, by which the guest finds them.
const TOOLS_SERIAL: &str = "perfvt.tools";
const BROUGHT_SERIAL: &str = "perfvt.brought";
const SEED_SERIAL: &str = "perfvt.seed";
const JOB_SERIAL: &str = "perfvt.job";
const OUTPUT_SERIAL: &str = "perfvt.out";

/// What the built-in guest is told that nobody talks to.
const OFFLINE: &str = "perfvt.offline=1";

/// A panic first tells pvpanic, which pauses the guest; the reboot is for kernels without it. The kernel's self-tests of
/// its ciphers would be half of what a guest executes until it is ready. Its test of the timer counts ticks in a time that an emulated
/// guest of a busy host may not get, and then panics ("IO-APIC + timer doesn't work"); under KVM the kernel leaves it out by itself.
const KERNEL_COMMAND_LINE: &str = "console=ttyS0 panic=-1 quiet cryptomgr.notests no_timer_check";

/// What an emulated guest that is going to move has beside its memory, in KiB: so that this is no whole number of 64 pages. When QEMU looks
/// which pages were written, it has a quick way for memory that is, in which versions before 9.0 forget to have further writes to
/// these pages noted (`cpu_physical_memory_sync_dirty_bitmap` in include/exec/ram_addr.h; mended by QEMU's commit 03bfc2188f06). What
/// is written then does not move with the guest. KVM notes writes in another way.
const BESIDE_KIB: u64 = 8;

/// Where the files of one boot lie. All have a place; which of them there are is the guest's to say ([`GuestSpec`]).
#[derive(Clone, Debug)]
pub struct BootFiles {
    /// Kernel of the built-in guest.
    pub kernel: PathBuf,
    /// Its initial RAM disk.
    pub initramfs: PathBuf,
    /// Read-only disk with further tools.
    pub tools: PathBuf,
    /// Read-only disk with what the user brings.
    pub brought: PathBuf,
    /// Read-only disk with files for the system's first boot.
    pub seed: PathBuf,
    /// Read-only disk with the job of a guest that works by itself.
    pub job: PathBuf,
    /// The disk for its results.
    pub output: PathBuf,
    /// The layer above the image of a guest of the user's.
    pub overlay: PathBuf,
    /// What data disks are made of, in their order.
    pub data: Vec<Data>,
    /// Where the firmware's debug port is logged.
    pub debug: PathBuf,
    /// Where the serial console is logged.
    pub serial: PathBuf,
    /// What QEMU draws when it is asked for the screen.
    pub screen: PathBuf,
    /// That of the VNC server.
    pub vnc: PathBuf,
    /// QMP's socket.
    pub qmp: Socket,
    /// The command channel's socket.
    pub channel: Socket,
    /// The port of the loopback that leads to the guest's ssh server.
    pub ssh_port: u16,
    /// The guest does not boot: QEMU waits for a state that was saved.
    pub incoming: bool,
    /// The guest comes from another QEMU, and runs as soon as it is here.
    pub moves_in: bool,
    /// Descriptors that QEMU has, by the sets in which it finds them, and their names on this host.
    pub sets: Vec<(RawFd, PathBuf)>,
}

/// What a data disk is made of.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// Its file, or the socket of its server.
    pub path: PathBuf,
    /// The connection to its server that QEMU has.
    pub connection: Option<RawFd>,
}

/// Where QEMU waits for perfvt.
#[derive(Clone, Debug)]
pub enum Socket {
    /// A socket that QEMU makes.
    Path(PathBuf),
    /// One that QEMU has, and its descriptor.
    Descriptor(RawFd),
}

impl Socket {
    /// The part of a `-chardev` that names it.
    pub(super) fn part(&self) -> String {
        match self {
            Socket::Path(path) => format!("path={}", option_value(path)),
            Socket::Descriptor(number) => format!("fd={number}"),
        }
    }
}

impl BootFiles {
    /// The files of a boot in a folder, with perfvt's own in another one.
    pub fn in_dirs(image: &Path, boot: &Path) -> BootFiles {
        BootFiles {
            kernel: image.join("vmlinux"),
            initramfs: image.join("initramfs.cpio"),
            tools: image.join("tools.img"),
            brought: boot.join("brought.img"),
            seed: boot.join("seed.img"),
            job: boot.join("job.tar"),
            output: boot.join("output.img"),
            overlay: boot.join("overlay.qcow2"),
            data: Vec::new(),
            debug: boot.join("debug.log"),
            serial: boot.join("serial.log"),
            screen: boot.join("screen"),
            vnc: boot.join("vnc"),
            qmp: Socket::Path(boot.join("qmp")),
            channel: Socket::Path(boot.join("cmd")),
            incoming: false,
            moves_in: false,
            ssh_port: 3,
            sets: Vec::new(),
        }
    }

    /// What stands for them in the command line that people read and that the fingerprint has a hash of: names in folders
    /// that are called IMAGE and BOOT, and a port that nobody has.
    pub fn for_people() -> BootFiles {
        BootFiles::in_dirs(Path::new("IMAGE"), Path::new("BOOT"))
    }
}

/// The arguments behind the program. Starts paused (`-S`), so that the threads can be pinned before the guest runs.
pub fn build(spec: &GuestSpec, files: &BootFiles, wiring: Wiring<'_>) -> Vec<String> {
    let mut args = Arguments::default();
    let told = if spec.is_offline() && spec.own().is_none() { OFFLINE } else { "" };
    args.machine(spec, files, wiring, told);
    args.sandbox(spec, wiring);
    let (socket, log) = (files.channel.part(), option_value(&files.serial));
    let shell_port = spec.own().map_or(SSH_PORT, |own| own.shell_port);
    let ends = Ends { socket: &socket, log: &log, ssh: (files.ssh_port, shell_port) };
    let console = spec.way().and_then(|way| way.console(&ends));
    args.add("-chardev", console.unwrap_or_else(|| format!("file,id=serial0,path={log}")));
    args.add("-serial", "chardev:serial0");
    args.add("-chardev", format!("socket,id=qmp0,{},server=on,wait=off", files.qmp.part()));
    args.add("-mon", "chardev=qmp0,mode=control");
    let devices = spec.way().map_or_else(|| port(PORT_NAME, &socket), |way| way.devices(&ends));
    devices.into_iter().for_each(|(name, value)| args.add(name, value));
    args.add("-device", "pvpanic");
    // QMP tells of a panic, and the guest stays to be looked at.
    args.add("-action", "panic=pause");
    args.devices(spec, files, wiring);
    args.display(spec, files);
    if spec.listens {
        // SeaBIOS and OVMF say there what they do.
        args.add("-chardev", format!("file,id=debug0,path={}", option_value(&files.debug)));
        args.add("-device", "isa-debugcon,iobase=0x402,chardev=debug0");
    }
    // Nobody lets a guest go that moves in: it goes on where it was.
    if !files.moves_in {
        args.0.push("-S".into());
    }
    if files.incoming || files.moves_in {
        args.add("-incoming", "defer");
    }
    args.0.extend(spec.hardware.extra.iter().cloned());
    args.0
}

/// The same arguments as people read them and as the fingerprint has a hash of them. What stands for something else: names of
/// files for descriptors of these, without the `-add-fd` that tell of them; perfvt's folders and those of the boot
/// ([`BootFiles::for_people`]), the user's files by their names ([`GuestSpec::for_people`]), ports, and hardware addresses that tell
/// one campaign's NICs on a bridge from another's ([`Wires::for_people`]).
pub fn shown(spec: &GuestSpec, layout: &Layout, wires: &Wires, guest: usize) -> Vec<String> {
    build(&spec.for_people(), &BootFiles::for_people(), Wiring { layout, wires, guest })
}

/// The arguments behind the program for the built-in guest with a shell on its console, which is QEMU's own terminal.
pub fn console(spec: &GuestSpec, files: &BootFiles, wiring: Wiring<'_>) -> Vec<String> {
    let mut args = Arguments::default();
    args.machine(spec, files, wiring, "perfvt.shell=1");
    args.sandbox(spec, wiring);
    args.add("-serial", "mon:stdio");
    args.devices(spec, files, wiring);
    args.0.extend(spec.hardware.extra.iter().cloned());
    args.0
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.extend([name.to_owned(), value.into()]);
    }

    fn sandbox(&mut self, spec: &GuestSpec, wiring: Wiring<'_>) {
        if let Some(sandbox) = spec.confine.argument(wiring.wires.helper) {
            self.add("-sandbox", sandbox);
        }
    }

    fn machine(&mut self, spec: &GuestSpec, files: &BootFiles, wiring: Wiring<'_>, more: &str) {
        let h = &spec.hardware;
        self.0.extend(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"].map(String::from));
        for (number, path) in &files.sets {
            self.add("-add-fd", format!("fd={number},set={number},opaque={}", option_value(path)));
        }
        self.add("-name", "guest=perfvt,debug-threads=on");
        let accel = match h.accel {
            Accel::Kvm if h.dirty_ring => "kvm,dirty-ring-size=4096",
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
        let moves = wiring.layout.client == ClientPlace::Observer;
        // Huge pages are taken whole.
        let beside = if moves && h.accel == Accel::Tcg && h.hugepages.is_none() { BESIDE_KIB } else { 0 };
        self.add("-m", size(h.mem_mib, beside * h.cells.len().max(1) as u64));
        self.memory(h, beside);
        let start = match &spec.source {
            Source::Builtin(_) => (Some(&files.kernel), Some(&files.initramfs), None, KERNEL_COMMAND_LINE),
            Source::Own(own) => {
                (own.kernel.as_ref(), own.initrd.as_ref(), own.firmware.as_ref(), own.command_line.as_str())
            }
        };
        let (kernel, initramfs, firmware, command_line) = start;
        // Without variables of its own: every boot begins alike.
        if let Some(firmware) = firmware {
            self.add("-bios", firmware.display().to_string());
        }
        let Some(kernel) = kernel else { return };
        self.add("-kernel", kernel.display().to_string());
        if let Some(initramfs) = initramfs {
            self.add("-initrd", initramfs.display().to_string());
        }
        let words = [command_line, &h.kernel_params, more].map(str::trim);
        let words: Vec<&str> = words.into_iter().filter(|words| !words.is_empty()).collect();
        self.add("-append", words.join(" "));
    }

    fn memory(&mut self, h: &Hardware, beside: u64) {
        let backend = |id: usize, mib: u64, bound: &str| {
            let huge = h.hugepages.map(|size| format!(",hugetlb=on,hugetlbsize={size}")).unwrap_or_default();
            let size = size(mib, beside);
            format!("memory-backend-memfd,id=mem{id}{huge},size={size},prealloc=on{bound}")
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

    /// Disks and NICs, in the order in which the guest finds them.
    fn devices(&mut self, spec: &GuestSpec, files: &BootFiles, wiring: Wiring<'_>) {
        if let Source::Own(own) = &spec.source {
            // The first disk, and the one that firmware starts.
            self.add("-blockdev", blockdev::above("root0", &files.overlay, &own.chain));
            let first = if own.kernel.is_none() { ",bootindex=0" } else { "" };
            self.add("-device", format!("virtio-blk-pci,drive=root0{first}"));
        }
        let wants = spec.hardware.wants();
        for (index, nic) in spec.hardware.nics.iter().enumerate() {
            self.add("-netdev", wiring.wires.netdev(wiring.layout, index, &wants));
            self.add("-device", nic_device(nic, index, wiring));
        }
        let Disks { tools, data, work: _, brought, seed, output } = &spec.disks;
        if *tools {
            self.read_only("tools", TOOLS_SERIAL, &files.tools);
        }
        for (index, disk) in data.iter().enumerate() {
            // Nobody has made it for people to read of.
            let shown = Data { path: disk.for_people(), connection: None };
            let Data { path, connection } = files.data.get(index).unwrap_or(&shown);
            disk.arguments(path, *connection).into_iter().for_each(|(name, value)| self.add(name, value));
        }
        if *brought {
            self.read_only("brought", BROUGHT_SERIAL, &files.brought);
        }
        if *seed {
            self.read_only("seed", SEED_SERIAL, &files.seed);
        }
        if output.is_some() {
            self.read_only("job", JOB_SERIAL, &files.job);
            self.add("-blockdev", blockdev::written("output", &files.output));
            // The guest hears of a disk that is full, and says so.
            let device = format!("virtio-blk-pci,drive=output,serial={OUTPUT_SERIAL},werror=report");
            self.add("-device", device);
        }
        for cdrom in spec.own().map(|own| own.cdroms.as_slice()).unwrap_or_default() {
            self.add("-blockdev", blockdev::read_only(&cdrom.name, &cdrom.file));
            self.add("-device", cdrom.device());
        }
    }

    /// A screen, with a pointer that is told places where the guest knows such ones; and who shows it elsewhere.
    fn display(&mut self, spec: &GuestSpec, files: &BootFiles) {
        let display = spec.hardware.display;
        if display == Display::None {
            return;
        }
        for device in ["VGA", "qemu-xhci,id=usb0", "usb-tablet,bus=usb0.0"] {
            self.add("-device", device);
        }
        if display.is_served() {
            self.add("-vnc", format!("unix:{}", option_value(&files.vnc)));
        }
    }

    /// A disk that the guest only reads, and finds by its serial number.
    fn read_only(&mut self, node: &str, serial: &str, file: &Path) {
        self.add("-blockdev", blockdev::read_only(node, file));
        self.add("-device", format!("virtio-blk-pci,drive={node},serial={serial}"));
    }
}

/// A size as QEMU reads it.
fn size(mib: u64, kib: u64) -> String {
    if kib == 0 { format!("{mib}M") } else { format!("{}K", mib * 1024 + kib) }
}

/// The vCPUs. One that is emulated alone has room for a second one, which is never plugged: QEMU translates the guest's
/// locked instructions, which are also its memory barriers, into such of the host only where there may be several vCPUs
/// (`CF_PARALLEL`, accel/tcg/tcg-accel-ops-mttcg.c). Devices run in threads of their own all the same, and without the
/// barriers an interrupt of a virtio queue is lost sooner or later, which the queue never gets over.
pub(super) fn smp(h: &Hardware) -> String {
    match (h.accel, h.smp) {
        (Accel::Tcg, 1) => "1,maxcpus=2".to_owned(),
        (_, vcpus) => vcpus.to_string(),
    }
}

fn nic_device(nic: &Nic, index: usize, wiring: Wiring<'_>) -> String {
    let device = device(&nic.model);
    let queues =
        if nic.queues > 1 { format!(",mq=on,vectors={}", 2 * nic.queues + 2) } else { String::new() };
    let usual = || mac(wiring.layout, &wiring.wires.tag, wiring.guest, index);
    let mac = nic.mac.map_or_else(usual, |mac| mac.to_string());
    format!("{device},netdev=net{index},mac={mac}{queues}")
}

/// A path within a QEMU option: a comma is doubled.
fn option_value(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::super::backing::{Chain, Format, Layer};
    use super::super::cdrom::Cdrom;
    use super::super::definition::Definition;
    use super::super::network::{Kind, Layout, Wires};
    use super::super::way::Way;
    use super::*;
    use crate::host::pin::Cell;
    use model::{NodeId, VcpuIndex};

    fn build(hardware: &Hardware, kind: Kind) -> Vec<String> {
        build_spec(&GuestSpec { hardware: hardware.clone(), ..GuestSpec::plain(Accel::Tcg) }, kind)
    }

    fn build_spec(spec: &GuestSpec, kind: Kind) -> Vec<String> {
        build_in(spec, &Layout::simple(kind))
    }

    fn build_in(spec: &GuestSpec, layout: &Layout) -> Vec<String> {
        let wires = Wires {
            tag: "t".into(),
            control_port: 4001,
            data_ports: vec![4002],
            helper: false,
            restricted: false,
        };
        super::build(spec, &files(), Wiring { layout, wires: &wires, guest: 0 })
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
            hugepages: None,
            dirty_ring: false,
            kernel_params: String::new(),
            display: Display::None,
            extra: vec![],
        }
    }

    fn files() -> BootFiles {
        BootFiles { ssh_port: 4022, ..BootFiles::in_dirs(Path::new("/i"), Path::new("/run/a,b")) }
    }

    fn line(h: &Hardware, kind: Kind) -> String {
        build(h, kind).join(" ")
    }

    #[test]
    fn a_comma_in_a_path_does_not_end_an_option() {
        assert!(line(&hardware(), Kind::Tap).contains("path=/run/a,,b/serial.log"));
    }

    #[test]
    fn a_guest_of_the_users_starts_from_a_layer_and_has_one_way_in() {
        let line = |way: Way, kernel: Option<PathBuf>| {
            let layer = Layer { file: "/i/x.raw".into(), format: Format::Raw, data: None };
            let chain = Chain { size: 1, layers: vec![layer] };
            let cdroms = vec![Cdrom { name: "cd1".into(), file: "/i/x.iso".into(), sum: None }];
            let own = Definition { kernel, way, cdroms, ..Definition::of_chain(chain) };
            let source = Source::Own(Box::new(own));
            let spec = GuestSpec { source, hardware: hardware(), ..GuestSpec::plain(Accel::Tcg) };
            build_spec(&spec, Kind::User).join(" ")
        };
        let firmware = line(Way::Agent, None);
        assert!(
            firmware.contains(r#""file":{"driver":"file","filename":"/run/a,b/overlay.qcow2"}"#),
            "{firmware}"
        );
        let below = r#""backing":{"driver":"raw","file":{"driver":"file","filename":"/i/x.raw"}}"#;
        assert!(firmware.contains(below), "{firmware}");
        let cdrom = r#"{"driver":"raw","file":{"driver":"file","filename":"/i/x.iso"},"node-name":"cd1","read-only":true}"#;
        assert!(
            firmware.contains(&format!("{cdrom} -device ide-cd,drive=cd1,serial=perfvt.cd1")),
            "{firmware}"
        );
        assert!(firmware.contains("drive=root0,bootindex=0") && !firmware.contains("-kernel"));
        assert!(firmware.contains("chardev=cmd0,name=org.qemu.guest_agent.0"));
        let serial = line(Way::Serial, Some("/k".into()));
        assert!(serial.contains("-kernel /k -append x") && !serial.contains("bootindex"));
        assert!(serial.contains("path=/run/a,,b/cmd,server=on,wait=off,logfile=/run/a,,b/serial.log"));
        assert!(!serial.contains("virtserialport"));
        let ssh = line(Way::Ssh, None);
        assert!(
            ssh.contains("net=10.0.200.0/24,restrict=on,hostfwd=tcp:127.0.0.1:4022-:22")
                && !ssh.contains("cmd0")
        );
    }

    #[test]
    fn one_emulated_vcpu_has_room_for_another_so_that_barriers_are_kept() {
        let smp = |accel, smp| {
            let argv = build(&Hardware { accel, smp, ..hardware() }, Kind::Tap);
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
    fn the_memory_of_an_emulated_guest_that_moves_is_no_whole_number_of_64_pages() {
        let layout = Layout { client: ClientPlace::Observer, ..Layout::simple(Kind::Switch) };
        let line = |hardware: Hardware| {
            let spec = GuestSpec { hardware, ..GuestSpec::plain(Accel::Tcg) };
            build_in(&spec, &layout).join(" ")
        };
        let moves = line(hardware());
        assert!(moves.contains("-m 262152K ") && moves.contains("id=mem0,size=262152K,"), "{moves}");
        let cells = vec![cell(1, &[0], 130), cell(0, &[1], 126)];
        let spread = line(Hardware { smp: 2, cells, ..hardware() });
        for wanted in ["-m 262160K ", "id=mem0,size=133128K,", "id=mem1,size=129032K,"] {
            assert!(spread.contains(wanted), "{spread}");
        }
        let kvm = line(Hardware { accel: Accel::Kvm, ..hardware() });
        assert!(kvm.contains("-m 256M ") && kvm.contains("id=mem0,size=256M,"), "{kvm}");
        let huge = line(Hardware { hugepages: Some("2M"), ..hardware() });
        assert!(huge.contains("-m 256M ") && huge.contains("size=256M,"), "{huge}");
        // A limit for single vCPUs needs to know which of them writes.
        let ring = line(Hardware { accel: Accel::Kvm, dirty_ring: true, ..hardware() });
        assert!(ring.contains("-accel kvm,dirty-ring-size=4096 ") && kvm.contains("-accel kvm "), "{ring}");
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
        let base = build(&hardware(), Kind::Tap);
        let e1000 = Hardware { nics: vec![Nic { model: "e1000".into(), ..Nic::plain() }], ..hardware() };
        let head = build(&e1000, Kind::Tap);
        let changed: Vec<_> =
            base.iter().zip(&head).filter(|(a, b)| a != b).map(|(a, _)| a.as_str()).collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        let user = line(&hardware(), Kind::User);
        assert!(user.contains("hostfwd=tcp:127.0.0.1:4001-:12865"), "{user}");
    }

    #[test]
    fn the_guest_starts_paused_and_nothing_comes_from_the_users_own_configuration() {
        let args = build(&hardware(), Kind::Tap);
        for wanted in ["-S", "-nodefaults", "-no-user-config", "-no-reboot"] {
            assert!(args.iter().any(|a| a == wanted), "{wanted}");
        }
    }
}
