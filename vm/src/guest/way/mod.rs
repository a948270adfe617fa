//! The ways into a guest of the user's: one file each, and one line each in the table below. Its channel, what it needs of QEMU's
//! command line and of the definition are the way's own; nobody else knows one by name.

mod agent;
mod nobody;
mod perfvt;
mod screen;
mod serial;
mod ssh;

use super::channel::serial::Login;
use super::channel::{Channel, ChannelError};
use super::os::Os;
use process::Namespace;
use std::path::Path;
use std::sync::Arc;

kinds! {
    /// The way into a guest.
    enum Way,
    /// What `channel` may be, as people read it.
    const WAYS = [];
    Agent "agent" agent::Agent: "The QEMU guest agent on a virtio-serial port.";
    Nobody "none" nobody::Nobody: "Nobody: the guest finds its job on a disk, and writes the results to another one.";
    Perfvt "perfvt" perfvt::Perfvt: "perfvt's own agent, which cloud-init starts in a cloud image.";
    Screen "screen" screen::Screen: "Nobody: the guest is driven by its screen, its keyboard and its mouse.";
    Serial "serial" serial::Serial: "A login on the serial console.";
    Ssh "ssh" ssh::Ssh: "ssh, over a network of its own.";
}

/// QEMU's arguments, pair by pair.
pub(super) type Pairs = Vec<(&'static str, String)>;

/// What is a way's own. A function with a body is what most ways do.
trait Own: Sync {
    /// Whether it leads into guests of a system. All know Linux.
    fn enters(&self, os: Os) -> bool {
        os == Os::Linux
    }

    /// Whether the password is asked for.
    fn asks_password(&self) -> bool {
        false
    }

    /// Whether it needs a private key, and uses the port of the guest's ssh server.
    fn is_ssh(&self) -> bool {
        false
    }

    /// Whether nobody but cloud-init makes it.
    fn needs_cloud_init(&self) -> bool {
        false
    }

    /// Whether nothing is said to the guest, which works by itself.
    fn is_offline(&self) -> bool {
        false
    }

    /// Whether nobody talks to the guest, which is driven by what it shows.
    fn is_seen(&self) -> bool {
        false
    }

    /// How the guest is entered, behind "entered".
    fn sentence(&self, user: &str, port: u16) -> String;

    /// What QEMU's console is, when it is the way: a chardev `serial0`.
    fn console(&self, ends: &Ends<'_>) -> Option<String> {
        let _ = ends;
        None
    }

    /// The devices that it needs.
    fn devices(&self, ends: &Ends<'_>) -> Pairs;

    /// Connects to a guest that is still paused.
    fn connect(&self, to: &Entrance<'_>) -> Result<Box<dyn Channel>, ChannelError>;
}

/// Where QEMU has its ends of a way.
pub(super) struct Ends<'a> {
    /// The part of a `-chardev` that names the socket of the port or the console.
    pub(super) socket: &'a str,
    /// The file with what the console says, as options take paths.
    pub(super) log: &'a str,
    /// The port of this host that leads to the guest's ssh server, and that server's own.
    pub(super) ssh: (u16, u16),
}

/// What a channel is made of.
pub(super) struct Entrance<'a> {
    pub(super) socket: &'a Path,
    pub(super) ssh_port: u16,
    /// That in which QEMU runs.
    pub(super) namespace: Option<&'a Arc<Namespace>>,
    pub(super) os: Os,
    pub(super) login: &'a Login,
    pub(super) key: Option<&'a Path>,
    /// Whether the guest gets its public half while it starts.
    pub(super) late_key: bool,
}

/// The devices of a virtio-serial port with this name.
pub(super) fn port(name: &str, socket: &str) -> Pairs {
    vec![
        ("-device", "virtio-serial-pci,id=ports0".into()),
        ("-chardev", format!("socket,id=cmd0,{socket},server=on,wait=off")),
        ("-device", format!("virtserialport,bus=ports0.0,chardev=cmd0,name={name}")),
    ]
}

impl Way {
    /// Whether it leads into guests of a system.
    pub fn enters(self, os: Os) -> bool {
        self.own().enters(os)
    }

    /// Whether the password is asked for.
    pub fn asks_password(self) -> bool {
        self.own().asks_password()
    }

    /// Whether it needs a private key, and uses the port of the guest's ssh server.
    pub fn is_ssh(self) -> bool {
        self.own().is_ssh()
    }

    /// Whether nobody but cloud-init makes it ([`super::seed::CloudInit`]).
    pub fn needs_cloud_init(self) -> bool {
        self.own().needs_cloud_init()
    }

    /// Whether nothing is said to the guest, which works by itself ([`super::offline`]).
    pub fn is_offline(self) -> bool {
        self.own().is_offline()
    }

    /// Whether nobody talks to the guest, which is driven by what it shows.
    pub fn is_seen(self) -> bool {
        self.own().is_seen()
    }

    /// How the guest is entered by a user, and where its ssh server listens.
    pub fn sentence(self, user: &str, port: u16) -> String {
        self.own().sentence(user, port)
    }

    pub(super) fn console(self, ends: &Ends<'_>) -> Option<String> {
        self.own().console(ends)
    }

    pub(super) fn devices(self, ends: &Ends<'_>) -> Pairs {
        self.own().devices(ends)
    }

    pub(super) fn connect(self, to: &Entrance<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        self.own().connect(to)
    }
}
