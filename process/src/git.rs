//! The git program, guarded: nothing that a repository brings or names is run, nobody is asked anything, and a variable of the
//! caller's leads to no other repository than the one that is named.

use crate::Spec;

/// Whose files and settings git meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitOf {
    /// A repository of the user's: what he has set says how its files are read and written.
    User,
    /// One of somebody else's, or what was fetched of it: no transport but those in `GIT_ALLOW_PROTOCOL`, contents as they were
    /// committed, and no link that leads out of the files, whatever the configuration of the user or the machine says.
    Others,
}

/// Variables that lead git to another repository than the one that it is told, as git sets them for its hooks
/// (git-rev-parse(1), --local-env-vars), or to a program.
const FORGOTTEN: [&str; 17] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_TEMPLATE_DIR",
    "GIT_ATTR_SOURCE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_PROTOCOL_FROM_USER",
    "GIT_EXTERNAL_DIFF",
];
/// No questions, no paging, no lock for the sake of a fresher index, no objects in the place of others, words of one language.
const ENVIRONMENT: [&str; 7] = [
    "GIT_TERMINAL_PROMPT=0",
    "GIT_ASKPASS=",
    "SSH_ASKPASS_REQUIRE=never",
    "GIT_NO_REPLACE_OBJECTS=1",
    "GIT_OPTIONAL_LOCKS=0",
    "GIT_PAGER=cat",
    "LC_ALL=C",
];
/// The same for [`GitOf::Others`]: no attributes of the machine's, no filter that fetches.
const OTHERS_ENVIRONMENT: [&str; 2] = ["GIT_LFS_SKIP_SMUDGE=1", "GIT_ATTR_NOSYSTEM=1"];
/// Nothing of the repository's own runs: no hook, no monitor, no housekeeping.
const SAFE: [&str; 5] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
];
/// The same for [`GitOf::Others`].
const OTHERS_SAFE: [&str; 9] = [
    "protocol.allow=never",
    "protocol.ext.allow=never",
    "core.symlinks=false",
    "core.autocrlf=false",
    "core.untrackedCache=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
];

/// git, up to where its own arguments begin: the first of them may say in which folder (`-C`). `environment` holds more
/// variables, NAME=VALUE; they win.
pub fn git(of: GitOf, environment: &[String]) -> Spec {
    let (variables, options) = match of {
        GitOf::User => (&[][..], &[][..]),
        GitOf::Others => (&OTHERS_ENVIRONMENT[..], &OTHERS_SAFE[..]),
    };
    Spec::new("env")
        .args(FORGOTTEN.iter().flat_map(|name| ["-u", name]))
        .args(ENVIRONMENT)
        .args(variables)
        .args(environment)
        .arg("git")
        .args(SAFE.iter().chain(options).flat_map(|option| ["-c", option]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::HOST_WORK;

    fn says(of: GitOf, environment: &[String], args: &[&str]) -> String {
        let said = crate::run(git(of, environment).args(args), HOST_WORK).unwrap();
        String::from_utf8_lossy(&said).trim().to_owned()
    }

    #[test]
    fn nothing_of_a_repository_runs_and_only_others_lose_transports_and_links() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().display().to_string();
        if crate::run(Spec::new("git").arg("--version"), HOST_WORK).is_err() {
            testing::skip("git is missing; `make setup` gets it");
            return;
        }
        says(GitOf::User, &[], &["-C", &place, "init", "--quiet"]);
        for (key, value) in
            [("core.hooksPath", "hooks"), ("core.fsmonitor", "./spy"), ("core.autocrlf", "true")]
        {
            says(GitOf::User, &[], &["-C", &place, "config", key, value]);
        }
        let of = |of, key| says(of, &[], &["-C", &place, "config", "--get", key]);
        for whose in [GitOf::User, GitOf::Others] {
            assert_eq!(of(whose, "core.hooksPath"), "/dev/null");
            assert_eq!(of(whose, "core.fsmonitor"), "false");
        }
        assert_eq!(
            (of(GitOf::User, "core.autocrlf"), of(GitOf::Others, "core.autocrlf")),
            ("true".into(), "false".into())
        );
        assert_eq!(of(GitOf::Others, "protocol.allow"), "never");
        // A variable that is given wins over those that are set here.
        let told = says(GitOf::User, &["GIT_PAGER=less".to_owned()], &["var", "GIT_PAGER"]);
        assert_eq!(told, "less");
    }
}
