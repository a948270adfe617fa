//! perfvt itself, which is brought to guests that nobody talks to ([`crate::inside`]).

use super::Wish;
use std::path::PathBuf;
use std::sync::OnceLock;
use vm::guest::os::Os;

/// What stands in the place of a key: there is none for it.
pub(super) const PERFVT: &str = "perfvt";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says which program does jobs in guests when it is started there with [`crate::inside::INSIDE_VERB`]: perfvt itself. In a program
/// that says none, which are tests of libraries, there is nobody to do them.
pub fn inside_by(program: PathBuf) {
    // Said once, at the beginning.
    let _ = PROGRAM.set(program);
}

impl Wish {
    /// perfvt itself.
    pub fn perfvt() -> Wish {
        let value = PROGRAM.get().map(|path| path.display().to_string()).unwrap_or_default();
        Wish { key: PERFVT, value, program: PERFVT, os: Os::Linux, in_guest: false, on_host: false }
    }
}
