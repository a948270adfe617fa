//! Machines that bear a load while others are measured: it runs before anything of a case is started, and still does when that is over.

use super::GuestLab;
use super::others::{FIRST_OTHER, of_machine};
use crate::lab::Failed;
use vm::guest::job::{JobRequest, Standing};

/// Where the load of so many cases before keeps its files in the guest.
fn job(loads: u32) -> String {
    format!("/run/perfvt-neighbour-{loads}")
}

impl GuestLab {
    /// Starts the load of each neighbour, and looks that it runs.
    pub(super) fn load_neighbours(&mut self) -> Result<(), Failed> {
        self.loads = self.loads.wrapping_add(1);
        let job = job(self.loads);
        for (guest, load) in self.spec.neighbours.clone() {
            let vcpus = self.spec.guests.get(guest).map_or(1, |guest| guest.hardware.smp);
            let argv = load.argv(vcpus);
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            self.ask_neighbour(guest, &JobRequest::Start { job: &job, argv: &argv, server: false })?;
            self.look_at_neighbour(guest)?;
        }
        Ok(())
    }

    /// Makes sure that each load still runs, and ends it.
    pub(super) fn relieve_neighbours(&mut self) -> Result<(), Failed> {
        let mut first = Ok(());
        for (guest, _) in self.spec.neighbours.clone() {
            let ran = self.look_at_neighbour(guest);
            let signal = JobRequest::Signal { job: &job(self.loads), signal: "KILL" };
            let ended = self.ask_neighbour(guest, &signal);
            first = first.and(ran).and(ended.map(drop));
        }
        first
    }

    fn look_at_neighbour(&mut self, guest: usize) -> Result<(), Failed> {
        let all = self.ask_neighbour(guest, &JobRequest::Look { jobs: &[&job(self.loads)] })?;
        let ended = all.first().and_then(|standing| standing.heading.status);
        ended.map_or(Ok(()), |status| {
            let name = self.spec.guests.get(guest).map_or("", |guest| guest.name.as_str());
            Err(Failed::tool(format!(
                "the load of the neighbour {name} ended with status {status} within the case"
            )))
        })
    }

    fn ask_neighbour(&mut self, guest: usize, request: &JobRequest<'_>) -> Result<Vec<Standing>, Failed> {
        let name = self.spec.guests.get(guest).map_or("", |guest| guest.name.as_str());
        let machine = guest.checked_sub(FIRST_OTHER).and_then(|place| self.others.get_mut(place));
        let machine = machine.ok_or_else(|| Failed::tool(format!("there is no neighbour {name}")))?;
        let soon = machine.soon();
        machine.job(request, soon).map_err(|error| of_machine(name, &error.failure()))
    }
}
