//! A user and network namespace of perfvt's own, in which even an ordinary user may create bridges and taps.
//!
//! The kernel removes everything in it when the last process and the last descriptor are gone, so nothing that is
//! created in there can be left behind (namespaces(7), user_namespaces(7)).

use super::spawn::{ProcessError, Sink, Spec};
use crate::deadlines::HOST_ANSWER;
use edge::quoted_end;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why there is no namespace.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// `unshare` did not do it.
    #[error(
        "creating a user and network namespace: {} (some distributions deny this to ordinary users)",
        quoted_end(.0)
    )]
    Denied(String),
    /// It could not be run at all.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Open descriptors of the two namespaces; they live as long as this does, or a process in them.
#[derive(Debug)]
pub struct Namespace {
    user: File,
    net: File,
}

impl Namespace {
    /// Makes both, with the caller mapped to root inside.
    pub fn create() -> Result<Namespace, NamespaceError> {
        Self::make(None)
    }

    /// Makes a second network namespace in the user namespace of another, whose root may join the two by cables.
    pub fn beside(other: &Arc<Namespace>) -> Result<Namespace, NamespaceError> {
        Self::make(Some(other))
    }

    fn make(beside: Option<&Arc<Namespace>>) -> Result<Namespace, NamespaceError> {
        let user: &[&str] = if beside.is_some() { &[] } else { &["--user", "--map-root-user"] };
        let dir = super::private_folder().map_err(|e| NamespaceError::Denied(e.to_string()))?;
        let echo = dir.path().join("echo");
        // `cat` answers from inside: when its line is there, the namespaces and their mappings are complete.
        let mut holder = Spec::new("unshare")
            .args(user)
            .args(["--net", "--", "cat"])
            .namespace(beside)
            .open_input()
            .stdout(Sink::File(echo.clone()))
            .stderr(Sink::File(dir.path().join("stderr")))
            .start()?;
        // A refusal closes the pipe; the wait below then finds the process ended and quotes it.
        let _ = holder.write(b"inside\n");
        let deadline = Instant::now() + HOST_ANSWER;
        while edge::read(&echo, edge::read::RECORD).unwrap_or_default().is_empty() {
            if holder.ended().is_some() || Instant::now() > deadline {
                return Err(NamespaceError::Denied(holder.stderr_tail()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let open = |kind: &str| {
            edge::read::open(Path::new("/proc").join(holder.pid().to_string()).join("ns").join(kind))
        };
        match (open("user"), open("net")) {
            (Ok(user), Ok(net)) => Ok(Namespace { user, net }),
            (Err(e), _) | (_, Err(e)) => Err(NamespaceError::Denied(e.to_string())),
        }
    }

    /// Moves the calling process into both. Only for a child between fork and exec.
    pub(super) fn enter(&self) -> io::Result<()> {
        move_into_link_name_space(self.user.as_fd(), Some(LinkNameSpaceType::User))?;
        move_into_link_name_space(self.net.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;

    #[test]
    fn a_child_in_a_namespace_is_root_there_and_sees_only_its_own_network() {
        let Ok(namespace) = Namespace::create().map(Arc::new) else {
            eprintln!("skipped: this machine denies user namespaces");
            return;
        };
        let inside = |program: &str, args: &[&str]| {
            run(Spec::new(program).args(args).namespace(Some(&namespace)), Duration::from_secs(5)).unwrap()
        };
        assert_eq!(String::from_utf8(inside("id", &["-u"])).unwrap().trim(), "0");
        let dev = String::from_utf8(inside("cat", &["/proc/self/net/dev"])).unwrap();
        assert_eq!(dev.lines().count(), 3, "only the loopback is there: {dev}");
    }
}
