//! How namespaces are made: by `unshare` (util-linux), which holds them until they are open here.

use super::deadlines::HOST_ANSWER;
use super::error::ProcessError;
use super::namespace::Namespace;
use super::spawn::{Sink, Spec};
use edge::quoted_end;
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
        let dir = super::folder::private_folder().map_err(|e| NamespaceError::Denied(e.to_string()))?;
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
}

#[cfg(test)]
mod tests {
    use super::super::run;
    use super::*;

    #[test]
    fn a_child_in_a_namespace_is_root_there_and_sees_only_its_own_network() {
        let Ok(namespace) = Namespace::create().map(Arc::new) else {
            testing::skip("this machine denies user namespaces");
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
