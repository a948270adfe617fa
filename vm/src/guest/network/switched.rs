//! A switch of perfvt's own (the crate `switch`): it holds the other end of each cable, in a process of its own, which ends with
//! perfvt.

use super::NetworkError;
use crate::host::placement::{allowed_to, pin_thread};
use model::CpuId;
use model::ids::cpu_list;
use process::deadlines::HOST_ANSWER;
use process::{Inherited, Running, Sink, Spec, taken_over};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use switch::{Ask, Plan, Shape, Told, ask, serve};

/// The hidden first argument with which perfvt runs a switch in a process of its own; behind it stands the number of ports.
pub const SWITCH_VERB: &str = "__switch";

/// The descriptor over which the switch is talked to. Its ports come behind.
const CONTROL: RawFd = 100;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program runs a switch when it is started with [`SWITCH_VERB`]: perfvt itself. In a program that says none, which are
/// tests and benches, switches are threads of it.
pub fn switches_by(program: PathBuf) {
    // Whoever says it a second time says the same.
    let _ = PROGRAM.set(program);
}

/// What was said in [`switches_by`].
pub(super) fn program() -> Option<&'static Path> {
    PROGRAM.get().map(PathBuf::as_path)
}

/// What perfvt does when it is started with [`SWITCH_VERB`].
///
/// # Errors
/// It was started by somebody else, or the switch fails.
pub fn switch_main(ports: Option<&str>) -> io::Result<()> {
    let odd = || io::Error::new(io::ErrorKind::InvalidInput, "this verb is for perfvt itself");
    let ports: RawFd =
        ports.and_then(|ports| ports.parse().ok()).filter(|n| (0..=4096).contains(n)).ok_or_else(odd)?;
    let mut all = taken_over(CONTROL..=CONTROL.saturating_add(ports))?.into_iter();
    let control = UnixStream::from(all.next().ok_or_else(odd)?);
    serve(&all.map(UnixDatagram::from).collect::<Vec<_>>(), &control)
}

/// A switch that runs.
#[derive(Debug)]
pub struct Switched {
    /// It ends when this is closed.
    control: Mutex<UnixStream>,
    /// `None` when it is a thread.
    process: Option<Running>,
}

impl Switched {
    /// Starts a switch with these sockets as its ports; where there is none it makes a pair, and gives the far ends of those in
    /// their order.
    pub(super) fn start(
        plan: Plan,
        sockets: Vec<Option<UnixDatagram>>,
    ) -> Result<(Switched, Vec<Arc<OwnedFd>>), NetworkError> {
        let failed = NetworkError::NoSwitch;
        let (near, far) = UnixStream::pair().map_err(failed)?;
        let (mut near_ends, mut far_ends) = (Vec::new(), Vec::new());
        for socket in sockets {
            near_ends.push(match socket {
                Some(socket) => socket,
                None => {
                    let (near, far) = UnixDatagram::pair().map_err(failed)?;
                    far_ends.push(far);
                    near
                }
            });
        }
        let process = match PROGRAM.get() {
            Some(program) => {
                let ports = near_ends.into_iter().map(OwnedFd::from);
                let handed = std::iter::once(OwnedFd::from(far)).chain(ports);
                let open =
                    (CONTROL..).zip(handed).map(|(number, file)| Inherited::new(file, number)).collect();
                let count = plan.ports.len().to_string();
                let spec = Spec::new(program).args([SWITCH_VERB, &count]).stderr(Sink::Capture).inherit(open);
                Some(spec.start()?)
            }
            None => {
                let named = std::thread::Builder::new().name("switch".into());
                // It fails with its sockets, which whoever asks it next is told.
                named.spawn(move || serve(&near_ends, &far)).map_err(failed)?;
                None
            }
        };
        near.set_read_timeout(Some(HOST_ANSWER)).map_err(failed)?;
        near.set_write_timeout(Some(HOST_ANSWER)).map_err(failed)?;
        let switched = Switched { control: Mutex::new(near), process };
        switched.asked(&Ask::Plan(plan))?;
        Ok((switched, far_ends.into_iter().map(|end| Arc::new(end.into())).collect()))
    }

    fn asked(&self, what: &Ask) -> Result<Told, NetworkError> {
        let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        let told = ask(&control, what).map_err(NetworkError::NoSwitch)?;
        match told.error {
            None => Ok(told),
            Some(error) => Err(NetworkError::NoSwitch(io::Error::other(error))),
        }
    }

    /// What it has counted, and the CPU time of its process.
    ///
    /// # Errors
    /// It is gone, or does not answer.
    pub fn told(&self) -> Result<Told, NetworkError> {
        self.asked(&Ask::Counters)
    }

    /// Changes the link of a port for what comes from now on.
    ///
    /// # Errors
    /// It is gone, or has no such port.
    pub fn reshape(&self, port: usize, shape: Shape) -> Result<(), NetworkError> {
        self.asked(&Ask::Shape { port, shape }).map(drop)
    }

    /// Its process; `None` when it is a thread.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Running::pid)
    }

    /// Puts it on CPUs.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn pin(&self, cpus: &[CpuId]) -> Result<(), NetworkError> {
        match self.pid() {
            Some(pid) if !cpus.is_empty() => {
                pin_thread(pid, cpus).map_err(|reason| NetworkError::NoSwitch(io::Error::other(reason)))
            }
            _ => Ok(()),
        }
    }

    /// Where it may run, in words; `None` when it is a thread.
    pub fn cpus(&self) -> Option<String> {
        Some(allowed_to(self.pid()?).join(" "))
    }

    /// What differs from where it was put; nothing when it is there.
    pub fn violation(&self, cpus: &[CpuId]) -> Option<String> {
        let have = self.cpus().filter(|_| !cpus.is_empty())?;
        let want = cpu_list(cpus);
        (have != want).then(|| format!("the switch may run on CPUs {have}, want {want}"))
    }
}

/// What the random numbers of a switch begin with: the same for the same name.
pub(super) fn seed(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    let first: [u8; 8] = hash.as_bytes().first_chunk().copied().unwrap_or_default();
    u64::from_le_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};
    use switch::Port;

    fn frame(to: u8, from: u8) -> Vec<u8> {
        let mut frame = vec![2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0];
        frame.resize(60, 0);
        frame
    }

    #[test]
    fn cables_meet_in_a_switch_that_counts_delays_and_ends_with_its_network() {
        let port = |delay_ns| Port { network: 1, shape: Shape { delay_ns, ..Shape::default() } };
        let plan = Plan { seed: 1, ports: vec![port(0), port(30_000_000)] };
        let (switched, ends) = Switched::start(plan, vec![None, None]).unwrap();
        let ends: Vec<UnixDatagram> =
            ends.iter().map(|end| UnixDatagram::from(end.try_clone().unwrap())).collect();
        for end in &ends {
            end.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        }
        let mut buffer = [0; 100];
        let begun = Instant::now();
        ends[0].send(&frame(2, 1)).unwrap();
        assert_eq!(ends[1].recv(&mut buffer).unwrap(), 60);
        assert!(begun.elapsed() >= Duration::from_millis(30), "{:?}", begun.elapsed());
        ends[1].send(&frame(1, 2)).unwrap();
        assert_eq!(ends[0].recv(&mut buffer).unwrap(), 60);
        let told = switched.told().unwrap();
        let counted: Vec<_> = told.ports.iter().map(|port| (port.received, port.sent)).collect();
        assert_eq!(counted, [(1, 1), (1, 1)]);
        assert!(told.cpu_ns > 0);
        switched.reshape(1, Shape { loss_ppm: 1_000_000, ..Shape::default() }).unwrap();
        ends[0].send(&frame(2, 1)).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while switched.told().unwrap().ports[1].lost == 0 {
            assert!(Instant::now() < until, "the frame is not lost");
        }
        let error = switched.reshape(7, Shape::default()).unwrap_err().to_string();
        assert_eq!(error, "the switch between guests: there is no port 7");
        drop(switched);
        // Without its other end a cable carries nothing.
        let until = Instant::now() + Duration::from_secs(10);
        while ends[0].send(&frame(2, 1)).is_ok() {
            assert!(Instant::now() < until, "the switch goes on");
        }
    }

    #[test]
    fn nobody_else_can_start_one() {
        for ports in [None, Some("x"), Some("-1"), Some("5000")] {
            assert!(switch_main(ports).is_err(), "{ports:?}");
        }
        assert_ne!(seed("a"), seed("b"));
    }
}
