//! macvtaps: devices of perfvt's own on top of a device of the host, which share its cable (mode `bridge`).
//!
//! Each lives in a namespace that holds nothing else, so the kernel removes it with perfvt, however that ends, and with the
//! device below it. QEMU gets its character device, `/dev/tapINDEX`, opened: a descriptor for each queue. The device below is never
//! changed.

use super::NetworkError;
use super::bridge::exists;
use super::ip::{ip, ip_json};
use super::opened;
use super::wires::NicWiring;
use edge::quoted_end;
use process::deadlines::HOST_ANSWER;
use process::{Inherited, Namespace, ProcessError, Running, Spec};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The macvtaps of one boot.
#[derive(Debug)]
pub(super) struct Macvtaps {
    namespace: Arc<Namespace>,
    /// A process in there, by which `ip` and `/proc` find the namespace.
    holder: Running,
    made: Vec<Made>,
}

#[derive(Debug)]
struct Made {
    guest: usize,
    nic: usize,
    name: String,
    device: PathBuf,
}

impl Macvtaps {
    /// A namespace for them.
    ///
    /// # Errors
    /// The kernel or a distribution denies it.
    pub(super) fn new() -> Result<Macvtaps, NetworkError> {
        let namespace = Namespace::create().map(Arc::new).map_err(|e| {
            NetworkError::Refused(format!(
                "net=macvtap needs a namespace for its devices: {e}; use net=bridge or net=tap"
            ))
        })?;
        let holder = Spec::new("sleep").arg("infinity").namespace(Some(&namespace)).start()?;
        Ok(Macvtaps { namespace, holder, made: Vec::new() })
    }

    /// Makes one on a device of the host, with the hardware address of the guest's NIC, as the kernel delivers by that.
    ///
    /// # Errors
    /// `ip` says why not: rights, or a device that takes none.
    pub(super) fn add(
        &mut self,
        (guest, nic): (usize, usize),
        (lower, mtu): (&str, u32),
        name: &str,
        mac: &str,
    ) -> Result<(), NetworkError> {
        let mtu = mtu.to_string();
        let device = self.make(None, lower, name).map_err(|e| refused(lower, &e))?;
        self.made.push(Made { guest, nic, name: name.to_owned(), device });
        ip(Some(&self.namespace), &["link", "set", "dev", name, "address", mac, "mtu", &mtu])?;
        // The kernel takes the namespace of a perfvt that was killed apart a moment after its end, and a device has each
        // address once.
        let until = Instant::now() + HOST_ANSWER;
        while let Err(error) = ip(Some(&self.namespace), &["link", "set", "dev", name, "up"]) {
            if Instant::now() > until {
                return Err(error.into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Makes one on a device of some namespace, and gives its character device.
    fn make(&self, from: Option<&Arc<Namespace>>, lower: &str, name: &str) -> Result<PathBuf, ProcessError> {
        let index = free_index();
        let (number, holder) = (index.to_string(), self.holder.pid().to_string());
        let place = ["link", "add", "link", lower, "name", name, "index", &number, "netns", &holder];
        ip(from, &[&place[..], &["type", "macvtap", "mode", "bridge"]].concat())?;
        Ok(device(index))
    }

    /// Opened devices for one NIC of a guest's QEMU; `wants` are all of its NICs.
    ///
    /// # Errors
    /// A device cannot be opened.
    pub(super) fn open(
        &self,
        (guest, nic): (usize, usize),
        wants: &[NicWiring],
    ) -> Result<Vec<Inherited>, NetworkError> {
        let mut opened = Vec::new();
        for made in self.made.iter().filter(|made| (made.guest, made.nic) == (guest, nic)) {
            for queue in 0..wants.get(nic).map_or(1, |nic| nic.queues) {
                opened.push(Inherited::new(open(&made.device)?, opened::queue(wants, nic, queue)));
            }
        }
        Ok(opened)
    }

    /// A process whose network has them, for `/proc/PID/net/dev`.
    pub(super) fn pid(&self) -> u32 {
        self.holder.pid()
    }
}

impl Drop for Macvtaps {
    fn drop(&mut self) {
        for made in &self.made {
            // At once, so that the next boot may have its hardware address; without this, it goes with the namespace.
            let _ = ip(Some(&self.namespace), &["link", "del", "dev", &made.name]);
        }
    }
}

/// Makes sure that a device of the host is up and wide enough, and that this user may put a macvtap on it and open that.
///
/// # Errors
/// What is wrong, with the way out.
pub(super) fn usable(lower: &str, mtu: u32) -> Result<(), NetworkError> {
    let refused = |text: String| Err(NetworkError::Refused(text));
    if !exists(lower) {
        return refused(format!("macvtap on {lower}: this host has no such device; name one that is there"));
    }
    let found = ip_json(&["-details", "link", "show", "dev", lower])
        .map_err(|e| NetworkError::Refused(format!("macvtap on {lower}: {e}")))?;
    let flags = found.pointer("/0/flags").and_then(Value::as_array).cloned().unwrap_or_default();
    if !flags.iter().any(|flag| flag == "UP") {
        return refused(format!("{lower}, the device below the macvtap, is down: ip link set {lower} up"));
    }
    let carries = found.pointer("/0/mtu").and_then(Value::as_u64).unwrap_or(0);
    if carries < u64::from(mtu) {
        return refused(format!(
            "{lower} carries packets of {carries} bytes and mtu is {mtu}; perfvt changes nothing of a device that is there \
             already"
        ));
    }
    let mut macvtaps = Macvtaps::new()?;
    macvtaps.add((0, 0), (lower, mtu), "pvttry", &trial_address())?;
    macvtaps.open((0, 0), &[]).map(drop)
}

/// Whether this user may make and open macvtaps at all: one on a cable in a namespace is tried.
///
/// # Errors
/// What is wrong, with the way out.
pub fn macvtaps_work() -> Result<(), NetworkError> {
    let macvtaps = Macvtaps::new()?;
    let inside = Some(&macvtaps.namespace);
    ip(inside, &["link", "add", "pvtlow", "type", "veth", "peer", "name", "pvtlow2"])?;
    let device = macvtaps.make(inside, "pvtlow", "pvttry")?;
    open(&device).map(drop)
}

fn refused(lower: &str, error: &ProcessError) -> NetworkError {
    let why = match error {
        ProcessError::Failed { stderr, .. } => quoted_end(stderr).to_string(),
        other => other.to_string(),
    };
    NetworkError::Refused(format!(
        "net=macvtap cannot be had on {lower}: {why}; only root may make one there, and not on a device that is plugged \
         into a bridge or is none of a network with hardware addresses: run as root, or use net=tap, or net=bridge with \
         qemu-bridge-helper"
    ))
}

/// A hardware address that no NIC of a guest has, for a trial.
fn trial_address() -> String {
    let [_, a, b, c] = unlikely().to_be_bytes();
    format!("52:54:01:{a:02x}:{b:02x}:{c:02x}")
}

/// A number that nobody on this machine is likely to have drawn.
fn unlikely() -> u32 {
    static DRAWN: AtomicU32 = AtomicU32::new(0);
    let drawn = DRAWN.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = format!("{} {drawn} {}", std::process::id(), now.as_nanos());
    let [a, b, c, d, ..] = *blake3::hash(seed.as_bytes()).as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// The number of an interface of a namespace names its character device on the whole machine, and namespaces count from
/// one each: so it is drawn out of many, far from what the kernel gives.
fn free_index() -> u32 {
    let draw = || (unlikely() & 0x0fff_ffff) | 0x1000_0000;
    let mut index = draw();
    while device(index).exists() {
        index = draw();
    }
    index
}

fn device(index: u32) -> PathBuf {
    PathBuf::from(format!("/dev/tap{index}"))
}

fn open(device: &Path) -> Result<File, NetworkError> {
    let refused = |reason: String| {
        let device = device.display();
        NetworkError::Refused(format!(
            "net=macvtap: opening {device}: {reason}; it belongs to root, and a container needs a /dev that shows it: run as \
             root, or use net=tap"
        ))
    };
    edge::write::open_device(device).map_err(|e| refused(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_or_too_narrow_is_refused() {
        assert!(usable("pvtnosuchdev", 1500).unwrap_err().to_string().contains("macvtap on pvtnosuchdev: "));
    }

    #[test]
    fn what_ip_complains_about_comes_with_the_way_out() {
        let error = ProcessError::Failed {
            command: "ip link add".into(),
            status: "status 2".into(),
            stderr: "RTNETLINK answers: Operation not permitted".into(),
        };
        let text = refused("eth0", &error).to_string();
        assert!(text.contains("on eth0: 'RTNETLINK answers: Operation not permitted'; only root"), "{text}");
    }
}
