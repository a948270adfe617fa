//! How long the host's own programs may take, in one place. What guests may take depends on them, and stands elsewhere.

use std::time::Duration;

/// A program of the host's, or QEMU's monitor, that has nothing to do but to answer.
pub const HOST_ANSWER: Duration = Duration::from_secs(10);
/// A request of a channel's own that no command waits behind, and a connection of ssh.
pub const CHANNEL_ANSWER: Duration = Duration::from_secs(20);
/// How much later than the guest's own deadline the host gives up.
pub const GRACE: Duration = Duration::from_secs(5);
/// A profiler that was told to end writes down what it has seen, and finds the names of its addresses.
pub const PROFILE: Duration = Duration::from_secs(300);
/// One part of a dead guest's forensics; a QEMU that is told to quit, a host that is told to kill.
pub const LAST_WORDS: Duration = Duration::from_secs(2);
/// A program of the host's that works on local files or units: git, ssh-keygen, systemctl.
pub const HOST_WORK: Duration = Duration::from_secs(60);
/// git over the network.
pub const NETWORK: Duration = Duration::from_secs(600);
/// A program of the user's tells somebody of something.
pub const TELL: Duration = Duration::from_secs(300);
/// A program of the user's copies a site.
pub const PUSH: Duration = Duration::from_secs(3600);
/// A system is made from packages, or `deps/NAME` on this host.
pub const BUILD: Duration = Duration::from_secs(3600);
/// What a user does with a guest of his own, who ends it himself.
pub const BY_HAND: Duration = Duration::from_secs(24 * 3600);

/// A program of the host's reads the whole of a large file: a CD's sum is computed.
pub const WHOLE_FILE: Duration = Duration::from_secs(600);
