//! Hosts that are network namespaces, and what runs on them.

use super::{output, text};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// The words that enter a process's network namespace.
pub fn into(pid: u32) -> [String; 3] {
    ["nsenter".into(), format!("--net=/proc/{pid}/ns/net"), "--".into()]
}

/// A network namespace that lasts as long as this.
pub struct Host(pub Child);

impl Host {
    /// Beside another one, or beside the real host.
    pub fn beside(other: Option<&Host>) -> Host {
        let mut words: Vec<String> = other.map(|host| into(host.0.id()).to_vec()).unwrap_or_default();
        words.extend(["unshare", "--net", "--", "sleep", "600"].map(String::from));
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        let before = other.map_or(own, |host| host.namespace());
        let host = Host(Command::new(&words[0]).args(&words[1..]).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(10);
        let comm = format!("/proc/{}/comm", host.0.id());
        while host.namespace() == before || fs::read_to_string(&comm).unwrap() != "sleep\n" {
            assert!(Instant::now() < until, "no namespace");
            std::thread::sleep(Duration::from_millis(5));
        }
        host
    }

    pub fn namespace(&self) -> PathBuf {
        fs::read_link(format!("/proc/{}/ns/net", self.0.id())).unwrap()
    }

    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(&into(self.0.id())[1..]).arg(program);
        command
    }

    /// Runs `ip` with the words of each line.
    pub fn ip(&self, lines: &[&str]) {
        for line in lines {
            let done = output(self.command("ip").args(line.split_whitespace()));
            assert!(done.status.success(), "ip {line}: {}", text(&done.stderr));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A child that ends with this.
pub struct Server(pub Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A DHCP server on a bridge, with one address to give.
pub fn dhcp_server(host: &Host, dir: &Path) -> Option<Server> {
    let config = dir.join("udhcpd.conf");
    let leases = dir.join("leases");
    fs::write(&leases, "").unwrap();
    let text = format!(
        "start 10.78.0.40\nend 10.78.0.49\ninterface br1\nlease_file {}\npidfile {}\nopt subnet 255.255.255.0\n\
         opt router 10.78.0.1\nopt lease 600\n",
        leases.display(),
        dir.join("pid").display()
    );
    fs::write(&config, text).unwrap();
    let log = fs::File::create(dir.join("udhcpd.log")).unwrap();
    let server = host.command("busybox").args(["udhcpd", "-f"]).arg(&config).stderr(log).spawn();
    server.ok().map(Server)
}

/// netperf for the other host, in a folder of its own, wherever this one has it.
pub fn tools(dir: &Path) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap();
    let packages = cache.unwrap_or_else(|| home.join(".cache")).join("perfvt/packages");
    let (mut program, mut libraries) = ("/usr/bin/netperf".to_owned(), Vec::new());
    for entry in fs::read_dir(packages).into_iter().flatten().flatten() {
        let own = entry.path().join("usr/bin/netperf");
        if own.exists() {
            program = own.display().to_string();
        }
        libraries.push(entry.path().join("usr/lib/x86_64-linux-gnu").display().to_string());
    }
    let tools = dir.join("tools of the client");
    fs::create_dir(&tools).unwrap();
    let script = format!("#!/bin/sh\nLD_LIBRARY_PATH='{}' exec '{program}' \"$@\"\n", libraries.join(":"));
    fs::write(tools.join("netperf"), script).unwrap();
    fs::set_permissions(tools.join("netperf"), fs::Permissions::from_mode(0o755)).unwrap();
    tools
}

/// Whether this is the real root.
pub fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
        && fs::read_to_string("/proc/self/uid_map").unwrap().contains("4294967295")
}
