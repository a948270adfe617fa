//! All guests of a boot alike, of which none is a client.

use super::GuestLab;
use super::others::of_machine;
use crate::lab::Failed;
use crate::lab::window::Role;
use model::Code;
use vm::guest::machine::{GuestError, Machine};

impl GuestLab {
    /// Asks each guest, in their order.
    pub(in crate::testbed) fn each<T>(
        &mut self,
        mut ask: impl FnMut(&mut Machine) -> Result<T, GuestError>,
    ) -> Result<Vec<T>, Failed> {
        let names: Vec<String> = self.spec.guests.iter().map(|guest| guest.name.clone()).collect();
        let all = std::iter::once(&mut self.machine).chain(&mut self.others);
        let told = all
            .zip(&names)
            .map(|(machine, name)| ask(machine).map_err(|error| of_machine(name, &error.failure())));
        told.collect()
    }

    /// Nanoseconds that the vCPUs of each guest have been on a CPU.
    pub(in crate::testbed) fn work_of_each(&mut self) -> Result<Vec<u64>, Failed> {
        let of = |meter: &mut crate::lab::window::Meter| {
            let vcpus = meter.read().into_iter().filter(|thread| thread.role == Role::Vcpu);
            vcpus.map(|thread| thread.run_ns).reduce(u64::saturating_add)
        };
        let all: Option<Vec<u64>> = self.meters.iter_mut().map(of).collect();
        all.ok_or_else(|| {
            Failed::new(Code::Host, "the kernel does not tell the CPU time of a vCPU (schedstat)")
        })
    }
}
