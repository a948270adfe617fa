//! A guest without a campaign, to be looked at.

use super::claims::claim;
use super::nics::bring_up;
use super::{Testbed, TestbedError, scratch};
use crate::config::defined::{Of, Places, define};
use crate::config::{aliases, keys};
use crate::environment::{EnvironmentError, EnvironmentSpec};
use crate::guest::channel::Reply;
use crate::guest::confine::{self, Confine, has_sandbox};
use crate::guest::disk::Disk;
use crate::guest::image::{Cache, Image};
use crate::guest::machine::{GuestError, Machine};
use crate::guest::network::{Kind, open_choices, second_nic_is_meant, unusable};
use crate::host::locks::Claims;
use crate::matrix::{MatrixError, absolute_paths, assignment};
use crate::parameters::{BUILD_ON, BUILTIN, GUEST_NAME, guest};
use crate::scenario::{Scenario, without_objects};
use crate::workload::Needs;
use model::secret_keys::masked;
use model::{Accel, Origin, Params, ParamsError};
use process::deadlines::BY_HAND;
use std::time::Instant;

/// The parameters of a guest by its name, with keys that are set otherwise (`KEY=VALUE`).
///
/// # Errors
/// There is no guest of that name, a text is not of that form, or no guest has such a key.
pub fn guest_params(name: &str, sets: &[String]) -> Result<Params, MatrixError> {
    let mut params = Params::new();
    for known in guest() {
        if let Some(default) = known.default {
            params.set(known.key, default, Origin::BuiltIn);
        }
    }
    for set in sets {
        let flag = masked(&format!("--set {set}"));
        let (key, value) = assignment(set, &flag)?;
        let key = keys::canonical_of_guest(key).map_err(|advice| MatrixError::UnknownKey {
            flag: flag.clone(),
            key: key.to_owned(),
            advice,
        })?;
        params.set(&key, value, Origin::Flag(flag));
    }
    // The default of the flag names nobody.
    if name != BUILTIN {
        params.set(GUEST_NAME, name, Origin::Flag(format!("--guest {name}")));
    }
    let canonical = |key: &str| keys::canonical_of_guest(key).ok();
    define(&mut params, &canonical, &Places::from_env(), Of::default())?;
    aliases::values(&mut params);
    absolute_paths(&mut params, None);
    Ok(params)
}

/// Keys that say how a campaign measures, and nothing of a guest: here they would do nothing.
const OF_CAMPAIGNS: &[&str] = &[
    "noise",
    "noise_wait",
    "canary",
    "server_vcpus",
    BUILD_ON,
    "shuffle",
    "attempts",
    "samples",
    "client",
    "client_user",
    "client_key",
    "client_port",
    "client_ssh_config",
    "client_tools",
];

/// Refuses what nobody would look at in a guest without a campaign.
fn refuse_unused(params: &Params) -> Result<(), ParamsError> {
    for param in params.iter().filter(|param| matches!(param.origin, Origin::Flag(_))) {
        let key = param.key.as_str();
        if OF_CAMPAIGNS.contains(&without_objects(key)) {
            return Err(
                params.wrong(key, "no such key here: it says how a campaign measures, and there is none")
            );
        }
        if key.ends_with("_vm2") || (key == "scenario" && param.value.trim() != Scenario::HostGuest.word()) {
            return Err(params.wrong(key, "one guest: here is no second one, and no client"));
        }
    }
    Ok(())
}

/// A guest without a campaign: what it is, and what it needs of the host.
pub struct Alone {
    testbed: Testbed,
    image: Image,
    spec: EnvironmentSpec,
}

impl Alone {
    /// The guest that parameters describe. It is pinned only where they say so, and in QEMU's user-mode network: nobody measures
    /// in it.
    ///
    /// # Errors
    /// Parameters that describe no guest, or that mean nothing without a campaign.
    pub fn new(cache: &Cache, image: Image, accel: Accel, mut params: Params) -> Result<Alone, TestbedError> {
        refuse_unused(&params).map_err(EnvironmentError::from)?;
        if params.param("numa_node").is_some_and(|param| param.origin == Origin::BuiltIn) {
            params.set("numa_node", "0", Origin::BuiltIn);
        }
        if second_nic_is_meant(&params) {
            params.set("nics", "nic1 nic2", Origin::BuiltIn);
        }
        for key in open_choices(&params).map_err(EnvironmentError::from)? {
            params.set(&key, Kind::User.word(), Origin::BuiltIn);
        }
        if params.get(confine::KEY) == Some("auto") {
            let qemu = params.text("qemu_binary").map_err(EnvironmentError::from)?;
            let word = if has_sandbox(qemu) { Confine::Sandbox } else { Confine::None }.word();
            params.set(confine::KEY, word, Origin::BuiltIn);
        }
        let needs = Needs { tools: true, ..Needs::default() };
        let testbed = Testbed::new(cache, Some(image.clone()), accel, needs, true, "shell")?;
        let spec = testbed.spec(&params)?;
        if let Some(error) = unusable(&spec.layout).into_iter().next() {
            return Err(EnvironmentError::from(error).into());
        }
        Ok(Alone { testbed, image, spec })
    }

    /// What must be its own on this host.
    ///
    /// # Errors
    /// A kernel of the user's for the built-in guest.
    pub fn claims(&self) -> Result<Claims, TestbedError> {
        let mut claims = Claims { images: vec![self.image.dir.clone()], ..Claims::default() };
        claim(&mut claims, &self.spec, &self.testbed.cache)?;
        if self.spec.is_pinned() {
            claims.cpus.extend(self.spec.plan().cpus());
        }
        Ok(claims)
    }

    /// Boots the guest, runs one command in it, and ends it.
    ///
    /// # Errors
    /// A guest that does not come up.
    pub fn command(self, argv: &[&str]) -> Result<Reply, TestbedError> {
        let logs = scratch()?;
        let Alone { testbed, image, spec } = self;
        let mut scene = testbed.scene(spec, &image, logs.path(), &logs.path().join("forensics"))?;
        scene.disk = scene.data_disk(Disk::make)?;
        let mut machines = Machine::boot_all(&scene.boots(&testbed))?;
        let mut machine = machines.pop().ok_or_else(GuestError::no_monitor)?;
        bring_up(&mut machine, &scene.network, 0, scene.spec.guests.first())?;
        let reply = machine.exec(argv, BY_HAND);
        machine.quit();
        Ok(reply?)
    }

    /// Boots the built-in guest with a shell on its console, which is the terminal that perfvt runs in. True when QEMU
    /// ended well.
    ///
    /// # Errors
    /// A guest of the user's, one that is to be pinned, or QEMU does not start.
    pub fn console(self) -> Result<bool, TestbedError> {
        let folder = scratch()?;
        let Alone { testbed, image, spec } = self;
        let mut scene = testbed.scene(spec, &image, folder.path(), folder.path())?;
        scene.disk = scene.data_disk(Disk::make)?;
        let boots = scene.boots(&testbed);
        let boot = boots.first().ok_or_else(GuestError::no_monitor)?;
        let needs_more = [
            (boot.guest.own().is_some(), "only the built-in guest has a shell on its console"),
            (boot.guest.pins.is_some(), "a guest with a shell on its console is not pinned (numa_node=0)"),
            (
                boot.network.layout.links.iter().any(|link| link.kind != Kind::User),
                "a guest with a shell on its console has net=user",
            ),
        ];
        if let Some((_, reason)) = needs_more.into_iter().find(|(needs, _)| *needs) {
            let reason = format!("{reason}; give a command here, such as `-- uname -a`");
            return Err(EnvironmentError::Hardware(reason).into());
        }
        let mut qemu = Machine::on_terminal(boot, folder.path())?;
        loop {
            if let Some(status) = qemu.wait_until(Instant::now() + BY_HAND) {
                return Ok(status.success());
            }
        }
    }
}
