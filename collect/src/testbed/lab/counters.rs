//! What of a boot can be counted, and what cannot.

use super::GuestLab;
use crate::lab::window::{HostCounters, SwitchCounted};
use crate::lab::{Failed, HostSample, Lab, Snapshot};
use formats::counters::{CpuTicks, files};
use model::{Accel, Code};
use process::deadlines::HOST_ANSWER;
use std::collections::BTreeMap;
use std::path::Path;
use vm::guest::machine::GuestError;
use vm::guest::network::Switched;
use vm::guest::os::Os;

impl GuestLab {
    /// KVM's counters, summed over the vCPUs. None under emulation, where KVM counts nothing.
    pub(super) fn kvm_counters(&mut self) -> BTreeMap<String, u64> {
        if self.spec.accel != Accel::Kvm {
            return BTreeMap::new();
        }
        let GuestLab { kvm, machine, .. } = self;
        kvm.read(|wanted| machine.qmp().execute("query-stats", wanted, HOST_ANSWER).ok())
    }

    /// What the switch between the guests has counted, if they have one.
    pub(super) fn switch_counted(&self) -> Result<Option<SwitchCounted>, Failed> {
        let told = self.cables.switch().map(Switched::told).transpose();
        let told = told.map_err(|error| Failed::new(Code::Host, error.to_string()))?;
        Ok(told.as_ref().map(SwitchCounted::of))
    }

    /// What the host counts.
    pub(super) fn host_counters(&self) -> Result<HostCounters, Failed> {
        let tap = self.cables.way.traffic(self.machine.pid());
        let switch = self.switch_counted()?;
        Ok(HostCounters { tap, switch, link: self.link, ..HostCounters::read(Path::new("/")) })
    }

    /// The host's part of a snapshot, at the moment at which a guest that nobody talks to has marked an end of its window.
    pub(in crate::testbed) fn marked(&mut self) -> Result<Snapshot, Failed> {
        let HostSample { at, cpu, threads, own_ns } = self.host_sample()?;
        let (kvm, host) = (self.kvm_counters(), self.host_counters()?);
        Ok(Snapshot { at, host_cpu: cpu, threads, own_ns, kvm, host, ..Snapshot::default() })
    }

    /// Which of the files of counters are there: `cat` fails for all when one is missing.
    pub(super) fn find_counters(&mut self) -> Result<(), GuestError> {
        if self.machine.os == Os::Windows {
            return Ok(());
        }
        let wanted: Vec<&'static str> = files().into_iter().map(|(path, _)| path).collect();
        let listed = self.machine.exec(&[&["ls"][..], &wanted].concat(), self.machine.soon())?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        self.counters = wanted.into_iter().filter(|path| listed.lines().any(|l| l == *path)).collect();
        Ok(())
    }

    /// CPU time of the client's host, when it is another one and tells it.
    pub(super) fn client_cpu(&mut self) -> Option<CpuTicks> {
        let told = self.remote.as_ref()?.cpu();
        self.client_silent = told.as_ref().err().cloned();
        told.ok()
    }

    /// Metrics that cannot be had in this boot, with the reason.
    pub(in crate::testbed) fn absent(&self) -> Vec<(&'static str, String)> {
        let mut absent = Vec::new();
        if self.spec.accel != Accel::Kvm {
            absent.push(("exits", "not available under TCG: KVM counts them".to_owned()));
            absent.push(("irq_inj", "not available under TCG: KVM counts them".to_owned()));
        } else if self.kvm.source().is_none() {
            for metric in ["exits", "irq_inj"] {
                absent
                    .push((metric, "neither QEMU's query-stats nor debugfs tells KVM's counters".to_owned()));
            }
        }
        absent.extend(self.client_silent.iter().map(|reason| ("client_CPU", reason.clone())));
        for (path, metrics) in files() {
            let reason = match self.machine.os {
                Os::Windows => "the guest agent of a Windows guest does not tell it".to_owned(),
                Os::Linux if self.counters.contains(&path) => continue,
                Os::Linux => format!("the guest's kernel has no {path}"),
            };
            absent.extend(metrics.into_iter().map(|metric| (metric, reason.clone())));
        }
        for (metric, resource) in
            [("host_psi_cpu", "cpu"), ("host_psi_io", "io"), ("host_psi_memory", "memory")]
        {
            let path = format!("/proc/pressure/{resource}");
            if !Path::new(&path).exists() {
                absent.push((metric, format!("this host's kernel has no {path}")));
            }
        }
        absent.extend(self.boot.absent.iter().cloned());
        absent
    }
}
