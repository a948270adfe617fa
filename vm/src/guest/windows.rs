//! What a Windows guest is told that a Linux guest is told by its own commands: its network, and to tell of itself.
//!
//! Both are scripts for PowerShell that are put into the guest once it takes commands. They are always the same; what they
//! work on comes as arguments, in words that begin with no dash (which PowerShell would take for the name of a parameter).

use super::machine::GuestError;
use super::network::{Address, Layout, Link, NetworkError};
use super::os::Os;
use crate::deadlines::{Deadlines, Step};
use model::Fingerprint;
use std::time::Duration;

/// Runs a script; the next arguments are its path and its own.
const POWERSHELL: [&str; 6] =
    ["powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"];
/// Makes the folder for the user's files and perfvt's; an image may have one already.
const NEW_FOLDER: [&str; 9] =
    ["cmd.exe", "/d", "/c", "if", "not", "exist", "C:\\perfvt", "mkdir", "C:\\perfvt"];
const NETWORK: &str = "network.ps1";
const FACTS: &str = "facts.ps1";
const SCRIPTS: [(&str, &str); 2] = [
    (NETWORK, include_str!("../../guest/windows/network.ps1")),
    (FACTS, include_str!("../../guest/windows/facts.ps1")),
];
/// What a guest may tell of itself; what ends in a dot has something behind it.
const TOLD: [&str; 6] = ["os", "kernel.build", "firmware", "hotfixes", "power_plan", "nic."];

/// What takes commands: a guest.
pub trait Commands {
    /// Runs a command that must end with status 0, and gives its standard output.
    ///
    /// # Errors
    /// It does not, or the guest is dead.
    fn run(&mut self, argv: &[&str], deadline: Duration) -> Result<String, GuestError>;

    /// How long anything may take there.
    fn deadlines(&self) -> Deadlines;

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written, or the guest is dead.
    fn put(&mut self, path: &str, mode: &str, content: &[u8]) -> Result<(), GuestError>;
}

/// Puts into a guest what is asked of it later.
///
/// # Errors
/// The guest takes no files.
pub fn settle(guest: &mut dyn Commands) -> Result<(), GuestError> {
    guest.run(&NEW_FOLDER, guest.deadlines().within(Step::Script))?;
    for (name, script) in SCRIPTS {
        // PowerShell 5 takes the lines of Windows alone for certain.
        guest.put(&Os::Windows.in_home(name), "644", script.replace('\n', "\r\n").as_bytes())?;
    }
    Ok(())
}

/// Gives the NIC with a hardware address its address and MTU, and waits until it can be used.
///
/// # Errors
/// There is no such NIC, or Windows refuses; the text says which.
pub fn set_nic(guest: &mut dyn Commands, mac: &str, address: Address, mtu: u32) -> Result<(), GuestError> {
    let (ip, prefix, mtu) = (address.ip.to_string(), address.prefix.to_string(), mtu.to_string());
    script(guest, NETWORK, &[mac, &ip, &prefix, &mtu]).map(drop)
}

/// What a guest tells of itself, `guest.*`. What it does not tell is absent.
pub fn facts(guest: &mut dyn Commands) -> Fingerprint {
    let said = script(guest, FACTS, &[]).unwrap_or_default();
    let mut facts = Fingerprint::default();
    for (name, value) in said.lines().filter_map(|line| line.trim().split_once(' ')) {
        if TOLD.iter().any(|told| name == *told || told.ends_with('.') && name.starts_with(told)) {
            facts.set(format!("guest.{name}"), value.trim());
        }
    }
    facts
}

fn script(guest: &mut dyn Commands, name: &str, args: &[&str]) -> Result<String, GuestError> {
    let path = Os::Windows.in_home(name);
    guest.run(&[&POWERSHELL[..], &[&path], args].concat(), guest.deadlines().within(Step::Script))
}

/// Refuses links that a Windows guest can have no address on.
///
/// # Errors
/// Its address would come by DHCP.
pub fn check_links(layout: &Layout, guest: usize) -> Result<(), GuestError> {
    let without = |link: &&Link| if guest == 0 { link.server } else { link.client }.is_none();
    match layout.links.iter().find(without) {
        None => Ok(()),
        Some(link) => Err(GuestError::Network(NetworkError::Refused(format!(
            "a Windows guest is given no address by DHCP here; set ip_{}=ADDRESS/LENGTH to a free one of its network",
            link.nic
        )))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Accel;

    /// A guest that says one thing, and notes what it was told.
    struct Says(&'static str, Vec<Vec<String>>);

    impl Commands for Says {
        fn run(&mut self, argv: &[&str], _: Duration) -> Result<String, GuestError> {
            self.1.push(argv.iter().map(|word| (*word).to_owned()).collect());
            Ok(self.0.to_owned())
        }

        fn deadlines(&self) -> Deadlines {
            Deadlines::usual(Accel::Tcg)
        }

        fn put(&mut self, path: &str, _: &str, content: &[u8]) -> Result<(), GuestError> {
            self.1.push(vec!["put".into(), path.into(), String::from_utf8(content.to_vec()).unwrap()]);
            Ok(())
        }
    }

    #[test]
    fn a_nic_is_set_by_words_that_are_arguments_of_a_script_which_is_always_the_same() {
        let mut guest = Says("up 7\r\n", Vec::new());
        settle(&mut guest).unwrap();
        set_nic(&mut guest, "52:54:00:70:76:01", Address::parse("192.168.100.2/24").unwrap(), 9000).unwrap();
        let [folder, network, facts, set] = guest.1.as_slice() else { panic!("{:?}", guest.1) };
        assert_eq!(folder.last().unwrap(), Os::Windows.conventions().home);
        assert_eq!(network[1], "C:\\perfvt\\network.ps1");
        assert!(network[2].contains("New-NetIPAddress") && !network[2].replace("\r\n", "").contains('\n'));
        assert_eq!(facts[1], "C:\\perfvt\\facts.ps1");
        assert_eq!(
            set.join(" "),
            "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File C:\\perfvt\\network.ps1 \
             52:54:00:70:76:01 192.168.100.2 24 9000"
        );
    }

    #[test]
    fn facts_are_those_that_are_known_and_a_line_that_is_none_is_passed_over() {
        let said = "os Microsoft Windows Server 2022 Standard\r\nkernel.build 10.0.20348.2340\r\n\
                    nic.0.driver Red Hat VirtIO Ethernet Adapter 100.93.104.24000\r\n\r\nWARNING: no\r\nfirmware\r\n";
        let facts = facts(&mut Says(said, Vec::new()));
        let found: Vec<(&str, &str)> = facts.0.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            found,
            [
                ("guest.kernel.build", "10.0.20348.2340"),
                ("guest.nic.0.driver", "Red Hat VirtIO Ethernet Adapter 100.93.104.24000"),
                ("guest.os", "Microsoft Windows Server 2022 Standard"),
            ]
        );
    }
}
