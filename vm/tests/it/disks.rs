//! Data disks behind servers: real ones, and QEMU's own opening of what perfvt says of them. No guest runs.

use crate::sshd_support::Sshd;
use model::Accel;
use serde_json::json;
use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use vm::deadlines::Deadlines;
use vm::guest::disk::{At, Bus, Device, Disk, DiskError, Program, Remote, Serve};
use vm::guest::qemu_img::QemuImg;

const MIB: u64 = 1 << 20;

/// A child that is gone with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // tgtd ignores SIGTERM.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether these programs are here.
fn ready(programs: &[(&str, &str)]) -> bool {
    let missing = programs.iter().find(|(program, _)| {
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        !path.split(':').any(|dir| Path::new(dir).join(program).exists())
    });
    if let Some((program, package)) = missing {
        testing::skip(format_args!("{program} is missing; the package {package} has it"));
    }
    missing.is_none()
}

const QEMU: [(&str, &str); 2] = [("qemu-system-x86_64", "qemu-system-x86"), ("qemu-img", "qemu-utils")];

fn disk(at: At, dir: &Path) -> Disk {
    Disk {
        number: 1,
        at,
        size: 16 * MIB,
        format: "raw",
        bus: Bus::Virtio,
        preallocation: "off",
        cache: "none",
        aio: "threads",
        iothread: false,
        queues: None,
        dir: dir.to_owned(),
        qemu_img: QemuImg::default(),
        own_serial: None,
    }
}

fn served(by: Program, delay: Option<u64>, rate: Option<u64>) -> At {
    At::Served(Serve { by, delay: delay.map(Duration::from_millis), rate })
}

/// What QEMU says that opens a disk by the arguments that perfvt has for it: the size that a guest would see.
fn opened(disk: &Disk, path: &Path) -> Result<u64, String> {
    opened_by(Command::new("qemu-system-x86_64"), disk, path)
}

/// The same by a command that becomes QEMU.
fn opened_by(mut qemu: Command, disk: &Disk, path: &Path) -> Result<u64, String> {
    qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-S", "-qmp", "stdio"]);
    for (name, value) in disk.arguments(path, None) {
        qemu.args([name.to_owned(), value]);
    }
    let mut qemu = qemu.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut asked = String::new();
    for command in ["qmp_capabilities", "query-block", "quit"] {
        asked += &json!({"execute": command}).to_string();
    }
    // One that has ended says why.
    let _ = qemu.stdin.take().unwrap().write_all(asked.as_bytes());
    let done = qemu.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    let values = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut sizes =
        values.filter_map(|value| value["return"][0]["inserted"]["image"]["virtual-size"].as_u64());
    sizes.next_back().ok_or(said)
}

fn raw(dir: &Path, mib: u64) -> PathBuf {
    let file = dir.join("d.raw");
    File::create(&file).unwrap().set_len(mib * MIB).unwrap();
    file
}

/// A port that is free now.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for(port: u16) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn a_slow_disk_is_as_slow_as_it_is_to_be_and_that_is_measured() {
    if !ready(&[("nbdkit", "nbdkit"), QEMU[0], QEMU[1]]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(served(Program::Nbdkit, Some(2), Some(80_000_000)), dir.path());
    let mut made = disk.make(&Deadlines::usual(Accel::Tcg), &[]).unwrap();
    let measured = made.measured().unwrap();
    assert!((1.9..8.0).contains(&(measured.delay.as_secs_f64() * 1e3)), "{measured:?}");
    assert!((40e6..120e6).contains(&measured.rate.unwrap()), "{measured:?}");
    assert_eq!(opened(&disk, made.path()), Ok(16 * MIB));
    let socket = made.path().to_owned();
    made.forget_names();
    assert!(!socket.exists() && std::fs::read_dir(dir.path()).unwrap().count() == 0);
}

#[test]
fn qemus_own_server_serves_what_was_made() {
    if !ready(&[("qemu-nbd", "qemu-utils"), QEMU[0], QEMU[1]]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let disk = disk(served(Program::QemuNbd, None, None), dir.path());
    let made = disk.make(&Deadlines::usual(Accel::Tcg), &[]).unwrap();
    // Once and again, as for a guest that is started twice.
    assert_eq!(opened(&disk, made.path()), Ok(16 * MIB));
    assert_eq!(opened(&disk, made.path()), Ok(16 * MIB));
    let socket = made.path().to_owned();
    drop(made);
    assert!(std::os::unix::net::UnixStream::connect(socket).is_err());
}

#[test]
fn what_a_guest_wrote_into_a_raw_disk_is_never_taken_for_a_format() {
    if !ready(&[("qemu-nbd", "qemu-utils"), QEMU[0], QEMU[1]]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // The header of an image of 1 GiB with this host's /etc/passwd below it.
    let evil = dir.path().join("evil.qcow2");
    let mut made = Command::new("qemu-img");
    made.args(["create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/passwd"]);
    assert!(made.arg(&evil).arg("1G").status().unwrap().success());
    let header = std::fs::read(&evil).unwrap();
    for at in [At::File, served(Program::QemuNbd, None, None)] {
        let disk = disk(at, dir.path());
        let made = disk.make(&Deadlines::usual(Accel::Tcg), &[]).unwrap();
        let folder =
            std::fs::read_dir(dir.path()).unwrap().flatten().find(|entry| entry.path().is_dir()).unwrap();
        let file = File::options().write(true).open(folder.path().join("disk")).unwrap();
        (&file).write_all(&header).unwrap();
        assert_eq!(opened(&disk, made.path()), Ok(16 * MIB), "{:?}", disk.at);
    }
}

#[test]
fn an_export_is_reached_over_tcp_and_over_a_socket_and_may_be_larger_but_not_smaller() {
    if !ready(&[("qemu-nbd", "qemu-utils"), QEMU[0], QEMU[1]]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (file, port, socket) = (raw(dir.path(), 32), port(), dir.path().join("s"));
    let start = |args: &[&str]| {
        Server(
            Command::new("qemu-nbd")
                .args(["-t", "-e", "8", "-f", "raw", "-x", "x"])
                .args(args)
                .arg(&file)
                .spawn()
                .unwrap(),
        )
    };
    let tcp = start(&["-b", "127.0.0.1", "-p", &port.to_string()]);
    if !wait_for(port) {
        return testing::skip("a port of the loopback is closed");
    }
    let remote = |uri: String| disk(At::Remote(Remote::parse(&uri).unwrap()), dir.path());
    let far = remote(format!("nbd://127.0.0.1:{port}/x"));
    assert_eq!(opened(&far, Path::new("")), Ok(16 * MIB));
    let larger = Disk { size: 64 * MIB, ..far.clone() };
    assert!(opened(&larger, Path::new("")).unwrap_err().contains("size"));
    assert!(opened(&remote(format!("nbd://127.0.0.1:{port}/y")), Path::new("")).is_err());
    drop(tcp);
    let _unix = start(&["-k", socket.to_str().unwrap()]);
    let until = Instant::now() + Duration::from_secs(10);
    while !socket.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    let near = remote(format!("nbd+unix:///x?socket={}", socket.display()));
    assert_eq!(opened(&near, Path::new("")), Ok(16 * MIB));
}

#[test]
fn a_target_of_iscsi_is_a_disk() {
    let programs = [("tgtd", "tgt"), ("tgtadm", "tgt"), QEMU[0], QEMU[1]];
    if !ready(&programs) || !has_driver("iscsi") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (file, port, control) =
        (raw(dir.path(), 32), port(), format!("{}", 20_000 + std::process::id() % 10_000));
    let portal = format!("portal=127.0.0.1:{port}");
    let mut tgtd = Command::new("/usr/sbin/tgtd");
    tgtd.args(["-f", "-C", &control, "--iscsi", &portal]).stdout(Stdio::null()).stderr(Stdio::null());
    let _tgtd = Server(tgtd.spawn().unwrap());
    if !wait_for(port) {
        return testing::skip("tgtd does not listen here");
    }
    let admin = |args: &[&str]| {
        let all = Command::new("/usr/sbin/tgtadm")
            .args(["-C", &control, "--lld", "iscsi", "--op"])
            .args(args)
            .status();
        assert!(all.unwrap().success(), "{args:?}");
    };
    let name = "iqn.2026-01.perfvt:d";
    admin(&["new", "--mode", "target", "--tid", "1", "-T", name]);
    admin(&["new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", file.to_str().unwrap()]);
    admin(&["bind", "--mode", "target", "--tid", "1", "-I", "ALL"]);
    let mut remote = Remote::parse(&format!("iscsi://127.0.0.1:{port}/{name}/1")).unwrap();
    assert_eq!(opened(&disk(At::Remote(remote.clone()), dir.path()), Path::new("")), Ok(16 * MIB));
    // With a login it is QEMU that reads the password, and a wrong one is refused.
    admin(&["new", "--mode", "account", "--user", "me", "--password", "secretsecret1"]);
    admin(&["bind", "--mode", "account", "--tid", "1", "--user", "me"]);
    let password = dir.path().join("password");
    std::fs::write(&password, "secretsecret1").unwrap();
    remote.login = Some(("me".into(), password.clone()));
    let disk = disk(At::Remote(remote), dir.path());
    assert_eq!(opened(&disk, Path::new("")), Ok(16 * MIB));
    assert!(!format!("{:?}", disk.arguments(Path::new(""), None)).contains("secretsecret1"));
    std::fs::write(&password, "secretsecret2").unwrap();
    assert!(opened(&disk, Path::new("")).is_err());
}

#[test]
fn a_file_behind_an_ssh_server_is_a_disk_for_who_has_the_key_and_knows_the_host() {
    if !ready(&[("unshare", "util-linux"), QEMU[0], QEMU[1]]) || !has_driver("ssh") {
        return;
    }
    let Some(sshd) = Sshd::start("127.0.0.1", &[]) else { return testing::skip("there is no sshd") };
    let dir = tempfile::tempdir().unwrap();
    let file = raw(dir.path(), 32);
    // QEMU's library looks into the home that the list of users names: here another folder lies on it.
    let home = dir.path().join("home");
    let own = home.join(".ssh");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::copy(sshd.key(), own.join("id_ed25519")).unwrap();
    let script = "mount --bind \"$0\" /root && exec qemu-system-x86_64 \"$@\"";
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(&home);
        command
    };
    if !inside("mount --bind \"$0\" /root").output().unwrap().status.success() {
        return testing::skip("no user namespace can be made here");
    }
    let uri = format!("ssh://{}@127.0.0.1:{}{}", sshd.user, sshd.port, file.display());
    let disk = disk(At::Remote(Remote::parse(&uri).unwrap()), dir.path());
    assert!(opened_by(inside(script), &disk, Path::new("")).is_err(), "nobody knows the host");
    std::fs::copy(sshd.dir().join("known"), own.join("known_hosts")).unwrap();
    assert_eq!(opened_by(inside(script), &disk, Path::new("")), Ok(16 * MIB), "{}", sshd.log());
    std::fs::remove_file(own.join("id_ed25519")).unwrap();
    assert!(opened_by(inside(script), &disk, Path::new("")).is_err(), "there is no key");
}

/// Starts a server of NFS and what finds it, in a network and behind mounts of their own, and becomes QEMU. Where the server does not
/// come up it ends with 77 and the reason.
const BEHIND_NFS: &str = r#"
set -e
root=$0 dir=$1
shift
mount -t tmpfs none /run
mkdir -p /run/ganesha /run/rpcbind
ip link set lo up
# What finds it becomes this user, which only the package makes.
{ cat /etc/passwd; echo _rpc:x:0:0::/run:/bin/false; } > /run/passwd
mount --bind /run/passwd /etc/passwd
libraries=$(echo "$root"/usr/lib/*-linux-gnu "$root"/lib/*-linux-gnu "$root"/usr/lib/ganesha | tr ' ' :)
rpcbind=$root/sbin/rpcbind
[ -x "$rpcbind" ] || rpcbind=$root/usr/sbin/rpcbind
LD_LIBRARY_PATH=$libraries "$rpcbind" -f < /dev/null > /dev/null 2>&1 &
LD_LIBRARY_PATH=$libraries "$root/usr/bin/ganesha.nfsd" -F -f "$dir/conf" -L "$dir/log" -p "$dir/pid" < /dev/null > /dev/null 2>&1 &
tries=0
until grep -q 'NFS SERVER INITIALIZED' "$dir/log" 2> /dev/null; do
    tries=$((tries + 1))
    if [ $tries -gt 200 ] || grep -qE ':(FATAL|MAJ) :' "$dir/log" 2> /dev/null; then
        grep -E ':(FATAL|CRIT|MAJ) :' "$dir/log" | tail -3 >&2
        exit 77
    fi
    sleep 0.1
done
qemu-system-x86_64 "$@"
"#;

/// Where a server of NFS was unpacked or installed.
fn ganesha() -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let unpacked = cache.map(|cache| cache.join("perfvt-tests/nfs/root"));
    let all = unpacked.into_iter().chain([PathBuf::from("/")]);
    all.into_iter().find(|root| root.join("usr/bin/ganesha.nfsd").exists())
}

#[test]
fn a_file_of_a_server_of_nfs_is_a_disk() {
    if !ready(&[("unshare", "util-linux"), ("ip", "iproute2"), QEMU[0], QEMU[1]]) || !has_driver("nfs") {
        return;
    }
    let Some(root) = ganesha() else {
        return testing::skip("there is no nfs-ganesha; `make setup-test` unpacks one");
    };
    let dir = tempfile::tempdir().unwrap();
    let (shared, state) = (dir.path().join("shared"), dir.path().join("state"));
    for folder in [&shared, &state] {
        std::fs::create_dir(folder).unwrap();
    }
    raw(&shared, 32);
    let plugins = ["usr/lib/x86_64-linux-gnu/ganesha", "usr/lib/aarch64-linux-gnu/ganesha"];
    let plugins = plugins.map(|folder| root.join(folder)).into_iter().find(|folder| folder.exists()).unwrap();
    let (shared, state, plugins) = (shared.display(), state.display(), plugins.display());
    let conf = format!(
        "NFS_CORE_PARAM {{ Protocols = 3; NFS_Port = 20490; MNT_Port = 20480; Enable_NLM = false; Enable_RQUOTA = false; \
         Plugins_Dir = {plugins}; }}\n\
         NFSv4 {{ RecoveryRoot = {state}; Graceless = true; UseGetpwnam = true; Only_Numeric_Owners = true; }}\n\
         EXPORT {{ Export_Id = 1; Path = {shared}; Pseudo = /x; Protocols = 3; Access_Type = RW; Squash = None; \
         PrivilegedPort = false; SecType = sys, none; FSAL {{ Name = VFS; }} }}\n"
    );
    std::fs::write(dir.path().join("conf"), conf).unwrap();
    let apart = || {
        let mut command = Command::new("unshare");
        // An ordinary user is root in a namespace of users.
        let own = ["--user", "--map-root-user"].into_iter().filter(|_| !rustix::process::geteuid().is_root());
        command.args(own).args([
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            BEHIND_NFS,
        ]);
        command.arg(&root).arg(dir.path());
        command
    };
    let remote = |name: &str| {
        let uri = format!("nfs://127.0.0.1{shared}/{name}");
        disk(At::Remote(Remote::parse(&uri).unwrap()), dir.path())
    };
    match opened_by(apart(), &remote("d.raw"), Path::new("")) {
        Ok(size) => assert_eq!(size, 16 * MIB),
        Err(why) if !why.contains("qemu-system") => {
            let why = why.trim().lines().last().unwrap_or("no namespaces can be made").to_owned();
            return testing::skip(format_args!("nfs-ganesha does not serve here: {why}"));
        }
        Err(why) => panic!("{why}"),
    }
    assert!(
        opened_by(apart(), &remote("none.raw"), Path::new("")).unwrap_err().contains("nfs"),
        "it is not there"
    );
}

/// Whether QEMU's tools have a driver, which comes in a package of its own.
fn has_driver(driver: &str) -> bool {
    let arguments = format!("driver={driver},x=y");
    let said = Command::new("qemu-img").args(["info", "--image-opts", &arguments]).output().unwrap();
    let there = !String::from_utf8_lossy(&said.stderr).contains("Unknown driver");
    if !there {
        testing::skip(format_args!("QEMU has no driver for {driver}; the package qemu-block-extra has it"));
    }
    there
}

#[test]
fn a_device_is_read_only_unless_it_is_allowed_and_one_in_use_is_refused() {
    if !ready(&[("losetup", "mount"), QEMU[0], QEMU[1]]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = raw(dir.path(), 32);
    let made = Command::new("losetup").args(["--find", "--show"]).arg(&file).output().unwrap();
    if !made.status.success() {
        return testing::skip("no loop device can be made here");
    }
    let path = PathBuf::from(String::from_utf8(made.stdout).unwrap().trim());
    let _gone = Loop(path.clone());
    let device = Device { path: path.clone(), writes: false };
    assert_eq!(device.check(), Ok(()));
    let only_read = disk(At::Device(device.clone()), dir.path());
    assert_eq!(opened(&only_read, &path), Ok(16 * MIB));
    let line = |disk: &Disk| format!("{:?}", disk.arguments(&path, None));
    assert!(line(&only_read).contains(r#"\"read-only\":true"#), "{}", line(&only_read));
    let written = disk(At::Device(Device { writes: true, ..device.clone() }), dir.path());
    assert!(!line(&written).contains("read-only"));
    assert_eq!(opened(&written, &path), Ok(16 * MIB));
    // Somebody else has it for himself.
    let holder = rustix::fs::open(
        &path,
        rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::EXCL,
        rustix::fs::Mode::empty(),
    );
    let refused = written.make(&Deadlines::usual(Accel::Tcg), &[]).unwrap_err();
    assert!(matches!(&refused, DiskError::Device(why) if why.contains("in use")), "{refused}");
    drop(holder);
    assert!(written.make(&Deadlines::usual(Accel::Tcg), &[]).is_ok());
}

/// A loop device that is gone with the test.
struct Loop(PathBuf);

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("--detach").arg(&self.0).status();
    }
}
