//! A guest without a campaign, to be looked at.

use super::claims::claim;
use super::nics::bring_up;
use super::{Testbed, TestbedError, scratch};
use crate::config::defined::{Of, Places, define};
use crate::config::{aliases, keys};
use crate::environment::{EnvironmentError, EnvironmentSpec, Stage, settle};
use crate::matrix::{MatrixError, absolute_paths, assignment};
use crate::parameters::{BUILD_ON, BUILTIN, EARLIER_BOOTS, GUEST_NAME, guest, without_objects};
use crate::parse;
use crate::workload::Needs;
use model::expected::EXPECTED_UNTIL;
use model::secret_keys::masked;
use model::{Accel, Origin, Param, Params, ParamsError};
use process::deadlines::BY_HAND;
use std::time::Instant;
use vm::guest::channel::Reply;
use vm::guest::disk::Disk;
use vm::guest::image::{Cache, Image};
use vm::guest::machine::Machine;
use vm::guest::network::{Kind, unusable};
use vm::host::locks::Claims;
use vm::host::program::qemu_here;
use vm::scenario::Scenario;

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
    let alone = ["image_raw_device", "images_base_dir"].into_iter().find(|key| params.get(key).is_some());
    if let Some(key) = alone.filter(|_| name == BUILTIN && params.get("image_name").is_none()) {
        return Err(params.wrong(key, "an image_name beside it, which it says how to find").into());
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

/// Parameters describe one guest at least.
fn no_guest() -> TestbedError {
    EnvironmentError::Hardware("there is no guest".into()).into()
}

/// Keys that say how a campaign measures, and nothing of a guest: here they would do nothing.
const OF_CAMPAIGNS: &[&str] = &[
    "noise",
    "noise_wait",
    "canary",
    EARLIER_BOOTS,
    "server_vcpus",
    "check_image",
    "disk",
    BUILD_ON,
    "host_kernel",
    "shuffle",
    "attempts",
    "samples",
    "prepare",
    "after",
    "profiler",
    "pre_command",
    "post_command",
    EXPECTED_UNTIL,
    "client_user",
    "client_key",
    "client_port",
    "client_ssh_config",
    "client_tools",
];

/// Keys that say what joins several machines.
const OF_TROUPES: &[&str] = &["vms", "vlans", "forward", "nat", "routes", "server", "neighbour"];

/// Refuses what nobody would look at without a campaign.
///
/// # Errors
/// A flag says how a campaign measures.
pub fn refuse_campaigns(params: &Params) -> Result<(), ParamsError> {
    let is_flag = |param: &&Param| matches!(param.origin, Origin::Flag(_));
    match params.iter().filter(is_flag).find(|param| OF_CAMPAIGNS.contains(&without_objects(&param.key))) {
        None => Ok(()),
        Some(param) => {
            let wanted = "it left out: it says how a campaign measures, and here is none";
            Err(params.wrong(&param.key, wanted))
        }
    }
}

/// Refuses what nobody would look at in a guest without a campaign.
fn refuse_unused(params: &Params) -> Result<(), ParamsError> {
    refuse_campaigns(params)?;
    if parse::has_topology(params) {
        return Err(
            params.wrong(parse::VMS, "no vlans beside it: here is one guest, in no network with others")
        );
    }
    for param in params.iter().filter(|param| matches!(param.origin, Origin::Flag(_))) {
        let key = param.key.as_str();
        if without_objects(key) == "client" {
            return Err(params.wrong(key, "it left out: here is one guest, and no client"));
        }
        if OF_TROUPES.contains(&without_objects(key)) {
            return Err(params.wrong(key, "it left out: here is one guest, in no network with others"));
        }
        if without_objects(key) == "siblings" && params.get("numa_node").map(str::trim) == Some("0") {
            return Err(
                params.wrong(key, "a numa_node beside it: this guest is pinned only where that says so")
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
        settle::by_hand(&mut params);
        refuse_unused(&params).map_err(EnvironmentError::from)?;
        settle::networks(&mut params, || Ok::<_, EnvironmentError>(Kind::User))?;
        settle::qemu(&mut params, &qemu_here());
        settle::confine(&mut [&mut params], accel).map_err(EnvironmentError::from)?;
        let needs = Needs { tools: true, ..Needs::default() };
        let stage = Stage::here(cache, accel, needs, true)?;
        let spec = EnvironmentSpec::of(&params, &stage.ground())?;
        if let Some(error) = unusable(&spec.layout).into_iter().next() {
            return Err(EnvironmentError::from(error).into());
        }
        let testbed = Testbed::new(stage, Some(image.clone()), "shell")?;
        Ok(Alone { testbed, image, spec })
    }

    /// What must be its own on this host.
    ///
    /// # Errors
    /// A kernel of the user's for the built-in guest.
    pub fn claims(&self) -> Result<Claims, TestbedError> {
        let mut claims = Claims { images: vec![self.image.dir.clone()], ..Claims::default() };
        claim(&mut claims, &self.spec, &self.testbed.stage.cache)?;
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
        let mut scene = testbed.scene(&spec, &image, logs.path(), &logs.path().join("forensics"))?;
        scene.disks = scene.data_disks(Disk::make)?;
        let boots = scene.boots(&testbed);
        let mut machine = Machine::boot(boots.first().ok_or_else(no_guest)?)?;
        bring_up(&mut machine, scene.cables.of(0), scene.spec.guests.first())?;
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
        let mut scene = testbed.scene(&spec, &image, folder.path(), folder.path())?;
        scene.disks = scene.data_disks(Disk::make)?;
        let boots = scene.boots(&testbed);
        let boot = boots.first().ok_or_else(no_guest)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// What a shell would boot, with all that hides in it.
    fn booted(dir: &Path, sets: &[String]) -> Result<String, String> {
        let params = guest_params(BUILTIN, sets).map_err(|error| error.to_string())?;
        let image = Image { tools: Some(dir.join("tools.img")), ..Image::nowhere(dir) };
        let alone =
            Alone::new(&Cache::at(dir), image, Accel::Tcg, params).map_err(|error| error.to_string())?;
        let password = |guest: &vm::guest::spec::GuestSpec| {
            guest.own().map(|own| own.login.password.reveal().to_owned())
        };
        let passwords: Vec<_> = alone.spec.guests.iter().map(password).collect();
        Ok(format!("{:?} {passwords:?}", alone.spec))
    }

    #[test]
    fn every_key_changes_the_guest_of_a_shell_or_is_refused_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, name).unwrap();
            path.display().to_string()
        };
        let (image, other) = (file("image.raw"), file("other"));
        let above = dir.path().join("above.qcow2");
        std::fs::write(&above, crate::parse::made::above(&other, "raw")).unwrap();
        let above = above.display();
        let folder = dir.path().display().to_string();
        let raw = format!("image={image} image_format=raw");
        let iscsi = "disk_size=16M disk_uri=iscsi://h/t/1";
        // Beside what a key stands, and a value that is not its default.
        let tried: Vec<(&str, String, String)> = [
            ("guest", "", "nobody"),
            ("image", "image_format=raw", &image),
            ("image_format", &format!("image={image}"), "raw"),
            ("image_name", "", "images/foo"),
            ("image_raw_device", "", "yes"),
            ("images_base_dir", "", &folder),
            ("image_backing", &format!("image={above}"), &other),
            ("check_image", &raw, "yes"),
            ("kernel", &raw, &other),
            ("kernel_modules", &format!("kernel={other}"), &folder),
            ("initrd", &format!("{raw} kernel={other}"), &other),
            ("firmware", &raw, &other),
            ("kernel_params", &format!("{raw} kernel={other}"), "quiet2"),
            ("cdroms", &format!("{raw} cdrom_cd1={other}"), "cd1"),
            ("cdrom", &format!("{raw} cdroms=cd1 cdrom={image}"), &other),
            ("md5sum", &format!("{raw} cdroms=cd1 cdrom={image}"), "x"),
            ("sha1sum", &format!("{raw} cdroms=cd1 cdrom={image}"), "x"),
            ("sha256sum", &format!("{raw} cdroms=cd1 cdrom={image}"), "x"),
            ("cloud_init", &raw, "yes"),
            ("user_data_file", &format!("{raw} cloud_init=yes"), &file("#!")),
            ("network_config", &format!("{raw} cloud_init=yes"), &other),
            ("first_boot", &format!("{raw} cloud_init=yes"), &other),
            ("earlier_boots", &raw, "1"),
            ("proxy", &format!("{raw} cloud_init=yes"), "http://p:1"),
            ("proxy_file", &format!("{raw} cloud_init=yes"), &file("http:")),
            ("debug_user", &format!("{raw} cloud_init=yes"), "me"),
            ("channel", &raw, "serial"),
            ("output_size", "channel=none", "8M"),
            ("guest_os", &raw, "windows"),
            ("user", &format!("{raw} channel=serial"), "me"),
            ("password", &format!("{raw} channel=serial"), "x"),
            ("password_file", &format!("{raw} channel=serial"), &other),
            ("shell_client", &format!("{raw} key={other}"), "ssh"),
            ("shell_port", &format!("{raw} channel=ssh key={other}"), "2222"),
            ("file_transfer_client", &raw, "scp"),
            ("file_transfer_port", &raw, "2222"),
            ("key", &format!("{raw} channel=ssh key={image}"), &other),
            ("prompt", &format!("{raw} channel=serial"), "x>"),
            ("scenario", "", "guest_guest"),
            ("client", "", "10.0.0.1"),
            ("client_user", "", "x"),
            ("client_key", "", &other),
            ("client_port", "", "2222"),
            ("client_ssh_config", "", &other),
            ("client_tools", "", &folder),
            ("nics", "", "nic1 nic2"),
            ("net", "", "macvtap"),
            ("bridge", "", "pvtnone"),
            ("macvtap", "", "pvtnone"),
            ("ip", "", "10.0.7.15/24"),
            ("guest_reach", "", "net"),
            ("nic_mac", "", "52:54:00:12:34:56"),
            ("vde", "", &folder),
            ("link_delay", "", "5ms"),
            ("link_jitter", "", "5ms"),
            ("link_loss", "", "1"),
            ("link_rate", "", "1M"),
            ("vms", "", "vm1 vm2"),
            ("vlans", "", "1"),
            ("forward", "", "yes"),
            ("nat", "", "yes"),
            ("routes", "", "2 via vm2"),
            ("server", "", "vm1"),
            ("neighbour", "", "cpu"),
            ("mtu", "", "1400"),
            ("nic_model", "", "e1000"),
            ("queues", "", "2"),
            ("vhost", "", "yes"),
            ("qemu_binary", "", "/bin/false"),
            ("qemu_img_binary", "", "/bin/false"),
            ("machine", "", "q35"),
            ("cpu_model", "", "max"),
            ("smp", "", "3"),
            ("mem", "", "256"),
            ("hugepages", "", "2M"),
            ("numa_node", "", "-1"),
            ("siblings", "", "pack"),
            ("guest_nodes", "numa_node=-1", "2"),
            ("irq_vcpus", "", "0"),
            ("server_vcpus", "", "0"),
            ("confine", "", "none"),
            ("display", "", "vga"),
            ("extra_args", "", "-device x"),
            ("disks", "disk_size=16M", "disk1 disk2"),
            ("disk", "disk_size=16M disks=disk1,disk2", "disk2"),
            ("disk_serial", "disk_size=16M", "mine"),
            ("disk_size", "", "16M"),
            ("disk_format", "disk_size=16M", "qcow2"),
            ("disk_bus", "disk_size=16M", "scsi"),
            ("disk_prealloc", "disk_size=16M", "off"),
            ("disk_cache", "disk_size=16M", "directsync"),
            ("disk_aio", "disk_size=16M", "threads"),
            ("disk_iothread", "disk_size=16M", "no"),
            ("disk_queues", "disk_size=16M", "2"),
            ("disk_dir", "disk_size=16M", &folder),
            ("disk_server", "disk_size=16M", "qemu-nbd"),
            ("disk_delay", "disk_size=16M disk_server=nbdkit", "2ms"),
            ("disk_rate", "disk_size=16M disk_server=nbdkit", "1M"),
            ("disk_uri", "disk_size=16M", "nbd://h/x"),
            ("disk_user", &format!("{iscsi} disk_password_file={other}"), "me"),
            ("disk_password_file", &format!("{iscsi} disk_user=me"), &other),
            ("disk_device", "disk_size=16M", "/dev/perfvt-none"),
            ("noise", "", "off"),
            ("noise_wait", "", "1"),
            ("canary", "", "0"),
            ("boot_timeout", "", "7"),
            ("deadline_factor", "", "3"),
            ("host_kernel", "", &other),
            ("shuffle", "", "no"),
            ("attempts", "", "1"),
            ("samples", "", "1"),
            ("prepare", "", &other),
            ("after", "", &other),
            ("profiler", "", "perf"),
            ("pre_command", "", "true"),
            ("post_command", "", "true"),
            ("expected_until", "", "2027-01-31, BUG-17"),
            ("build_on", "", "guest"),
        ]
        .map(|(key, beside, value)| (key, beside.to_owned(), value.to_owned()))
        .into();
        let mut wrong = Vec::new();
        for known in guest() {
            let Some((key, beside, value)) = tried.iter().find(|(key, ..)| *key == known.key) else {
                wrong.push(format!("{} is tried by nobody", known.key));
                continue;
            };
            let without: Vec<String> = beside.split_whitespace().map(str::to_owned).collect();
            let with = [without.clone(), vec![format!("{key}={value}")]].concat();
            match booted(dir.path(), &with) {
                Err(error) if error.contains(key) || error.contains(&**value) => {}
                Err(error) => wrong.push(format!("{key}={value}: {error}")),
                Ok(guest) if booted(dir.path(), &without).as_ref() == Ok(&guest) => {
                    wrong.push(format!("{key}={value} does nothing"));
                }
                Ok(_) => {}
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
