//! A guest's facts, out of its own files.

use super::{SYSCTLS, bracketed, coalescing, offloads, rings, squeezed};
use model::Fingerprint;

/// What is read in a guest, files and folders; [`guest`] takes what `grep -rsH "" FILE..` prints of them. Settings of
/// the kernel are added by [`super::SYSCTLS`].
const GUEST_FILES: [&str; 7] = [
    "/proc/cmdline",
    "/proc/version",
    "/sys/devices/system/cpu/vulnerabilities",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/class/dmi/id/bios_version",
    // What guest/foreign/irqbalance said; the built-in guest has no such daemon, and no such file.
    "/run/perfvt/irqbalance",
];

/// What prints it all, the files being the arguments: `-H` also for a single file, `-s` for those that are not there, then
/// a section for each setting of a NIC and one for the kernel's log. One command, because each costs an emulated guest
/// 60 ms.
const SCRIPT: &str = r#"grep -rsH "" "$@"
for nic in /sys/class/net/*; do
    nic=${nic##*/}
    [ "$nic" = lo ] && continue
    for flag in k g c; do
        echo "perfvt-section $flag $nic"
        ethtool "-$flag" "$nic" 2> /dev/null
    done
done
echo "perfvt-section dmesg"
dmesg"#;
const SECTION: &str = "perfvt-section ";

/// The arguments with which a guest tells of itself.
pub fn command() -> Vec<String> {
    let sysctls = SYSCTLS.iter().map(|name| format!("/proc/sys/{name}"));
    let words = ["sh", "-c", SCRIPT, "sh"].into_iter().chain(GUEST_FILES).map(str::to_owned);
    words.chain(sysctls).collect()
}

/// What a guest told of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guest {
    /// Facts, `guest.*`.
    pub facts: Fingerprint,
    /// The kernel's log.
    pub dmesg: String,
}

/// Takes apart what the command of the fingerprint printed in a guest; what is not there is absent.
pub fn guest(printed: &str) -> Guest {
    let log = format!("{SECTION}dmesg\n");
    let (printed, dmesg) = printed.split_once(&log).unwrap_or((printed, ""));
    let mut sections = printed.split(SECTION);
    let mut facts = of_files(sections.next().unwrap_or_default());
    for section in sections {
        let (head, text) = section.split_once('\n').unwrap_or((section, ""));
        match head.split_once(' ') {
            Some(("k", nic)) => facts.set(format!("guest.nic.{nic}.offloads"), offloads(text)),
            Some(("g", nic)) => facts.set(format!("guest.nic.{nic}.rings"), rings(text)),
            Some(("c", nic)) => facts.set(format!("guest.nic.{nic}.coalescing"), coalescing(text)),
            _ => {}
        }
    }
    Guest { facts, dmesg: dmesg.to_owned() }
}

/// Facts out of lines `path:content`.
fn of_files(grep: &str) -> Fingerprint {
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
                // `tsc-early` is the same clock before the kernel has calibrated it, seconds after it started.
                facts.set("guest.clocksource", if content == "tsc-early" { "tsc" } else { content });
                continue;
            }
            "/sys/class/dmi/id/bios_version" => "guest.firmware".to_owned(),
            "/run/perfvt/irqbalance" => "guest.irqbalance".to_owned(),
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
        let Guest { facts, dmesg } = guest(
            "/proc/cmdline:console=ttyS0 a:b\n/proc/sys/net/ipv4/tcp_rmem:4096\t131072\t6291456\n\
             /sys/devices/system/cpu/vulnerabilities/meltdown:Mitigation: PTI\n\
             /sys/kernel/mm/transparent_hugepage/enabled:always [madvise] never\ngrep: x\n/proc/other:1\n\
             /sys/devices/system/clocksource/clocksource0/current_clocksource:tsc-early\n\
             /run/perfvt/irqbalance:stopped\n\
             perfvt-section k eth0\nFeatures for eth0:\nrx-gro: on\ntx-lro: off\nperfvt-section g eth0\n\
             Current hardware settings:\nRX: 256\nperfvt-section c eth0\nperfvt-section dmesg\n[0.0] Linux\n",
        );
        assert_eq!(facts.get("guest.kernel.cmdline"), Some("console=ttyS0 a:b"));
        assert_eq!(facts.get("guest.sysctl.net.ipv4.tcp_rmem"), Some("4096 131072 6291456"));
        assert_eq!(facts.get("guest.mitigation.meltdown"), Some("Mitigation: PTI"));
        assert_eq!(facts.get("guest.thp"), Some("madvise"));
        assert_eq!(facts.get("guest.nic.eth0.offloads"), Some("rx-gro"));
        assert_eq!(facts.get("guest.nic.eth0.rings"), Some("rx=256"));
        assert_eq!(facts.get("guest.clocksource"), Some("tsc"));
        assert_eq!(facts.get("guest.irqbalance"), Some("stopped"));
        assert_eq!((facts.0.len(), dmesg.as_str()), (8, "[0.0] Linux\n"));
        assert_eq!(guest(""), Guest::default());
    }
}
