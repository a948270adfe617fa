//! QEMU's command line, built from a description and nothing else.

use super::image::Image;
use super::network::Network;
use crate::accel::Accel;
use model::NodeId;
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
    /// Node to which the memory is bound.
    pub memory_node: Option<NodeId>,
    /// NIC as perfvt names it: `virtio_net`, `e1000`, `e1000e`, `rtl8139`.
    pub nic_model: String,
    /// NIC queues.
    pub queues: u32,
    /// Whether the kernel's vhost moves the packets.
    pub vhost: bool,
    /// Further arguments, one by one, after all others.
    pub extra: Vec<String>,
}

/// Files of one boot.
#[derive(Clone, Debug)]
pub struct BootFiles {
    /// Kernel.
    pub kernel: PathBuf,
    /// Initial RAM disk.
    pub initramfs: PathBuf,
    /// Read-only disk with further tools.
    pub tools: Option<PathBuf>,
    /// Where the serial console is logged.
    pub serial: PathBuf,
    /// QMP's socket.
    pub qmp: PathBuf,
    /// The command channel's socket.
    pub channel: PathBuf,
}

impl BootFiles {
    /// The files of a boot in a folder, with an image's.
    pub fn in_dir(dir: &Path, image: &Path) -> BootFiles {
        BootFiles {
            kernel: image.join("vmlinux"),
            initramfs: image.join("initramfs.cpio"),
            tools: None,
            serial: dir.join("serial.log"),
            qmp: dir.join("qmp"),
            channel: dir.join("cmd"),
        }
    }
}

/// NIC models by perfvt's names (the ancestor's), with QEMU's device.
pub const NIC_MODELS: [(&str, &str); 4] =
    [("virtio_net", "virtio-net-pci"), ("e1000", "e1000"), ("e1000e", "e1000e"), ("rtl8139", "rtl8139")];

/// The arguments behind the program. Starts paused (`-S`), so that the threads can be pinned before the guest runs.
pub fn build(hardware: &Hardware, files: &BootFiles, network: &Network) -> Vec<String> {
    let h = hardware;
    let mut args = Arguments::default();
    args.machine(h, &files.kernel, &files.initramfs, KERNEL_COMMAND_LINE);
    args.add("-chardev", format!("file,id=serial0,path={}", option_value(&files.serial)));
    args.add("-serial", "chardev:serial0");
    args.add("-chardev", format!("socket,id=qmp0,path={},server=on,wait=off", option_value(&files.qmp)));
    args.add("-mon", "chardev=qmp0,mode=control");
    args.add("-device", "virtio-serial-pci,id=ports0");
    args.add("-chardev", format!("socket,id=cmd0,path={},server=on,wait=off", option_value(&files.channel)));
    args.add("-device", format!("virtserialport,bus=ports0.0,chardev=cmd0,name={PORT_NAME}"));
    args.add("-device", "pvpanic");
    // QMP tells of a panic, and the guest stays to be looked at.
    args.add("-action", "panic=pause");
    args.devices(h, files.tools.as_deref(), network);
    args.0.push("-S".into());
    args.0.extend(h.extra.iter().cloned());
    args.0
}

/// The arguments behind the program for a guest with a shell on its console, which is QEMU's own terminal.
pub fn console(hardware: &Hardware, image: &Image, network: &Network) -> Vec<String> {
    let mut args = Arguments::default();
    let command_line = format!("{KERNEL_COMMAND_LINE} perfvt.shell=1");
    args.machine(hardware, &image.kernel, &image.initramfs, &command_line);
    args.add("-serial", "mon:stdio");
    args.devices(hardware, image.tools.as_deref(), network);
    args.0
}

#[derive(Default)]
struct Arguments(Vec<String>);

impl Arguments {
    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.extend([name.to_owned(), value.into()]);
    }

    fn machine(&mut self, h: &Hardware, kernel: &Path, initramfs: &Path, command_line: &str) {
        self.0.extend(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"].map(String::from));
        self.add("-name", "guest=perfvt,debug-threads=on");
        let accel = match h.accel {
            Accel::Kvm => "kvm",
            // One thread for each vCPU, which pinning needs.
            Accel::Tcg => "tcg,thread=multi",
        };
        self.add("-accel", accel);
        self.add("-machine", format!("{},memory-backend=mem0", h.machine));
        match (h.cpu_model.as_str(), h.accel) {
            ("", Accel::Kvm) => self.add("-cpu", "host"),
            ("", Accel::Tcg) => {}
            (model, _) => self.add("-cpu", model),
        }
        self.add("-smp", h.smp.to_string());
        self.add("-m", format!("{}M", h.mem_mib));
        let bound = h.memory_node.map(|n| format!(",host-nodes={n},policy=bind")).unwrap_or_default();
        self.add("-object", format!("memory-backend-ram,id=mem0,size={}M,prealloc=on{bound}", h.mem_mib));
        self.add("-kernel", kernel.display().to_string());
        self.add("-initrd", initramfs.display().to_string());
        self.add("-append", command_line);
    }

    fn devices(&mut self, h: &Hardware, tools: Option<&Path>, network: &Network) {
        self.add("-netdev", network.netdev("net0", h.vhost, h.queues));
        self.add("-device", nic(h));
        if let Some(tools) = tools {
            self.add(
                "-drive",
                format!("if=none,id=tools,format=raw,read-only=on,file={}", option_value(tools)),
            );
            self.add("-device", "virtio-blk-pci,drive=tools,serial=perfvt.tools");
        }
    }
}

fn nic(h: &Hardware) -> String {
    let device =
        NIC_MODELS.iter().find(|(name, _)| *name == h.nic_model).map_or(h.nic_model.as_str(), |(_, d)| d);
    let queues = if h.queues > 1 { format!(",mq=on,vectors={}", 2 * h.queues + 2) } else { String::new() };
    format!("{device},netdev=net0,mac=52:54:00:70:76:01{queues}")
}

/// A path within a QEMU option: a comma is doubled.
fn option_value(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::super::network::Kind;
    use super::*;
    use std::net::Ipv4Addr;

    fn network(kind: Kind) -> Network {
        Network {
            kind,
            namespace: None,
            guest_address: "10.0.2.15/24".into(),
            gateway: Ipv4Addr::LOCALHOST.into(),
            target: Ipv4Addr::LOCALHOST.into(),
            control_port: 4001,
            data_ports: vec![4002],
        }
    }

    fn hardware() -> Hardware {
        Hardware {
            accel: Accel::Tcg,
            machine: "pc".into(),
            cpu_model: String::new(),
            smp: 1,
            mem_mib: 256,
            memory_node: Some(NodeId(1)),
            nic_model: "virtio_net".into(),
            queues: 1,
            vhost: false,
            extra: vec![],
        }
    }

    fn files() -> BootFiles {
        let at = |name: &str| PathBuf::from("/run/a,b").join(name);
        BootFiles {
            kernel: at("vmlinux"),
            initramfs: at("initramfs"),
            tools: None,
            serial: at("serial"),
            qmp: at("qmp"),
            channel: at("cmd"),
        }
    }

    fn line(h: &Hardware, kind: Kind) -> String {
        build(h, &files(), &network(kind)).join(" ")
    }

    #[test]
    fn a_comma_in_a_path_does_not_end_an_option() {
        assert!(line(&hardware(), Kind::Tap).contains("path=/run/a,,b/serial"));
    }

    #[test]
    fn memory_is_bound_only_when_a_node_is_planned() {
        assert!(line(&hardware(), Kind::Tap).contains("size=256M,prealloc=on,host-nodes=1,policy=bind"));
        let unbound = Hardware { memory_node: None, ..hardware() };
        assert!(!line(&unbound, Kind::Tap).contains("host-nodes"));
    }

    #[test]
    fn one_parameter_changes_one_thing() {
        let base = build(&hardware(), &files(), &network(Kind::Tap));
        let e1000 = Hardware { nic_model: "e1000".into(), ..hardware() };
        let head = build(&e1000, &files(), &network(Kind::Tap));
        let changed: Vec<_> =
            base.iter().zip(&head).filter(|(a, b)| a != b).map(|(a, _)| a.as_str()).collect();
        assert_eq!(changed.len(), 1, "{changed:?}");
        let user = line(&hardware(), Kind::User);
        assert!(user.contains("hostfwd=tcp:127.0.0.1:4001-:12865"), "{user}");
    }

    #[test]
    fn the_guest_starts_paused_and_nothing_comes_from_the_users_own_configuration() {
        let args = build(&hardware(), &files(), &network(Kind::Tap));
        for wanted in ["-S", "-nodefaults", "-no-user-config", "-no-reboot"] {
            assert!(args.iter().any(|a| a == wanted), "{wanted}");
        }
    }
}
