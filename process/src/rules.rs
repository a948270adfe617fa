//! Which files a child may open by itself: landlock (landlock(7), Linux 5.13). What it inherits open it may use all the same.

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, Scope, path_beneath_rules,
};
use std::io;
use std::path::PathBuf;

/// What a child may open. The same rules hold for all that it starts.
#[derive(Debug)]
pub struct Rules(RulesetCreated);

impl Rules {
    /// Files and folders that may be read and run, and devices that may be used; what is not there is left out. Whatever the
    /// kernel knows to deny beyond that is denied: other files, signals to processes outside, and their abstract sockets.
    ///
    /// # Errors
    /// This kernel has no landlock, or it is turned off.
    pub fn new(readable: &[PathBuf], devices: &[PathBuf]) -> Result<Rules, io::Error> {
        let made = || -> Result<RulesetCreated, RulesetError> {
            // The first version must be there; what came later where it is.
            Ruleset::default()
                .set_compatibility(CompatLevel::HardRequirement)
                .handle_access(AccessFs::from_all(ABI::V1))?
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(AccessFs::from_all(ABI::V5))?
                .scope(Scope::from_all(ABI::V6))?
                .create()?
                .add_rules(path_beneath_rules(readable, AccessFs::from_read(ABI::V1)))?
                .add_rules(path_beneath_rules(
                    devices,
                    AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev,
                ))
        };
        made().map(Rules).map_err(|e| io::Error::other(format!("this kernel has no landlock: {e}")))
    }

    /// Binds the calling process to them. Only for a child between fork and exec.
    pub(super) fn take(&self) -> io::Result<()> {
        // The source of the error is the last system call's; it allocates nothing.
        let bound = self.0.try_clone()?.restrict_self();
        bound.map(drop).map_err(|_| io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sink, Spec, run};
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn a_child_reads_what_the_rules_name_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (named, other) = (dir.path().join("named"), dir.path().join("other"));
        for file in [&named, &other] {
            std::fs::write(file, "secret").unwrap();
        }
        let system = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"].map(PathBuf::from);
        let readable: Vec<PathBuf> = system.into_iter().chain([named.clone()]).collect();
        let rules = match Rules::new(&readable, &["/dev/null".into()]) {
            Ok(rules) => Arc::new(rules),
            Err(reason) => return testing::skip(reason),
        };
        let cat = |file: &PathBuf| {
            let spec = Spec::new("cat").arg(file).rules(Some(&rules)).stderr(Sink::Capture);
            run(spec, Duration::from_secs(60))
        };
        assert_eq!(cat(&named).unwrap(), b"secret");
        assert!(cat(&other).unwrap_err().to_string().contains("Permission denied"));
        let write = Spec::new("cp").arg(&named).arg(dir.path().join("new")).rules(Some(&rules));
        assert!(run(write, Duration::from_secs(60)).is_err() && !dir.path().join("new").exists());
        // What is open already stays open.
        let open = super::super::Inherited::new(std::fs::File::open(&other).unwrap(), 200);
        let through = Spec::new("bash").args(["-c", "cat <&200"]).inherit(vec![open]).rules(Some(&rules));
        assert_eq!(run(through, Duration::from_secs(60)).unwrap(), b"secret");
    }
}
