//! A guest's facts, out of its own files.

use super::{SYSCTLS, bracketed, squeezed};
use model::Fingerprint;

/// What is read in a guest, files and folders; [`guest`] takes what `grep -rs "" FILE..` prints of them. Settings of
/// the kernel are added by [`super::SYSCTLS`].
const GUEST_FILES: [&str; 6] = [
    "/proc/cmdline",
    "/proc/version",
    "/sys/devices/system/cpu/vulnerabilities",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/class/dmi/id/bios_version",
];

/// The arguments with which a guest prints its facts. `-H` also for a single file, `-s` for those that are not there.
pub(crate) fn command() -> Vec<String> {
    let sysctls = SYSCTLS.iter().map(|name| format!("/proc/sys/{name}"));
    let words = ["grep", "-rsH", ""].into_iter().chain(GUEST_FILES).map(str::to_owned);
    words.chain(sysctls).collect()
}

/// Facts of a guest, out of lines `path:content`.
pub fn guest(grep: &str) -> Fingerprint {
    let mut facts = Fingerprint::default();
    for line in grep.lines() {
        let Some((path, content)) = line.split_once(':') else { continue };
        let name = match path {
            "/proc/cmdline" => "guest.kernel.cmdline".to_owned(),
            "/proc/version" => "guest.kernel.build".to_owned(),
            "/sys/kernel/mm/transparent_hugepage/enabled" => {
                facts.set("guest.thp", bracketed(content));
                continue;
            }
            "/sys/devices/system/clocksource/clocksource0/current_clocksource" => {
                "guest.clocksource".to_owned()
            }
            "/sys/class/dmi/id/bios_version" => "guest.firmware".to_owned(),
            _ => match (
                path.strip_prefix("/proc/sys/"),
                path.strip_prefix("/sys/devices/system/cpu/vulnerabilities/"),
            ) {
                (Some(sysctl), _) => format!("guest.sysctl.{}", sysctl.replace('/', ".")),
                (_, Some(name)) => format!("guest.mitigation.{name}"),
                _ => continue,
            },
        };
        facts.set(name, squeezed(content));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_grep_become_facts_and_colons_in_values_stay() {
        let facts = guest(
            "/proc/cmdline:console=ttyS0 a:b\n/proc/sys/net/ipv4/tcp_rmem:4096\t131072\t6291456\n\
             /sys/devices/system/cpu/vulnerabilities/meltdown:Mitigation: PTI\n\
             /sys/kernel/mm/transparent_hugepage/enabled:always [madvise] never\ngrep: x\n/proc/other:1\n",
        );
        assert_eq!(facts.get("guest.kernel.cmdline"), Some("console=ttyS0 a:b"));
        assert_eq!(facts.get("guest.sysctl.net.ipv4.tcp_rmem"), Some("4096 131072 6291456"));
        assert_eq!(facts.get("guest.mitigation.meltdown"), Some("Mitigation: PTI"));
        assert_eq!(facts.get("guest.thp"), Some("madvise"));
        assert_eq!(facts.0.len(), 4);
    }
}
