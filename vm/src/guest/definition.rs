//! A guest of the user's: the image that it boots from, and the way into it.

use super::backing::Chain;
use super::cdrom::Cdrom;
use super::channel::serial::Login;
use super::os::Os;
use super::seed::CloudInit;
use super::way::Way;
use std::path::PathBuf;

/// Where ssh servers listen.
pub const SSH_PORT: u16 = 22;

/// A guest that boots from an image of the user's.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its disk with all that it builds upon, never written.
    pub chain: Chain,
    /// What is locked while a guest may run from it: the folder of an image in the cache, else the image.
    pub lock: PathBuf,
    /// A kernel to start instead of the image's own boot loader.
    pub kernel: Option<PathBuf>,
    /// Its RAM disk.
    pub initrd: Option<PathBuf>,
    /// What starts the disk instead of SeaBIOS.
    pub firmware: Option<PathBuf>,
    /// Its command line, to which `kernel_params` are added.
    pub command_line: String,
    /// The way into it.
    pub way: Way,
    /// Its system.
    pub os: Os,
    /// Who logs in, where the way asks for it.
    pub login: Login,
    /// The private key for ssh.
    pub key: Option<PathBuf>,
    /// The port of the guest's ssh server.
    pub shell_port: u16,
    /// What cloud-init in it is told; `None` where there is none, or where it is told by somebody else.
    pub cloud_init: Option<CloudInit>,
    /// Its drives for CDs.
    pub cdroms: Vec<Cdrom>,
}

impl Definition {
    /// A Linux with what the defaults of the parameters say, for tests that boot nothing.
    #[cfg(test)]
    pub(crate) fn of_chain(chain: Chain) -> Definition {
        Definition {
            chain,
            lock: PathBuf::new(),
            kernel: None,
            initrd: None,
            firmware: None,
            command_line: "x".into(),
            way: Way::Agent,
            os: Os::Linux,
            login: Login {
                user: "root".into(),
                password: edge::Secret::default(),
                prompt: regex::Regex::new(super::channel::serial::PROMPT).unwrap(),
            },
            key: None,
            shell_port: SSH_PORT,
            cloud_init: None,
            cdroms: Vec::new(),
        }
    }
}
