//! Keys of guests and clients.

use super::{BUILTIN, EARLIER_BOOTS, GUEST_NAME, Known};
use vm::guest::way;

/// What a guest is.
pub(super) const IMAGE: &[Known] = &[
    Known::new(GUEST_NAME, BUILTIN, "a name", "the guest's definition"),
    Known::new(
        "image",
        "",
        "a file, perfvt:debian or perfvt:builtin",
        "qcow2 or raw image that the guest boots from, never written; empty and perfvt:builtin: perfvt's own guest; \
               perfvt:debian: the one in the cache",
    ),
    Known::new(
        "image_format",
        "",
        "qcow2, raw",
        "format of the image; empty: qcow2, if the image begins as one, and refused otherwise",
    ),
    Known::open(
        "image_name",
        "image says it",
        "a path",
        "the image as other configurations name it: without .qcow2 or .IMAGE_FORMAT, also in their data directory",
    ),
    Known::open("image_raw_device", "no", "yes, no", "yes: image_name is the whole name of a raw file"),
    Known::open(
        "images_base_dir",
        "the configuration's folder, and data directories",
        "a folder",
        "the one folder in which image_name is looked for",
    ),
    Known::new(
        "image_backing",
        "",
        "files",
        "backing and data files that the image may read, quoted as in a shell; empty: none",
    ),
    Known::new(
        "check_image",
        "no",
        "yes, no",
        "whether qemu-img checks the image, the layer above it and qcow2 data disks when the guest has ended; in a corrupt one no \
         sample counts",
    ),
    Known::new(
        "kernel",
        "",
        "a file",
        "kernel for the built-in guest, or to start instead of the image's boot loader",
    ),
    Known::new(
        "kernel_modules",
        "",
        "a folder",
        "its modules, for the built-in guest; empty: those beside the kernel, or it needs none",
    ),
    Known::new("initrd", "", "a file", "RAM disk of that kernel"),
    Known::new(
        "kernel_params",
        "",
        "words",
        "what the kernel is told besides, such as mitigations=off, or root=/dev/vda1 for an image",
    ),
    Known::new(
        "firmware",
        "",
        "a file",
        "firmware that starts the image, such as OVMF for UEFI; empty: SeaBIOS",
    ),
    Known::new("guest_os", "linux", "linux, windows", "what runs in an image"),
    Known::new(
        "cloud_init",
        "no",
        "yes, no",
        "yes: the image is a cloud image, and gets what it needs by cloud-init; perfvt's agent is then the way in",
    ),
    Known::new(
        "user_data_file",
        "",
        "a file",
        "user data for cloud-init, handed on as they are; a boot in which they fail is none",
    ),
    Known::new(
        "network_config",
        "",
        "a file",
        "network configuration for cloud-init; empty: cloud-init leaves the network alone",
    ),
    Known::new(
        "first_boot",
        "",
        "a program",
        "script that cloud-init runs in each boot before anything is measured; it has to end with status 0",
    ),
    Known::new(
        EARLIER_BOOTS,
        "0",
        "a number, 0 to 9",
        "how often the fresh layer above the image is booted and powered off before the boot that counts; 1: what only a first boot does \
         is done before",
    ),
    Known::new(
        "proxy",
        "",
        "no, host, an URL",
        "proxies for what cloud-init installs: those of this host's environment (host), or one; what is measured has none. Kept in \
         secrets.json, and shown as (set)",
    ),
    Known::new("proxy_file", "", "a file", "file with that in it"),
    Known::new(
        "debug_user",
        "",
        "a name",
        "somebody who may log in on the guest's console and become root; each boot makes a password and tells it there",
    ),
];

/// Its drives for CDs.
pub(super) const CDROMS: &[Known] = &[
    Known::open("cdroms", "none", "names, such as cd1 cd2", "drives for CDs, in order, four at most"),
    Known::open(
        "cdrom",
        "each drive needs one",
        "a file",
        "what lies in the drive, only read: cdrom_cd1=FILE.iso",
    ),
    Known::open(
        "md5sum",
        "it is not read before",
        "32 hexadecimal digits",
        "what the sum of that file has to be",
    ),
    Known::open("sha1sum", "it is not read before", "40 hexadecimal digits", "the same by SHA-1"),
    Known::open("sha256sum", "it is not read before", "64 hexadecimal digits", "the same by SHA-256"),
];

/// The way into a guest.
pub(super) const ENTRANCE: &[Known] = &[
    Known::new(
        "channel",
        "agent",
        way::WAYS,
        "the way into an image's guest: QEMU's guest agent, perfvt's own (the default with cloud_init = yes), a login on the serial \
         console, or ssh; screen: nobody talks to it, and perfvt drive reads its screen and types; none, also for the built-in guest: \
         nobody talks to it, its job is on a disk",
    ),
    Known::new(
        "output_size",
        "64M",
        "a size, 1M to 1G",
        "with channel=none: the disk for the results of a case",
    ),
    Known::new("user", "root", "a name", "who logs in (channel=serial or ssh)"),
    Known::new(
        "password",
        "",
        "text",
        "password for channel=serial; it is kept in secrets.json, and shown as (set) everywhere else",
    ),
    Known::new(
        "password_file",
        "",
        "a file",
        "file with that password in it; empty: the environment's PERFVT_PASSWORD",
    ),
    Known::new(
        "prompt",
        "",
        "a regular expression",
        "the end of the shell's prompt (channel=serial); empty: usual prompts",
    ),
    Known::new(
        "key",
        "",
        "a file",
        "the private key for channel=ssh; empty with cloud_init = yes: one that is made for each boot",
    ),
    Known::open(
        "shell_client",
        "channel says it",
        "ssh",
        "as channel=ssh, in other configurations; nc and telnet are refused",
    ),
    Known::open("shell_port", "22", "a port", "port of the guest's ssh server (channel=ssh)"),
    Known::open(
        "file_transfer_client",
        "the way of commands",
        "scp",
        "with shell_client=ssh: files go the way that commands go",
    ),
    Known::open("file_transfer_port", "shell_port", "a port", "the same port as shell_port"),
];

/// Where clients are.
pub(super) const CLIENT: &[Known] = &[
    Known::new(
        "scenario",
        "host_guest",
        "host_guest, guest_guest, exhost_guest, topology",
        "where the client is: on the host, in a second guest, outside, or one of several machines (vms with vlans is enough for that)",
    ),
    Known::open(
        "client",
        "this host, or vm2 of guest_guest, or the first of vms that does not serve",
        "an address, netns, a machine of vms",
        "the external host of exhost_guest; netns stands in for one; the machine of a topology that asks",
    ),
    Known::open("client_user", "ssh's configuration decides", "a name", "whom to log in as there"),
    Known::open("client_key", "ssh's configuration decides", "a file", "the private key for it"),
    Known::open("client_port", "ssh's configuration decides", "a port", "port of its sshd"),
    Known::open("client_ssh_config", "the user's", "a file", "configuration of ssh to use for it"),
    Known::open(
        "client_tools",
        "its PATH",
        "a folder there",
        "folder there that holds the workload's client",
    ),
];
