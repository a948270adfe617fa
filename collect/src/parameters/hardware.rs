//! Keys of the hardware.

use super::Known;
use vm::guest::{disk, network};

/// Network cards.
pub(super) const NETWORK: &[Known] = &[
    Known::new(
        "nics",
        "nic1",
        "nic1, nic1 nic2",
        "network cards: the first for data, the second for control",
    ),
    Known::new(
        "net",
        "auto",
        network::WORDS,
        "the network: auto finds what works; tap has a bridge of perfvt's own; dgram, stream, switch and vde join guests",
    ),
    Known::open("bridge", "none; net says what instead", "a name", "bridge of this host to plug guests into"),
    Known::open("macvtap", "none; net says what instead", "a name", "device of this host to put macvtaps on"),
    Known::open("vde", "one of perfvt's own", "a folder", "switch of VDE to plug guests into (net=vde)"),
    Known::open(
        "ip",
        "one of perfvt's own network; on a bridge or macvtap DHCP",
        "ADDRESS/LENGTH",
        "the guest's address, such as ip_nic1=192.168.100.21/24",
    ),
    Known::new(
        "guest_reach",
        "none",
        "none, net",
        "how far guests reach over net=user: none (they answer over forwarded ports), net (all that this host reaches)",
    ),
    Known::new("mtu", "1500", "bytes, 576 to 65521", "largest packet, on the whole way"),
    Known::open(
        "nic_mac",
        "one by guest and NIC",
        "a hardware address, such as 52:54:00:12:34:56",
        "the hardware address of the network card (not net=macvtap)",
    ),
    Known::open(
        "link_delay",
        "none",
        "a time, such as 5ms or 300us",
        "how long what is delivered to the network card is on its way (net=switch, vde, tap); a round trip has that of both ends",
    ),
    Known::open(
        "link_jitter",
        "none",
        "a time, at most link_delay",
        "by how much the delay varies to either side, evenly; packets stay in order",
    ),
    Known::open(
        "link_loss",
        "none",
        "a part in percent, such as 1",
        "how much of what is delivered there is lost",
    ),
    Known::open("link_rate", "unbounded", "bits a second, such as 50M", "how fast it is delivered there"),
    Known::new("nic_model", "virtio_net", "virtio_net, e1000", "model of network card"),
    Known::new("queues", "1", "a number, 1 or more", "queues of the network card (virtio_net)"),
    Known::new("vhost", "no", "yes, no", "whether the kernel's vhost moves the packets (taps and macvtaps)"),
];

/// Machines on networks of their own.
pub(super) const TOPOLOGY: &[Known] = &[
    Known::open(
        "vms",
        "the guests of the scenario",
        "names: vm1 vm2 vm3 and so on",
        "machines on networks of their own, in the order that numbers them",
    ),
    Known::open(
        "vlans",
        "vms has no effect",
        "numbers of networks, 1 to 254, and user",
        "the networks that a machine has a NIC in: network n is 192.168.n.0/24, and the machine's number its host part; user: QEMU's \
         user mode",
    ),
    Known::new("forward", "no", "yes, no", "whether a machine passes packets on between its networks"),
    Known::new(
        "nat",
        "no",
        "yes, no",
        "whether what a machine passes on leaves by the last of its networks under the address that it has there",
    ),
    Known::open(
        "routes",
        "none",
        "ways, such as 2 via vm2, default via 192.168.1.9",
        "ways to networks that a machine is not in",
    ),
    Known::open(
        "neighbour",
        "none",
        "idle, cpu, fio, netperf",
        "the load of a further guest, or by its name of a machine that neither serves nor asks, which it bears before, in and after \
         each window: all its vCPUs compute, it reads and writes its disk, or it sends a stream to the server; idle: it is there",
    ),
    Known::open(
        "server",
        "the last of vms that does not ask",
        "a machine of vms",
        "the machine that serves a workload; client is the one that asks",
    ),
];

/// The machine that a guest has.
pub(super) const MACHINE: &[Known] = &[
    Known::new(
        "qemu_binary",
        "qemu-system-x86_64",
        "a program",
        "QEMU: a name to look for in PATH, or a file; where PATH has not the default, /usr/libexec/qemu-kvm is tried",
    ),
    Known::new(
        "qemu_img_binary",
        "qemu-img",
        "a program",
        "qemu-img, which makes and checks disks: a name to look for in PATH, or a file",
    ),
    Known::new(
        "machine",
        "pc",
        "pc, q35, or of a version",
        "machine type; one of a version is pc-q35-7.2, for example",
    ),
    Known::new(
        "cpu_model",
        "",
        "a model of QEMU",
        "CPU model; empty: host under KVM, QEMU's default under TCG",
    ),
    Known::open("smp", "min(2, CPUs of the node - 1)", "a number, 1 or more", "vCPUs"),
    Known::new("mem", "512", "MiB, or a size such as 1G, 128M or more", "guest memory"),
    Known::new("hugepages", "no", "no, 2M, 1G", "guest memory in pages of this size"),
    Known::new(
        "numa_node",
        "-1",
        "a number",
        "node to pin to: -1 the last, 1 the first, 2 the second, 0 pins nothing",
    ),
    Known::new(
        "siblings",
        "auto",
        "whole, auto, pack",
        "vCPUs and the CPUs of a core: a core each, where there is room, or fill each core",
    ),
    Known::new(
        "guest_nodes",
        "1",
        "a number, 1 or more",
        "nodes of the host that a guest is spread over, each a node of the guest",
    ),
    Known::open(
        "irq_vcpus",
        "the guest's choice",
        "a list of vCPUs, such as 0 or 0-1",
        "vCPUs that serve the interrupts of the guest's virtio NICs",
    ),
    Known::open(
        "server_vcpus",
        "the guest's choice",
        "a list of vCPUs, such as 1 or 0-1",
        "vCPUs on which the server in the guest runs",
    ),
    Known::new(
        "confine",
        "auto",
        "auto, user, files, sandbox, none",
        "how QEMU is confined: sandbox is its seccomp filter; files: and it opens nothing but what is its own; user: and it is not \
         root; auto: the most that works for every QEMU of the campaign",
    ),
    Known::new(
        "display",
        "none",
        "none, vga, vnc",
        "what the guest draws on: vga: a VGA, with a tablet beside it; vnc: the same, and a VNC server at a socket of yours shows it \
         (perfvt drive alone)",
    ),
    Known::new("extra_args", "", "words", "further QEMU arguments, quoted as in a shell"),
];

/// Data disks.
pub(super) const DISK: &[Known] = &[
    Known::new("disks", "disk1", "disk1 disk2 and so on", "data disks, each with its keys"),
    Known::open(
        "disk",
        "the first",
        "a name in disks, or a disk's serial number",
        "data disk that the workload has",
    ),
    Known::new("disk_size", "", "a size, such as 1G", "data disk made for each boot; empty: none"),
    Known::open(
        "disk_serial",
        "perfvt.disk, perfvt.disk2 and so on",
        "1 to 20 letters, digits and ._-",
        "serial number by which the guest finds the disk",
    ),
    Known::new("disk_format", "raw", "raw, qcow2", "its format"),
    Known::new("disk_bus", "virtio", disk::BUSES, "how it is plugged in: virtio-blk, virtio-scsi or NVMe"),
    Known::new(
        "disk_prealloc",
        "full",
        "full, falloc, metadata, off",
        "blocks of its file: every one written, allocated, qcow2's metadata alone, or sparse",
    ),
    Known::new(
        "disk_cache",
        "none",
        "none, writeback, writethrough, directsync, unsafe",
        "QEMU's cache mode",
    ),
    Known::new("disk_aio", "native", "native, threads, io_uring", "how QEMU submits requests"),
    Known::new("disk_iothread", "yes", "yes, no", "whether an iothread serves the disk (not nvme)"),
    Known::new("disk_queues", "", "a number, 1 or more", "queues of the disk; empty: QEMU's own choice"),
    Known::new(
        "disk_dir",
        "/var/tmp",
        "a folder",
        "where the disk's file is made; its name is gone once QEMU has it",
    ),
    Known::open(
        "disk_server",
        "QEMU opens the file",
        "qemu-nbd, nbdkit",
        "program that perfvt starts to serve the disk over NBD; nbdkit can be slow",
    ),
    Known::open(
        "disk_delay",
        "none",
        "a time in whole milliseconds, such as 2ms",
        "how much longer each request takes (disk_server=nbdkit)",
    ),
    Known::open(
        "disk_rate",
        "unbounded",
        "bits a second, such as 50M",
        "how fast data flow to and from the disk (disk_server=nbdkit)",
    ),
    Known::open(
        "disk_uri",
        "a file of this host",
        disk::URI_FORMS,
        "server on which the disk is; it is written to",
    ),
    Known::open("disk_user", "nobody logs in", "a name", "who logs in by CHAP (disk_uri=iscsi:..)"),
    Known::open(
        "disk_password_file",
        "nobody logs in",
        "a file",
        "the password for that, which no command line shows",
    ),
    Known::open(
        "disk_device",
        "a file of this host",
        "a device, such as /dev/disk/by-id/NAME",
        "block device of this host; it is only read, unless --allow-write-device names it",
    ),
];
