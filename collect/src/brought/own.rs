//! perfvt itself, which is brought to guests that nobody talks to ([`crate::inside`]).

use super::{Brings, Brought, PERFVT, Wish};
use crate::lab::Failed;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use vm::guest::os::Os;

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

impl Brought {
    /// The path of perfvt itself in guests that nobody talks to.
    ///
    /// # Errors
    /// It was not brought.
    pub fn perfvt(&self, own: &Brings) -> Result<&str, Failed> {
        Ok(&self.item(PERFVT, own)?.guest)
    }

    /// The paths in guests of all that an environment brings, by key.
    pub fn paths(&self, own: &Brings) -> BTreeMap<String, String> {
        let items = self.items.iter().filter(|item| item.is_of(own));
        items.map(|item| (item.key.to_owned(), item.guest.clone())).collect()
    }
}
