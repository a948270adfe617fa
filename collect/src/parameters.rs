//! The parameters that perfvt knows whatever the workload: the one list, from which `perfvt:parameters.cfg`, the checks of
//! keys and `perfvt list` are made. Those of a workload stand in its file.

use crate::deadlines::FACTOR;
use crate::guest::confine;

/// The parameter that names a guest.
pub const GUEST_NAME: &str = "guest";
/// The name of the built-in guest.
pub const BUILTIN: &str = "builtin";
/// The parameter that says where folders that the user brings are built.
pub const BUILD_ON: &str = "build_on";

/// A parameter that a workload (or perfvt itself) knows.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The key.
    pub key: &'static str,
    /// Its default; `None` when perfvt finds one at run time.
    pub default: Option<&'static str>,
    /// One line for people.
    pub help: &'static str,
}

/// Parameters of every guest, whatever the workload.
pub const GUEST: &[Known] = &[
    Known { key: GUEST_NAME, default: Some(BUILTIN), help: "guest: a name of `perfvt list --guests`" },
    Known {
        key: "image",
        default: Some(""),
        help: "image that the guest boots from, qcow2 or raw, never written; perfvt:debian: the one in the cache; \
               perfvt:builtin: perfvt's own guest",
    },
    Known {
        key: "image_format",
        default: Some(""),
        help: "qcow2 or raw; empty: qcow2, if the image begins as one, and refused otherwise",
    },
    Known {
        key: "image_name",
        default: None,
        help: "the image as other configurations name it: without .qcow2 or .IMAGE_FORMAT, also in their data directory",
    },
    Known { key: "image_raw_device", default: None, help: "yes: image_name is the whole name of a raw file" },
    Known { key: "images_base_dir", default: None, help: "the one folder in which image_name is looked for" },
    Known {
        key: "image_backing",
        default: Some(""),
        help: "backing and data files that the image may read, quoted as in a shell; empty: none",
    },
    Known {
        key: "kernel",
        default: Some(""),
        help: "kernel for the built-in guest, or to start instead of the image's boot loader",
    },
    Known {
        key: "kernel_modules",
        default: Some(""),
        help: "folder with its modules, for the built-in guest; else beside the kernel, or it needs none",
    },
    Known { key: "initrd", default: Some(""), help: "RAM disk of that kernel" },
    Known {
        key: "firmware",
        default: Some(""),
        help: "firmware that starts the image, such as OVMF for UEFI; else SeaBIOS",
    },
    Known {
        key: "kernel_params",
        default: Some(""),
        help: "what the kernel is told besides, such as mitigations=off, or root=/dev/vda1 for an image",
    },
    Known {
        key: "channel",
        default: Some("agent"),
        help: "the way into an image's guest: agent (QEMU guest agent), serial (a login there) or ssh",
    },
    Known { key: "guest_os", default: Some("linux"), help: "what runs in an image: linux or windows" },
    Known { key: "user", default: Some("root"), help: "who logs in (channel=serial or ssh)" },
    Known {
        key: "password",
        default: Some(""),
        help: "password for channel=serial; it is kept in secrets.json, and shown as (set) everywhere else",
    },
    Known {
        key: "password_file",
        default: Some(""),
        help: "file with that password in it; else the environment's PERFVT_PASSWORD",
    },
    Known {
        key: "shell_client",
        default: None,
        help: "ssh: as channel=ssh, in other configurations; nc and telnet are refused",
    },
    Known { key: "shell_port", default: None, help: "port of the guest's ssh server (channel=ssh), else 22" },
    Known {
        key: "file_transfer_client",
        default: None,
        help: "scp, with shell_client=ssh: files go the way that commands go",
    },
    Known { key: "file_transfer_port", default: None, help: "the same port as shell_port" },
    Known { key: "key", default: Some(""), help: "file of the private key for channel=ssh" },
    Known {
        key: "prompt",
        default: Some(""),
        help: "regular expression for the end of the shell's prompt (channel=serial)",
    },
    Known {
        key: "scenario",
        default: Some("host_guest"),
        help: "host_guest (client on the host), guest_guest (in a second guest) or exhost_guest (outside)",
    },
    Known {
        key: "client",
        default: None,
        help: "the external host of exhost_guest, by its address; netns stands in for one",
    },
    Known { key: "client_user", default: None, help: "whom to log in as there; ssh's configuration decides" },
    Known { key: "client_key", default: None, help: "file of the private key for it" },
    Known { key: "client_port", default: None, help: "port of its sshd" },
    Known {
        key: "client_ssh_config",
        default: None,
        help: "configuration of ssh to use for it instead of the user's",
    },
    Known {
        key: "client_tools",
        default: None,
        help: "folder there that holds the workload's client; else its PATH",
    },
    Known {
        key: "nics",
        default: Some("nic1"),
        help: "nic1, or nic1 nic2: the first for data, the second for control",
    },
    Known {
        key: "bridge",
        default: None,
        help: "bridge of this host to plug guests into (bridge_nic2: its own)",
    },
    Known {
        key: "macvtap",
        default: None,
        help: "device of this host to put macvtaps on (macvtap_nic2: its own)",
    },
    Known {
        key: "ip",
        default: None,
        help: "the guest's address, such as ip_nic1=192.168.100.21/24; on a bridge or macvtap else DHCP",
    },
    Known {
        key: "guest_reach",
        default: Some("none"),
        help: "how far guests reach over net=user: none (they answer over forwarded ports), net (all that this host reaches)",
    },
    Known { key: "mtu", default: Some("1500"), help: "largest packet in bytes, on the whole way" },
    Known { key: "qemu_binary", default: Some("qemu-system-x86_64"), help: "QEMU's program" },
    Known { key: "machine", default: Some("pc"), help: "machine type: pc, q35, or of a version: pc-q35-7.2" },
    Known {
        key: "cpu_model",
        default: Some(""),
        help: "CPU model; empty: host under KVM, QEMU's default under TCG",
    },
    Known { key: "smp", default: None, help: "vCPUs; default min(2, CPUs of the node - 1)" },
    Known { key: "mem", default: Some("512"), help: "guest memory in MiB" },
    Known { key: "nic_model", default: Some("virtio_net"), help: "virtio_net or e1000" },
    Known { key: "queues", default: Some("1"), help: "NIC queues (virtio_net)" },
    Known {
        key: "vhost",
        default: Some("no"),
        help: "whether the kernel's vhost moves the packets (taps and macvtaps)",
    },
    Known {
        key: "net",
        default: Some("auto"),
        help: "auto, tap (with a bridge of perfvt's own), user, bridge, macvtap; between two guests also dgram, stream",
    },
    Known {
        key: "numa_node",
        default: Some("-1"),
        help: "node to pin to: -1 the last, 1 the first, 2 the second, 0 pins nothing",
    },
    Known {
        key: "siblings",
        default: Some("auto"),
        help: "vCPUs and the CPUs of a core: whole (a core each), auto (where there is room), pack (fill each core)",
    },
    Known {
        key: "guest_nodes",
        default: Some("1"),
        help: "nodes of the host that a guest is spread over, each a node of the guest",
    },
    Known {
        key: "disk_size",
        default: Some(""),
        help: "size of a data disk made for each boot, such as 1G; empty: none",
    },
    Known { key: "disk_format", default: Some("raw"), help: "raw or qcow2" },
    Known {
        key: "disk_bus",
        default: Some("virtio"),
        help: "virtio (virtio-blk), scsi (virtio-scsi) or nvme",
    },
    Known {
        key: "disk_prealloc",
        default: Some("full"),
        help: "full (every block written), falloc, metadata (qcow2) or off (sparse)",
    },
    Known {
        key: "disk_cache",
        default: Some("none"),
        help: "QEMU's cache mode: none, writeback, writethrough, directsync or unsafe",
    },
    Known {
        key: "disk_aio",
        default: Some("native"),
        help: "how QEMU submits requests: native, threads or io_uring",
    },
    Known {
        key: "disk_iothread",
        default: Some("yes"),
        help: "whether an iothread serves the disk (not nvme)",
    },
    Known { key: "disk_queues", default: Some(""), help: "queues of the disk; empty: QEMU's own choice" },
    Known {
        key: "disk_dir",
        default: Some("/var/tmp"),
        help: "where the disk's file is made; its name is gone once QEMU has it",
    },
    Known {
        key: "noise",
        default: Some("auto"),
        help: "what is done about a noisy host: off, warn, strict (wait, repeat, stop); auto: strict under KVM, else warn",
    },
    Known {
        key: "noise_wait",
        default: Some("300"),
        help: "seconds to wait for a quiet host before a sample (noise=strict)",
    },
    Known {
        key: "canary",
        default: Some("10"),
        help: "every so many samples the host alone is probed; 0 never",
    },
    Known {
        key: "irq_vcpus",
        default: None,
        help: "vCPUs that serve the interrupts of the guest's virtio NICs, such as 0",
    },
    Known {
        key: "server_vcpus",
        default: None,
        help: "vCPUs on which the server in the guest runs, such as 1 or 0-1",
    },
    Known { key: "hugepages", default: Some("no"), help: "guest memory in pages of this size: no, 2M or 1G" },
    Known {
        key: confine::KEY,
        default: Some("auto"),
        help: "how QEMU is confined: sandbox (its seccomp filter), none; auto: sandbox, where every QEMU of the campaign has it",
    },
    Known { key: "extra_args", default: Some(""), help: "further QEMU arguments, quoted as in a shell" },
    Known {
        key: BUILD_ON,
        default: Some("host"),
        help: "where folders deps/NAME are built: host, or guest (an image with make, in every boot)",
    },
    Known {
        key: "boot_timeout",
        default: None,
        help: "seconds until READY; default 30, under TCG 120, with an image 180 and 600",
    },
    Known { key: FACTOR, default: Some("1"), help: "what all deadlines of a campaign are multiplied by" },
    Known { key: "shuffle", default: Some("yes"), help: "whether cases are shuffled in each boot" },
    Known {
        key: "attempts",
        default: Some("2"),
        help: "how often a boot is tried before its repeat is given up",
    },
    Known {
        key: "samples",
        default: Some("2"),
        help: "how often a sample is taken that a jump of the clock or noise spoiled",
    },
];
