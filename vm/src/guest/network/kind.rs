//! The kinds of networks, and which of them work here.

/// What a link is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Tap and bridge in a namespace.
    Tap,
    /// QEMU's user mode.
    User,
    /// Two guests over unix datagram sockets.
    Dgram,
    /// Two guests over a unix stream socket.
    Stream,
    /// A bridge that is there already.
    Bridge,
    /// A macvtap on a device that is there already.
    Macvtap,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] =
        [Kind::Tap, Kind::User, Kind::Dgram, Kind::Stream, Kind::Bridge, Kind::Macvtap];

    /// The word in files and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Tap => "tap",
            Kind::User => "user",
            Kind::Dgram => "dgram",
            Kind::Stream => "stream",
            Kind::Bridge => "bridge",
            Kind::Macvtap => "macvtap",
        }
    }

    /// The same for people.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Tap => "a tap and a bridge of perfvt's own",
            Kind::User => "QEMU's user mode",
            Kind::Dgram => "datagrams between the two QEMUs",
            Kind::Stream => "a stream between the two QEMUs",
            Kind::Bridge => "a bridge of this host",
            Kind::Macvtap => "a macvtap on a device of this host",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it ends in the host's kernel, where vhost can move its packets and where its MTU can be set.
    pub fn has_tap(self) -> bool {
        matches!(self, Kind::Tap) || self.is_plugged()
    }

    /// Whether it is plugged into a device of the host that is there already, and so into a network that is others', too.
    pub fn is_plugged(self) -> bool {
        self.device_key().is_some()
    }

    /// The key that names the device of the host that it is plugged into.
    pub fn device_key(self) -> Option<&'static str> {
        match self {
            Kind::Bridge => Some("bridge"),
            Kind::Macvtap => Some("macvtap"),
            Kind::Tap | Kind::User | Kind::Dgram | Kind::Stream => None,
        }
    }
}
