//! What differs between the operating systems of guests: the one table of their commands and paths.

use formats::counters::Form;

/// The operating system of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// What prints the sockets at which somebody listens over TCP.
    pub sockets: &'static [&'static str],
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
    sockets: &["cat", "/proc/net/tcp", "/proc/net/tcp6"],
    home: "/root",
    separator: '/',
};

const WINDOWS: Conventions = Conventions {
    limited: &[],
    kill: &["taskkill.exe", "/F", "/T", "/PID"],
    counters: &[],
    publish: &[],
    sockets: &["netstat.exe", "-a", "-n", "-p", "TCP"],
    home: "C:\\perfvt",
    separator: '\\',
};

impl Os {
    /// All, by the names that `guest_os` has for them.
    pub const WORDS: [&'static str; 2] = ["linux", "windows"];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Os::Linux => "linux",
            Os::Windows => "windows",
        }
    }

    /// By its name.
    pub fn parse(word: &str) -> Option<Os> {
        match word {
            "linux" => Some(Os::Linux),
            "windows" => Some(Os::Windows),
            _ => None,
        }
    }

    /// How its guests tell what they counted.
    pub fn counted(self) -> Form {
        match self {
            Os::Linux => Form::Files,
            Os::Windows => Form::Agent,
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

    /// Sends one packet to somebody who should answer within so many seconds. [`Os::is_answered`] reads what it prints.
    pub fn ping(self, peer: &str, seconds: u32) -> Vec<String> {
        let (seconds, milliseconds) = (seconds.to_string(), seconds.saturating_mul(1000).to_string());
        let words = match self {
            Os::Linux => ["ping", "-c", "1", "-W", &seconds, peer],
            Os::Windows => ["ping.exe", "-n", "1", "-w", &milliseconds, peer],
        };
        words.map(str::to_owned).to_vec()
    }

    /// Whether somebody answered. Windows's ping ends with status 0 as well when its own host says that nobody can be
    /// reached; an answer alone has a time to live, which is `TTL` in every language.
    pub fn is_answered(self, status: i32, printed: &str) -> bool {
        status == 0 && (self == Os::Linux || printed.contains("TTL="))
    }

    /// Whether somebody listens at a TCP port, in what [`Conventions::sockets`] prints.
    pub fn listens(self, printed: &str, port: u16) -> bool {
        // `/proc/net/tcp` counts in hexadecimal; state 0A is LISTEN.
        let (hexadecimal, decimal) = (format!(":{port:04X}"), format!(":{port}"));
        printed.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (self, words.as_slice()) {
                (Os::Linux, [_, local, _, "0A", ..]) => local.ends_with(&hexadecimal),
                // The state has a word of each language. Who listens has no peer.
                (Os::Windows, ["TCP", local, "0.0.0.0:0" | "[::]:0", ..]) => local.ends_with(&decimal),
                _ => false,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::{Sink, Spec};
    use std::time::Duration;

    #[test]
    fn a_command_that_finds_no_room_for_what_it_says_says_so() {
        // A /run of its own, which is small. Some machines deny mounts in a user namespace.
        let small = "mount -t tmpfs -o size=64k small /run && exec \"$@\"";
        let run = |argv: &[&str]| {
            let spec = Spec::new("unshare")
                .args(["--user", "--map-root-user", "--mount", "sh", "-c", small, "sh"])
                .args(LINUX.limited)
                .arg("10")
                .args(argv);
            let ended = spec.stdout(Sink::Capture).stderr(Sink::Capture).start().unwrap();
            let ended = ended.finish(Duration::from_secs(4));
            (ended.status.unwrap().code(), String::from_utf8(ended.stderr).unwrap())
        };
        if run(&["true"]).0 != Some(0) {
            return;
        }
        let (status, said) = run(&["head", "-c", "99999", "/dev/zero"]);
        assert!(status != Some(0) && said.contains("No space left on device"), "{status:?} {said}");
        let (status, said) = run(&["ls", "/none"]);
        assert!(status != Some(0) && said.contains("/none") && !said.contains("No space"), "{said}");
        assert_eq!(run(&["seq", "1", "5"]), (Some(0), String::new()));
    }

    #[test]
    fn paths_are_those_of_the_guests_system() {
        assert_eq!(Os::Linux.in_home("x"), "/root/x");
        assert_eq!(Os::Windows.in_home("x"), "C:\\perfvt\\x");
        assert_eq!(Os::WORDS.map(Os::parse), [Some(Os::Linux), Some(Os::Windows)]);
        assert_eq!(Os::parse("beos"), None);
    }

    #[test]
    fn a_listening_port_is_told_from_a_connection_to_it() {
        let text = "  sl  local_address rem_address   st tx_queue\n   0: 00000000:4E20 00000000:0000 0A 0:0\n   \
                    1: 0100007F:1389 0100007F:9999 01 0:0\n";
        let listens = |port| Os::Linux.listens(text, port);
        assert!(listens(20_000) && !listens(5001) && !Os::Linux.listens("", 20_000));
        // netstat of a German Windows.
        let text = "\r\nAktive Verbindungen\r\n\r\n  Proto  Lokale Adresse         Remoteadresse          Status\r\n  \
                    TCP    0.0.0.0:135            0.0.0.0:0              ABHÖREN\r\n  \
                    TCP    192.168.100.2:5001     0.0.0.0:0              ABHÖREN\r\n  \
                    TCP    192.168.100.2:49712    192.168.100.1:445      HERGESTELLT\r\n";
        let listens = |port| Os::Windows.listens(text, port);
        assert!(listens(5001) && listens(135) && !listens(49712) && !listens(1) && !listens(445));
    }

    #[test]
    fn a_host_that_says_that_nobody_is_there_has_not_answered_for_him() {
        let unreachable = "Reply from 192.168.100.2: Destination host unreachable.\r\n";
        assert!(!Os::Windows.is_answered(0, unreachable));
        let answered = "Antwort von 192.168.100.1: Bytes=32 Zeit<1ms TTL=64\r\n";
        assert!(Os::Windows.is_answered(0, answered) && !Os::Windows.is_answered(1, answered));
        assert_eq!(Os::Windows.ping("10.0.2.2", 2).join(" "), "ping.exe -n 1 -w 2000 10.0.2.2");
        assert_eq!(Os::Linux.ping("10.0.2.2", 1).join(" "), "ping -c 1 -W 1 10.0.2.2");
        assert!(Os::Linux.is_answered(0, "") && !Os::Linux.is_answered(1, ""));
    }
}
