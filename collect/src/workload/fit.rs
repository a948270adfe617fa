//! Whether a workload fits the guests that parameters describe: what a guest's system cannot do is refused when planning.

use super::Workload;
use crate::parse::{guests, is_offline, os_of, refuse_talk, refuse_watching};
use model::{Origin, Params, ParamsError};
use vm::guest::os::Os;

/// Keys whose doing takes a Linux guest, with the value that asks for nothing.
const LINUX_KEYS: [(&str, &str); 3] = [("server_vcpus", ""), ("irq_vcpus", ""), ("queues", "1")];

/// Whether a guest can run a workload with its defaults, in the usual scenario.
///
/// # Errors
/// Why it cannot.
pub fn fits(workload: &dyn Workload, guest: &Params) -> Result<(), String> {
    let mut params = guest.clone();
    for known in workload.parameters() {
        let is_set = guest.param(known.key).is_some_and(|param| param.origin != Origin::BuiltIn);
        if let Some(default) = known.default.filter(|_| !is_set) {
            params.set(known.key, default, Origin::BuiltIn);
        }
    }
    let os = os_of(&params, "vm1").map_err(|error| error.to_string())?;
    if workload.needs(&params).guest
        && os == Os::Windows
        && let Err(reason) = workload.runs_in(os)
    {
        return Err(format!("not in a Windows guest: {reason}"));
    }
    refuse_watching(&params).and_then(|()| check(workload, &params)).map_err(|error| error.to_string())
}

/// Refuses a workload that does not run in the guests of an environment, and what those cannot be set to.
///
/// # Errors
/// The key that is wrong, with the reason.
pub fn check(workload: &dyn Workload, params: &Params) -> Result<(), ParamsError> {
    if !workload.needs(params).guest {
        return Ok(());
    }
    refuse_talk(params)?;
    if is_offline(params)
        && let Err(reason) = workload.runs_alone(params)
    {
        let name = workload.name();
        let wanted = format!("a way into the guest, because {name} cannot be left alone in it: {reason}");
        return Err(params.object_params("vm1").wrong("channel", &wanted));
    }
    for guest in &guests(params)? {
        if os_of(params, guest)? == Os::Linux {
            continue;
        }
        let own = params.object_params(guest);
        if let Err(reason) = workload.runs_in(Os::Windows) {
            let name = workload.name();
            return Err(
                own.wrong("guest_os", &format!("linux, because {name} is not for Windows guests: {reason}"))
            );
        }
        let nics = own.objects("nics").into_iter().map(|nic| own.object_params(nic));
        for (nic, (key, nothing)) in nics.flat_map(|nic| LINUX_KEYS.map(|known| (nic.clone(), known))) {
            let value = nic.get(key).unwrap_or_default().trim();
            if !value.is_empty() && value != nothing {
                return Err(nic.wrong(key, "nothing of the kind, because guest_os is windows"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::find;

    #[test]
    fn a_guest_can_run_what_its_system_can() {
        let fits = |os: &str, name: &str, more: &[(&str, &str)]| {
            let mut params = Params::new();
            for known in crate::parameters::guest() {
                if let Some(default) = known.default {
                    params.set(known.key, default, Origin::BuiltIn);
                }
            }
            for (key, value) in [&[("image", "/x.qcow2"), ("guest_os", os)], more].concat() {
                params.set(key, value, Origin::Flag("--set".into()));
            }
            super::fits(find(name).unwrap(), &params)
        };
        for workload in crate::workload::ALL {
            assert_eq!(fits("linux", workload.name(), &[]), Ok(()), "{}", workload.name());
        }
        for name in ["ntttcp", "netperf", "command", "qemu-img-bench"] {
            assert_eq!(fits("windows", name, &[]), Ok(()), "{name}");
        }
        let why = fits("windows", "iperf3", &[]).unwrap_err();
        assert!(why.starts_with("not in a Windows guest: "), "{why}");
        assert!(fits("windows", "ntttcp", &[("queues", "2")]).unwrap_err().contains("'queues' is '2'"));
        for workload in crate::workload::ALL {
            let alone = fits("linux", workload.name(), &[("channel", "none"), ("cloud_init", "yes")]);
            match workload.name() {
                "fio" | "iozone" | "ffsb" | "command" | "qemu-img-bench" | "qemu-iotests"
                | "kvm-unit-tests" => {
                    assert_eq!(alone, Ok(()));
                }
                name => {
                    let why = alone.unwrap_err();
                    assert!(why.contains(&format!("because {name} cannot be left alone in it: ")), "{why}");
                }
            }
        }
        assert!(fits("beos", "ntttcp", &[]).unwrap_err().contains("'guest_os' is 'beos'"));
    }
}
