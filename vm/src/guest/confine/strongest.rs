//! What works here, which is tried.

use super::Confine;
use super::bounds::{Bounds, of_qemu};
use model::Accel;
use process::deadlines::HOST_ANSWER;
use process::{Spec, run};
use std::io;
use std::path::Path;

/// The strongest level that works for a QEMU on this host, by starting it; and why it is none stronger, where something is in
/// the way. `helper`: QEMU starts the program that opens its taps; `opens`: why it opens files of the user's, where it does.
pub fn strongest(qemu: &str, accel: Accel, helper: bool, opens: Option<&str>) -> (Confine, Option<String>) {
    if run(Spec::new(qemu).args(["-sandbox", "on", "-version"]), HOST_ANSWER).is_err() {
        return (Confine::None, Some(format!("{qemu} has no sandbox")));
    }
    if helper {
        let reason =
            "qemu-bridge-helper, which opens taps for an ordinary user, needs a right that landlock takes";
        return (Confine::Sandbox, Some(reason.to_owned()));
    }
    if let Some(why) = opens {
        return (Confine::Sandbox, Some(why.to_owned()));
    }
    if let Err(reason) = try_level(qemu, accel, Confine::Files) {
        return (Confine::Sandbox, Some(reason.to_string()));
    }
    match try_level(qemu, accel, Confine::User) {
        Ok(()) => (Confine::User, None),
        Err(reason) => (Confine::Files, Some(reason.to_string())),
    }
}

/// A path in further arguments of the user's that leads to something, which QEMU is to open.
pub fn named(extra: &[String]) -> Option<&str> {
    let parts = extra.iter().flat_map(|word| word.split([',', '=', ':', '"']));
    parts.filter(|part| part.starts_with('/')).find(|part| Path::new(part).exists())
}

/// Starts a machine without anything in it, and ends it; and looks whether its firmware can be read.
fn try_level(qemu: &str, accel: Accel, confine: Confine) -> io::Result<()> {
    let bounds = Bounds::of(confine, qemu, accel, &[])?;
    let sandbox = confine.argument(false).unwrap_or_default();
    let machine = ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "none"];
    let spec = Spec::new(qemu).args(["-sandbox", &sandbox]).args(machine);
    let spec = spec.args(["-accel", &accel.to_string(), "-S", "-monitor", "stdio"]).input("quit\n");
    run(bounds.around(spec), HOST_ANSWER).map_err(io::Error::other)?;
    for folder in of_qemu(qemu)?.data {
        let spec = Spec::new("test").arg("-r").arg(&folder).arg("-a").arg("-x").arg(&folder);
        run(bounds.around(spec), HOST_ANSWER)
            .map_err(|_| io::Error::other(format!("{} cannot be read by QEMU then", folder.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_qemu_is_not_confined_and_says_why() {
        let (level, why) = strongest("false", Accel::Tcg, false, None);
        assert_eq!((level, why.as_deref()), (Confine::None, Some("false has no sandbox")));
    }

    #[test]
    fn a_file_in_extra_arguments_is_qemus_to_open_and_a_word_is_not() {
        let of = |words: &[&str]| {
            named(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()).map(str::to_owned)
        };
        assert_eq!(of(&["-drive", "if=none,file=/etc/passwd"]).as_deref(), Some("/etc/passwd"));
        assert_eq!(of(&["-rtc", "base=utc", "-device", "virtio-balloon-pci"]), None);
    }

    #[test]
    fn this_hosts_qemu_is_as_confined_as_its_user_and_kernel_allow() {
        if run(Spec::new(crate::guest::QEMU).arg("-version"), HOST_ANSWER).is_err() {
            return testing::skip("QEMU is missing; `make setup` gets it");
        }
        let (level, why) = strongest(crate::guest::QEMU, Accel::Tcg, false, None);
        match why {
            Some(reason) if level < Confine::usual() => {
                testing::skip(format_args!("{}: {reason}", level.word()))
            }
            _ => assert_eq!(level, Confine::usual()),
        }
    }
}
