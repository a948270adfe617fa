//! A real sshd with keys of its own, that knows nobody but the user who runs the tests.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running sshd; it ends with this.
pub struct Sshd {
    child: Child,
    dir: tempfile::TempDir,
    /// Who may log in.
    pub user: String,
    /// Where it listens.
    pub port: u16,
}

/// Where sshd is.
fn program() -> Option<PathBuf> {
    ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"].iter().map(PathBuf::from).find(|p| p.exists())
}

fn output(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output().unwrap();
    assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

impl Sshd {
    /// Starts one that listens on an address; `inside` are the words that enter a network namespace, if any. `None` when
    /// there is no sshd here.
    pub fn start(address: &str, inside: &[&str]) -> Option<Sshd> {
        let sshd = program()?;
        let dir = tempfile::tempdir().unwrap();
        let user = output("id", &["-un"]).trim().to_owned();
        if user == "root" {
            // What its service would have made.
            fs::create_dir_all("/run/sshd").unwrap();
            fs::set_permissions("/run/sshd", fs::Permissions::from_mode(0o755)).unwrap();
        }
        for key in ["host", "key"] {
            let file = dir.path().join(key).display().to_string();
            output("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", key, "-f", &file]);
        }
        let at = |name: &str| dir.path().join(name).display().to_string();
        let port = if inside.is_empty() {
            TcpListener::bind((address, 0)).unwrap().local_addr().unwrap().port()
        } else {
            2222
        };
        let config = format!(
            "ListenAddress {address}\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nPidFile none\nUsePAM no\n\
             PasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n",
            at("host"),
            at("key.pub")
        );
        fs::write(dir.path().join("sshd_config"), config).unwrap();
        let known = fs::read_to_string(dir.path().join("host.pub")).unwrap();
        fs::write(dir.path().join("known"), format!("[{address}]:{port} {known}")).unwrap();
        let client = format!("UserKnownHostsFile {}\nStrictHostKeyChecking yes\n", at("known"));
        fs::write(dir.path().join("ssh_config"), client).unwrap();
        let mut words: Vec<&str> = inside.to_vec();
        let (sshd, file) = (sshd.display().to_string(), at("sshd_config"));
        words.extend([sshd.as_str(), "-D", "-e", "-f", &file]);
        let log = fs::File::create(dir.path().join("log")).unwrap();
        let mut command = Command::new(words[0]);
        let child = command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut sshd = Sshd { child: child.spawn().unwrap(), dir, user, port };
        let until = Instant::now() + Duration::from_secs(10);
        while !sshd.log().contains("Server listening") {
            let ended = sshd.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "sshd: {}", sshd.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(sshd)
    }

    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The private key that opens it.
    pub fn key(&self) -> PathBuf {
        self.dir.path().join("key")
    }

    /// A configuration of ssh that knows it.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("ssh_config")
    }

    /// The folder with its files.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends it and the connections that it has.
    pub fn end(&mut self) {
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        for pid in fs::read_to_string(children).unwrap_or_default().split_whitespace() {
            let _ = Command::new("kill").args(["-KILL", pid]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.end();
    }
}
