//! The only place where a process is started.
//!
//! Every child is started from one permanent thread, because the kernel sends a parent-death signal when the
//! *thread* that forked ends (prctl(2), PR_SET_PDEATHSIG). Each child gets a process group of its own, so that a
//! Ctrl-C in the terminal reaches perfvt alone, and SIGKILL when perfvt dies, however it dies. Nothing is ever
//! killed by name, and no child is a shell that is handed a string with data in it.

mod child;
pub mod deadlines;
mod error;
mod folder;
mod git;
mod inherited;
mod namespace;
mod nobody;
mod rules;
mod run;
mod running;
mod spawn;
mod stop;
mod strangers;
mod unshare;
mod user;

pub use error::{LONGEST_OUTPUT, ProcessError};
pub use folder::{
    PrivateFolder, living_folders, name_folders_after, private_folder, private_folder_in, remove_dead_folders,
};
pub use git::{GitOf, git};
pub use inherited::{Inherited, taken_over};
pub use namespace::Namespace;
pub use rules::Rules;
pub use run::run;
pub use running::{Finished, Running, tail};
pub use spawn::{Sink, Spec};
pub use stop::{note_struck, stop_all, struck_within};
pub use unshare::NamespaceError;
pub use user::User;
