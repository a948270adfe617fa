//! Which files of a result whoever brings it could read without the publisher.
//!
//! A hard link, or a file moved out of a folder that several may write to, puts another user's file into a result; a
//! publisher who may read everything (root) would publish it. So a file is published only when the owner of the folder that
//! it lies in may read it: as its owner, as root, or because everybody may. The number of links tells nothing: `cp -al`
//! makes as many of one's own files.

use rustix::fs::Stat;

/// Permission of everybody to read, and to write.
const READ: u32 = 0o004;
const WRITE: u32 = 0o022;

/// Why a file, or a folder, that lies in a folder is not published; `None` when it may be.
pub(super) fn kept_from(folder: &Stat, file: &Stat) -> Option<&'static str> {
    let public = file.st_mode & READ != 0;
    if public {
        None
    } else if folder.st_uid != 0 && folder.st_uid != file.st_uid {
        Some("not readable by the owner of their folder")
    } else if folder.st_mode & WRITE != 0 {
        Some("not readable by everybody, in a folder that everybody may write to")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Owner and mode, as of a file of this test's own.
    fn stat(uid: u32, mode: u32) -> Stat {
        let mut stat = rustix::fs::stat(".").unwrap();
        (stat.st_uid, stat.st_mode) = (uid, mode);
        stat
    }

    #[test]
    fn a_file_is_published_when_the_owner_of_its_folder_may_read_it() {
        let kept = |folder, file| kept_from(&folder, &file).is_some();
        // One's own, whatever the modes; what everybody may read; what lies in a folder of root.
        assert!(!kept(stat(1000, 0o40700), stat(1000, 0o100600)));
        assert!(!kept(stat(1000, 0o40775), stat(0, 0o100644)));
        assert!(!kept(stat(0, 0o40755), stat(1000, 0o100600)));
        // Another's, a group's too: membership cannot be known here.
        assert!(kept(stat(1000, 0o40755), stat(0, 0o100600)));
        assert!(kept(stat(1000, 0o40755), stat(1001, 0o100640)));
        assert!(kept(stat(1000, 0o40755), stat(0, 0o40700)));
        // Anybody may have put it here.
        assert!(kept(stat(0, 0o41777), stat(0, 0o100600)));
        assert!(kept(stat(1000, 0o40777), stat(1000, 0o100600)));
        assert!(!kept(stat(0, 0o41777), stat(0, 0o100644)));
    }
}
