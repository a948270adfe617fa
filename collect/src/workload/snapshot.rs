//! How long it takes to save the state of a guest that runs, and to go on from it: QEMU's jobs snapshot-save and snapshot-load, in a
//! qcow2 disk of the guest's own. How much memory the guest has filled is the factor.

use super::common::{failed, level, read, share, value, value_at};
use super::{Known, Needs, Outcome, Workload, add_case};
use crate::lab::{Failed, Lab, Measured, VmState, keep, window_until};
use crate::parse::disks;
use model::{Case, Params, ParamsError, Phase};
use std::path::Path;
use std::time::Duration;
use vm::deadlines::Step;
use vm::guest::os::Os;

/// The workload.
pub struct Snapshot;

const PARAMETERS: [Known; 4] = [
    Known::new(
        "filled",
        "0 64",
        "numbers",
        "MiB of its memory that the guest has filled with random bytes, a case each",
    ),
    Known::new("disk_size", "1G", "a size", "size of the disk that holds the state"),
    Known::new("disk_format", "qcow2", "qcow2", "its format"),
    Known::new("disk_prealloc", "off", "off, metadata, falloc, full", "how it is made"),
];

/// The file of the raw folder: what was measured, a name and nanoseconds or bytes on each line.
const TOLD: &str = "state.txt";
/// Where the guest fills its memory.
const FILE: &str = "/dev/shm/perfvt-filled";
/// How long the host is looked at before the state is saved.
const BEFORE: Duration = Duration::from_millis(200);

/// Removes what the guest filled before. Its pages get zeros first: freed as they are they would be in the next case's state, too.
fn clear(lab: &mut dyn Lab, limit: Duration) -> Result<(), Failed> {
    let held = format!(
        "if [ -f {FILE} ]; then dd if=/dev/zero of={FILE} conv=notrunc bs=1048576 count=$(($(stat -c %s {FILE}) / 1048576)); fi; rm -f {FILE}"
    );
    lab.exec(&["sh", "-c", &held], limit).map(drop)
}

impl Workload for Snapshot {
    fn name(&self) -> &'static str {
        "snapshot"
    }

    fn measures(&self) -> &'static str {
        "how long a guest's state takes to be saved, and to go on from"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("filled", "0 16"), ("disk_size", "512M")]
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        let first = disks(params)?.into_iter().next();
        let first =
            first.ok_or_else(|| params.wrong("disk_size", "a size such as 1G: the state needs a disk"))?;
        if first.format != "qcow2" {
            return Err(params.wrong("disk_format", "qcow2: no other format holds a guest's state"));
        }
        let levels: Option<Vec<u32>> =
            params.list("filled")?.into_iter().map(|word| word.parse().ok()).collect();
        let levels = levels.filter(|levels| !levels.is_empty());
        let levels = levels.ok_or_else(|| params.wrong("filled", "numbers of MiB, such as '0 64'"))?;
        let memory = params.number("mem", 1u64, "").unwrap_or(u64::MAX);
        if levels.iter().any(|level| u64::from(*level) > memory / 4) {
            return Err(params.wrong("filled", "at most a quarter of the guest's memory (mem)"));
        }
        let mut cases = Vec::new();
        for level in levels {
            let keys = [("filled", level.to_string())].into_iter().collect();
            let case = Case { workload: self.name().into(), category: "snapshot".into(), keys };
            add_case(&mut cases, case, params, "filled")?;
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        ["save_ms", "load_ms", "resume_ms", "CPU"].map(String::from).into()
    }

    fn metrics_besides(&self) -> &'static [&'static str] {
        &["state_MiB"]
    }

    fn runs_in(&self, os: Os) -> Result<(), &'static str> {
        match os {
            Os::Linux => Ok(()),
            Os::Windows => Err("it fills the memory of a Linux guest"),
        }
    }

    fn runs_alone(&self, _: &Params) -> Result<(), &'static str> {
        Err("its state is saved from outside")
    }

    fn needs(&self, _: &Params) -> Needs {
        Needs { writes_disk: true, ..Needs::default() }
    }

    fn seconds(&self, _: &Params) -> f64 {
        3.0
    }

    fn session_length(&self, _: &Params) -> String {
        "0".into()
    }

    fn rhs_name(&self, _: f64) -> String {
        "snapshot-result.RHS".into()
    }

    fn prepare(&self, _: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        Ok(())
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, _: &Params, raw: &Path) -> Result<(), Failed> {
        let filled: u32 = level(case, "filled")?;
        let (soon, limit) = (lab.deadline(Phase::Prepare), lab.deadlines().within(Step::HostRun));
        clear(lab, soon)?;
        if filled > 0 {
            let (to, count) = (format!("of={FILE}"), format!("count={filled}"));
            lab.exec(&["dd", "if=/dev/urandom", &to, "bs=1048576", &count], soon)?;
        }
        let mut told = String::new();
        let mut both = |lab: &mut dyn Lab| {
            told = saved_and_loaded(state(lab)?, limit)?;
            Ok(true)
        };
        let measured = window_until(lab, limit + 2 * BEFORE, BEFORE, &mut both)?;
        state(lab)?.forget(limit)?;
        keep(raw, TOLD, &told)?;
        measured.keep(raw)
    }

    fn parse(&self, _: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let measured = Measured::read(raw)?;
        let text = read(raw, TOLD)?;
        let of = |name: &str| {
            let mut lines = (1u32..).zip(text.lines());
            lines.find_map(|(line, content)| {
                let (key, number) = content.split_once(' ')?;
                (key == name).then(|| Some((number.trim().parse::<u64>().ok()? as f64, line)))?
            })
        };
        let mut values = Vec::new();
        for (metric, name, unit) in
            [("save_ms", "save_ns", 1e6), ("load_ms", "load_ns", 1e6), ("resume_ms", "resume_ns", 1e6)]
        {
            let (number, line) = of(name).ok_or_else(|| failed(format!("{TOLD} has no {name}")))?;
            values.push(value_at(metric, number / unit, TOLD, line));
        }
        let state = of("state_bytes");
        values
            .extend(state.map(|(bytes, line)| value_at("state_MiB", bytes / f64::from(1 << 20), TOLD, line)));
        values.push(value("CPU", share(&measured)?));
        Ok(Outcome { window: measured.window, values, series: Vec::new() })
    }
}

fn state(lab: &mut dyn Lab) -> Result<&mut dyn VmState, Failed> {
    lab.vmstate().ok_or_else(|| failed("the state of this guest cannot be saved"))
}

/// Saves the state and goes on from it at once; what that took, a line each.
fn saved_and_loaded(state: &mut dyn VmState, limit: Duration) -> Result<String, Failed> {
    let (save, bytes) = state.save(limit)?;
    let (load, resume) = state.load(limit)?;
    let mut told = format!(
        "save_ns {}\nload_ns {}\nresume_ns {}\n",
        save.as_nanos(),
        load.as_nanos(),
        resume.as_nanos()
    );
    if let Some(bytes) = bytes {
        told.push_str(&format!("state_bytes {bytes}\n"));
    }
    Ok(told)
}
