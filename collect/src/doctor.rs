//! What this host can do, and how to get what is missing.

mod nested;
mod told;

use crate::config::providers;
use model::Accel;
use model::ids::cpu_list;
use process::deadlines::HOST_ANSWER;
use process::{Spec, private_folder};
use rustix::fs::Access;
use serde::Serialize;
use std::os::unix::net::UnixListener;
use std::path::Path;
use vm::accel;
use vm::deadlines::Deadlines;
use vm::guest::confine::{Confine, strongest};
use vm::guest::image::{Cache, builtin, host_program};
use vm::guest::machine::{BootSpec, Files, Machine};
use vm::guest::network::{self, Kind, Layout, Network};
use vm::guest::spec::GuestSpec;
use vm::host::pin::{GuestRequest, Request, plan};
use vm::host::prepare;
use vm::host::program::qemu_here;
use vm::host::room::room;
use vm::host::topology::Topology;
use vm::scenario::Scenario;

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// As it should be.
    Good,
    /// `perfvt run` works, but its numbers mean less.
    Limited,
    /// `perfvt run` does not work without it.
    Missing,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What was found.
    pub found: String,
    /// How to get it, when it is not good.
    pub remedy: String,
}

fn check(name: &'static str, result: Result<String, String>, otherwise: Standing, remedy: &str) -> Check {
    match result {
        Ok(found) => Check { name, standing: Standing::Good, found, remedy: String::new() },
        Err(found) => Check { name, standing: otherwise, found, remedy: remedy.into() },
    }
}

/// Looks at everything that `perfvt run` needs. `executable` is perfvt itself, for the KVM probe.
pub fn examine(executable: &Path) -> Vec<Check> {
    // The link holds also when the file was replaced or moved since perfvt started.
    let link = Path::new("/proc/self/exe");
    let kvm = accel::probe(if link.exists() { link } else { executable });
    let accel = if kvm.is_ok() { Accel::Kvm } else { Accel::Tcg };
    let network = network::resolve_auto(Scenario::HostGuest).map_err(|e| e.to_string());
    let kind = network.as_ref().map_or(Kind::User, |(kind, _)| *kind);
    let qemu = qemu_here();
    let (confine, why) = strongest(&qemu, accel, false, None);
    let mut all = programs(&qemu, kvm);
    all.extend(connections(network));
    all.extend(disks());
    all.extend(told::checks());
    all.extend(measuring(&qemu, accel, kind, (confine, why)));
    all
}

/// What gets the parts of the built-in guest.
const FETCH: &str = "run `perfvt guest fetch`";
/// The packages that QEMU is in.
const INSTALL_QEMU: &str = "install qemu-system-x86 (Debian, Ubuntu), qemu-system-x86-core (Fedora), qemu-kvm (RHEL and its \
                            kin) or qemu-x86 (openSUSE)";

/// QEMU and the programs beside it, and what is made with them.
fn programs(qemu: &str, kvm: Result<f64, String>) -> Vec<Check> {
    use Standing::{Limited, Missing};
    vec![
        check("QEMU", version(qemu), Missing, INSTALL_QEMU),
        check(
            "KVM",
            kvm.map(|rate| format!("executes {:.0} million instructions a second", rate / 1e6)),
            Limited,
            "guests run under TCG: compare only with other TCG results; KVM needs hardware support, the kvm module and \
             access to /dev/kvm (group kvm)",
        ),
        check(
            "test providers",
            test_providers(),
            Limited,
            "mend the definition, or fetch it with `perfvt provider update`",
        ),
        check("guest image", image(), Missing, FETCH),
        check(
            "qemu-img",
            version("qemu-img"),
            Limited,
            "install qemu-utils; without it there are neither data disks nor guests of your own, and no qemu-img-bench",
        ),
        check(
            "qemu-io",
            version("qemu-io"),
            Limited,
            "install qemu-utils; without it qemu-img-bench runs with tools=bench alone",
        ),
        check(
            "mmdebstrap",
            version("mmdebstrap"),
            Limited,
            "install mmdebstrap; without it `perfvt guest build debian` cannot make its image, everything else works",
        ),
        check("netperf", netperf(), Missing, FETCH),
    ]
}

/// What joins guests and clients.
fn connections(network: Result<(Kind, Option<String>), String>) -> Vec<Check> {
    use Standing::Limited;
    vec![
        check(
            "ip",
            version_of("ip", "-V"),
            Limited,
            "install iproute2; without it the network is QEMU's user mode",
        ),
        check(
            "unshare",
            version("unshare"),
            Limited,
            "install util-linux; without it the network is QEMU's user mode",
        ),
        check(
            "network",
            tap(network),
            Limited,
            "guests use QEMU's user mode, which is slower and noisier; tap needs user namespaces \
             (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns) and /dev/net/tun",
        ),
        check(
            "vhost-net",
            device("/dev/vhost-net"),
            Limited,
            "load the module (modprobe vhost_net) and get access to the device (group kvm); without it vhost=yes cannot \
             work",
        ),
        // Not everybody has it, and nobody misses it here, so that it is not there is told and no more.
        check(
            "vhost-vsock",
            Ok(device("/dev/vhost-vsock").unwrap_or_else(|why| {
                format!("{why}; nothing of perfvt's needs it (modprobe vhost_vsock and group kvm give it)")
            })),
            Limited,
            "",
        ),
    ]
}

/// Room on disks.
fn disks() -> Vec<Check> {
    use Standing::Limited;
    vec![
        check(
            "room for the cache",
            Cache::from_env().map_err(|e| e.to_string()).and_then(|cache| free(cache.root(), ROOM_FOR_CACHE)),
            Limited,
            "remove guest images that nobody needs (`perfvt guest list`, `perfvt guest rm`), or set XDG_CACHE_HOME to a \
             folder on another disk",
        ),
        check(
            "room for results",
            std::env::current_dir().map_err(|e| e.to_string()).and_then(|here| free(&here, ROOM_FOR_RESULTS)),
            Limited,
            "results go to this folder: free some, or use --out on another disk (disk_dir for data disks)",
        ),
        check(
            "room in TMPDIR",
            free(&std::env::temp_dir(), ROOM_IN_TMPDIR),
            Limited,
            "free some (`perfvt gc` removes what killed perfvts left), or set TMPDIR to a folder on another disk",
        ),
    ]
}

/// Whether a guest starts, where it runs, and whether the host is fit to measure on.
fn measuring(qemu: &str, accel: Accel, kind: Kind, (confine, why): (Confine, Option<String>)) -> Vec<Check> {
    use Standing::{Limited, Missing};
    vec![
        check("placement", placement(), Missing, "give the machine more CPUs, or use --allow-unpinned"),
        check(
            "TMPDIR",
            sockets(),
            Missing,
            "set TMPDIR to a folder with a short name that you may write to, such as /tmp",
        ),
        check(
            "confinement",
            confined(confine, why),
            Limited,
            "QEMU is confined less than it could be; docs/security.md has the levels",
        ),
        check(
            "guest",
            rehearsal(qemu, accel, kind, confine),
            Missing,
            "mend what QEMU complains about; a container must allow it to bind memory (mbind), and 512 MiB must be free",
        ),
        check("quiet host", quiet(), Limited, "stop other work: noise widens every interval"),
        check(
            "prepared",
            prepared(),
            Limited,
            "perfvt host restore undoes it, unless it is meant to stay for now",
        ),
        check("CPU frequency", governor(), Limited, "set the governor of all CPUs to performance"),
    ]
}

/// How QEMU is confined by default.
fn confined(confine: Confine, why: Option<String>) -> Result<String, String> {
    let word = confine.word();
    if confine >= Confine::usual() {
        Ok(format!("confine={word}"))
    } else {
        Err(format!("confine={word}: {}", why.unwrap_or_default()))
    }
}

/// A built-in image, the Debian one, and what is in the making.
const ROOM_FOR_CACHE: u64 = 3_000_000_000;
/// A large campaign with what is kept of guests that died; data disks are asked for when they are known.
const ROOM_FOR_RESULTS: u64 = 1_000_000_000;
/// Sockets, and layers above images of guests.
const ROOM_IN_TMPDIR: u64 = 500_000_000;

/// The room in a folder, which is not enough below a number of bytes.
fn free(dir: &Path, enough: u64) -> Result<String, String> {
    let (_, free) = room(dir).map_err(|e| e.to_string())?;
    let text = format!("{} MB are free in {}", free / 1_000_000, dir.display());
    if free < enough { Err(format!("{text}, want {} MB", enough / 1_000_000)) } else { Ok(text) }
}

/// Whether a device of the kernel's can be used.
fn device(path: &str) -> Result<String, String> {
    match rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => Ok(format!("{path} can be used")),
        Err(error) => Err(format!("{path}: {}", std::io::Error::from(error))),
    }
}

fn version(program: &str) -> Result<String, String> {
    version_of(program, "--version")
}

fn version_of(program: &str, flag: &str) -> Result<String, String> {
    let out = process::run(Spec::new(program).arg(flag), HOST_ANSWER).map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&out).lines().next().unwrap_or_default().trim().to_owned())
}

fn image() -> Result<String, String> {
    let image = Cache::from_env().and_then(|cache| builtin(&cache)).map_err(|e| e.to_string())?;
    Ok(format!("built, kernel {}", image.kernel_release))
}

fn netperf() -> Result<String, String> {
    let cache = Cache::from_env().map_err(|e| e.to_string())?;
    let program = host_program(&cache, "netperf").map_err(|e| e.to_string())?;
    version_of(&program.path.display().to_string(), "-V")
}

fn tap(resolved: Result<(Kind, Option<String>), String>) -> Result<String, String> {
    match resolved? {
        // Not everybody needs macvtaps, so that there are none is told and no more.
        (_, None) => Ok(match network::macvtaps_work() {
            Ok(()) => "tap and bridge in a namespace work, and so do macvtaps".into(),
            Err(error) => format!("tap and bridge in a namespace work; macvtaps do not: {error}"),
        }),
        (_, Some(reason)) => Err(reason),
    }
}

/// Makes a socket where those of guests go.
fn sockets() -> Result<String, String> {
    let folder = private_folder()
        .map_err(|e| format!("creating a folder in {}: {e}", std::env::temp_dir().display()))?;
    let path = folder.path().join("qmp");
    // A socket's name has 108 bytes with the zero at its end (unix(7)).
    UnixListener::bind(&path).map_err(|e| {
        format!("making the socket {} ({} bytes): {e}", path.display(), path.as_os_str().len())
    })?;
    Ok(format!("sockets work in {}", std::env::temp_dir().display()))
}

/// The guest that `perfvt run` starts by default, with a client on this host.
pub fn by_default() -> Request {
    Request { guests: vec![GuestRequest::new("guest")], client: 1, ..Request::default() }
}

/// Starts the guest that `perfvt run` would start by default, paused and placed, and ends it.
fn rehearsal(qemu: &str, accel: Accel, kind: Kind, confine: Confine) -> Result<String, String> {
    let image = Cache::from_env().and_then(|cache| builtin(&cache)).map_err(|e| e.to_string())?;
    let topology = Topology::here().map_err(|e| e.to_string())?;
    // Whether it can be pinned is told elsewhere.
    let plan =
        plan(&topology, &Request { allow_unpinned: true, ..by_default() }).map_err(|e| e.to_string())?;
    let guest = plan.guests.first().cloned().ok_or("the plan has no guest")?;
    let network = Network::create(&Layout::simple(kind), 1, "doctor").map_err(|e| e.to_string())?;
    let logs = private_folder().map_err(|e| format!("creating a folder for logs: {e}"))?;
    let cells = guest.pins.as_ref().map(|p| p.cells.clone()).unwrap_or_default();
    let mut plain =
        GuestSpec { pins: guest.pins.clone(), confine, qemu: qemu.to_owned(), ..GuestSpec::plain(accel) };
    (plain.hardware.smp, plain.hardware.cells) = (guest.smp, cells);
    let spec = BootSpec {
        guest: &plain,
        network: &network,
        index: 0,
        files: Files::of_image(&image),
        log_dir: logs.path(),
        forensics: &logs.path().join("forensics"),
        deadlines: Deadlines::usual(accel),
        deadline: HOST_ANSWER,
    };
    let (version, seconds) = Machine::rehearse(&[spec]).map_err(|e| e.to_string())?;
    let placed = if guest.pins.is_some() { ", pinned and with its memory bound" } else { ", unpinned" };
    Ok(format!("QEMU {version} starts one under {accel}{placed}, and ends it, in {seconds:.1} s"))
}

/// The test providers that are defined, with what is here of them.
fn test_providers() -> Result<String, String> {
    let folder = providers::folder().ok_or("neither XDG_CONFIG_HOME nor HOME is set")?;
    let all = providers::definitions(&folder);
    if all.is_empty() {
        return Ok("none are defined".to_owned());
    }
    let cache = providers::cache().map_err(|e| e.to_string())?;
    let mut sound = all.broken.is_empty();
    let mut lines = Vec::new();
    for definition in &all.good {
        let line = providers::describe(definition, &cache).unwrap_or_else(|error| {
            sound = false;
            error.to_string()
        });
        sound &= !line.ends_with(providers::NOT_FETCHED);
        lines.push(line);
    }
    lines.extend(all.broken.iter().map(|(_, error)| error.to_string()));
    let text = lines.join("; ");
    if sound { Ok(text) } else { Err(text) }
}

fn placement() -> Result<String, String> {
    let topology = Topology::here().map_err(|e| e.to_string())?;
    let plan = plan(&topology, &by_default()).map_err(|e| e.to_string())?;
    let nodes: Vec<String> =
        topology.nodes.iter().map(|n| format!("node {} has CPUs {}", n.id, cpu_list(&n.cpus))).collect();
    Ok(format!("{}; {}", nodes.join(", "), plan.to_string().replace('\n', "; ")))
}

fn quiet() -> Result<String, String> {
    let load = edge::read::kernel("/proc/loadavg").map_err(|e| format!("reading /proc/loadavg: {e}"))?;
    let one: f64 =
        load.split_whitespace().next().and_then(|w| w.parse().ok()).ok_or("/proc/loadavg is odd")?;
    if one < 0.5 { Ok(format!("load {one}")) } else { Err(format!("load {one} over the last minute")) }
}

/// Whether perfvt's changes to this host stand.
fn prepared() -> Result<String, String> {
    let sessions =
        prepare::Host::here().and_then(|host| prepare::standing(&host)).map_err(|e| e.to_string())?;
    let changes: usize = sessions.iter().map(|s| s.changes.len()).sum();
    if changes == 0 {
        Ok("nothing is changed by perfvt".into())
    } else {
        Err(format!("{changes} values are changed by perfvt"))
    }
}

fn governor() -> Result<String, String> {
    match edge::read::kernel("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") {
        Err(_) => Ok("not under this kernel's control".into()),
        Ok(text) if text.trim() == "performance" => Ok("performance".into()),
        Ok(text) => Err(format!("the governor is {}", text.trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TMPDIR belongs to the whole process, so this is tried in one of its own: this very test again.
    #[test]
    fn a_tmpdir_that_is_too_long_for_a_socket_is_told_with_its_length() {
        let here = std::env::temp_dir();
        let result = sockets();
        if here.as_os_str().len() > 90 {
            let text = result.unwrap_err();
            assert!(text.starts_with("making the socket ") && text.contains(" bytes): "), "{text}");
            return;
        }
        assert!(result.unwrap().starts_with("sockets work in "));
        let base = tempfile::tempdir().unwrap();
        let long = base.path().join("x".repeat(100));
        std::fs::create_dir(&long).unwrap();
        let again = Spec::new("env")
            .arg(format!("TMPDIR={}", long.display()))
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "doctor::tests::a_tmpdir_that_is_too_long_for_a_socket_is_told_with_its_length",
            ]);
        let out = String::from_utf8(process::run(again, process::deadlines::HOST_WORK).unwrap()).unwrap();
        assert!(out.contains("1 passed"), "{out}");
    }

    #[test]
    fn the_guest_that_run_starts_by_default_is_started_and_ended() {
        if !testing::may_boot() {
            return;
        }
        let qemu = qemu_here();
        if version(&qemu).is_err() || image().is_err() {
            testing::skip("QEMU or the guest's image is missing; `make setup` gets them");
            return;
        }
        let said = rehearsal(&qemu, Accel::Tcg, Kind::User, Confine::default()).unwrap();
        assert!(said.starts_with("QEMU ") && said.contains("under tcg"), "{said}");
    }
}
