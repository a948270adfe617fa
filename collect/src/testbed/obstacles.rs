//! What on this host is in the way of a campaign: all of it at once, before anything boots. A dry run tells it beside the plan, a run
//! is refused with it.

use super::TestbedError;
use super::disks;
use super::remote::RemoteHost;
use crate::brought;
use crate::environment::{EnvironmentSpec, Place, Room, Stage};
use crate::parse::nics;
use model::{CampaignFile, Params, ParamsError};
use rustix::fs::{Access, access};
use std::fmt;
use vm::guest::cdrom::Sum;
use vm::guest::image::{Cache, can_build, host_program};
use vm::guest::network;
use vm::guest::os::Os;
use vm::guest::spec::{GuestSpec, Source};
use vm::host::program;
use vm::ssh::Destination;

/// Everything that is in the way; never empty.
#[derive(Debug, thiserror::Error)]
pub struct Obstacles(Vec<Obstacle>);

impl Obstacles {
    /// How many things they are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// One thing, and the environments that it is in the way of; none: of all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Obstacle {
    environments: Vec<String>,
    what: String,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.environments.as_slice() {
            [] => {}
            [one] => write!(f, "environment {one}: ")?,
            several => write!(f, "environments {}: ", several.join(", "))?,
        }
        f.write_str(&self.what)
    }
}

impl fmt::Display for Obstacles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => one.fmt(f),
            all => {
                write!(f, "{} things of this host are in the way:", all.len())?;
                all.iter().try_for_each(|one| write!(f, "\n  {one}"))
            }
        }
    }
}

/// Looks at what a plan needs of this host and of the client's, beside what was found already. Nothing is changed, built or booted.
///
/// # Errors
/// Everything that is missing.
pub fn obstacles(stage: &Stage, already: Vec<String>) -> Result<(), Obstacles> {
    let mut found = Found::default();
    already.into_iter().for_each(|what| found.add(None, Err::<(), _>(what)));
    found.of_stage(stage);
    found.end()
}

/// This host with the environments of a plan that was made before, once nothing is in their way here.
///
/// # Errors
/// Everything that is.
pub fn survey(file: &CampaignFile, cache: &Cache) -> Result<Stage, Obstacles> {
    let mut found = Found::default();
    match Stage::of(file, cache) {
        Err(error) => found.add(None, Err::<(), _>(error)),
        Ok((stage, wrong)) => {
            found.of_stage(&stage);
            wrong.into_iter().for_each(|(name, error)| found.add(Some(&name), Err::<(), _>(error)));
            return found.end().map(|()| stage);
        }
    }
    Err(Obstacles(found.all))
}

#[derive(Default)]
struct Found {
    all: Vec<Obstacle>,
    /// Hosts of clients that were asked, each once.
    asked: Vec<(Destination, Option<String>)>,
}

impl Found {
    /// Notes what is wrong, once for all environments in which it is.
    fn add<T, E: fmt::Display>(&mut self, environment: Option<&str>, result: Result<T, E>) {
        let Err(error) = result else { return };
        let what = error.to_string();
        match self.all.iter_mut().find(|known| known.what == what) {
            Some(known) => known.environments.extend(environment.map(str::to_owned)),
            None => {
                let environments = environment.map(str::to_owned).into_iter().collect();
                self.all.push(Obstacle { environments, what });
            }
        }
    }

    fn end(self) -> Result<(), Obstacles> {
        if self.all.is_empty() { Ok(()) } else { Err(Obstacles(self.all)) }
    }

    fn of_stage(&mut self, stage: &Stage) {
        let needs = &stage.needs;
        // Where the clients of every environment run elsewhere, their tools are none of this host's.
        let elsewhere = stage.rooms.iter().all(|room| room.place.has_remote_client());
        if !elsewhere || stage.rooms.is_empty() {
            for tool in &needs.host_tools {
                self.add(None, host_program(&stage.cache, tool).map(drop));
            }
        }
        if needs.guest {
            self.add(None, can_build(&stage.cache, None));
        }
        for wish in &needs.brings {
            self.add(None, brought::look(&stage.cache, wish));
        }
        for room in &stage.rooms {
            self.of_room(room, stage);
        }
    }

    fn of_room(&mut self, room: &Room, stage: &Stage) {
        let environment = Some(room.name.as_str());
        self.add(environment, room.ready());
        let Place::Guests(spec) = &room.place else { return };
        for guest in &spec.guests {
            self.of_guest(&room.name, guest, &room.params.object_params(&guest.name), stage);
        }
        if spec.topology.as_ref().is_some_and(network::Topology::translates) {
            self.add(environment, host_program(&stage.cache, network::NFT));
        }
        disks::apart(spec).into_iter().for_each(|why| self.add(environment, Err::<(), _>(why)));
        for error in network::unusable(&spec.layout) {
            self.add(environment, Err::<(), _>(error));
        }
        self.client(&room.name, spec, &stage.needs.host_tools);
    }

    /// What one guest needs; `own` are its parameters, which say where it was asked for.
    fn of_guest(&mut self, name: &str, guest: &GuestSpec, own: &Params, stage: &Stage) {
        let environment = Some(name);
        self.add(environment, qemu(guest, own));
        self.add(environment, vhost(guest, own));
        self.add(environment, vsock(guest, own));
        for tool in stage.needs.guest_tools.iter().filter(|_| guest.os() == Os::Linux) {
            self.add(environment, host_program(&stage.cache, tool));
        }
        if let Source::Builtin(Some(kernel)) = &guest.source {
            self.add(environment, can_build(&stage.cache, Some(kernel)));
        }
        for cdrom in guest.own().map(|own| own.cdroms.as_slice()).unwrap_or_default() {
            let wrong = |(sum, why): (Sum, String)| {
                own.object_params(&cdrom.name)
                    .wrong(sum.program(), &format!("the sum of what lies in {}: {why}", cdrom.name))
            };
            self.add(environment, cdrom.check().map_err(wrong));
        }
        disks::look(guest, own, stage.needs.writes_disk)
            .into_iter()
            .for_each(|why| self.add(environment, Err::<(), _>(why)));
        if guest.has_made_disks() {
            self.add(environment, qemu_img(guest, own));
            self.add(environment, folder(guest, own));
        }
    }

    /// The client's host, where it is another one: whether it is reached, and has the tools.
    fn client(&mut self, name: &str, spec: &EnvironmentSpec, tools: &[String]) {
        let network::ClientPlace::Remote(destination) = &spec.layout.client else { return };
        let asked = (destination.clone(), spec.client_tools.clone());
        if self.asked.contains(&asked) {
            return;
        }
        self.asked.push(asked);
        match RemoteHost::of(spec) {
            Ok(Some(host)) => tools
                .iter()
                .for_each(|tool| self.add(Some(name), host.tool(tool).map_err(TestbedError::from))),
            Ok(None) => {}
            Err(error) => self.add(Some(name), Err::<(), _>(error)),
        }
    }
}

fn path() -> String {
    std::env::var("PATH").unwrap_or_default()
}

/// QEMU's program.
fn qemu(guest: &GuestSpec, own: &Params) -> Result<(), ParamsError> {
    let wanted = |why: String| own.wrong("qemu_binary", &format!("a program that can be started: {why}"));
    program::check(guest.qemu.trim(), &path()).map_err(wanted)
}

/// The program that makes and checks its disks.
fn qemu_img(guest: &GuestSpec, own: &Params) -> Result<(), ParamsError> {
    let program = guest.qemu_img.program();
    let wanted = |why: String| {
        own.wrong(
            "qemu_img_binary",
            &format!("a program that can be started, which makes the guest's disks: {why}"),
        )
    };
    program::check(program, &path()).map_err(wanted)
}

/// The kernel's device behind network cards whose packets it moves.
fn vhost(guest: &GuestSpec, own: &Params) -> Result<(), ParamsError> {
    let Some(index) = guest.hardware.nics.iter().position(|nic| nic.vhost) else { return Ok(()) };
    let name = nics(own)?.into_iter().nth(index).unwrap_or_default();
    device(&own.object_params(&name), "vhost", "/dev/vhost-net", "vhost_net")
}

/// The same behind sockets between guest and host, which further arguments may ask for.
fn vsock(guest: &GuestSpec, own: &Params) -> Result<(), ParamsError> {
    if guest.hardware.extra.iter().any(|word| word.starts_with("vhost-vsock")) {
        device(own, "extra_args", "/dev/vhost-vsock", "vhost_vsock")?;
    }
    Ok(())
}

/// A character device that QEMU opens.
fn device(params: &Params, key: &str, device: &str, module: &str) -> Result<(), ParamsError> {
    access(device, Access::READ_OK | Access::WRITE_OK).map_err(|error| {
        let wanted = match error {
            rustix::io::Errno::NOENT => {
                format!("{device}, which is not there; `modprobe {module}` brings it")
            }
            other => format!("{device}, which this user cannot open ({other}); its group may, often kvm"),
        };
        params.wrong(key, &wanted)
    })
}

/// Where disks are made.
fn folder(guest: &GuestSpec, own: &Params) -> Result<(), ParamsError> {
    let writable = access(&guest.layers, Access::WRITE_OK | Access::EXEC_OK);
    writable
        .map_err(|error| own.wrong("disk_dir", &format!("a folder that this user may write to ({error})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_of_several_environments_is_said_once() {
        let mut found = Found::default();
        found.add(None, Err::<(), _>("no fio"));
        found.add(Some("base"), Err::<(), _>("no QEMU"));
        found.add(Some("base"), Ok::<(), &str>(()));
        found.add(Some("head"), Err::<(), _>("no QEMU"));
        found.add(Some("head"), Err::<(), _>("no bridge"));
        let all = Obstacles(found.all).to_string();
        assert_eq!(
            all,
            "3 things of this host are in the way:\n  no fio\n  environments base, head: no QEMU\n  environment head: no bridge"
        );
        let one = Obstacles(vec![Obstacle { environments: vec!["x".into()], what: "no bridge".into() }]);
        assert_eq!(one.to_string(), "environment x: no bridge");
    }
}
