//! What the guests of a boot tell of themselves, for its fingerprint and its `sysinfo/`.

use super::GuestLab;
use crate::testbed::built;
use model::Fingerprint;
use std::path::Path;
use vm::guest::machine::Machine;
use vm::guest::os::Os;
use vm::guest::windows;
use vm::host::fingerprint;

impl GuestLab {
    /// What the server's guest tells of itself, and the program that runs it. What it does not tell is absent.
    pub(in crate::testbed) fn guest_facts(&mut self) -> fingerprint::Guest {
        let mut told = match self.machine.os {
            // It tells of itself among its results.
            Os::Linux if self.spec.is_offline() => fingerprint::Guest::default(),
            Os::Linux => {
                let command = fingerprint::guest_command();
                let words: Vec<&str> = command.iter().map(String::as_str).collect();
                let text = self
                    .machine
                    .exec(&words, self.machine.soon())
                    .map(|reply| reply.stdout)
                    .unwrap_or_default();
                fingerprint::guest(&String::from_utf8_lossy(&text))
            }
            Os::Windows => fingerprint::Guest {
                facts: windows::facts(&mut self.machine),
                ..fingerprint::Guest::default()
            },
        };
        // The file that runs, also when its name has been given to another one since.
        let binary = format!("/proc/{}/exe", self.machine.pid());
        told.facts.set("qemu.binary", fingerprint::hash_file(Path::new(&binary)).unwrap_or_default());
        self.spec.guests.iter().take(1).for_each(|guest| built::facts(guest, &mut told.facts));
        told
    }

    /// Data disks that are no files of this host which QEMU opens, and what was measured of what serves them.
    pub(in crate::testbed) fn disk_facts(&self, facts: &mut Fingerprint) {
        let all = self.spec.guests.first().map(|guest| guest.disks.data.as_slice()).unwrap_or_default();
        for disk in all {
            if let Some(what) = disk.at.describe() {
                facts.set(format!("disk{}", disk.number), what);
            }
        }
        for file in self.disks.iter().flatten() {
            if let Some(measured) = file.measured() {
                facts.set(format!("disk{}.measured", file.number()), measured.describe());
            }
        }
    }

    /// QEMU's command lines as they were executed, with what stands for names of this boot: an argument on each line, the guests
    /// apart by an empty one.
    pub(in crate::testbed) fn shown(&self) -> String {
        let second = self.second.as_ref().map(|second| second.borrow());
        let second = second.as_ref().and_then(|second| second.machine.as_ref());
        let line = |machine: &Machine| machine.argv.shown.join("\n");
        let all = [Some(&self.machine), second].into_iter().flatten().chain(&self.others);
        all.map(line).collect::<Vec<_>>().join("\n\n")
    }

    /// Files for the repeat's `sysinfo/`.
    pub(in crate::testbed) fn sysinfo(
        &mut self,
        facts: &Fingerprint,
        dmesg: String,
    ) -> Vec<(String, String)> {
        let facts: String = facts.0.iter().map(|(k, v)| format!("{k}: {v}\n")).collect();
        let placement = serde_json::to_string_pretty(&self.machine.placement()).unwrap_or_default();
        let mut files = vec![
            ("facts.txt".to_owned(), facts),
            ("placement.json".to_owned(), placement),
            ("qemu.argv".to_owned(), self.machine.argv.executed.join("\n")),
            ("qemu.argv.shown".to_owned(), self.shown()),
        ];
        if self.machine.os == Os::Windows {
            return files;
        }
        files.push(("guest.dmesg".to_owned(), dmesg));
        // Nice to have: a guest that cannot tell is still a guest to measure.
        for (name, path) in [("guest.cmdline", "/proc/cmdline"), ("guest.cpuinfo", "/proc/cpuinfo")] {
            if let Ok(text) = self.machine.read(&[path], self.machine.soon()) {
                files.push((name.to_owned(), text));
            }
        }
        files
    }
}
