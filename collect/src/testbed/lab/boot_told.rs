//! What is known of a boot when it is over: what systemd and cloud-init counted in a guest that has them, and the size of what
//! it was booted from.

use super::GuestLab;
use crate::workload::boot::{CLOUD_INIT, EARLIER, IMAGE_BYTES, IMAGE_METRIC, SYSTEMD};
use edge::quoted_end;
use edge::text::text_of;
use formats::boot::{Stage, cloud_init, systemd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};
use vm::deadlines::Step;
use vm::guest::channel::Status;
use vm::guest::image::Image;
use vm::guest::machine::GuestError;
use vm::guest::spec::GuestSpec;

/// How often a boot that is not finished is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// The slowest units, for people.
const SLOWEST: &str = "systemd-blame.txt";

/// What is known of a boot, and what is not.
#[derive(Debug, Default)]
pub(in crate::testbed) struct BootTold {
    /// Files for a case's raw folder.
    pub(super) files: Vec<(&'static str, String)>,
    /// Metrics that cannot be had, with the reason.
    pub(super) absent: Vec<(&'static str, String)>,
}

impl BootTold {
    /// Takes what a guest said, or the reason why it is none.
    fn take(
        &mut self,
        (file, metrics): (&'static str, &[&'static str]),
        said: Result<(String, Vec<Stage>), String>,
        none: &str,
    ) {
        let (text, stages) = match said {
            Ok((text, stages)) => (Some(text), Ok(stages)),
            Err(reason) => (None, Err(reason)),
        };
        for metric in metrics {
            match &stages {
                Ok(stages) if stages.iter().any(|stage| stage.metric == *metric) => {}
                Ok(_) => self.absent.push((metric, none.to_owned())),
                Err(reason) => self.absent.push((metric, reason.clone())),
            }
        }
        self.files.extend(text.map(|text| (file, text)));
    }
}

impl GuestLab {
    /// Keeps how long the boots of the server's guest took that came before this one of the same disk, in seconds.
    pub(in crate::testbed) fn earlier_boots_of(&mut self, seconds: &[f64]) {
        if !seconds.is_empty() {
            let lines = seconds.iter().map(|seconds| format!("{:.3}\n", seconds * 1000.0)).collect();
            self.boot.files.push((EARLIER, lines));
        }
    }

    /// Asks the server's guest, which may have to end its boot first, and looks at its files.
    pub(in crate::testbed) fn ask_of_boot(&mut self, image: &Image) -> Result<(), GuestError> {
        let mut told = std::mem::take(&mut self.boot);
        let said = self.systemd()?;
        let none = "systemd was told of no such stage in this boot";
        told.take((SYSTEMD, &systemd::METRICS), said, none);
        if told.files.iter().any(|(name, _)| *name == SYSTEMD)
            && let Ok(text) = self.told_by(&["systemd-analyze", "--no-pager", "blame"])?
        {
            told.files.push((SLOWEST, text));
        }
        let said = self.told_by(&["cloud-init", "analyze", "show"])?.and_then(|text| {
            let stages = cloud_init::parse(&text).map_err(|error| error.to_string())?;
            Ok((text, stages))
        });
        told.take(
            (CLOUD_INIT, &cloud_init::METRICS),
            said,
            "cloud-init has not ended such a stage in this boot",
        );
        let guest = self.spec.guests.first().and_then(GuestSpec::own);
        let files = match guest {
            Some(own) => {
                let beside = [&own.kernel, &own.initrd].into_iter().flatten();
                own.chain.files().into_iter().chain(beside.map(|file| file.as_path())).collect()
            }
            None => vec![image.kernel.as_path(), image.initramfs.as_path()],
        };
        match bytes_of(&files) {
            Ok(bytes) => told.files.push((IMAGE_BYTES, format!("{bytes}\n"))),
            Err(reason) => told.absent.push((IMAGE_METRIC, reason)),
        }
        self.boot = told;
        Ok(())
    }

    /// What systemd says when the boot is finished, or why it does not.
    fn systemd(&mut self) -> Result<Result<(String, Vec<Stage>), String>, GuestError> {
        let limit = self.machine.deadlines().within(Step::Prepare);
        let until = Instant::now() + limit;
        let properties = systemd::PROPERTIES.join(",");
        loop {
            let text = match self.told_by(&["systemctl", "--no-pager", "show", "--property", &properties])? {
                Ok(text) => text,
                Err(reason) => return Ok(Err(reason)),
            };
            match systemd::parse(&text) {
                Ok(Some(stages)) => return Ok(Ok((text, stages))),
                Ok(None) if Instant::now() < until => std::thread::sleep(LOOK),
                Ok(None) => {
                    let seconds = limit.as_secs();
                    return Ok(Err(format!(
                        "systemd had not finished the boot {seconds} s after the guest was ready"
                    )));
                }
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
    }

    /// What a program of the guest says, or why it does not.
    fn told_by(&mut self, argv: &[&str]) -> Result<Result<String, String>, GuestError> {
        let limit = self.machine.deadlines().within(Step::Prepare);
        let reply = self.machine.exec(argv, limit)?;
        let name = argv.first().copied().unwrap_or_default();
        Ok(match reply.status {
            Status::Exit(0) => Ok(text_of(reply.stdout)),
            Status::Exit(126 | 127) => Err(format!("the guest has no {name}")),
            status => {
                let said = text_of(reply.stderr);
                Err(format!("{name} in the guest ended with {status}: {}", quoted_end(said.trim())))
            }
        })
    }
}

/// What files take on this host.
fn bytes_of(files: &[&Path]) -> Result<u64, String> {
    let mut bytes = 0u64;
    for file in files {
        let known = std::fs::metadata(file).map_err(|e| format!("looking at {}: {e}", file.display()))?;
        // A sparse file takes less than is in it; one that is not, takes at most a block more.
        bytes = bytes.saturating_add(known.len().min(known.blocks().saturating_mul(512)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_has_a_value_or_the_reason_why_not() {
        let mut told = BootTold::default();
        let stage = Stage { metric: "a", ms: 1.0, line: 1 };
        told.take(("a.txt", &["a", "b"]), Ok(("said".into(), vec![stage])), "there was none");
        told.take(("c.txt", &["c"]), Err("the guest has no c".into()), "there was none");
        assert_eq!(told.files, [("a.txt", "said".to_owned())]);
        let wanted = [("b", "there was none".to_owned()), ("c", "the guest has no c".to_owned())];
        assert_eq!(told.absent, wanted);
    }

    #[test]
    fn a_sparse_file_is_as_large_as_what_it_takes() {
        let dir = tempfile::tempdir().unwrap();
        let (full, sparse) = (dir.path().join("full"), dir.path().join("sparse"));
        std::fs::write(&full, [1; 5000]).unwrap();
        std::fs::File::create(&sparse).unwrap().set_len(1 << 30).unwrap();
        let bytes = bytes_of(&[&full, &sparse]).unwrap();
        assert!((5000..1 << 20).contains(&bytes), "{bytes}");
        let missing = dir.path().join("missing");
        assert!(bytes_of(&[&missing]).unwrap_err().contains("looking at"));
    }
}
