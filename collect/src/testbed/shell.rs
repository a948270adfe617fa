//! A guest without a campaign, to be looked at.

use super::{QEMU, TestbedError, scratch};
use crate::config::defined::{Of, Places, define};
use crate::config::{aliases, keys};
use crate::deadlines::Deadlines;
use crate::guest::argv::{self, Hardware};
use crate::guest::channel::Reply;
use crate::guest::definition::{Definition, own_kernel};
use crate::guest::enter::Own;
use crate::guest::image::{Cache, Image, builtin_with};
use crate::guest::machine::{BootSpec, GuestError, Machine};
use crate::guest::network::{Kind, Layout, Network, free_ports};
use crate::guest::overlay::Overlay;
use crate::matrix::{MatrixError, absolute_paths, assignment};
use crate::parameters::{BUILTIN, GUEST_NAME, guest};
use model::secret_keys::masked;
use model::{Accel, Origin, Params};
use process::Spec;
use process::deadlines::BY_HAND;
use std::path::Path;
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

/// Boots a guest, runs one command in it, and ends it.
///
/// # Errors
/// Parameters that describe no guest, or a guest that does not come up.
pub fn one_command(
    cache: &Cache,
    image: &Image,
    params: &Params,
    argv: &[&str],
) -> Result<Reply, TestbedError> {
    let network = Network::create(&Layout::simple(Kind::User), 1, "shell").map_err(GuestError::Network)?;
    let logs = scratch()?;
    let definition = Definition::of(params, cache)?;
    let deadlines = Deadlines::of(params, Accel::Tcg)?;
    let dir = Path::new(params.text("disk_dir")?);
    let overlay = definition.as_ref().map(|own| Overlay::make(&own.chain, dir, &deadlines)).transpose()?;
    let port = free_ports(1).map_err(GuestError::Network)?.first().copied().unwrap_or_default();
    let own = definition.as_ref().zip(overlay.as_ref());
    let own = own.map(|(definition, overlay)| Own { definition, overlay: overlay.path(), port });
    let mem_mib = params.number("mem", 128u64, "MiB, or a size such as 1G, 128 MiB or more")?;
    let kernel = own_kernel(params)?.map(|kernel| builtin_with(cache, Some(&kernel))).transpose()?;
    let kernel_params = params.get("kernel_params").unwrap_or_default().to_owned();
    let mut machine = Machine::boot(&BootSpec {
        qemu: QEMU,
        hardware: Hardware { mem_mib, kernel_params, ..Hardware::plain(Accel::Tcg) },
        pin: None,
        network: &network,
        guest: 0,
        image: kernel.as_ref().unwrap_or(image),
        own,
        with_tools: true,
        disk: None,
        listens: false,
        log_dir: logs.path(),
        forensics: &logs.path().join("forensics"),
        deadlines,
        deadline: deadlines.boot(own.is_some()),
    })?;
    let reply = machine.exec(argv, BY_HAND);
    machine.quit();
    Ok(reply?)
}

/// Boots the built-in guest with a shell on its console, which is the terminal that perfvt runs in. True when QEMU
/// ended well.
pub fn console(image: &Image) -> Result<bool, GuestError> {
    let network = Network::create(&Layout::simple(Kind::User), 1, "shell")?;
    let argv = argv::console(&Hardware::plain(Accel::Tcg), image, network.wiring(0));
    let mut qemu = Spec::new(QEMU).args(argv).foreground().start()?;
    loop {
        if let Some(status) = qemu.wait_until(Instant::now() + BY_HAND) {
            return Ok(status.success());
        }
    }
}
