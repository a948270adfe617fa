//! Commands on another host, by the ssh program.
//!
//! ```text
//!   Destination ──> Ssh::connect ──> one connection, a child of perfvt ──> run (to its end), start (a Remote)
//! ```
//!
//! Whom to trust is the user's to say: known hosts, jump hosts and everything else come from ssh's own configuration, or
//! from the file that [`Destination::config`] names. Nothing asks for a password. All commands share one connection whose
//! socket lies in a private folder, and which dies with perfvt.
//!
//! sshd hands the words of a command to the login shell as one string, so each word is quoted by [`shlex::try_join`], and by
//! nothing else.

mod remote;

pub use remote::Remote;

use edge::quoted_end;
use edge::text::text_of;
use process::deadlines::{CHANNEL_ANSWER, GRACE, HOST_WORK};
use process::{Finished, Namespace, PrivateFolder, ProcessError, Running, Sink, Spec, private_folder};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What ssh(1) ends with when it failed itself.
const OWN_FAILURE: i32 = 255;

/// Another host, and how to log in there. What is left out is up to ssh's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// Its name or address.
    pub address: String,
    /// Whom to log in as.
    pub user: Option<String>,
    /// The port of its sshd.
    pub port: Option<u16>,
    /// The file of a private key.
    pub key: Option<PathBuf>,
    /// A configuration of ssh to use instead of the user's.
    pub config: Option<PathBuf>,
    /// A file of known hosts that a host seen for the first time is added to: for guests that were made a moment ago.
    pub new_hosts: Option<PathBuf>,
}

/// A command that did not run on another host.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// An address that ssh would take for something else.
    #[error("{0:?} is no name or address of a host")]
    Address(String),
    /// A word that no command line can hold.
    #[error("a command for {address} has a zero byte in the word {word:?}")]
    Word {
        /// The host.
        address: String,
        /// The word.
        word: String,
    },
    /// The host is not reached, refuses the login, or was lost.
    #[error("{address} is not reached by ssh: {}; `ssh -o BatchMode=yes {address} true` has to work", quoted_end(.reason))]
    Lost {
        /// The host.
        address: String,
        /// What ssh said.
        reason: String,
    },
    /// ssh cannot be started, or the command failed or took too long.
    #[error("on {address}: {source}")]
    Process {
        /// The host.
        address: String,
        /// What went wrong.
        source: ProcessError,
    },
    /// A program that it does not have.
    #[error(
        "{address} has no {tool} in {place}: install it there, or name the folder there that holds it, \
         client_tools = FOLDER"
    )]
    NoTool {
        /// The host.
        address: String,
        /// The program.
        tool: String,
        /// Where it was looked for.
        place: String,
    },
    /// No folder for the connection's socket.
    #[error("creating a folder for the connection to {address}: {source}")]
    Folder {
        /// The host.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
}

/// How a command on another host ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its exit status; 128 + n for signal n.
    pub status: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// Makes a key pair without a passphrase: the private half is this file, and the public one has `.pub` behind its name.
///
/// # Errors
/// ssh-keygen is not there, or the file is.
pub fn keygen(path: &Path) -> Result<(), ProcessError> {
    let keygen = Spec::new("ssh-keygen").args(["-q", "-t", "ed25519", "-C", "perfvt", "-N", "", "-f"]);
    process::run(keygen.arg(path), HOST_WORK).map(drop)
}

/// A connection to another host.
#[derive(Debug)]
pub struct Ssh {
    destination: Destination,
    /// The connection that everything else goes through. First, so that it is gone before its folder.
    _master: Running,
    folder: PrivateFolder,
}

impl Destination {
    /// Reads an address with nothing else.
    ///
    /// # Errors
    /// It is empty, or ssh would take it for an option or a user.
    pub fn new(address: &str) -> Result<Destination, SshError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        let is_name = !address.is_empty() && !address.starts_with('-') && address.chars().all(plain);
        if !is_name {
            return Err(SshError::Address(address.to_owned()));
        }
        Ok(Destination { address: address.to_owned(), ..Destination::default() })
    }

    /// Arguments of ssh, without those of the shared connection.
    fn options(&self) -> Vec<String> {
        let mut options = Vec::new();
        if let Some(file) = &self.config {
            options.extend(["-F".to_owned(), file.display().to_string()]);
        }
        let mut set = |option: &str| options.extend(["-o".to_owned(), option.to_owned()]);
        set("BatchMode=yes");
        set(&format!("ConnectTimeout={}", CHANNEL_ANSWER.as_secs()));
        // A host that went away is found within half a minute, also when nothing is sent to it.
        set("ServerAliveInterval=10");
        set("ServerAliveCountMax=3");
        set("ForwardAgent=no");
        set("ForwardX11=no");
        if let Some(file) = &self.new_hosts {
            set("StrictHostKeyChecking=accept-new");
            set(&format!("UserKnownHostsFile=\"{}\"", file.display()));
        }
        if let Some(port) = self.port {
            options.extend(["-p".to_owned(), port.to_string()]);
        }
        if let Some(user) = &self.user {
            options.extend(["-l".to_owned(), user.clone()]);
        }
        if let Some(key) = &self.key {
            options.extend(["-i".to_owned(), key.display().to_string()]);
            options.extend(["-o".to_owned(), "IdentitiesOnly=yes".to_owned()]);
        }
        options
    }
}

impl Ssh {
    /// Connects.
    ///
    /// # Errors
    /// ssh is missing, or the host is not reached or refuses the login within 20 s.
    pub fn connect(destination: Destination) -> Result<Ssh, SshError> {
        Self::connect_in(destination, None)
    }

    /// The same from within a network namespace. Only the connection itself needs it: its socket is on this host.
    ///
    /// # Errors
    /// As for [`Ssh::connect`].
    pub fn connect_in(destination: Destination, namespace: Option<&Arc<Namespace>>) -> Result<Ssh, SshError> {
        let address = destination.address.clone();
        let failed = |source| SshError::Process { address: address.clone(), source };
        let folder =
            private_folder().map_err(|source| SshError::Folder { address: address.clone(), source })?;
        let socket = folder.path().join("ssh");
        // -N: a connection without a command, for the others to use. `no` to asking: they must not make one of their own.
        let mut master = Spec::new("ssh")
            .args(destination.options())
            .args(["-N", "-T", "-o", "ControlMaster=yes", "-o", "ControlPersist=no"])
            .arg("-S")
            .arg(&socket)
            .args(["--", &destination.address])
            .namespace(namespace)
            .stderr(Sink::Capture)
            .start()
            .map_err(failed)?;
        let until = Instant::now() + CHANNEL_ANSWER + GRACE;
        while !socket.exists() {
            if master.ended().is_some() || Instant::now() >= until {
                let finished = master.finish(Duration::ZERO);
                return Err(lost(&address, &finished));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Ssh { destination, _master: master, folder })
    }

    /// The host at the other end.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// What starts a command there, to be given its sinks.
    ///
    /// # Errors
    /// A word with a zero byte.
    pub fn spec(&self, argv: &[&str]) -> Result<Spec, SshError> {
        let address = &self.destination.address;
        let command = shlex::try_join(argv.iter().copied()).map_err(|_| {
            let word = argv.iter().find(|word| word.contains('\0')).copied().unwrap_or_default();
            SshError::Word { address: address.clone(), word: word.to_owned() }
        })?;
        Ok(Spec::new("ssh")
            .args(self.destination.options())
            .args(["-T", "-o", "ControlMaster=no", "-S"])
            .arg(self.folder.path().join("ssh"))
            .args(["--", address])
            .arg(command))
    }

    /// Runs a command there to its end, with `input` as its standard input.
    ///
    /// # Errors
    /// The host is lost, or the command does not end in time. Status 255 is ssh's own word for a lost connection; a
    /// command that ends with it cannot be told apart.
    pub fn run(&self, argv: &[&str], input: &[u8], deadline: Duration) -> Result<Reply, SshError> {
        let failed = |source| SshError::Process { address: self.destination.address.clone(), source };
        let spec = self.spec(argv)?.input(input).stdout(Sink::Capture).stderr(Sink::Capture);
        let finished = spec.start().map_err(failed)?.finish(deadline);
        match finished.status.map(|status| status.code()) {
            None => Err(failed(ProcessError::Deadline {
                command: argv.join(" "),
                seconds: deadline.as_secs(),
                stderr: String::from_utf8_lossy(&finished.stderr).trim().to_owned(),
            })),
            Some(_) if finished.cut => Err(failed(ProcessError::TooMuch { command: argv.join(" ") })),
            Some(None | Some(OWN_FAILURE)) => Err(lost(&self.destination.address, &finished)),
            Some(Some(status)) => Ok(Reply { status, stdout: finished.stdout, stderr: finished.stderr }),
        }
    }

    /// The same for a command that has to succeed; gives its standard output.
    ///
    /// # Errors
    /// As for [`Ssh::run`], and any other status than 0.
    pub fn output(&self, argv: &[&str], deadline: Duration) -> Result<String, SshError> {
        let reply = self.run(argv, b"", deadline)?;
        if reply.status == 0 {
            return Ok(text_of(reply.stdout));
        }
        Err(SshError::Process {
            address: self.destination.address.clone(),
            source: ProcessError::Failed {
                command: argv.join(" "),
                status: format!("status {}", reply.status),
                stderr: String::from_utf8_lossy(&reply.stderr).trim().to_owned(),
            },
        })
    }
}

fn lost(address: &str, finished: &Finished) -> SshError {
    let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
    let reason = if said.is_empty() { "it says nothing".to_owned() } else { said };
    SshError::Lost { address: address.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::run;

    #[test]
    fn a_shell_reads_every_word_back_as_it_was() {
        let words = [
            "", "a b", "$(id)", "`id`", "it's", "'", "''", "\\", "\n", "*", "~", "!x", "-n", "é", "a=b", "=x",
        ];
        let line = shlex::try_join(words).unwrap();
        let shell = Spec::new("sh").arg("-c").arg(format!("printf '%s|' {line}"));
        let out = String::from_utf8(run(shell, Duration::from_secs(5)).unwrap()).unwrap();
        assert_eq!(out, words.map(|word| format!("{word}|")).concat());
    }

    #[test]
    fn an_address_that_ssh_would_take_for_something_else_is_refused() {
        for address in ["", "-oProxyCommand=x", "root@host", "a b", "ssh://host", "$(id)"] {
            assert!(Destination::new(address).is_err(), "{address:?}");
        }
        for address in ["192.168.100.15", "fe80::1", "host-1.example.org"] {
            assert_eq!(Destination::new(address).unwrap().address, address);
        }
    }

    #[test]
    fn user_port_key_and_configuration_become_options() {
        let destination = Destination {
            user: Some("root".into()),
            port: Some(2222),
            key: Some("/k".into()),
            config: Some("/c".into()),
            ..Destination::new("h").unwrap()
        };
        let options = destination.options().join(" ");
        assert!(options.starts_with("-F /c -o BatchMode=yes"), "{options}");
        assert!(options.ends_with("-p 2222 -l root -i /k -o IdentitiesOnly=yes"), "{options}");
        assert!(!options.contains("StrictHostKeyChecking"), "whom to trust is the user's to say: {options}");
    }
}
