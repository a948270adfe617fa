//! A guest that pretends to have fio, for tests of loads that move with it.

use crate::lab::{Client, Failed, HostSample, Lab, Move, Moved, Snapshot, Target};
use model::{Accel, Moment};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;
use vm::deadlines::Deadlines;
use vm::guest::job::{Heading, JobRequest, Standing};

/// Guests that note what they are told, and never sleep.
#[derive(Default)]
pub(super) struct Pretended {
    /// What was done, a line each, behind the guest that was talked to.
    pub(super) told: Vec<String>,
    /// The status of a fio that has ended by itself.
    pub(super) ended: Option<i32>,
    /// The guest that does not tell its clock.
    pub(super) timeless: Option<usize>,
    /// What becomes of the guests that move.
    pub(super) moved: Vec<Result<Moved, Failed>>,
    /// The guest that is talked to.
    pub(super) guest: usize,
    /// The guests whose fio was told to end.
    pub(super) over: BTreeSet<usize>,
}

impl Pretended {
    fn note(&mut self, what: &str) {
        self.told.push(format!("{} {what}", self.guest));
    }

    /// How often something was told to a guest.
    pub(super) fn times(&self, what: &str) -> usize {
        self.told.iter().filter(|told| *told == what).count()
    }
}

impl Lab for Pretended {
    fn target(&self) -> Target {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (data_ports, interface) = (Vec::new(), "eth0".to_owned());
        Target { control: address, control_port: 0, data: address, data_ports, interface }
    }

    fn connect(&mut self) -> Result<(), Failed> {
        Ok(())
    }

    fn client_tool(&self, name: &str) -> Result<String, Failed> {
        Ok(name.to_owned())
    }

    fn host_tool(&self, name: &str) -> Result<String, Failed> {
        Ok(name.to_owned())
    }

    fn deadlines(&self) -> Deadlines {
        Deadlines::usual(Accel::Kvm)
    }

    fn exec(&mut self, argv: &[&str], _: Duration) -> Result<String, Failed> {
        self.note(&argv.join(" "));
        Ok(String::new())
    }

    fn job(&mut self, request: &JobRequest<'_>, _: Duration) -> Result<Vec<Standing>, Failed> {
        match request {
            JobRequest::Start { .. } => {
                self.over.remove(&self.guest);
                self.note("start");
            }
            JobRequest::Signal { signal, .. } => {
                self.over.insert(self.guest);
                self.note(signal);
            }
            JobRequest::Forget { .. } => self.note("forget"),
            JobRequest::Poll { .. } | JobRequest::Look { .. } => {}
        }
        let status = self.ended.or(self.over.contains(&self.guest).then_some(143));
        let stderr = if self.ended.is_some() { b"the disk is full".to_vec() } else { Vec::new() };
        Ok(vec![Standing { heading: Heading { status, ..Heading::default() }, stdout: Vec::new(), stderr }])
    }

    fn attend(&mut self, guest: usize) -> Result<(), Failed> {
        self.guest = guest;
        Ok(())
    }

    fn migrate(&mut self, _: &Move) -> Result<Vec<Result<Moved, Failed>>, Failed> {
        self.note("move");
        Ok(std::mem::take(&mut self.moved))
    }

    fn start_client(&mut self, _: &[String], _: &Path, _: &Path) -> Result<Box<dyn Client>, Failed> {
        Err(Failed::tool("there are no clients here"))
    }

    fn snapshot(&mut self) -> Result<Snapshot, Failed> {
        let mut snapshot = Snapshot { at: Moment::now(), ..Snapshot::default() };
        snapshot.guest.clock.now_ns = (self.timeless != Some(self.guest)).then_some(1);
        Ok(snapshot)
    }

    fn host_sample(&mut self) -> Result<HostSample, Failed> {
        Ok(HostSample::default())
    }

    fn death(&mut self) -> Option<Failed> {
        None
    }

    fn misplaced(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn end(self: Box<Self>, _: Option<&Path>) {}

    fn sleep(&mut self, _: Duration) {}
}
