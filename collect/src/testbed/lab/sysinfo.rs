//! What is kept of a boot beside its results.

use super::GuestLab;
use model::Fingerprint;
use vm::guest::machine::Machine;
use vm::guest::os::Os;

impl GuestLab {
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
