//! kvm-unit-tests: tiny kernels that each try one thing of a hypervisor, under QEMU on the host. Tests of the group `vmexit` tell the
//! cycles of an exit; the others pass or fail.
//!
//! ```text
//!   kut = DIR | source = URL@BRANCH ──> DIR/x86/unittests.cfg ──> one case a test ──> QEMU -kernel DIR/x86/FILE ──> serial line, status
//! ```
//!
//! The tree is the user's: it is under the GPL, and none of it is part of perfvt.

use super::common::{failed, said, value, value_at, word};
use super::host_run::{self, ERR, OUT};
use super::{Known, Needs, Outcome, Workload, add_case};
use crate::brought::{self, KUT, SOURCE, SOURCE_BUILD, Wish};
use crate::lab::{Failed, Lab};
use formats::kvm_unit_tests::{Test, Verdict, parse_config, parse_log, verdict};
use model::{Accel, Case, Params, ParamsError};
use process::tail;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The workload.
pub struct KvmUnitTests;

const PARAMETERS: [Known; 8] = [
    Known::new(
        KUT,
        "",
        "a folder",
        "a tree of kvm-unit-tests that was built, or a folder deps/NAME that is built first",
    ),
    Known::new(
        SOURCE,
        "",
        "URL or path, @ and a branch, tag or commit",
        "a git repository with such a tree, checked out and built on this host when the campaign is planned",
    ),
    Known::new(SOURCE_BUILD, "", "words", "the command that builds source, instead of ./configure and make"),
    Known::new("kut_configure", "", "words", "further words for the ./configure of source"),
    Known::new(
        "kut_group",
        "vmexit",
        "a group, or all",
        "the tests of a group; all: those that are not for picking by hand (nodefault)",
    ),
    Known::new("kut_tests", "", "names", "tests by their names, instead of a group"),
    Known::new(
        "kut_timeout",
        "90",
        "seconds, 1 or more",
        "how long a test may take that does not say so itself",
    ),
    Known::new("l", "5", "seconds", "seconds that a test takes, roughly: only for the plan"),
];

/// The file with the tests, and the folder of those for this architecture.
const CONFIG: &str = "x86/unittests.cfg";
const X86: &str = "x86";
/// The group of those that tell cycles, which is their category, and that of the others.
const VMEXIT: &str = "vmexit";
const FUNCTIONAL: &str = "functional";
/// What the cycles of an operation are called, before its name.
const CYCLES: &str = "cycles.";
/// What stands in the files of a tree in the place of all CPUs, and of the time of day.
const MAX_SMP: &str = "$MAX_SMP";
const DATE: &str = "`date +%s`";

impl Workload for KvmUnitTests {
    fn name(&self) -> &'static str {
        "kvm-unit-tests"
    }

    fn measures(&self) -> &'static str {
        "what an exit costs, and whether the tests of kvm-unit-tests pass"
    }

    fn parameters(&self) -> &'static [Known] {
        &PARAMETERS
    }

    fn quick(&self) -> &'static [(&'static str, &'static str)] {
        &[("l", "2")]
    }

    fn paths(&self) -> &'static [&'static str] {
        &[KUT]
    }

    fn reads(&self, params: &Params) -> Vec<(&'static str, PathBuf)> {
        let Some(root) = named(params) else { return Vec::new() };
        let tests = wanted(params).unwrap_or_default();
        let mut files: Vec<&str> = tests.iter().map(|test| test.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        // What is built has the hash of its sources instead.
        let files = if brought::is_built(&root) { Vec::new() } else { files };
        let all = files.into_iter().map(|file| root.join(X86).join(file));
        all.chain([root.join(CONFIG)]).map(|file| (KUT, file)).collect()
    }

    fn cases(&self, params: &Params) -> Result<Vec<Case>, ParamsError> {
        let root = named(params).ok_or_else(|| ParamsError::Missing { key: KUT.into() })?;
        params.number("kut_timeout", 1u64, "seconds, 1 or more")?;
        let tests = wanted(params)?;
        let missing = tests.iter().map(|test| root.join(X86).join(&test.file)).find(|file| !file.is_file());
        if let Some(file) = missing.filter(|_| !brought::is_built(&root)) {
            let wanted = format!(
                "a tree that was built (./configure and make), or a folder deps/NAME with a deps.cfg that does so; {} is not there",
                file.display()
            );
            return Err(params.wrong(KUT, &wanted));
        }
        let mut cases = Vec::new();
        for test in tests {
            let category = category(&test).to_owned();
            let keys = [("test", test.name.as_str())].into_iter().collect();
            add_case(&mut cases, Case { workload: self.name().into(), category, keys }, params, "kut_tests")?;
        }
        Ok(cases)
    }

    fn metrics(&self, _: &str, _: &Params, _: bool) -> Vec<String> {
        vec!["pass".to_owned()]
    }

    fn metrics_besides(&self) -> &'static [&'static str] {
        &["elapsed_s"]
    }

    fn has_besides(&self, metric: &str) -> bool {
        metric == "elapsed_s" || metric.starts_with(CYCLES)
    }

    fn needs(&self, params: &Params) -> Needs {
        let qemu = params.get("qemu_binary").unwrap_or(vm::guest::QEMU).to_owned();
        let is_built = named(params).is_some_and(|root| brought::is_built(&root));
        // No guest of perfvt's builds it: it runs on the host.
        let wish = || Wish { in_guest: false, on_host: true, ..Wish::of(params, KUT, "") };
        let brings = is_built.then(wish).into_iter().collect();
        Needs { guest: false, accel: true, host_tools: vec![qemu], brings, ..Needs::default() }
    }

    fn seconds(&self, params: &Params) -> f64 {
        params.number("l", 0.0, "").unwrap_or(5.0)
    }

    fn timeout(&self, _: &Params) -> Option<&'static str> {
        Some("kut_timeout")
    }

    fn session_length(&self, params: &Params) -> String {
        params.get("l").unwrap_or_default().to_owned()
    }

    fn rhs_name(&self, _: f64) -> String {
        "kvm-unit-tests-result.RHS".into()
    }

    fn prepare(&self, _: &mut dyn Lab, _: &Params) -> Result<(), Failed> {
        Ok(())
    }

    fn measure(&self, lab: &mut dyn Lab, case: &Case, params: &Params, raw: &Path) -> Result<(), Failed> {
        let named = named(params).ok_or_else(|| failed("kut is not set"))?;
        let root = if brought::is_built(&named) { PathBuf::from(lab.client_brought(KUT)?) } else { named };
        let name = word(case, "test")?;
        let all = read_tests(&root).map_err(failed)?;
        let test = all.into_iter().find(|test| test.name == name);
        let test = test.ok_or_else(|| failed(format!("{CONFIG} has no test {name} any more")))?;
        let accel = lab.accel().unwrap_or(Accel::Tcg);
        if let Some(why) = skipped(&test, accel, &held) {
            return host_run::skip(lab, &why, raw);
        }
        let words = match words(&test, lab.cpus()) {
            Ok(words) => words,
            Err(why) => return host_run::skip(lab, &why, raw),
        };
        let qemu = lab.host_tool(params.text("qemu_binary").map_err(failed)?)?;
        let argv = argv(qemu, &root.join(X86).join(&test.file), accel, words);
        let usual = params.number("kut_timeout", 1u64, "seconds, 1 or more").map_err(failed)?;
        let limit = Duration::from_secs(test.timeout.unwrap_or(usual));
        host_run::run(lab, &argv, limit, raw)
    }

    fn parse(&self, case: &Case, _: &Params, raw: &Path) -> Result<Outcome, Failed> {
        let ran = match host_run::ran(raw)? {
            Ok(ran) => ran,
            Err(measured) => {
                return Ok(Outcome {
                    window: measured.window,
                    values: vec![value("pass", 0.0)],
                    series: Vec::new(),
                });
            }
        };
        let log = parse_log(&ran.out);
        let told = |what: &str| {
            let failed_checks = log.failed.first().map(|check| edge::quoted(check).to_string());
            let said = failed_checks.unwrap_or_else(|| said(&[&tail(&raw.join(ERR)), &ran.out]));
            failed(format!("{what}: {said}"))
        };
        let passed = match ran.status.as_ref().map(|status| (verdict(*status), *status)) {
            Ok((Verdict::Pass, _)) if ran.out.trim().is_empty() => {
                // QEMU's own way to refuse its words is status 1, too.
                return Err(told("QEMU ended with status 1 before the test wrote anything"));
            }
            Ok((Verdict::Pass, _)) => true,
            Ok((Verdict::Skip, _)) => false,
            Ok((Verdict::Fail, _)) => return Err(told("the test failed")),
            Ok((Verdict::Exception, _)) => return Err(told("the test ended with an exception")),
            Ok((Verdict::Unknown, status)) => {
                return Err(told(&format!("QEMU ended with status {status}, which no test ends with")));
            }
            Err(how) => return Err(told(&format!("QEMU ended with {how}"))),
        };
        let tells_cycles = case.category == VMEXIT;
        let numbers = if passed && tells_cycles { log.numbers } else { Vec::new() };
        // One that could not measure anything passes as well, and says so (NAME (skipped)).
        let passed = passed && (!tells_cycles || !numbers.is_empty());
        let mut values = vec![value("pass", f64::from(u8::from(passed)))];
        if passed {
            values.push(value("elapsed_s", ran.seconds));
        }
        values
            .extend(numbers.iter().map(|n| value_at(&format!("{CYCLES}{}", n.name), n.cycles, OUT, n.line)));
        Ok(Outcome { window: ran.measured.window, values, series: Vec::new() })
    }
}

/// The tree that parameters name.
fn named(params: &Params) -> Option<PathBuf> {
    params.get(KUT).map(str::trim).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn category(test: &Test) -> &'static str {
    if test.groups.iter().any(|group| group == VMEXIT) { VMEXIT } else { FUNCTIONAL }
}

/// The tests of a tree.
fn read_tests(root: &Path) -> Result<Vec<Test>, String> {
    let path = root.join(CONFIG);
    let text =
        edge::read_text(&path, edge::read::CONFIG).map_err(|e| format!("reading {}: {e}", path.display()))?;
    parse_config(&text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Those that parameters ask for.
fn wanted(params: &Params) -> Result<Vec<Test>, ParamsError> {
    let root = named(params).unwrap_or_default();
    let why = |why: String| params.wrong(KUT, &format!("a tree of kvm-unit-tests ({why})"));
    let all = read_tests(&root).map_err(why)?;
    let names = params.list("kut_tests")?;
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|test| test.name != **name)) {
        return Err(
            params.wrong("kut_tests", &format!("names of tests in {CONFIG}, which has no [{unknown}]"))
        );
    }
    if !names.is_empty() {
        return Ok(all.into_iter().filter(|test| names.contains(&test.name.as_str())).collect());
    }
    let group = params.text("kut_group")?.trim();
    let is_in = |test: &Test, group: &str| test.groups.iter().any(|own| own == group);
    let found: Vec<Test> = all
        .into_iter()
        .filter(|test| if group == "all" { !is_in(test, "nodefault") } else { is_in(test, group) })
        .collect();
    if found.is_empty() {
        return Err(params.wrong("kut_group", &format!("all, or a group that tests of {CONFIG} are in")));
    }
    Ok(found)
}

/// Why a test cannot be run here, where it cannot; `held` gives what a file of the host's kernel holds.
fn skipped(test: &Test, accel: Accel, held: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let by = accel.to_string();
    if !test.arch.is_empty() && test.arch != "x86_64" {
        return Some(format!("it is for {} alone", test.arch));
    }
    if !test.accel.is_empty() && test.accel != by {
        return Some(format!("it is for {} alone, and QEMU runs under {by}", test.accel));
    }
    let words = shlex::split(&test.extra).unwrap_or_default();
    let only_kvm = words.iter().any(|word| word == "-enable-kvm")
        || words
            .windows(2)
            .any(|pair| pair[0] == "-cpu" && (pair[1] == "host" || pair[1].starts_with("host,")));
    if only_kvm && accel == Accel::Tcg {
        return Some("it wants the host's CPU, and QEMU runs under tcg".to_owned());
    }
    test.checks.iter().find_map(|check| {
        let (path, want) = check.split_once('=')?;
        // Nothing else of the host is any test's business.
        if !(path.starts_with("/sys/") || path.starts_with("/proc/")) || path.contains("..") {
            return Some(format!("it looks at {}, which is not of the kernel", edge::quoted(path)));
        }
        match held(path) {
            Some(is) if is.trim() == want => None,
            Some(is) => Some(format!("{path} is {}, not {want}", edge::quoted(is.trim()))),
            None => Some(format!("{path} is not there, which should be {want}")),
        }
    })
}

fn held(path: &str) -> Option<String> {
    edge::read::kernel(path).ok()
}

/// A test's own words for QEMU on a host with so many CPUs, vCPUs among them; or what no words can be made of.
fn words(test: &Test, cpus: usize) -> Result<Vec<String>, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).to_string();
    let filled = |text: &str| text.replace(MAX_SMP, &cpus.to_string()).replace(DATE, &now);
    let smp = filled(&test.smp);
    if smp.parse::<u32>().is_err() {
        return Err(format!("smp = {} takes a shell", edge::quoted(&test.smp)));
    }
    let mut words = vec!["-smp".to_owned(), smp];
    for (text, is_args) in [(&test.extra, false), (&test.args, true)] {
        let text = filled(text);
        if text.contains(['`', '$']) {
            return Err(format!("{} takes a shell", edge::quoted(&text)));
        }
        let split = shlex::split(&text)
            .ok_or_else(|| format!("the quotes of {} do not close", edge::quoted(&text)))?;
        match is_args {
            true if !split.is_empty() => words.extend(["-append".to_owned(), split.join(" ")]),
            true => {}
            false => words.extend(split),
        }
    }
    Ok(words)
}

/// QEMU as it boots a test: with the devices by which tests tell their end, and nothing that is not asked for.
fn argv(qemu: String, file: &Path, accel: Accel, words: Vec<String>) -> Vec<String> {
    let fixed =
        "-nodefaults -no-reboot -display none -device pc-testdev -device pci-testdev -serial stdio -device";
    let mut argv = vec![qemu];
    argv.extend(fixed.split(' ').map(str::to_owned));
    argv.extend(["isa-debug-exit,iobase=0xf4,iosize=0x4", "-accel"].map(str::to_owned));
    argv.extend([accel.to_string(), "-kernel".to_owned(), file.display().to_string()]);
    argv.extend(words);
    argv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Measured, Snapshot, keep};
    use model::{Moment, Origin, Window};

    fn tree() -> String {
        format!("{}/../formats/testdata/kvm-unit-tests/tree", env!("CARGO_MANIFEST_DIR"))
    }

    fn params(set: &[(&str, &str)]) -> Params {
        let mut params = Params::new();
        for known in PARAMETERS {
            params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
        }
        params.set(KUT, tree(), Origin::BuiltIn);
        set.iter().for_each(|(key, value)| params.set(*key, *value, Origin::Flag("--set".into())));
        params
    }

    fn ids(set: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let cases = KvmUnitTests.cases(&params(set)).map_err(|error| error.to_string())?;
        Ok(cases.iter().map(|case| format!("{} {}", case.category, case.keys.get("test").unwrap())).collect())
    }

    #[test]
    fn tests_are_those_of_a_group_or_named_ones() {
        assert_eq!(ids(&[]).unwrap(), ["vmexit exit_one", "vmexit exit_ipi"]);
        assert_eq!(ids(&[("kut_group", "all")]).unwrap().len(), 4);
        assert_eq!(ids(&[("kut_tests", "clock")]).unwrap(), ["functional clock"]);
        assert!(ids(&[("kut_tests", "clok")]).unwrap_err().contains("which has no [clok]"));
        assert!(ids(&[("kut_group", "svm")]).unwrap_err().contains("'kut_group' is 'svm'"));
        assert!(
            ids(&[(KUT, "/nonexistent")]).unwrap_err().contains("reading /nonexistent/x86/unittests.cfg")
        );
        assert!(ids(&[(KUT, "")]).unwrap_err().contains("'kut' is not set"));
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(X86)).unwrap();
        std::fs::copy(Path::new(&tree()).join(CONFIG), dir.path().join(CONFIG)).unwrap();
        let root = dir.path().display().to_string();
        let unbuilt = ids(&[(KUT, &root)]).unwrap_err();
        assert!(
            unbuilt.contains("./configure and make") && unbuilt.contains("exit.flat is not there"),
            "{unbuilt}"
        );
    }

    #[test]
    fn a_test_that_cannot_run_here_is_told_why() {
        let of =
            |test: Test, accel| skipped(&test, accel, &|path| (path == "/sys/x").then(|| "Y\n".to_owned()));
        let test = || Test { name: "a".into(), smp: "1".into(), ..Test::default() };
        let with = |checks: &str| Test { checks: vec![checks.to_owned()], ..test() };
        assert_eq!(of(test(), Accel::Tcg), None);
        assert_eq!(of(with("/sys/x=Y"), Accel::Kvm), None);
        assert_eq!(of(with("/sys/x=N"), Accel::Kvm).unwrap(), "/sys/x is 'Y', not N");
        assert!(of(with("/sys/y=N"), Accel::Kvm).unwrap().contains("is not there"));
        assert!(of(with("/etc/passwd=N"), Accel::Kvm).unwrap().contains("not of the kernel"));
        assert!(of(with("/sys/../etc/passwd=N"), Accel::Kvm).unwrap().contains("not of the kernel"));
        let host = || Test { extra: "-cpu host,migratable=no".into(), ..test() };
        assert!(of(host(), Accel::Tcg).unwrap().contains("tcg") && of(host(), Accel::Kvm).is_none());
        assert!(of(Test { accel: "kvm".into(), ..test() }, Accel::Tcg).unwrap().contains("for kvm alone"));
        assert!(of(Test { arch: "i386".into(), ..test() }, Accel::Kvm).unwrap().contains("for i386 alone"));
    }

    #[test]
    fn words_of_both_ages_of_trees_say_the_same_and_no_shell_sees_them() {
        let of = |smp: &str, extra: &str, args: &str| {
            let test = Test { smp: smp.into(), extra: extra.into(), args: args.into(), ..Test::default() };
            words(&test, 3)
        };
        let want = ["-smp", "2", "-cpu", "max", "-append", "a b"];
        assert_eq!(of("2", "-cpu max -append 'a b'", "").unwrap(), want);
        assert_eq!(of("2", "-cpu max", "\"a b\"").unwrap(), want);
        assert_eq!(of("$MAX_SMP", "", "").unwrap(), ["-smp", "3"]);
        let dated = of("1", "--append \"10 `date +%s`\"", "").unwrap();
        assert!(dated[3].strip_prefix("10 ").unwrap().parse::<u64>().unwrap() > 0, "{dated:?}");
        for (smp, extra) in
            [("$((2*MAX_SMP))", ""), ("1", "-append `id`"), ("1", "-append $HOME"), ("1", "'")]
        {
            assert!(of(smp, extra, "").is_err(), "{smp} {extra}");
        }
    }

    /// What a run of these outputs comes to.
    fn outcome(category: &str, status: &str, out: &str) -> Result<Vec<(String, f64)>, String> {
        let raw = tempfile::tempdir().unwrap();
        let at = |second: u64| Moment { unix_ns: second * 1_000_000_000, mono_ns: second * 1_000_000_000 };
        let snapshot = |second| Snapshot { at: at(second), ..Snapshot::default() };
        let window = Window { start_unix_ns: 0, mono_ns: 0, len_ns: 1_000_000_000 };
        let (start, end) = (snapshot(1), snapshot(2));
        let measured = Measured { window, start, end, samples: Vec::new(), interface: String::new() };
        measured.keep(raw.path()).unwrap();
        for (name, text) in [
            (OUT, out),
            (ERR, "qemu: no such thing\n"),
            ("tool.status", status),
            ("tool.took", "250000000\n"),
        ] {
            keep(raw.path(), name, text).unwrap();
        }
        let keys = [("test", "a")].into_iter().collect();
        let case = Case { workload: "kvm-unit-tests".into(), category: category.into(), keys };
        let outcome = KvmUnitTests.parse(&case, &params(&[]), raw.path()).map_err(|error| error.reason)?;
        Ok(outcome.values.into_iter().map(|value| (value.metric, value.value)).collect())
    }

    #[test]
    fn a_pass_has_its_cycles_a_skip_has_nothing_and_a_fail_is_a_failure() {
        let log = include_str!("../../../formats/testdata/kvm-unit-tests/old-vmexit.txt");
        let told = |values: &[(&str, f64)]| {
            values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect::<Vec<_>>()
        };
        let all = told(&[
            ("pass", 1.0),
            ("elapsed_s", 0.25),
            ("cycles.cpuid", 2417.0),
            ("cycles.inl_from_qemu", 15310.0),
        ]);
        assert_eq!(outcome(VMEXIT, "status 1", log).unwrap(), all);
        assert_eq!(outcome(FUNCTIONAL, "status 1", log).unwrap(), all[..2]);
        assert_eq!(outcome(VMEXIT, "status 1", "ipi (skipped)\n").unwrap(), told(&[("pass", 0.0)]));
        assert_eq!(
            outcome(FUNCTIONAL, "status 77", "SUMMARY: 1 tests, 1 skipped\n").unwrap(),
            told(&[("pass", 0.0)])
        );
        let checks = include_str!("../../../formats/testdata/kvm-unit-tests/new-checks.txt");
        let failed = outcome(FUNCTIONAL, "status 3", checks).unwrap_err();
        assert!(failed.contains("the test failed: 'FAIL: clock: tsc moved"), "{failed}");
        for (status, out, want) in [
            ("status 127", "x\n", "an exception"),
            ("status 0", "x\n", "status 0, which no test ends with"),
            ("status 1", "", "before the test wrote anything: 'qemu: no such thing'"),
            ("signal 6", "x\n", "QEMU ended with signal 6"),
        ] {
            let told = outcome(FUNCTIONAL, status, out).unwrap_err();
            assert!(told.contains(want), "{told}");
        }
    }
}
