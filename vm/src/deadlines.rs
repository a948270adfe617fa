//! How long everything that is waited for may take, in one place.
//!
//! What a phase is asked to do (a window of `l` seconds, a command with a timeout of its own) comes on top: these are for
//! what should take next to no time. A translated guest gets more than one that the hardware executes. The parameter
//! `deadline_factor` stretches or shortens every row of the table, for hosts that are busier or tests that cannot wait.
//! What the host's programs may take outside of a campaign's cells stands in [`process::deadlines`]; no parameter changes that.

use model::{Accel, Phase};
use std::time::Duration;

/// What is waited for in a campaign. Each belongs to a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The host writes a data disk, full of zeros, say.
    DataDisk,
    /// qemu-img makes a layer above an image.
    Layer,
    /// qemu-img checks an image.
    Check,
    /// The built-in guest is ready.
    Boot,
    /// A guest from an image is ready: it has a whole system to start.
    ImageBoot,
    /// It has mounted the tools disk.
    Settle,
    /// A script in a Windows guest: PowerShell has started, and Windows has done what is waited for.
    Script,
    /// A server is up, a file system is made, caches are dropped.
    Prepare,
    /// A bridge has learnt the guest's port, and a server of others' has given an address.
    Lease,
    /// A command in the guest, or QEMU's monitor, that has nothing to do but to answer.
    Answer,
    /// A file is written in the guest.
    Put,
    /// Sessions report, packets flow.
    WarmUp,
    /// fio lays out its files before it begins.
    LayOut,
    /// Beyond the window: sessions report past its end, tools end.
    Measure,
    /// One run of a program of the host's that has no window.
    HostRun,
    /// A tool's report is out of the guest.
    Fetch,
    /// QEMU ends when it is told to.
    Shutdown,
    /// A whole system powers itself off.
    PowerOff,
}

/// Each step with its seconds under KVM and under TCG.
const TABLE: [(Step, u64, u64); 18] = [
    (Step::DataDisk, 3600, 3600),
    (Step::Layer, 60, 60),
    (Step::Check, 600, 600),
    (Step::Boot, 30, 120),
    (Step::ImageBoot, 180, 600),
    (Step::Settle, 60, 120),
    (Step::Script, 120, 240),
    (Step::Prepare, 120, 300),
    (Step::Lease, 40, 40),
    (Step::Answer, 20, 20),
    (Step::Put, 60, 60),
    (Step::WarmUp, 30, 60),
    (Step::LayOut, 600, 600),
    (Step::Measure, 30, 60),
    (Step::HostRun, 1800, 1800),
    (Step::Fetch, 20, 60),
    (Step::Shutdown, 5, 10),
    (Step::PowerOff, 120, 240),
];

impl From<Phase> for Step {
    fn from(phase: Phase) -> Step {
        match phase {
            Phase::Image => Step::DataDisk,
            Phase::Boot => Step::Boot,
            Phase::Prepare => Step::Prepare,
            Phase::WarmUp => Step::WarmUp,
            Phase::Measure => Step::Measure,
            Phase::Fetch => Step::Fetch,
            Phase::Shutdown => Step::Shutdown,
        }
    }
}

/// Deadlines of one environment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deadlines {
    accel: Accel,
    factor: f64,
    boot: Option<Duration>,
}

impl Deadlines {
    /// Those of guests that are executed in this way, as the table has them.
    pub fn usual(accel: Accel) -> Deadlines {
        Deadlines { accel, factor: 1.0, boot: None }
    }

    /// The same with every row multiplied by a factor; `None` for one that is no number from 0.001 to 1000.
    pub fn scaled(accel: Accel, factor: f64) -> Option<Deadlines> {
        (1e-3..=1e3).contains(&factor).then_some(Deadlines { factor, ..Deadlines::usual(accel) })
    }

    /// The same where guests may take so long until they are ready, whatever the table says.
    #[must_use]
    pub fn with_boot(self, boot: Duration) -> Deadlines {
        Deadlines { boot: Some(boot), ..self }
    }

    /// How long a step may take, or what is usual in a phase.
    pub fn within(&self, step: impl Into<Step>) -> Duration {
        let step = step.into();
        let row = TABLE.iter().find(|(of, ..)| *of == step);
        let seconds = row.map_or(0, |(_, kvm, tcg)| if self.accel == Accel::Kvm { *kvm } else { *tcg });
        Duration::from_secs(seconds).mul_f64(self.factor)
    }

    /// How long guests may take until they are ready; `image` is whether one of them boots from an image.
    pub fn boot(&self, image: bool) -> Duration {
        self.boot.unwrap_or_else(|| self.within(if image { Step::ImageBoot } else { Step::Boot }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::{Path, PathBuf};

    #[test]
    fn every_row_stands_once_and_translation_never_shortens_one() {
        for (index, (step, kvm, tcg)) in TABLE.iter().enumerate() {
            assert!(*kvm > 0 && kvm <= tcg, "{step:?}");
            assert!(TABLE.iter().skip(index + 1).all(|(other, ..)| other != step), "{step:?} stands twice");
        }
        for phase in [
            Phase::Image,
            Phase::Boot,
            Phase::Prepare,
            Phase::WarmUp,
            Phase::Measure,
            Phase::Fetch,
            Phase::Shutdown,
        ] {
            assert!(!Deadlines::usual(Accel::Kvm).within(phase).is_zero(), "{phase:?}");
        }
    }

    #[test]
    fn the_factor_scales_every_row_and_nonsense_is_refused() {
        let half = Deadlines::scaled(Accel::Tcg, 0.5).unwrap();
        for (step, _, tcg) in TABLE {
            assert_eq!(half.within(step), Duration::from_millis(tcg * 500), "{step:?}");
        }
        assert_eq!((half.boot(false), half.boot(true)), (Duration::from_secs(60), Duration::from_secs(300)));
        for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert_eq!(Deadlines::scaled(Accel::Tcg, nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_boot_timeout_stands_for_every_boot() {
        let told = Deadlines::usual(Accel::Tcg).with_boot(Duration::from_secs(7));
        assert_eq!((told.boot(false), told.boot(true)), (Duration::from_secs(7), Duration::from_secs(7)));
    }

    #[test]
    fn the_documentation_has_every_row() {
        let text = include_str!("../../docs/campaigns.md");
        for (step, kvm, tcg) in TABLE {
            let cells = format!("| {kvm} | {tcg} |");
            let words = format!("{step:?}").chars().fold(String::new(), |mut name, c| {
                if c.is_uppercase() && !name.is_empty() {
                    name.push('-');
                }
                name.push(c.to_ascii_lowercase());
                name
            });
            let row = text.lines().find(|line| line.starts_with(&format!("| {words} |")));
            assert!(row.is_some_and(|row| row.contains(&cells)), "{words} {cells}: {row:?}");
        }
    }

    fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("deadlines.rs") {
                into.push(path);
            }
        }
    }

    /// Lines with a number of seconds that is written out; fewer than five are pauses and steps, no deadlines.
    #[test]
    fn no_other_file_has_a_deadline_of_its_own() {
        // How old something must be before it is removed.
        let ages = ["const YOUNG: ", "const UNUSED: "];
        let mut files = Vec::new();
        for part in ["src", "../collect/src", "../process/src"] {
            sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(part), &mut files);
        }
        for file in files.iter().filter(|file| !file.to_string_lossy().ends_with("tests.rs")) {
            let text = fs::read_to_string(file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for line in code.lines().filter(|line| !ages.iter().any(|age| line.contains(age))) {
                for written in line.split("Duration::from_secs(").skip(1) {
                    let digits: String = written.chars().take_while(char::is_ascii_digit).collect();
                    let few = digits.parse::<u64>().is_ok_and(|seconds| seconds < 5);
                    assert!(digits.is_empty() || few, "{}: {line}", file.display());
                }
            }
        }
    }
}
