//! What on this host is in the way of a campaign: all of it at once, before anything boots. A dry run tells it beside the plan, a run
//! is refused with it.

use super::claims::accel_of;
use super::remote::RemoteHost;
use super::{TestbedError, clients_are_remote};
use crate::brought;
use crate::environment::{EnvironmentError, EnvironmentSpec, Ground, pin};
use crate::parse::nics;
use crate::workload::Needs;
use model::{CampaignFile, Params, ParamsError};
use rustix::fs::{Access, access};
use std::fmt;
use std::path::Path;
use vm::guest::disk::QEMU_IMG;
use vm::guest::image::{Cache, can_build, host_program};
use vm::guest::network::{self, Layout};
use vm::guest::os::Os;
use vm::guest::spec::{GuestSpec, Source};
use vm::host::program;
use vm::host::topology::Topology;
use vm::ssh::Destination;

/// Everything that is in the way; never empty.
#[derive(Debug, thiserror::Error)]
pub struct Obstacles(Vec<Obstacle>);

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
pub fn obstacles(
    file: &CampaignFile,
    cache: &Cache,
    needs: &Needs,
    already: Vec<String>,
) -> Result<(), Obstacles> {
    let mut found = Found::default();
    already.into_iter().for_each(|what| found.add(None, Err::<(), _>(what)));
    let guests: Vec<(String, Params)> =
        file.environments.iter().map(|e| (e.name.clone(), e.to_params())).collect();
    if !clients_are_remote(file) {
        for tool in &needs.host_tools {
            found.add(None, host_program(cache, tool).map(drop));
        }
    }
    if needs.guest {
        found.add(None, can_build(cache, None));
    }
    for wish in &needs.brings {
        found.add(None, brought::look(cache, wish));
    }
    match Topology::here() {
        Ok(topology) => {
            let ground = Ground {
                topology: &topology,
                cache,
                accel: accel_of(file),
                needs,
                allow_unpinned: file.allow_unpinned,
            };
            for (name, params) in &guests {
                if needs.guest {
                    found.of_environment(name, params, &ground);
                } else {
                    found.add(Some(name), pin(&topology, params, needs.sessions, file.allow_unpinned));
                }
            }
        }
        Err(error) => found.add(None, Err::<(), _>(error)),
    }
    if found.all.is_empty() { Ok(()) } else { Err(Obstacles(found.all)) }
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

    fn of_environment(&mut self, name: &str, params: &Params, ground: &Ground<'_>) {
        let environment = Some(name);
        let mut spec = EnvironmentSpec::of(params, ground);
        if matches!(spec, Err(EnvironmentError::Shortage(_))) {
            // There may be more in the way.
            self.add(environment, spec);
            spec = EnvironmentSpec::of(params, &Ground { allow_unpinned: true, ..*ground });
        }
        let spec = match spec {
            Ok(spec) => spec,
            Err(error) => return self.add(environment, Err::<(), _>(error)),
        };
        for guest in &spec.guests {
            self.of_guest(name, guest, &params.object_params(&guest.name), ground);
        }
        for error in network::unusable(&spec.layout) {
            self.add(environment, Err::<(), _>(error));
        }
        self.client(name, &spec.layout, params, &ground.needs.host_tools);
    }

    fn of_guest(&mut self, name: &str, guest: &GuestSpec, own: &Params, ground: &Ground<'_>) {
        let environment = Some(name);
        self.add(environment, qemu(own));
        self.add(environment, vhost(own));
        self.add(environment, vsock(own));
        for tool in ground.needs.guest_tools.iter().filter(|_| guest.os() == Os::Linux) {
            self.add(environment, host_program(ground.cache, tool));
        }
        if let Source::Builtin(Some(kernel)) = &guest.source {
            self.add(environment, can_build(ground.cache, Some(kernel)));
        }
        if guest.own().is_some() || guest.disks.data.is_some() {
            let missing = |why: String| format!("{QEMU_IMG}, which makes the guest's disks: {why}");
            self.add(environment, program::check(QEMU_IMG, &path()).map_err(missing));
            self.add(environment, folder(own));
        }
    }

    /// The client's host, where it is another one: whether it is reached, and has the tools.
    fn client(&mut self, name: &str, layout: &Layout, params: &Params, tools: &[String]) {
        let network::ClientPlace::Remote(destination) = &layout.client else { return };
        let asked = (destination.clone(), params.get("client_tools").map(str::to_owned));
        if self.asked.contains(&asked) {
            return;
        }
        self.asked.push(asked);
        match RemoteHost::of(layout, params) {
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
fn qemu(own: &Params) -> Result<(), ParamsError> {
    let program = own.text("qemu_binary")?.trim();
    let wanted = |why: String| own.wrong("qemu_binary", &format!("a program that can be started: {why}"));
    program::check(program, &path()).map_err(wanted)
}

/// The kernel's device behind network cards whose packets it moves.
fn vhost(own: &Params) -> Result<(), ParamsError> {
    for nic in nics(own)? {
        let nic = own.object_params(&nic);
        if nic.switch("vhost")? {
            device(&nic, "vhost", "/dev/vhost-net", "vhost_net")?;
        }
    }
    Ok(())
}

/// The same behind sockets between guest and host, which further arguments may ask for.
fn vsock(own: &Params) -> Result<(), ParamsError> {
    if own.words("extra_args")?.iter().any(|word| word.starts_with("vhost-vsock")) {
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
fn folder(own: &Params) -> Result<(), ParamsError> {
    let dir = Path::new(own.text("disk_dir")?);
    let writable = access(dir, Access::WRITE_OK | Access::EXEC_OK);
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
