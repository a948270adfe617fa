//! What goes wrong with Slurm's programs, in a sentence each.

use process::ProcessError;

/// Slurm could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// Its programs are not here.
    #[error(
        "{doing}: Slurm is not installed here, there is no program {program}; on Debian `apt-get install slurm-client` has it (perfvt help farm)"
    )]
    Absent {
        /// What was being done.
        doing: String,
        /// Which.
        program: String,
    },
    /// They do not know which Slurm is meant.
    #[error(
        "{doing}: Slurm's programs are here and have no configuration ({said}); put the farm's slurm.conf at /etc/slurm/slurm.conf, or name it in SLURM_CONF"
    )]
    Unconfigured {
        /// What was being done.
        doing: String,
        /// What was said.
        said: String,
    },
    /// Nobody answers.
    #[error(
        "{doing}: Slurm's controller does not answer ({said}); jobs that run go on without it; on its host: systemctl status slurmctld"
    )]
    Controller {
        /// What was being done.
        doing: String,
        /// What was said.
        said: String,
    },
    /// A label that no host has.
    #[error("{doing}: no host of the farm has such labels; `perfvt farm hosts` lists those that there are")]
    Labels {
        /// What was being done.
        doing: String,
    },
    /// Too few hosts.
    #[error(
        "{doing}: so many hosts that are fit for work are not there; `perfvt farm hosts` lists them, with what is wrong"
    )]
    TooFew {
        /// What was being done.
        doing: String,
    },
    /// Anything else that Slurm does not want.
    #[error("{doing}: Slurm refused: {said}")]
    Refused {
        /// What was being done.
        doing: String,
        /// What was said.
        said: String,
    },
    /// What it said is not understood.
    #[error(
        "{doing}: line {line} of what Slurm said is not understood: {said}; perfvt was tried with Slurm 22.05 and 24.11"
    )]
    Odd {
        /// What was being done.
        doing: &'static str,
        /// Line, counted from 1.
        line: usize,
        /// It.
        said: String,
    },
    /// The program could not be run.
    #[error("{doing}: {source}")]
    Process {
        /// What was being done.
        doing: String,
        /// Why not.
        source: ProcessError,
    },
}

/// Ways in which Slurm's programs say that their controller is not there.
const NOBODY: [&str; 4] = [
    "Unable to contact slurm controller",
    "Socket timed out",
    "Zero Bytes were transmitted",
    "Connection refused",
];
/// Ways in which they say that they do not know their farm.
const NO_CONFIGURATION: [&str; 3] = ["configuration source", "Unable to process configuration", "slurm.conf"];

/// The error that a program of Slurm's ended with.
pub(super) fn told(doing: &str, program: &str, error: ProcessError) -> SlurmError {
    let doing = doing.to_owned();
    match error {
        ProcessError::Start { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            SlurmError::Absent { doing, program: program.to_owned() }
        }
        ProcessError::Failed { ref stderr, .. } => refused(&doing, stderr),
        source => SlurmError::Process { doing, source },
    }
}

/// What a program of Slurm's means by what it wrote to standard error.
pub(super) fn refused(doing: &str, stderr: &str) -> SlurmError {
    let doing = doing.to_owned();
    let lines: Vec<&str> = stderr.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let said = edge::text::cut(lines.last().copied().unwrap_or("nothing"));
    let has = |ways: &[&str]| ways.iter().any(|way| stderr.contains(way));
    if has(&NOBODY) {
        SlurmError::Controller { doing, said }
    } else if has(&NO_CONFIGURATION) {
        SlurmError::Unconfigured { doing, said }
    } else if stderr.contains("Invalid feature specification") {
        SlurmError::Labels { doing }
    } else if stderr.contains("Requested node configuration is not available") {
        SlurmError::TooFew { doing }
    } else {
        SlurmError::Refused { doing, said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_slurm_says_becomes_a_sentence_with_a_way_out() {
        let of = |said: &str| refused("x", said).to_string();
        let dead = of("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n");
        assert!(dead.starts_with("x: Slurm's controller does not answer (slurm_load_jobs error"), "{dead}");
        assert!(of("allocation failure: Invalid feature specification\n").contains("perfvt farm hosts"));
        assert!(of("allocation failure: Requested node configuration is not available").contains("so many"));
        assert!(
            of("resolve_ctls_from_dns_srv\nfatal: Could not establish a configuration source")
                .contains("SLURM_CONF")
        );
        assert_eq!(of("a\nscontrol: error: b\n"), "x: Slurm refused: scontrol: error: b");
    }
}
