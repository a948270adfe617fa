//! Whether a workload fits the guests that parameters describe: what a guest's system cannot do is refused when planning.

use super::Workload;
use crate::guest::os::{Os, os_of};
use crate::scenario::Scenario;
use model::{Params, ParamsError};

/// Keys whose doing takes a Linux guest, with the value that asks for nothing.
const LINUX_KEYS: [(&str, &str); 3] = [("server_vcpus", ""), ("irq_vcpus", ""), ("queues", "1")];

/// Refuses a workload that does not run in the guests of an environment, and what those cannot be set to.
///
/// # Errors
/// The key that is wrong, with the reason.
pub fn check(workload: &dyn Workload, params: &Params) -> Result<(), ParamsError> {
    if !workload.needs(params).guest {
        return Ok(());
    }
    for guest in Scenario::of(params)?.guests() {
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
