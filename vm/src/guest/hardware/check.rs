//! What no guest can have.

use super::{Hardware, VIRTIO_NET, device};

/// Most NIC queues. A tap has at most 256 (MAX_TAP_QUEUES of Linux); more than one for each vCPU serves nobody.
pub(super) const MAX_QUEUES: u32 = 64;

/// Most vCPUs; QEMU's machines have lower bounds of their own and say so.
pub(super) const MAX_SMP: usize = 1024;

/// Least and most guest memory in MiB; with less the built-in guest does not unpack.
pub(super) const MEM_MIB: std::ops::RangeInclusive<u64> = 128..=16 << 20;

/// Arguments that take the guest out of perfvt's hands, with the reason.
pub(super) const FORBIDDEN: [(&str, &str); 10] = [
    ("daemonize", "-daemonize: QEMU would leave perfvt, which then cannot end it"),
    ("runas", "-runas: QEMU would give up the rights that its own files need, and its end with perfvt's"),
    (
        "run-with",
        "-run-with: QEMU would give up the rights that its own files need, and its end with perfvt's",
    ),
    ("chroot", "-chroot: QEMU would not find its sockets any more"),
    ("S", "-S: perfvt itself starts the guest paused and lets it go"),
    ("qmp", "-qmp: the monitor is perfvt's, and what others do there falls into the measurement"),
    (
        "qmp-pretty",
        "-qmp-pretty: the monitor is perfvt's, and what others do there falls into the measurement",
    ),
    ("mon", "-mon: the monitor is perfvt's, and what others do there falls into the measurement"),
    ("monitor", "-monitor: the monitor is perfvt's, and what others do there falls into the measurement"),
    ("pidfile", "-pidfile: the file would be left behind, and guests would meet in it"),
];

/// The first of the user's own arguments that perfvt cannot allow: its name and the reason, for people. QEMU takes
/// `-x` and `--x` alike.
pub fn forbidden_extra(args: &[String]) -> Option<&'static str> {
    args.iter().find_map(|arg| {
        let name = arg.strip_prefix('-')?;
        let name = name.strip_prefix('-').unwrap_or(name);
        FORBIDDEN.iter().find(|(forbidden, _)| *forbidden == name).map(|(_, reason)| *reason)
    })
}

/// What of a description no guest can have, in words that name the parameter.
///
/// # Errors
/// More than one queue on a NIC that has one, numbers out of range, or an extra argument that is not allowed.
pub fn check(hardware: &Hardware) -> Result<(), String> {
    let h = hardware;
    let outside = |key: &str, value: &dyn std::fmt::Display, range: &str| {
        Err(format!("{key} is {value}, want {range}"))
    };
    for nic in &h.nics {
        if !(1..=MAX_QUEUES).contains(&nic.queues) {
            return outside("queues", &nic.queues, &format!("1 to {MAX_QUEUES}"));
        }
        if nic.queues > 1 && device(&nic.model) != VIRTIO_NET {
            return Err(format!("queues is {}, but a NIC of model {} has one queue", nic.queues, nic.model));
        }
    }
    if !(1..=MAX_SMP).contains(&h.smp) {
        return outside("smp", &h.smp, &format!("1 to {MAX_SMP} vCPUs"));
    }
    if !MEM_MIB.contains(&h.mem_mib) {
        return outside("mem", &h.mem_mib, &format!("{} to {} MiB", MEM_MIB.start(), MEM_MIB.end()));
    }
    match forbidden_extra(&h.extra) {
        Some(reason) => Err(format!("extra_args has {reason}")),
        None => Ok(()),
    }
}
