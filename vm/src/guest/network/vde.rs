//! A switch of VDE (vde_switch): perfvt plugs cables into it, so that QEMU opens nothing of it and may stay confined.
//!
//! Whoever wants a port says over the switch's socket `ctl` where his own datagram socket is, and is told where that of the port is
//! (VDE 2, `request_v3` of libvdeplug); frames then pass between these two as they are. The port is there as long as the first
//! connection is.

use super::NetworkError;
use process::deadlines::HOST_ANSWER;
use process::{PrivateFolder, Running, Sink, Spec, private_folder};
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The program.
const PROGRAM: &str = "vde_switch";
/// What a request begins with: `SWITCH_MAGIC`, version 3, `REQ_NEW_CONTROL`.
const REQUEST: [u32; 3] = [0xfeed_face, 3, 0];
/// `sun_path` of `struct sockaddr_un`, which stands behind a family of two bytes.
const LONGEST_PATH: usize = 108;

/// A switch of VDE, with what is plugged into it.
#[derive(Debug)]
pub(super) struct Vde {
    /// Where its sockets are.
    dir: PathBuf,
    /// Each is a port.
    ports: Vec<UnixStream>,
    /// The switch, where it is perfvt's own. Behind the ports, so that it ends when nobody is in it.
    process: Option<Running>,
    /// The sockets of cables lie here.
    folder: PrivateFolder,
}

fn failed(what: &str, source: &io::Error) -> NetworkError {
    NetworkError::Refused(format!("net=vde: {what}: {source}"))
}

impl Vde {
    /// A switch of one's own, or the one that runs with this folder.
    pub(super) fn open(dir: Option<&Path>) -> Result<Vde, NetworkError> {
        let folder = private_folder().map_err(|e| failed("making a folder for its sockets", &e))?;
        let mut vde = match dir {
            Some(dir) => Vde { dir: dir.to_owned(), ports: Vec::new(), process: None, folder },
            None => {
                let dir = folder.path().join("vde");
                let spec = Spec::new(PROGRAM).arg("-s").arg(&dir).args(["--dirmode", "0700"]);
                // It ends when nobody types any more.
                let process = spec
                    .open_input()
                    .stderr(Sink::Capture)
                    .start()
                    .map_err(|error| missing(&error.to_string()))?;
                Vde { dir, ports: Vec::new(), process: Some(process), folder }
            }
        };
        vde.wait()?;
        Ok(vde)
    }

    /// Waits until a switch of one's own answers at its socket, which is there a moment before anybody listens at it.
    fn wait(&mut self) -> Result<(), NetworkError> {
        let (ctl, until) = (self.ctl(), Instant::now() + HOST_ANSWER);
        while let Some(process) = self.process.as_mut().filter(|_| UnixStream::connect(&ctl).is_err()) {
            let ended = process.ended().is_some();
            if ended || Instant::now() > until {
                let what = if ended { "ended at once" } else { "does not listen at its socket" };
                return Err(NetworkError::Refused(format!(
                    "net=vde: {PROGRAM} -s {} {what}",
                    self.dir.display()
                )));
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Ok(())
    }

    fn ctl(&self) -> PathBuf {
        self.dir.join("ctl")
    }

    /// The near end of a cable, whose far end is in a port of its own.
    pub(super) fn plug(&mut self) -> Result<UnixDatagram, NetworkError> {
        let ctl = self.ctl();
        let of = |e: &io::Error| failed(&format!("plugging into {}", ctl.display()), e);
        let mut control = UnixStream::connect(&ctl).map_err(|e| of(&e))?;
        control.set_read_timeout(Some(HOST_ANSWER)).map_err(|e| of(&e))?;
        let own = self.folder.path().join(self.ports.len().to_string());
        let socket = UnixDatagram::bind(&own).map_err(|e| of(&e))?;
        let request = request(&own).ok_or_else(|| {
            NetworkError::Refused(format!(
                "net=vde: {} is too long for the name of a socket; set TMPDIR",
                own.display()
            ))
        })?;
        control.write_all(&request).map_err(|e| of(&e))?;
        let mut answer = [0; 2 + LONGEST_PATH];
        control.read_exact(&mut answer).map_err(|e| of(&e))?;
        socket.connect(path(&answer)).map_err(|e| of(&e))?;
        self.ports.push(control);
        Ok(socket)
    }
}

/// That there is no such program here.
fn missing(why: &str) -> NetworkError {
    NetworkError::Refused(format!(
        "net=vde: {why}; install the package vde2, name a switch that runs by vde=FOLDER, or use net=switch"
    ))
}

/// Whether a switch can be had here.
pub(super) fn usable(dir: Option<&Path>) -> Result<(), NetworkError> {
    match dir {
        Some(dir) if !dir.join("ctl").exists() => Err(NetworkError::Refused(format!(
            "vde={}: no switch of VDE is there, it would have a socket named ctl; start one by vde_switch -s {0}",
            dir.display()
        ))),
        Some(_) => Ok(()),
        None => match process::run(Spec::new(PROGRAM).arg("--version"), HOST_ANSWER) {
            Ok(_) | Err(process::ProcessError::Failed { .. }) => Ok(()),
            Err(error) => Err(missing(&error.to_string())),
        },
    }
}

/// `struct request_v3`, in this machine's own byte order.
fn request(own: &Path) -> Option<Vec<u8>> {
    // `AF_UNIX`.
    let family: u16 = 1;
    let name = own.as_os_str().as_bytes();
    let mut bytes: Vec<u8> = REQUEST.iter().flat_map(|word| word.to_ne_bytes()).collect();
    bytes.extend(family.to_ne_bytes());
    bytes.extend(name);
    bytes.resize(12 + 2 + LONGEST_PATH, 0);
    bytes.extend(b"perfvt\0");
    (name.len() < LONGEST_PATH).then_some(bytes)
}

/// The path in a `struct sockaddr_un`.
fn path(address: &[u8]) -> PathBuf {
    let name: Vec<u8> = address.iter().skip(2).copied().take_while(|byte| *byte != 0).collect();
    PathBuf::from(OsStr::from_bytes(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn two_cables_meet_in_a_switch_that_is_gone_with_its_owner() {
        if let Err(error) = usable(None) {
            return testing::skip(error);
        }
        let mut vde = Vde::open(None).unwrap();
        let ends = [vde.plug().unwrap(), vde.plug().unwrap()];
        let frame = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1, 8, 0], &[7; 50]].concat();
        ends[0].send(&frame).unwrap();
        ends[1].set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut buffer = [0; 100];
        let length = ends[1].recv(&mut buffer).unwrap();
        assert_eq!(buffer[..length], frame);
        // Another perfvt's, or whoever's, is plugged into by its folder.
        let mut guest = Vde::open(Some(&vde.dir)).unwrap();
        let third = guest.plug().unwrap();
        third.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        ends[0].send(&frame).unwrap();
        assert_eq!(third.recv(&mut buffer).unwrap(), frame.len());
        let (dir, pid) = (vde.folder.path().to_owned(), vde.process.as_ref().unwrap().pid());
        drop((vde, guest));
        assert!(!dir.exists() && !Path::new(&format!("/proc/{pid}")).exists());
    }

    #[test]
    fn what_is_no_switch_is_told_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let error = usable(Some(dir.path())).unwrap_err().to_string();
        assert!(error.contains("no switch of VDE is there"), "{error}");
        let mut nobody = Vde::open(Some(dir.path())).unwrap();
        let error = nobody.plug().unwrap_err().to_string();
        assert!(error.starts_with("net=vde: plugging into ") && error.contains("/ctl: "), "{error}");
        assert_eq!(request(Path::new(&"x".repeat(108))), None);
        assert_eq!(request(Path::new("/a")).unwrap().len(), 122 + 7);
    }
}
