//! QEMU's own tests of its block layer (tests/qemu-iotests), one by one with `check`: whether they pass, and how long they take.
//!
//! ```text
//!   iotests = DIR ──> DIR/001, DIR/tests/NAME: `# group: rw quick` ──> one case a test and format ──> ./check -qcow2 001
//! ```
//!
//! The tree is the user's: it is under the GPL, and none of it is part of perfvt.

use super::common::{failed, value, value_at, word};
use super::host_run::{self, OUT};
use super::{Known, Needs, Outcome, Workload, add_case};
use crate::lab::{Failed, Lab};
use formats::qemu_iotests::{Ended, groups, of_one};
use model::{Case, Origin, Params, ParamsError};
use process::private_folder;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The workload.
pub struct QemuIotests;

const PARAMETERS: [Known; 9] = [
    Known::new(IOTESTS, "", "a folder", "tests/qemu-iotests of a QEMU that was built, with check in it"),
    Known::new("iotests_group", "quick", "a group", "which tests: those of a group, such as quick or auto"),
    Known::new("iotests_tests", "", "names", "tests by their names, instead of a group"),
    Known::new("iotests_format", "qcow2", "names", "formats of images that each is run with"),
    Known::new("iotests_timeout", "600", "seconds, 1 or more", "how long a test may take"),
    Known::new("qemu_img_binary", "", "a program", "qemu-img's program, instead of that of the tree"),
    Known::new("qemu_io_binary", "", "a program", "qemu-io's program, instead of that of the tree"),
    Known::new("qemu_nbd_binary", "", "a program", "qemu-nbd's program, instead of that of the tree"),
    Known::new("l", "5", "seconds", "seconds that a test takes, roughly: only for the plan"),
];

const IOTESTS: &str = "iotests";
/// The script, and the folder of those tests that have names.
const CHECK: &str = "check";
const TESTS: &str = "tests";
/// What `check` is told of programs that are not the tree's own.
const PROGRAMS: [(&str, &str); 4] = [
    ("qemu_binary", "QEMU_PROG"),
    ("qemu_img_binary", "QEMU_IMG_PROG"),
    ("qemu_io_binary", "QEMU_IO_PROG"),
    ("qemu_nbd_binary", "QEMU_NBD_PROG"),
];
/// What is read of a test's file: its head.
const HEAD: u64 = 4096;

impl Workload for QemuIotests {
    fn name(&self) -> &'static str {
        "qemu-iotests"
    }

    fn measures(&self) -> &'static str {
        "whether QEMU's own tests of its block layer pass, and how long they take"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("l", "2")]
    }

    fn paths(&self) -> &'static [&'static str] {
        &[IOTESTS]
    }

    fn reads(&self, params: &Params) -> Vec<(&'static str, PathBuf)> {
        let Some(root) = named(params) else { return Vec::new() };
        wanted(params).unwrap_or_default().iter().map(|name| (IOTESTS, file_of(&root, name))).collect()
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        let root = named(params).ok_or_else(|| ParamsError::Missing { key: IOTESTS.into() })?;
        if !root.join(CHECK).is_file() {
            let wanted =
                format!("tests/qemu-iotests of a build of QEMU; {} is not there", root.join(CHECK).display());
            return Err(params.wrong(IOTESTS, &wanted));
        }
        params.number("iotests_timeout", 1u64, "seconds, 1 or more")?;
        let formats = params.list("iotests_format")?;
        if formats.is_empty() || !formats.iter().all(|format| is_name(format)) {
            return Err(params.wrong("iotests_format", "names of formats, such as 'raw qcow2'"));
        }
        let mut cases = Vec::new();
        for format in formats {
            for name in wanted(params)? {
                let keys = [("test", name.as_str())].into_iter().collect();
                let case = Case { workload: self.name().into(), category: format.to_owned(), keys };
                add_case(&mut cases, case, params, "iotests_tests")?;
            }
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        vec!["pass".to_owned()]
    }

    fn metrics_besides(&self) -> &'static [&'static str] {
        &["elapsed_s", "test_s"]
    }

    fn needs(&self, params: &Params) -> Needs {
        let host_tools = PROGRAMS.iter().filter_map(|(key, _)| asked(params, key)).collect();
        Needs { guest: false, host_tools, ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        params.number("l", 0.0, "").unwrap_or(5.0)
    }

    fn timeout(&self, _: &Params) -> Option<&'static str> {
        Some("iotests_timeout")
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "qemu-iotests-result.RHS".into()
    }

    fn prepare(&self, _: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        Ok(())
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let root = named(params).ok_or_else(|| failed("iotests is not set"))?;
        let images = private_folder().map_err(|e| failed(format!("a folder for images: {e}")))?;
        let mut argv = vec!["env".to_owned(), "-C".to_owned(), root.display().to_string()];
        argv.push(format!("TEST_DIR={}", images.path().display()));
        for (key, variable) in PROGRAMS {
            if let Some(program) = asked(params, key) {
                argv.push(format!("{variable}={}", lab.host_tool(&program)?));
            }
        }
        argv.extend([format!("./{CHECK}"), format!("-{}", case.category), word(case, "test")?.to_owned()]);
        let limit = params.number("iotests_timeout", 1u64, "seconds, 1 or more").map_err(failed)?;
        host_run::run(lab, &argv, Duration::from_secs(limit), raw)
    }

    fn parse(&self, case: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let ran = host_run::ran(raw)?.map_err(|_| failed("it was not run"))?;
        if let Err(how) = ran.status {
            return Err(failed(format!("check ended with {how}")));
        }
        let name = word(case, "test")?;
        let test = of_one(&ran.out, name).map_err(failed)?;
        let mut values =
            vec![value_at("pass", f64::from(u8::from(test.ended == Ended::Pass)), OUT, test.line)];
        match test.ended {
            Ended::Fail => return Err(failed(format!("the test failed: {}", edge::quoted(&test.why)))),
            Ended::NotRun => {}
            Ended::Pass => {
                values.push(value("elapsed_s", ran.seconds));
                values.extend(test.seconds.map(|seconds| value_at("test_s", seconds, OUT, test.line)));
            }
        }
        Ok(Outcome { window: ran.measured.window, values, series: Vec::new() })
    }
}

/// The folder that parameters name.
fn named(params: &Params) -> Option<PathBuf> {
    params.get(IOTESTS).map(str::trim).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The program that somebody asked for instead of the tree's own.
fn asked(params: &Params, key: &str) -> Option<String> {
    let param = params.param(key).filter(|param| param.origin != Origin::BuiltIn)?;
    Some(param.value.trim().to_owned()).filter(|program| !program.is_empty())
}

/// Names become words of a command line and parts of paths.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 100 && name.chars().all(plain)
}

/// The file of a test: numbered ones lie beside `check`, the others in a folder of theirs.
fn file_of(root: &Path, name: &str) -> PathBuf {
    if name.bytes().all(|byte| byte.is_ascii_digit()) { root.join(name) } else { root.join(TESTS).join(name) }
}

/// The tests that parameters ask for, in the order of their names.
fn wanted(params: &Params) -> Result<Vec<String>, ParamsError> {
    let root = named(params).unwrap_or_default();
    let names = params.list("iotests_tests")?;
    if let Some(unknown) = names.iter().find(|name| !is_name(name) || !file_of(&root, name).is_file()) {
        let wanted = format!("names of tests of {}, which has no {unknown}", root.display());
        return Err(params.wrong("iotests_tests", &wanted));
    }
    if !names.is_empty() {
        return Ok(names.into_iter().map(str::to_owned).collect());
    }
    let group = params.text("iotests_group")?.trim();
    let mut found = Vec::new();
    for folder in [root.clone(), root.join(TESTS)] {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let named = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let is_one = |name: &String| is_name(name) && file_of(&root, name).parent() == Some(&folder);
        let heads = named.filter(is_one).filter_map(|name| Some((head(&file_of(&root, &name))?, name)));
        found.extend(
            heads.filter(|(head, _)| groups(head).iter().any(|own| own == group)).map(|(_, name)| name),
        );
    }
    found.sort();
    if found.is_empty() {
        return Err(
            params.wrong("iotests_group", &format!("a group that tests of {} are in", root.display()))
        );
    }
    Ok(found)
}

/// The first lines of a file; none where it is no file.
fn head(path: &Path) -> Option<String> {
    let bytes = path.is_file().then(|| edge::read::head(path, HEAD).ok())??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(set: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let mut params = Params::new();
        for known in PARAMETERS {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        let tree = format!("{}/../formats/testdata/qemu-iotests/tree", env!("CARGO_MANIFEST_DIR"));
        params.set(IOTESTS, tree, Origin::BuiltIn);
        set.iter().for_each(|(key, value)| params.set(*key, *value, Origin::Flag("--set".into())));
        let cases = QemuIotests.cases(&params).map_err(|error| error.to_string())?;
        Ok(cases.iter().map(|case| format!("{} {}", case.category, case.keys.get("test").unwrap())).collect())
    }

    #[test]
    fn tests_are_those_of_a_group_or_named_ones_with_each_format() {
        assert_eq!(ids(&[]).unwrap(), ["qcow2 001", "qcow2 named-one"]);
        assert_eq!(ids(&[("iotests_group", "auto")]).unwrap(), ["qcow2 001", "qcow2 002"]);
        let both = ids(&[("iotests_tests", "002"), ("iotests_format", "raw qcow2")]).unwrap();
        assert_eq!(both, ["raw 002", "qcow2 002"]);
        for (key, value, want) in [
            ("iotests_tests", "099", "which has no 099"),
            ("iotests_tests", "../check", "which has no ../check"),
            ("iotests_group", "slow", "'iotests_group' is 'slow'"),
            ("iotests_format", "-c", "names of formats"),
            (IOTESTS, "/nonexistent", "/nonexistent/check is not there"),
            (IOTESTS, "", "'iotests' is not set"),
        ] {
            let error = ids(&[(key, value)]).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn programs_of_the_tree_are_left_to_it_unless_others_are_asked_for() {
        let mut params = Params::new();
        params.set("qemu_binary", "qemu-system-x86_64", Origin::BuiltIn);
        assert_eq!(QemuIotests.needs(&params).host_tools, [] as [&str; 0]);
        params.set("qemu_binary", "/b/qemu", Origin::Flag("--env".into()));
        assert_eq!(QemuIotests.needs(&params).host_tools, ["/b/qemu"]);
    }
}
