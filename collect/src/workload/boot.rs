//! How long a guest takes to boot, by stage: QEMU, firmware, kernel, user space.
//!
//! The boot that is measured is the one that every repeat begins with: the console and the firmware's debug port are
//! listened to meanwhile, and the last moment is the guest's READY. What systemd and cloud-init counted in a guest that has
//! them, and the size of what it was booted from, are asked for behind that.

use super::common::{failed, read, value, value_at};
use super::{Known, Needs, Outcome, Value, Workload};
use crate::lab::{Failed, Lab, keep};
use formats::boot::{cloud_init, parse_with, systemd};
use model::{Case, Params, ParamsError, Window};
use std::path::Path;
use vm::guest::os::Os;

/// The workload.
pub struct Boot;

/// What the lab heard, in a case's raw folder.
const TRACE: &str = "boot-trace.txt";
/// What systemd says of the boot.
pub const SYSTEMD: &str = "systemd.txt";
/// What cloud-init says of it.
pub const CLOUD_INIT: &str = "cloud-init.txt";
/// What the files take on this host that the guest was booted from, bytes.
pub const IMAGE_BYTES: &str = "image-bytes.txt";
/// The metric of that.
pub const IMAGE_METRIC: &str = "image_MiB";

/// How long each boot of the same disk took that came before the one that is measured, ms.
pub const EARLIER: &str = "earlier-boots.txt";
/// The metric of the first of them.
const FIRST_METRIC: &str = "first_boot_ms";

const BESIDES: [&str; 11] = {
    let ([a, b, c, d, e], [f, g, h, i]) = (systemd::METRICS, cloud_init::METRICS);
    [a, b, c, d, e, f, g, h, i, IMAGE_METRIC, FIRST_METRIC]
};

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

    fn metrics_besides(&self) -> &'static [&'static str] {
        &BESIDES
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
        for (name, text) in lab.boot_told() {
            keep(raw, name, text)?;
        }
        keep(raw, TRACE, &trace)
    }

    fn parse(&self, _: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let told = told(raw)?;
        let of_kernel = told.iter().find(|value| value.metric == systemd::KERNEL);
        let seconds = of_kernel.map(|value| value.value / 1000.0);
        let stages = parse_with(&read(raw, TRACE)?, seconds).map_err(failed)?;
        let ms = |from: f64, to: f64| (to - from) * 1000.0;
        let (firmware, kernel) = (stages.firmware.at, stages.kernel.at);
        let (user, ready) = (stages.user_space.at, stages.ready.at);
        let mut values = vec![
            value_at("qemu_ms", ms(0.0, firmware), TRACE, stages.firmware.line),
            value_at("firmware_ms", ms(firmware, kernel), TRACE, stages.kernel.line),
            value_at("kernel_ms", ms(kernel, user), TRACE, stages.user_space.line),
            value_at("userspace_ms", ms(user, ready), TRACE, stages.ready.line),
            value("total_ms", ms(0.0, ready)),
        ];
        values.extend(told);
        let window = Window {
            start_unix_ns: stages.start_unix_ns,
            mono_ns: stages.start_mono_ns,
            len_ns: (ready * 1e9) as u64,
        };
        Ok(Outcome { window, values, series: Vec::new() })
    }
}

/// The values of what is known beside the trace, where there is any.
fn told(raw: &Path) -> Result<Vec<Value>, Failed> {
    let kept = |name: &str| if raw.join(name).exists() { read(raw, name).map(Some) } else { Ok(None) };
    let mut values = Vec::new();
    if let Some(text) = kept(SYSTEMD)? {
        let stages = systemd::parse(&text).map_err(failed)?.unwrap_or_default();
        values.extend(stages.into_iter().map(|stage| value_at(stage.metric, stage.ms, SYSTEMD, stage.line)));
    }
    if let Some(text) = kept(CLOUD_INIT)? {
        let stages = cloud_init::parse(&text).map_err(failed)?;
        values
            .extend(stages.into_iter().map(|stage| value_at(stage.metric, stage.ms, CLOUD_INIT, stage.line)));
    }
    if let Some(text) = kept(IMAGE_BYTES)? {
        let bytes: u64 = text
            .trim()
            .parse()
            .map_err(|_| failed(format!("{IMAGE_BYTES}: {} are no bytes", edge::quoted(text.trim()))))?;
        values.push(value_at(IMAGE_METRIC, bytes as f64 / f64::from(1 << 20), IMAGE_BYTES, 1));
    }
    if let Some(text) = kept(EARLIER)? {
        let first = text.lines().next().unwrap_or_default();
        let ms: Option<f64> = first.parse().ok().filter(|ms: &f64| ms.is_finite() && *ms > 0.0);
        let wrong = || failed(format!("{EARLIER}, line 1: {} are no milliseconds", edge::quoted(first)));
        values.push(value_at(FIRST_METRIC, ms.ok_or_else(wrong)?, EARLIER, 1));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE_OF_A_GUEST: &str =
        "start 1 2\n0.1 firmware a\n0.2 firmware b\n1.5 console perfvt: user space\n2 ready\n";

    fn parsed(files: &[(&str, &str)]) -> Result<Vec<Value>, Failed> {
        let dir = tempfile::tempdir().unwrap();
        keep(dir.path(), TRACE, TRACE_OF_A_GUEST).unwrap();
        for (name, text) in files {
            keep(dir.path(), name, text).unwrap();
        }
        let case = Boot.cases(&Params::new()).unwrap().remove(0);
        Boot.parse(&case, &Params::new(), dir.path()).map(|outcome| outcome.values)
    }

    #[test]
    fn what_a_guest_counts_itself_stands_beside_the_five_that_every_guest_has() {
        assert_eq!(parsed(&[]).unwrap().len(), 5);
        let systemd = include_str!("../../../formats/testdata/boot/systemd-debian12-captured.txt");
        let cloud = "-- Boot Record 01 --\nFinished stage: (init-local) 01.50000 seconds\n";
        let files = [(SYSTEMD, systemd), (CLOUD_INIT, cloud), (IMAGE_BYTES, "3145728\n")];
        let values = parsed(&files).unwrap();
        let besides: Vec<_> =
            values.iter().skip(5).map(|value| (value.metric.as_str(), value.value)).collect();
        assert_eq!(
            besides,
            [
                ("systemd_kernel_ms", 17147.937),
                ("systemd_userspace_ms", 48743.764),
                ("cloud_init_local_ms", 1500.0),
                ("image_MiB", 3.0)
            ]
        );
        assert_eq!(values.last().unwrap().raw, Some((IMAGE_BYTES.to_owned(), 1)));
        assert!(besides.iter().all(|(metric, _)| Boot.metrics_besides().contains(metric)));
    }

    #[test]
    fn a_later_boot_stands_beside_the_first_one_of_its_disk() {
        let values = parsed(&[(EARLIER, "90000.500\n40000.000\n")]).unwrap();
        let first = values.last().unwrap();
        assert_eq!((first.metric.as_str(), first.value), (FIRST_METRIC, 90000.5));
        assert!(Boot.metrics_besides().contains(&FIRST_METRIC));
    }

    #[test]
    fn a_guest_with_a_quiet_kernel_has_the_stages_that_its_systemd_tells() {
        let dir = tempfile::tempdir().unwrap();
        keep(dir.path(), TRACE, "start 1 2\n0.1 firmware a\n0.2 firmware b\n70 ready\n").unwrap();
        let case = Boot.cases(&Params::new()).unwrap().remove(0);
        let parse = || Boot.parse(&case, &Params::new(), dir.path());
        assert!(parse().unwrap_err().reason.contains("ignore_loglevel"));
        keep(
            dir.path(),
            SYSTEMD,
            include_str!("../../../formats/testdata/boot/systemd-debian12-captured.txt"),
        )
        .unwrap();
        let values = parse().unwrap().values;
        let of = |metric: &str| values.iter().find(|value| value.metric == metric).unwrap().value;
        assert!((of("kernel_ms") - 17147.937).abs() < 1e-6 && (of("userspace_ms") - 52652.063).abs() < 1e-6);
    }

    #[test]
    fn what_was_kept_and_cannot_be_read_is_no_sample() {
        assert!(parsed(&[(SYSTEMD, "x\n")]).unwrap_err().reason.contains("systemctl show output, line 1"));
        assert!(parsed(&[(IMAGE_BYTES, "many\n")]).unwrap_err().reason.contains("'many'"));
        for nonsense in ["", "soon\n", "-1\n", "inf\n"] {
            assert!(parsed(&[(EARLIER, nonsense)]).unwrap_err().reason.contains("no milliseconds"));
        }
    }
}
