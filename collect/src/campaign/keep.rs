//! What of a boot's files is kept when it has ended.

use std::collections::BTreeSet;
use std::fmt;

/// A kind of files, or the guest itself. Values, classic files and the journal are always kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What tells why a guest failed.
    Forensics,
    /// Console and QEMU's standard error of a boot.
    Logs,
    /// Tool output and counters of a sample.
    Raw,
    /// Facts of host and guest.
    Sysinfo,
    /// The guest as it failed, until its user has looked.
    Guest,
}

impl Part {
    const ALL: [(Part, &'static str); 5] = [
        (Part::Forensics, "forensics"),
        (Part::Logs, "logs"),
        (Part::Raw, "raw"),
        (Part::Sysinfo, "sysinfo"),
        (Part::Guest, "guest"),
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Part::ALL.iter().find(|(part, _)| part == self).map_or("", |(_, word)| word))
    }
}

/// A set of them: `all` files, `none`, or words with commas. `guest` alone is all files and the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts(BTreeSet<Part>);

impl Parts {
    /// All kinds.
    pub fn all() -> Parts {
        Parts(Part::ALL.into_iter().map(|(part, _)| part).filter(|part| *part != Part::Guest).collect())
    }

    /// Whether a kind is in the set.
    pub fn has(&self, part: Part) -> bool {
        self.0.contains(&part)
    }
}

impl std::str::FromStr for Parts {
    type Err = String;

    fn from_str(text: &str) -> Result<Parts, String> {
        let part = |word: &str| {
            let known = Part::ALL.iter().find(|(_, known)| *known == word.trim());
            known.map(|(part, _)| *part).ok_or_else(|| {
                format!(
                    "'{word}' is nothing that can be kept; want all, none, or some of {}",
                    Part::ALL.map(|(_, word)| word).join(",")
                )
            })
        };
        match text {
            "all" => Ok(Parts::all()),
            "none" => Ok(Parts(BTreeSet::new())),
            "guest" => Ok(Parts(Part::ALL.into_iter().map(|(part, _)| part).collect())),
            list => list.split(',').map(part).collect::<Result<_, _>>().map(Parts),
        }
    }
}

/// What is kept of boots that came to their end in order, and of those that failed. A sample without values counts as
/// failed, whatever became of its boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Of failed ones.
    pub failed: Parts,
    /// Of the others.
    pub passed: Parts,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep { failed: Parts::all(), passed: Parts::all() }
    }
}

impl Keep {
    /// The set for one of them.
    pub fn of(&self, failed: bool) -> &Parts {
        if failed { &self.failed } else { &self.passed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_what_is_kept_and_a_wrong_word_names_what_could_be() {
        let some: Parts = "raw, logs".parse().unwrap();
        assert!(some.has(Part::Raw) && some.has(Part::Logs) && !some.has(Part::Sysinfo));
        assert_eq!("all".parse(), Ok(Parts::all()));
        assert!(!"none".parse::<Parts>().unwrap().has(Part::Raw));
        assert!(!"all".parse::<Parts>().unwrap().has(Part::Guest));
        let guest: Parts = "guest".parse().unwrap();
        assert!(guest.has(Part::Guest) && guest.has(Part::Forensics));
        let guest: Parts = "logs,guest".parse().unwrap();
        assert!(guest.has(Part::Guest) && !guest.has(Part::Forensics));
        let error = "raw,dmesg".parse::<Parts>().unwrap_err();
        assert_eq!(
            error,
            "'dmesg' is nothing that can be kept; want all, none, or some of forensics,logs,raw,sysinfo,guest"
        );
    }
}
