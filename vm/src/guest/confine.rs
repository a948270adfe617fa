//! What keeps QEMU to what it is there for, should a guest take it over: its own seccomp filter (`-sandbox`; QEMU's manual,
//! "Invocation"), the files that it may open (landlock), and a user that is nobody.

mod bounds;
mod strongest;

pub(super) use bounds::Bounds;
pub use strongest::{named, strongest};

/// How QEMU is confined. Each level has what those before it have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confine {
    /// Not at all.
    #[default]
    None,
    /// System calls that a running guest has no use for end QEMU: it starts no program, gains no right, and leaves its
    /// scheduling to perfvt.
    Sandbox,
    /// It opens no file but the system's programs and libraries, and QEMU's own data. What belongs to its guest it gets open.
    Files,
    /// Where perfvt is root, QEMU is a user that owns nothing.
    User,
}

impl Confine {
    /// All, by the words of the key; `auto` is decided when a campaign is planned.
    pub const WORDS: [&str; 4] = ["none", "sandbox", "files", "user"];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Confine::None => "none",
            Confine::Sandbox => "sandbox",
            Confine::Files => "files",
            Confine::User => "user",
        }
    }

    /// The level of a word.
    pub fn parse(word: &str) -> Option<Confine> {
        [Confine::None, Confine::Sandbox, Confine::Files, Confine::User]
            .into_iter()
            .find(|level| level.word() == word)
    }

    /// What a user of this kind can have where nothing is in the way: only root can make QEMU somebody else.
    pub fn usual() -> Confine {
        if rustix::process::geteuid().is_root() { Confine::User } else { Confine::Files }
    }

    /// The value of `-sandbox`. qemu-bridge-helper, which opens taps for an ordinary user, is a program with rights of its own:
    /// QEMU must be able to start it.
    pub(super) fn argument(self, starts_helper: bool) -> Option<String> {
        let may = if starts_helper { "allow" } else { "deny" };
        (self >= Confine::Sandbox)
            .then(|| format!("on,obsolete=deny,elevateprivileges={may},spawn={may},resourcecontrol=deny"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_lets_qemu_start_nothing_but_the_helper_that_opens_its_taps() {
        for level in [Confine::Sandbox, Confine::Files, Confine::User] {
            assert!(level.argument(false).unwrap().contains("spawn=deny"));
        }
        assert!(Confine::Sandbox.argument(true).unwrap().contains("spawn=allow"));
        assert_eq!(Confine::None.argument(true), None);
    }

    #[test]
    fn levels_are_their_words_in_order() {
        let levels = Confine::WORDS.map(|word| Confine::parse(word).unwrap());
        assert!(levels.is_sorted() && levels[3] == Confine::User);
        assert_eq!(levels.map(Confine::word), Confine::WORDS);
        assert_eq!(Confine::parse("all"), None);
    }
}
