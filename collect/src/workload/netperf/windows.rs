//! netserver in a Windows guest: a program that the user brings, since perfvt's tools are for Linux. The client is a netperf for Linux:
//! what runs in a Windows guest tells nothing before its end, and a session is followed while it runs.

use super::super::common::{Job, wait_for_port};
use super::{PROTOCOLS, UDP_STREAM};
use crate::brought::{self, Wish};
use crate::lab::{Failed, Lab};
use crate::parse::os_of;
use model::{Params, ParamsError};
use vm::guest::network::SERVER_PORT;
use vm::guest::os::Os;

/// The key that names the program.
pub(super) const EXE: &str = "netserver_windows";

/// Whether the server's guest is a Windows. Parameters of the wrong kind were refused with the cases.
pub(super) fn serves(params: &Params) -> bool {
    os_of(params, "vm1").is_ok_and(|os| os == Os::Windows)
}

/// What is brought into such a guest.
pub(super) fn brings(params: &Params) -> Vec<Wish> {
    if serves(params) { vec![Wish::of(params, EXE, "netserver.exe").for_windows()] } else { Vec::new() }
}

/// Refuses what netperf cannot do with a Windows guest.
///
/// # Errors
/// No program for it; a client in such a guest; a protocol that is counted by the guest's kernel.
pub(super) fn check(params: &Params) -> Result<(), ParamsError> {
    if os_of(params, "vm2")? == Os::Windows {
        let wanted = "linux: netperf is followed while it runs, and a program in a Windows guest tells nothing before its end";
        return Err(params.object_params("vm2").wrong("guest_os", wanted));
    }
    if !serves(params) {
        return Ok(());
    }
    brought::check_windows(params, EXE)?;
    if params.list("protocols")?.contains(&UDP_STREAM) {
        let others =
            PROTOCOLS.map(|(protocol, _)| protocol).into_iter().filter(|protocol| *protocol != UDP_STREAM);
        let wanted = format!(
            "some of {}: what of UDP_STREAM arrives is counted by the guest, and Windows does not tell it",
            others.collect::<Vec<_>>().join(", ")
        );
        return Err(params.wrong("protocols", &wanted));
    }
    Ok(())
}

/// Starts the server, which stays in the foreground as a job of the guest's agent, and waits until it listens.
pub(super) fn serve(lab: &mut dyn Lab) -> Result<(), Failed> {
    let program = lab.brought(EXE)?;
    let job = Job::serve(lab, &[program.as_str(), "-D", "-4", "-p", &SERVER_PORT.to_string()])?;
    wait_for_port(lab, SERVER_PORT, &job)
}
