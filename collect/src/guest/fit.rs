//! Whether a workload fits the guests that parameters describe: what a guest's system cannot do is refused when planning.

use super::machine::GuestError;
use super::network::{Layout, Link, NetworkError};
use super::os::Os;
use crate::cartesian::Objects;
use crate::scenario::Scenario;
use crate::workload::Workload;
use model::{Params, ParamsError};

/// Keys whose doing takes a Linux guest, with the value that asks for nothing.
const LINUX_KEYS: [(&str, &str); 3] = [("server_vcpus", ""), ("irq_vcpus", ""), ("queues", "1")];

/// The system of a guest of the scenario: `vm1` is the server's, `vm2` the client's. Where there is no such guest it is
/// Linux.
///
/// # Errors
/// Parameters of the wrong kind.
pub fn os_of(params: &Params, guest: &str) -> Result<Os, ParamsError> {
    if params.get("scenario").is_some() && !Scenario::of(params)?.guests().contains(&guest) {
        return Ok(Os::Linux);
    }
    Os::of(&params.object_params(guest))
}

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
