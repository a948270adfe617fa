//! What of QEMU's arguments matters here.

use super::faults::Fault;
use std::io::Write;
use std::os::fd::{FromRawFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use vm::guest::channel::PORT_NAME;

/// What of QEMU's arguments matters here.
#[derive(Default)]
pub struct Arguments {
    /// The monitor's socket.
    pub monitor: Option<RawFd>,
    /// The socket of the way into the guest.
    pub channel: Option<RawFd>,
    /// Whether perfvt's own agent is at its other end. A guest with another one never gets ready.
    pub own_agent: bool,
    /// The console's log.
    pub serial: Option<PathBuf>,
    /// vCPUs.
    pub vcpus: usize,
    /// Whether a guest moves in, instead of one that boots.
    pub moves_in: bool,
    /// The cables of its network cards, where these are sockets.
    pub cables: Vec<RawFd>,
    /// Hardware addresses of its network cards.
    pub macs: Vec<String>,
    /// Names of the iothreads.
    pub iothreads: Vec<String>,
    /// What goes wrong in this start.
    pub faults: Vec<Fault>,
}

impl Arguments {
    /// Reads them, and notes this start.
    pub fn parse(words: &[String]) -> Arguments {
        let values = |name: &'static str| {
            words.windows(2).filter(move |pair| pair[0] == name).map(|pair| pair[1].as_str())
        };
        let chardev = |id: &str| values("-chardev").find(|value| part(value, "id").as_deref() == Some(id));
        let socket = |id: &str| part(chardev(id)?, "fd")?.parse().ok();
        let start = values("-starts").map(|file| note_start(Path::new(file))).next().unwrap_or(1);
        let iothreads = values("-object").filter(|object| object.starts_with("iothread,"));
        let mut faults: Vec<String> = values("-fault").map(str::to_owned).collect();
        for file in values("-scenario") {
            // Where there is none yet nothing goes wrong.
            let text = std::fs::read_to_string(file).unwrap_or_default();
            faults.extend(text.split_whitespace().map(str::to_owned));
        }
        Arguments {
            monitor: socket("qmp0"),
            channel: socket("cmd0"),
            own_agent: values("-device").any(|device| part(device, "name").as_deref() == Some(PORT_NAME)),
            serial: chardev("serial0").and_then(|value| part(value, "path")).map(|path| inherited(&path)),
            moves_in: values("-incoming").next().is_some(),
            cables: values("-netdev")
                .filter(|netdev| netdev.starts_with("dgram,"))
                .filter_map(|netdev| part(netdev, "local.str")?.parse().ok())
                .collect(),
            macs: values("-device").filter_map(|device| part(device, "mac")).collect(),
            vcpus: values("-smp").next().and_then(|smp| smp.split(',').next()?.parse().ok()).unwrap_or(1),
            iothreads: iothreads.filter_map(|object| part(object, "id")).collect(),
            faults: faults.iter().filter_map(|word| Fault::of_start(word, start)).collect(),
        }
    }
}

/// A file of a descriptor set, each of which has the number of its only descriptor.
pub fn inherited(path: &str) -> PathBuf {
    path.replace("/dev/fdset/", "/proc/self/fd/").into()
}

/// A socket on which perfvt has this program listen.
#[allow(unsafe_code)]
pub fn listener(number: RawFd) -> UnixListener {
    // SAFETY: the number is one that perfvt opened for this program, and each is taken once.
    unsafe { UnixListener::from_raw_fd(number) }
}

/// The value of a part `KEY=VALUE` of an option; a comma in it is doubled.
fn part(option: &str, key: &str) -> Option<String> {
    let option = option.replace(",,", "\0");
    let value = option.split(',').find_map(|part| part.strip_prefix(key)?.strip_prefix('='))?;
    Some(value.replace('\0', ","))
}

/// Adds this process to the list of starts, and gives its place there.
fn note_start(file: &Path) -> usize {
    let mut list = std::fs::File::options().create(true).append(true).open(file).unwrap();
    writeln!(list, "{}", std::process::id()).unwrap();
    std::fs::read_to_string(file).unwrap().lines().count()
}
