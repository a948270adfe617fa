//! A user that nobody is, for children that must not be root.

use rustix::fs::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;

/// A user, its group, and further groups.
#[derive(Clone, Debug)]
pub struct User {
    uid: u32,
    groups: Vec<Gid>,
    /// An abstract socket is bound by one process on a host and is gone with it.
    _claim: Arc<UnixListener>,
}

impl User {
    /// One with a claim on its number, in no group but its own.
    pub(super) fn claimed(uid: u32, claim: UnixListener) -> User {
        User { uid, groups: Vec::new(), _claim: Arc::new(claim) }
    }

    /// The same in the group that may read and write a device, where a group may that is not root's. Gives whether it may use
    /// the device now.
    ///
    /// # Errors
    /// There is no such device.
    pub fn admit(&mut self, device: &Path) -> io::Result<bool> {
        let found = std::fs::metadata(device)?;
        let mode = found.permissions().mode();
        let by_group = mode & 0o060 == 0o060 && found.gid() != 0;
        if by_group && !self.groups.iter().any(|group| group.as_raw() == found.gid()) {
            self.groups.push(Gid::from_raw(found.gid()));
        }
        Ok(by_group || mode & 0o006 == 0o006)
    }

    /// Its number.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Makes the calling process this user's. Only for a child between fork and exec.
    pub(super) fn take(&self) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.uid));
        set_thread_groups(&self.groups)?;
        set_thread_res_gid(gid, gid, gid)?;
        // Last: it takes the right to the others.
        set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_admitted_to_a_device_by_its_group_or_by_everybodys_right_and_never_by_roots_group() {
        let mut user = User::unused().unwrap();
        assert!(user.admit(Path::new("/dev/null")).unwrap());
        assert!(user.groups.is_empty());
        let dir = tempfile::tempdir().unwrap();
        let device = dir.path().join("device");
        std::fs::write(&device, "").unwrap();
        std::fs::set_permissions(&device, PermissionsExt::from_mode(0o660)).unwrap();
        let group = std::fs::metadata(&device).unwrap().gid();
        assert_eq!(user.admit(&device).unwrap(), group != 0);
        assert!(user.admit(&dir.path().join("none")).is_err());
    }
}
