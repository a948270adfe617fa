//! Guests that bear a load while others are measured: all of them work before anything of a case is started, and still do when that is over.

use super::GuestLab;
use super::others::of_machine;
use crate::environment::Neighbour;
use crate::lab::window::{Borne, CPU_TIME, Role};
use crate::lab::{Failed, Lab};
use crate::parse::Load;
use model::{Code, Moment, Phase};
use std::time::{Duration, Instant};
use vm::guest::disk::{Bus, SERIAL};
use vm::guest::job::{JobRequest, Standing};
use vm::guest::machine::{GuestError, Machine};
use vm::guest::network::SERVER_PORT;

/// The port at which the server's guest takes streams of neighbours, apart from those that are measured.
const STREAM_PORT: u16 = SERVER_PORT + 1;

/// How often loads are asked whether they have begun.
const EVERY: Duration = Duration::from_millis(50);

/// Where the load of so many cases before keeps its files in the guest.
fn job(loads: u32) -> String {
    format!("/run/perfvt-neighbour-{loads}")
}

/// What is known of the loads of one boot.
#[derive(Debug, Default)]
pub(super) struct Loads {
    /// How often they were given out.
    given: u32,
    /// By neighbour: the file in its guest that counts what it does, and the fields of it.
    counted: Vec<Option<(String, Vec<usize>)>>,
    /// When each was seen to work, by the host's monotonic clock; none while no load runs.
    began_ns: Vec<u64>,
}

fn failed(text: String) -> Failed {
    Failed::new(Code::NeighbourIdle, text)
}

impl GuestLab {
    /// Starts the load of each neighbour at once, and waits until all of them work.
    pub(super) fn load_neighbours(&mut self) -> Result<(), Failed> {
        let all = self.spec.neighbours.clone();
        if all.iter().all(|neighbour| neighbour.load == Load::Idle) {
            return Ok(());
        }
        if self.loads.given == 0 {
            self.ready_neighbours(&all)?;
        }
        self.loads.given = self.loads.given.wrapping_add(1);
        let job = job(self.loads.given);
        let mut before = Vec::new();
        for (index, neighbour) in all.iter().enumerate() {
            before.push(self.done(index, neighbour)?);
            if neighbour.load == Load::Idle {
                continue;
            }
            let argv = self.argv_of(neighbour)?;
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            self.ask_neighbour(
                neighbour.guest,
                &JobRequest::Start { job: &job, argv: &argv, server: false },
            )?;
        }
        self.wait_for_loads(&all, &before)
    }

    /// Waits until each load has done something, or at least runs where nobody counts what it does.
    fn wait_for_loads(&mut self, all: &[Neighbour], before: &[Option<u64>]) -> Result<(), Failed> {
        let (begun, limit) = (Instant::now(), self.deadline(Phase::WarmUp));
        let mut seen = vec![None; all.len()];
        loop {
            for (index, neighbour) in all.iter().enumerate() {
                if seen.get(index).is_some_and(Option::is_some) {
                    continue;
                }
                self.look_at_neighbour(neighbour)?;
                let (before, now) = (before.get(index).copied().flatten(), self.done(index, neighbour)?);
                // A loop of a shell computes as soon as it runs.
                let works =
                    neighbour.load == Load::Cpu || before.zip(now).is_none_or(|(before, now)| now > before);
                if let Some(seen) = seen.get_mut(index).filter(|_| works) {
                    *seen = Some(Moment::now().mono_ns);
                }
            }
            if seen.iter().all(Option::is_some) {
                self.loads.began_ns = seen.into_iter().flatten().collect();
                return Ok(());
            }
            if begun.elapsed() > limit {
                let late = all.iter().zip(&seen).filter(|(_, seen)| seen.is_none());
                let names: Vec<&str> = late.map(|(neighbour, _)| self.name(neighbour.guest)).collect();
                let (names, seconds) = (names.join(", "), limit.as_secs());
                return Err(failed(format!(
                    "the load of the neighbour {names} did nothing within {seconds} s of its start"
                )));
            }
            self.sleep(EVERY);
        }
    }

    /// Makes sure that each load still runs, and ends it.
    pub(super) fn relieve_neighbours(&mut self) -> Result<(), Failed> {
        self.loads.began_ns.clear();
        if self.loads.given == 0 {
            return Ok(());
        }
        let mut first = Ok(());
        for neighbour in self.spec.neighbours.clone() {
            let ran = self.look_at_neighbour(&neighbour);
            let signal = JobRequest::Signal { job: &job(self.loads.given), signal: "KILL" };
            let ended = match neighbour.load {
                Load::Idle => Ok(Vec::new()),
                _ => self.ask_neighbour(neighbour.guest, &signal),
            };
            first = first.and(ran).and(ended.map(drop));
        }
        first
    }

    /// What each neighbour has done so far, while loads run.
    pub(super) fn borne(&mut self) -> Result<Vec<Borne>, Failed> {
        let mut all = Vec::new();
        for (index, began) in self.loads.began_ns.clone().into_iter().enumerate() {
            let Some(neighbour) = self.spec.neighbours.get(index).cloned() else { continue };
            let (Some(unit), Some(done)) = (unit(neighbour.load), self.done(index, &neighbour)?) else {
                continue;
            };
            all.push(Borne {
                name: self.name(neighbour.guest).to_owned(),
                load: neighbour.load.word().to_owned(),
                unit: unit.to_owned(),
                done,
                at_ns: Moment::now().mono_ns,
                began_ns: began,
            });
        }
        Ok(all)
    }

    /// Once for each boot: the network where a stream needs it, with somebody who takes it, and the files that count.
    fn ready_neighbours(&mut self, all: &[Neighbour]) -> Result<(), Failed> {
        let mut counted = Vec::new();
        for neighbour in all {
            counted.push(match neighbour.load {
                Load::Idle | Load::Cpu => None,
                Load::Fio => {
                    let device = self.device_of(neighbour)?;
                    let name = device.rsplit('/').next().unwrap_or_default();
                    // Reads and writes that are done (Documentation/block/stat.rst).
                    Some((format!("/sys/block/{name}/stat"), vec![0, 4]))
                }
                Load::Netperf => {
                    if !self.connected {
                        self.connect()?;
                    }
                    let port = STREAM_PORT.to_string();
                    let argv = ["netserver", "-4", "-p", &port];
                    if !counted.iter().flatten().any(|(path, _): &(String, _)| path.starts_with(NICS)) {
                        self.machine.run(&argv, self.machine.soon()).map_err(|e| e.failure())?;
                    }
                    let interface = self.interface_of(neighbour)?;
                    Some((format!("{NICS}{interface}/statistics/tx_bytes"), vec![0]))
                }
            });
        }
        self.loads.counted = counted;
        Ok(())
    }

    fn argv_of(&mut self, neighbour: &Neighbour) -> Result<Vec<String>, Failed> {
        let vcpus = self.spec.guests.get(neighbour.guest).map_or(1, |guest| guest.hardware.smp);
        let on = match neighbour.load {
            Load::Fio => self.device_of(neighbour)?,
            _ => neighbour.to.map(|to| to.to_string()).unwrap_or_default(),
        };
        Ok(neighbour.load.argv(vcpus, &on, &STREAM_PORT.to_string()))
    }

    /// The device of its data disk.
    fn device_of(&mut self, neighbour: &Neighbour) -> Result<String, Failed> {
        let disk = self.spec.guests.get(neighbour.guest).and_then(|guest| guest.disks.data.first().cloned());
        let (bus, serial) = disk.map_or((Bus::Virtio, SERIAL.to_owned()), |disk| (disk.bus, disk.serial()));
        let found = self.of_neighbour(neighbour.guest, |machine| {
            machine.run(&["perfvt-disk", bus.word(), &serial], machine.soon())
        });
        Ok(found?.trim().to_owned())
    }

    /// The interface over which it reaches the server.
    fn interface_of(&mut self, neighbour: &Neighbour) -> Result<String, Failed> {
        let to = neighbour.to.map(|to| to.to_string()).unwrap_or_default();
        let told = self.of_neighbour(neighbour.guest, |machine| {
            machine.run(&["ip", "-o", "route", "get", &to], machine.soon())
        })?;
        let mut words = told.split_whitespace().skip_while(|word| *word != "dev").skip(1);
        let name = words.next().filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric()));
        let unclear = || failed(format!("the way to {to} is not told: {}", edge::quoted(&told)));
        name.map(str::to_owned).ok_or_else(unclear)
    }

    /// What the load of a neighbour has done since the guest began, where somebody counts it.
    fn done(&mut self, index: usize, neighbour: &Neighbour) -> Result<Option<u64>, Failed> {
        if neighbour.load == Load::Cpu {
            let meter = self.meters.get_mut(neighbour.guest);
            let threads = meter.map(|meter| meter.read()).unwrap_or_default();
            let vcpus = threads.iter().filter(|thread| thread.role == Role::Vcpu).map(|thread| thread.run_ns);
            return Ok(vcpus.reduce(u64::saturating_add));
        }
        let Some((path, fields)) = self.loads.counted.get(index).cloned().flatten() else { return Ok(None) };
        let text = self.of_neighbour(neighbour.guest, |machine| machine.read(&[&path], machine.soon()))?;
        let field = |place: &usize| text.split_whitespace().nth(*place)?.parse::<u64>().ok();
        let sum = fields.iter().map(field).try_fold(0u64, |sum, field| Some(sum.saturating_add(field?)));
        sum.map(Some).ok_or_else(|| failed(format!("{path} counts nothing: {}", edge::quoted(&text))))
    }

    fn look_at_neighbour(&mut self, neighbour: &Neighbour) -> Result<(), Failed> {
        if neighbour.load == Load::Idle {
            return Ok(());
        }
        let guest = neighbour.guest;
        let all = self.ask_neighbour(guest, &JobRequest::Look { jobs: &[&job(self.loads.given)] })?;
        let ended = all.first().and_then(|standing| standing.heading.status);
        let Some(status) = ended else { return Ok(()) };
        let told = self.ask_neighbour(guest, &JobRequest::Poll { jobs: &[&job(self.loads.given)] })?;
        let (name, load) = (self.name(guest), neighbour.load.word());
        let said = told.first().map(|standing| String::from_utf8_lossy(&standing.stderr).into_owned());
        let said = said.filter(|said| !said.trim().is_empty());
        let said = said.map(|said| format!(": {}", edge::quoted_end(&said))).unwrap_or_default();
        Err(failed(format!(
            "the load {load} of the neighbour {name} ended with status {status} within the case{said}"
        )))
    }

    fn ask_neighbour(&mut self, guest: usize, request: &JobRequest<'_>) -> Result<Vec<Standing>, Failed> {
        self.of_neighbour(guest, |machine| machine.job(request, machine.soon()))
    }

    fn of_neighbour<T>(
        &mut self,
        guest: usize,
        ask: impl FnOnce(&mut Machine) -> Result<T, GuestError>,
    ) -> Result<T, Failed> {
        let place = guest.checked_sub(self.spec.measured());
        let name = self.spec.guests.get(guest).map_or("", |guest| guest.name.as_str());
        let machine = place.and_then(|place| self.others.get_mut(place));
        let machine = machine.ok_or_else(|| Failed::tool(format!("there is no neighbour {name}")))?;
        ask(machine).map_err(|error| of_machine(name, &error.failure()))
    }
}

/// Where a guest's kernel tells of its network cards.
const NICS: &str = "/sys/class/net/";

/// In what the work of a load is counted, by second; CPU time comes in nanoseconds.
fn unit(load: Load) -> Option<&'static str> {
    match load {
        Load::Idle => None,
        Load::Cpu => Some(CPU_TIME),
        Load::Fio => Some("requests/s"),
        Load::Netperf => Some("bytes/s"),
    }
}
