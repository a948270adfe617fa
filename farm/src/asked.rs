//! `--hosts`: which hosts measure.

use crate::slurm::{Host, Slurm, SlurmError};
use std::fmt;

/// Hosts as they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `all`: every host that is fit for work.
    All,
    /// `h1,h2`: these.
    Named(Vec<String>),
    /// `3*amd64&kvm`: so many with these labels.
    Labelled {
        /// How many.
        count: u32,
        /// Labels in Slurm's own form: `amd64&kvm`, `old|slow` (sbatch(1), --constraint).
        labels: String,
    },
}

/// Hosts that cannot measure, or are not there.
#[derive(Debug, thiserror::Error)]
pub enum HostsError {
    /// A text that names no hosts.
    #[error("--hosts {text}: want all, names (h1,h2), or a number of hosts with labels (3*amd64&kvm)")]
    Form {
        /// It.
        text: String,
    },
    /// A name that the farm does not have.
    #[error("--hosts: the farm has no host {name}; it has {known}")]
    Unknown {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A host that takes no job.
    #[error("--hosts: {trouble}; when it is mended: scontrol update NodeName={name} State=RESUME")]
    Unfit {
        /// What is wrong.
        trouble: String,
        /// Its name.
        name: String,
    },
    /// No host takes a job.
    #[error("--hosts all: no host is fit for work; `perfvt farm hosts` says why")]
    None,
    /// Slurm could not be asked.
    #[error(transparent)]
    Slurm(#[from] SlurmError),
}

/// Whether a text is the name of a host: nothing that Slurm, a path or a comment could take for something else.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(fits)
}

impl Asked {
    /// Reads `--hosts`.
    ///
    /// # Errors
    /// It is no such text.
    pub fn parse(text: &str) -> Result<Asked, HostsError> {
        let wrong = || HostsError::Form { text: text.to_owned() };
        if text == "all" {
            return Ok(Asked::All);
        }
        if let Some((count, labels)) = text.split_once('*') {
            let count = count.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-&|()".contains(c);
            let labels = labels.trim();
            if !labels.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '(')
                || !labels.chars().all(fits)
            {
                return Err(wrong());
            }
            return Ok(Asked::Labelled { count, labels: labels.to_owned() });
        }
        let mut names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if !names.iter().all(|name| is_name(name)) {
            return Err(wrong());
        }
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        Ok(Asked::Named(names))
    }

    /// The names of the hosts, each once, and a sentence for each host that is left out.
    ///
    /// # Errors
    /// One that was named is not there or not fit, or there are too few.
    pub fn resolve(&self, slurm: Slurm) -> Result<(Vec<String>, Vec<String>), HostsError> {
        let hosts = slurm.hosts()?;
        match self {
            Asked::All => all(&hosts),
            Asked::Named(names) => named(names, &hosts).map(|names| (names, Vec::new())),
            Asked::Labelled { count, labels } => Ok((slurm.choose(*count, labels)?, Vec::new())),
        }
    }
}

fn all(hosts: &[Host]) -> Result<(Vec<String>, Vec<String>), HostsError> {
    let (fit, left): (Vec<&Host>, Vec<&Host>) = hosts.iter().partition(|host| host.is_fit());
    if fit.is_empty() {
        return Err(HostsError::None);
    }
    let names = fit.into_iter().map(|host| host.name.clone()).collect();
    Ok((names, left.into_iter().map(|host| format!("{}; it is left out", host.trouble())).collect()))
}

fn named(names: &[String], hosts: &[Host]) -> Result<Vec<String>, HostsError> {
    for name in names {
        let Some(host) = hosts.iter().find(|host| host.name == *name) else {
            let known: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
            return Err(HostsError::Unknown { name: name.clone(), known: known.join(", ") });
        };
        if !host.is_fit() {
            return Err(HostsError::Unfit { trouble: host.trouble(), name: name.clone() });
        }
    }
    Ok(names.to_vec())
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::All => f.write_str("all"),
            Asked::Named(names) => f.write_str(&names.join(",")),
            Asked::Labelled { count, labels } => write!(f, "{count}*{labels}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_asked_for_by_number_and_labels_by_names_or_all() {
        for text in ["all", "h1,h2", "3*amd64&kvm", "2*(old|slow)&x"] {
            assert_eq!(Asked::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Asked::parse("h1, h2,h1").unwrap(), Asked::Named(vec!["h1".into(), "h2".into()]));
        for text in ["", "0*kvm", "x*kvm", "3*", "3*-x", "3*a b", "--x", "h1;h2", "h[1-3]", "../x"] {
            let error = Asked::parse(text).unwrap_err().to_string();
            assert!(error.contains("want all, names"), "{text}: {error}");
        }
    }

    #[test]
    fn a_host_that_is_unknown_or_set_aside_is_refused_by_name() {
        let host = |name: &str, state: &str| Host {
            name: name.into(),
            state: state.into(),
            labels: Vec::new(),
            cpus: 1,
            memory_mib: 1,
            reason: (state != "idle").then(|| "bad fan".into()),
        };
        let hosts = [host("h1", "idle"), host("h2", "drained")];
        let of = |name: &str| named(&[name.to_owned()], &hosts).unwrap_err().to_string();
        assert_eq!(of("h9"), "--hosts: the farm has no host h9; it has h1, h2");
        assert!(of("h2").contains("h2 is drained (bad fan)"), "{}", of("h2"));
        let (names, left) = all(&hosts).unwrap();
        assert_eq!(
            (names, left),
            (vec!["h1".to_owned()], vec!["h2 is drained (bad fan); it is left out".to_owned()])
        );
        assert!(matches!(all(&hosts[1..]), Err(HostsError::None)));
    }
}
