//! How long a guest takes to boot, by stage: QEMU, firmware, kernel, user space.
//!
//! The boot that is measured is the one that every repeat begins with: the console and the firmware's debug port are
//! listened to meanwhile, and the last moment is the guest's READY.

use super::common::{failed, read, value, value_at};
use super::{Known, Needs, Outcome, Workload};
use crate::lab::{Failed, Lab, keep};
use formats::boot::parse;
use model::{Case, Params, ParamsError, Window};
use std::path::Path;
use vm::guest::os::Os;

/// The workload.
pub struct Boot;

/// What the lab heard, in a case's raw folder.
const TRACE: &str = "boot-trace.txt";

impl Workload for Boot {
    fn name(&self) -> &'static str {
        "boot"
    }

    fn measures(&self) -> &'static str {
        "how long a guest takes to boot, by stage"
    }

    fn parameters(&self) -> &'static [Known] {
        &[]
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn cases(&self, _: &Params) -> Result<Vec<Case>, ParamsError> {
        let keys = [("guests", "1")].into_iter().collect();
        Ok(vec![Case { workload: self.name().into(), category: "boot".into(), keys }])
    }

    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        ["qemu_ms", "firmware_ms", "kernel_ms", "userspace_ms", "total_ms"].map(String::from).into()
    }

    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("its stages are read off the console of a Linux kernel"),
        }
    }

    fn runs_alone(&self, _: &Params) -> Result<(), &'static str> {
        Err("a boot is timed until the guest takes commands")
    }

    fn needs(&self, _: &Params) -> Needs {
        Needs { boot_trace: true, ..Needs::default() }
    }

    fn seconds(&self, _: &Params) -> f64 {
        0.0
    }

    fn session_length(&self, _: &Params) -> String {
        "0".into()
    }

    fn rhs_name(&self, _: f64) -> String {
        "boot-result.RHS".into()
    }

    fn prepare(&self, _: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        Ok(())
    }

    fn measure(&self, lab: &mut dyn Lab, _: &Case, _: &Params, raw: &Path) -> Result<(), Failed> {
        let trace = lab.boot_trace().ok_or_else(|| failed("nobody listened while the guest booted"))?;
        keep(raw, TRACE, &trace)
    }

    fn parse(&self, _: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let stages = parse(&read(raw, TRACE)?).map_err(failed)?;
        let ms = |from: f64, to: f64| (to - from) * 1000.0;
        let (firmware, kernel) = (stages.firmware.at, stages.kernel.at);
        let (user, ready) = (stages.user_space.at, stages.ready.at);
        let values = vec![
            value_at("qemu_ms", ms(0.0, firmware), TRACE, stages.firmware.line),
            value_at("firmware_ms", ms(firmware, kernel), TRACE, stages.kernel.line),
            value_at("kernel_ms", ms(kernel, user), TRACE, stages.user_space.line),
            value_at("userspace_ms", ms(user, ready), TRACE, stages.ready.line),
            value("total_ms", ms(0.0, ready)),
        ];
        let window = Window {
            start_unix_ns: stages.start_unix_ns,
            mono_ns: stages.start_mono_ns,
            len_ns: (ready * 1e9) as u64,
        };
        Ok(Outcome { window, values, series: Vec::new() })
    }
}
