//! What keeps QEMU to what it is there for, should a guest take it over: its own seccomp filter (`-sandbox`; QEMU's manual,
//! "Invocation").

use process::deadlines::HOST_ANSWER;
use process::{Spec, run};

/// How QEMU is confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confine {
    /// Not at all.
    #[default]
    None,
    /// System calls that a running guest has no use for end QEMU: it starts no program, gains no right, and leaves its
    /// scheduling to perfvt.
    Sandbox,
}

impl Confine {
    /// All, by the words of the key; `auto` is decided when a campaign is planned.
    pub const WORDS: [&str; 2] = ["none", "sandbox"];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Confine::None => "none",
            Confine::Sandbox => "sandbox",
        }
    }

    /// The value of `-sandbox`. qemu-bridge-helper, which opens taps for an ordinary user, is a program with rights of its own:
    /// QEMU must be able to start it.
    pub(super) fn argument(self, starts_helper: bool) -> Option<String> {
        let may = if starts_helper { "allow" } else { "deny" };
        (self == Confine::Sandbox)
            .then(|| format!("on,obsolete=deny,elevateprivileges={may},spawn={may},resourcecontrol=deny"))
    }
}

/// Whether a QEMU was built with its sandbox.
pub fn has_sandbox(qemu: &str) -> bool {
    run(Spec::new(qemu).args(["-sandbox", "on", "-version"]), HOST_ANSWER).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_lets_qemu_start_nothing_but_the_helper_that_opens_its_taps() {
        assert!(Confine::Sandbox.argument(false).unwrap().contains("spawn=deny"));
        assert!(Confine::Sandbox.argument(true).unwrap().contains("spawn=allow"));
        assert_eq!(Confine::None.argument(true), None);
        assert!(!has_sandbox("false"));
    }
}
