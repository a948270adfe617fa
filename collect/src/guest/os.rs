//! What differs between the operating systems of guests: the one table of their commands and paths.

/// The operating system of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Any Linux with a POSIX shell and coreutils or busybox.
    Linux,
    /// Windows with the guest agent of virtio-win.
    Windows,
}

/// Where things are in a guest, and how it is told what every guest can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conventions {
    /// What stands before a command that is to be killed after some seconds; the next arguments are the seconds and
    /// the command. Empty where the host has to kill it.
    pub limited: &'static [&'static str],
    /// What ends a process and all that it started; the next argument is its id.
    pub kill: &'static [&'static str],
    /// What prints files one after the other, the guest's clock first; the next arguments are their paths.
    pub counters: &'static [&'static str],
    /// What gives a new file its mode and its name; the next arguments are its path, the new one's, and the mode.
    /// Empty where files have no mode.
    pub publish: &'static [&'static str],
    /// Where the user's files go.
    pub home: &'static str,
    /// What stands between the parts of a path.
    pub separator: char,
}

/// Kills what a command started, too, keeps its output apart from that of daemons that it leaves behind (which would hold
/// a pipe open), and ends with its status.
const LIMITED: &str = include_str!("../../guest/foreign/limited");
const COUNTERS: &str = include_str!("../../guest/foreign/counters");
const PUBLISH: &str = include_str!("../../guest/foreign/publish");

const LINUX: Conventions = Conventions {
    limited: &["/bin/sh", "-c", LIMITED, "perfvt"],
    kill: &["/bin/kill", "-KILL"],
    counters: &["/bin/sh", "-c", COUNTERS, "perfvt"],
    publish: &["/bin/sh", "-c", PUBLISH, "perfvt"],
    home: "/root",
    separator: '/',
};

const WINDOWS: Conventions = Conventions {
    limited: &[],
    kill: &["taskkill.exe", "/F", "/T", "/PID"],
    counters: &[],
    publish: &[],
    home: "C:\\perfvt",
    separator: '\\',
};

impl Os {
    /// All, by the names that `guest_os` has for them.
    pub const WORDS: [&'static str; 2] = ["linux", "windows"];

    /// By its name.
    pub fn parse(word: &str) -> Option<Os> {
        match word {
            "linux" => Some(Os::Linux),
            "windows" => Some(Os::Windows),
            _ => None,
        }
    }

    /// Its row of the table.
    pub fn conventions(self) -> &'static Conventions {
        match self {
            Os::Linux => &LINUX,
            Os::Windows => &WINDOWS,
        }
    }

    /// The path of a file in the folder for the user's files.
    pub fn in_home(self, name: &str) -> String {
        let Conventions { home, separator, .. } = self.conventions();
        format!("{home}{separator}{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_guests_system() {
        assert_eq!(Os::Linux.in_home("x"), "/root/x");
        assert_eq!(Os::Windows.in_home("x"), "C:\\perfvt\\x");
        assert_eq!(Os::WORDS.map(Os::parse), [Some(Os::Linux), Some(Os::Windows)]);
        assert_eq!(Os::parse("beos"), None);
    }
}
