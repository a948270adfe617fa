//! Where a program or kernel comes from, when `perfvt build` made it: `build.json` above what it keeps says so.

use edge::read::CONFIG;
use model::Fingerprint;
use serde::Deserialize;
use std::path::Path;
use vm::guest::spec::{GuestSpec, Source};

/// The folder of what a build keeps, and what stands beside it (docs/builds.md).
const FILES: &str = "files";
const RECORD: &str = "build.json";

/// What is taken of it.
#[derive(Deserialize)]
struct Record {
    commit: String,
    tree: String,
    patch: Option<String>,
    #[serde(default)]
    compiler: Vec<String>,
    #[serde(default)]
    sources: Vec<String>,
    config: Option<String>,
}

/// Where the programs of a guest come from.
pub(super) fn facts(guest: &GuestSpec, facts: &mut Fingerprint) {
    facts_of("qemu", Path::new(&guest.qemu), facts);
    if let Source::Builtin(Some(kernel)) = &guest.source {
        facts_of("guest.kernel", &kernel.file, facts);
    }
}

/// Adds the facts of the build that a file belongs to, if it belongs to one: `NAME.build.commit` and others.
fn facts_of(name: &str, file: &Path, facts: &mut Fingerprint) {
    let whole = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let kept = whole.ancestors().filter(|folder| folder.file_name().is_some_and(|name| name == FILES));
    let record = kept.filter_map(Path::parent).find_map(|folder| {
        let text = edge::read(folder.join(RECORD), CONFIG).ok()?;
        serde_json::from_slice::<Record>(&text).ok()
    });
    let Some(Record { commit, tree, patch, compiler, sources, config }) = record else { return };
    // A tarball and a distribution's package are of no commit.
    if !commit.is_empty() {
        facts.set(format!("{name}.build.commit"), commit);
    }
    if !sources.is_empty() {
        facts.set(format!("{name}.build.source"), sources.join(", "));
    }
    if let Some(config) = config {
        facts.set(format!("{name}.build.config"), config);
    }
    facts.set(format!("{name}.build.tree"), tree);
    if let Some(patch) = patch {
        facts.set(format!("{name}.build.patch"), patch);
    }
    if !compiler.is_empty() {
        facts.set(format!("{name}.build.compiler"), compiler.join("; "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_build_has_its_commit_and_another_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("files/opt/bin/qemu");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::write(&program, "x").unwrap();
        let mut facts = Fingerprint::default();
        facts_of("qemu", &program, &mut facts);
        assert!(facts.0.is_empty());
        let text = r#"{"format": 1, "commit": "c0ffee", "tree": "7ee", "patch": null, "compiler": ["cc: 1", "ld: 2"], "status": "built"}"#;
        std::fs::write(dir.path().join("build.json"), text).unwrap();
        facts_of("qemu", &program, &mut facts);
        let all: Vec<(&str, &str)> = facts.0.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let commit = ("qemu.build.commit", "c0ffee");
        assert_eq!(all, [commit, ("qemu.build.compiler", "cc: 1; ld: 2"), ("qemu.build.tree", "7ee")]);
    }
}
