//! A user that nobody is: found, and claimed.

use super::deadlines::HOST_ANSWER;
use super::run::run;
use super::spawn::Spec;
use super::user::User;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener};

/// Numbers for users that have no name and live as long as a process (systemd, "Users, Groups, UIDs and GIDs").
const NUMBERS: std::ops::RangeInclusive<u32> = 61_184..=65_519;

impl User {
    /// One that no process and no account of this host has, and no other perfvt while this lives. It is in no group but its own.
    ///
    /// # Errors
    /// All are taken, or sockets are denied.
    pub fn unused() -> io::Result<User> {
        for uid in NUMBERS {
            let address = SocketAddr::from_abstract_name(format!("perfvt-user-{uid}"))?;
            match UnixListener::bind_addr(&address) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
                Ok(_) if is_somebody(uid) => {}
                Ok(claim) => return Ok(User::claimed(uid, claim)),
            }
        }
        Err(io::Error::other(format!(
            "each user from {} to {} is somebody already",
            NUMBERS.start(),
            NUMBERS.end()
        )))
    }
}

/// Whether a user has an account or a process.
fn is_somebody(uid: u32) -> bool {
    let account = run(Spec::new("getent").args(["passwd", &uid.to_string()]), HOST_ANSWER);
    let owns = |entry: &std::fs::DirEntry| entry.metadata().is_ok_and(|found| found.uid() == uid);
    account.is_ok() || std::fs::read_dir("/proc").is_ok_and(|all| all.flatten().any(|entry| owns(&entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_users_at_a_time_differ_and_are_nobody() {
        let (one, other) = (User::unused().unwrap(), User::unused().unwrap());
        assert_ne!(one.uid(), other.uid());
        assert!(!is_somebody(one.uid()) && is_somebody(rustix::process::geteuid().as_raw()));
    }
}
