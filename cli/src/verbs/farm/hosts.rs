//! `perfvt farm hosts`.

use super::json;
use crate::{DONE, Error};
use edge::visible;
use farm::{Host, Slurm};
use serde::Serialize;
use std::io::Write;

#[derive(Serialize)]
struct Hosts {
    slurm: String,
    hosts: Vec<Host>,
}

/// Lists the hosts that Slurm knows.
pub(super) fn hosts(as_json: bool, out: &mut dyn Write) -> Result<u8, Error> {
    let found = Hosts { slurm: Slurm.version()?, hosts: Slurm.hosts()? };
    if as_json {
        return json(&found, out);
    }
    let width = |of: fn(&Host) -> usize| found.hosts.iter().map(of).max().unwrap_or(0).max(6);
    let (name, state) = (width(|h| h.name.len()), width(|h| h.state.len()));
    writeln!(out, "{:name$}  {:state$}  {:>4}  {:>9}  labels", "host", "state", "CPUs", "memory")?;
    for host in &found.hosts {
        let reason = host.reason.as_ref().map_or(String::new(), |reason| format!("  ({})", visible(reason)));
        let (labels, memory) = (host.labels.join(","), host.memory_mib);
        writeln!(
            out,
            "{:name$}  {:state$}  {:>4}  {memory:>5} MiB  {labels}{reason}",
            host.name, host.state, host.cpus
        )?;
    }
    let fit = found.hosts.iter().filter(|host| host.is_fit()).count();
    writeln!(out, "{fit} of {} fit for work; Slurm {}", found.hosts.len(), found.slurm)?;
    Ok(DONE)
}
