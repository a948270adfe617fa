//! Workloads whose programs the user brings, in real guests. What stands in for them moves real bytes between the right
//! ports and prints captured outputs, so that everything but the tools' own arithmetic is the real thing.

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::quick::{try_to_run, value};
use support::{apart, beside, files, measurements, output, text};

/// Where a test's program comes from.
struct Standin {
    dir: tempfile::TempDir,
}

impl Standin {
    /// Compiles the program that stands in for a network tool, with a library that no guest has beside it.
    fn compile(printed: &str) -> Option<Standin> {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name);
        fs::write(place("standin.c"), include_str!("support/standin.c")).unwrap();
        fs::write(place("printed.c"), format!("const char *printed(void) {{ return {printed:?}; }}\n"))
            .unwrap();
        let gcc = |arguments: &[&str]| {
            Command::new("gcc").current_dir(dir.path()).args(arguments).status().is_ok_and(|s| s.success())
        };
        let built = gcc(&["-shared", "-fPIC", "-o", "libprinted.so", "printed.c"])
            && gcc(&["-O1", "-o", "standin", "standin.c", "-L.", "-lprinted", "-Wl,-rpath,$ORIGIN"]);
        if !built {
            testing::skip("no gcc that builds the program which stands in for the user's");
        }
        built.then_some(Standin { dir })
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("standin")
    }
}

#[test]
fn uperf_runs_the_program_that_the_user_brings_with_its_libraries() {
    let Some(_guard) = beside() else {
        return;
    };
    let Some(standin) =
        Standin::compile(include_str!("../../../formats/testdata/uperf/1.0.7-rr-reconstructed.txt"))
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let binary = format!("uperf_binary={}", standin.path().display());
    let (out, code, said) = try_to_run(dir.path(), "uperf", &[&binary]);
    assert_eq!(code, 0, "{said}");
    let all = measurements(&out);
    assert_eq!(value(&all, "/stream/", "throughput"), 2.48);
    assert_eq!(value(&all, "/rr/", "trans.rate"), 2424.0);
    assert!((value(&all, "/rr/", "latency_us") - 412.54).abs() < 0.01);
    assert!(value(&all, "/maerts/", "thr_per_CPU") > 0.0);
    let profile = fs::read_to_string(&files(&out, "uperf.xml")[0]).unwrap();
    assert!(profile.contains("remotehost="), "{profile}");
    let rhs = fs::read_to_string(&files(&out, "uperf-result.RHS")[0]).unwrap();
    assert_eq!(rhs.matches("Category:").count(), 3, "{rhs}");
    let facts = fs::read_to_string(&files(&out, "facts.txt")[0]).unwrap();
    assert!(facts.contains("brought.uperf_binary: "), "the program's hash is a fact: {facts}");
}

#[test]
fn a_client_in_a_second_guest_has_what_the_user_brings_too() {
    let Some(_guard) = beside() else { return };
    let Some(standin) =
        Standin::compile(include_str!("../../../formats/testdata/uperf/1.0.7-rr-reconstructed.txt"))
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let binary = format!("uperf_binary={}", standin.path().display());
    let sets = [&binary, "scenario=guest_guest", "profiles=rr", "smp=1", "mem=256"];
    let (out, code, said) = try_to_run(dir.path(), "uperf", &sets);
    assert_eq!(code, 0, "{said}");
    assert_eq!(value(&measurements(&out), "/rr/", "trans.rate"), 2424.0);
}

#[test]
fn a_program_that_nobody_brings_is_asked_for_by_its_key_before_anything_boots() {
    let Some(_guard) = beside() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut workloads = vec!["uperf", "ffsb", "ntttcp"];
    // Where somebody has installed one, nothing is missing.
    workloads.retain(|name| !Path::new("/usr/bin").join(name).exists());
    for name in workloads {
        let (out, code, said) = try_to_run(dir.path(), name, &[]);
        assert_eq!(code, 2, "{said}");
        assert!(
            said.contains(&format!("--set {name}_binary=FILE")) && said.contains("perfvt help workloads"),
            "{said}"
        );
        let (_, code, said) = try_to_run(dir.path(), name, &[&format!("{name}_binary=bin/none")]);
        let path = dir.path().join("bin/none");
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(&format!("{name}_binary")) && said.contains(path.to_str().unwrap()), "{said}");
        assert!(!out.exists(), "nothing is left of a campaign that could not begin");
    }
}

#[test]
fn ntttcp_counts_what_the_receiver_in_the_guest_says() {
    let Some(_guard) = beside() else { return };
    let Some(standin) =
        Standin::compile(include_str!("../../../formats/testdata/ntttcp/linux-1.4.0-reconstructed.txt"))
    else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let binary = format!("ntttcp_binary={}", standin.path().display());
    let (out, code, said) = try_to_run(dir.path(), "ntttcp", &[&binary, "buffers=64k,512"]);
    assert_eq!(code, 0, "{said}");
    let all = measurements(&out);
    assert_eq!(value(&all, "buf(k)=64", "throughput(Mbit/s)"), 9410.0);
    assert!(value(&all, "buf(k)=0.5", "CPU") > 0.0);
    let argv = files(&out, "ntttcp.argv").into_iter().map(|path| fs::read_to_string(path).unwrap());
    assert!(argv.into_iter().any(|argv| argv.contains("-b\n512\n")), "bytes of the buffer");
    let rhs = fs::read_to_string(&files(&out, "raw_output_1.RHS")[0]).unwrap();
    assert!(rhs.contains("buf(k)|") && rhs.contains("throughput(Mbit/s)"), "{rhs}");
}

/// Puts a program into a folder, as `tool.sh`, that works as ffsb does, a second long, and says what ffsb once said.
pub fn make_ffsb(dir: &Path) {
    let tool = dir.join("tool.sh");
    // It reads its profile, as the real one does, and finds no file of the case before.
    let script = format!(
        "#!/bin/sh\nset -e\nwhere=$(sed -n 's/^location=//p' \"$1\")\n[ ! -e \"$where/data\" ]\n\
         dd if=/dev/zero of=\"$where/data\" bs=64k count=16 2> /dev/null\nsync\nsleep 1\ncat <<'EOT'\n{}EOT\n",
        include_str!("../../../formats/testdata/ffsb/6.0-mail-server-reconstructed.txt")
    );
    fs::write(&tool, script).unwrap();
    fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn ffsb_has_an_empty_file_system_for_each_of_its_seven_profiles() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    make_ffsb(dir.path());
    // Relative to where perfvt is started.
    let (out, code, said) = try_to_run(dir.path(), "ffsb", &["ffsb_binary=tool.sh"]);
    assert_eq!(code, 0, "{said}");
    let all = measurements(&out);
    assert_eq!(value(&all, "ffsb-mail-server-8k", "IOPS"), 1432.51);
    assert_eq!(value(&all, "ffsb-random-reads-8k", "Thro-MBps"), 6.1);
    assert!(value(&all, "ffsb-mail-server-8k", "vcpu0") > 0.0);
    let profile = fs::read_to_string(&files(&out, "ffsb.profile")[0]).unwrap();
    assert!(profile.contains("location=/mnt/perfvt") && profile.contains("time=2\n"), "{profile}");
    let cases: std::collections::BTreeSet<&str> = all.iter().filter_map(|m| m["case"].as_str()).collect();
    assert_eq!(cases.len(), 7, "{cases:?}");
    for case in cases {
        assert_eq!(value(&all, case, "Thro-MBps"), 6.1);
    }
    let rhs = fs::read_to_string(&files(&out, "ffsb-result.RHS")[0]).unwrap();
    assert!(rhs.contains("Category:ffsb-mail-server-8k") && rhs.contains("Thro-MBps"), "{rhs}");
}

/// A cache of its own with the packages and images of the user's, so that nothing has been built in it.
fn own_cache(dir: &Path) -> PathBuf {
    let own = dir.join("cache");
    if own.exists() {
        return own;
    }
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    fs::create_dir_all(own.join("perfvt")).unwrap();
    for part in ["packages", "images"] {
        let there = cache.join("perfvt").join(part);
        if there.exists() {
            std::os::unix::fs::symlink(there, own.join("perfvt").join(part)).unwrap();
        }
    }
    own
}

/// One boot of a configuration's command, started from elsewhere.
fn run_config(dir: &Path, out: &str) -> (PathBuf, i32, String) {
    let out = dir.join(out);
    let mut command = apart();
    command.args(["run", "command", "-c"]).arg(dir.join("lab/tests.cfg"));
    command
        .args(["--repeat", "1", "--allow-unpinned", "--set", "smp=1", "--set", "mem=256", "--out"])
        .arg(&out);
    command.current_dir("/").env("XDG_CACHE_HOME", own_cache(dir));
    let run = output(&mut command);
    let mut said = format!("{}{}", text(&run.stdout), text(&run.stderr));
    if out.exists() {
        let all = measurements(&out);
        said.extend(all.iter().filter_map(|m| m["invalid"]["reason"].as_str()).map(|r| format!("\n{r}")));
    }
    (out, run.status.code().unwrap(), said)
}

#[test]
fn a_folder_beside_the_configuration_is_built_once_and_runs_in_the_guest() {
    let Some(_guard) = beside() else { return };
    if Command::new("gcc").arg("--version").output().is_err() {
        testing::skip("gcc is not here");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let lab = dir.path().join("lab");
    let deps = lab.join("deps/hello");
    fs::create_dir_all(&deps).unwrap();
    let source = "#include <stdio.h>\nint value(void);\nint main(void) { printf(\"value: %d\\nstamp: %s\\n\", value(), STAMP); return 0; }\n";
    fs::write(deps.join("hello.c"), source).unwrap();
    fs::write(deps.join("value.c"), "int value(void) { return 41; }\n").unwrap();
    let makefile = "hello: hello.c libvalue.so\n\tgcc -DSTAMP='\"'$$(date +%N)'\"' -o $@ hello.c -L. -lvalue -Wl,-rpath,'$$ORIGIN'\n\
                    libvalue.so: value.c\n\tgcc -shared -fPIC -o $@ value.c\n";
    fs::write(deps.join("Makefile"), makefile).unwrap();
    let cfg = "command = \"${deps}/hello\"\ncommand_deps = deps/hello\nmetrics = value stamp\n\
               pattern_value = \"^value: ([0-9]+)\"\npattern_stamp = \"^stamp: ([0-9]+)\"\n";
    fs::write(lab.join("tests.cfg"), cfg).unwrap();
    let measured = |out: &str, builds: bool| {
        let (out, code, said) = run_config(dir.path(), out);
        assert_eq!(code, 0, "{said}");
        assert_eq!(said.contains("deps/hello with make; nothing boots before"), builds, "{said}");
        let all = measurements(&out);
        let log = fs::read_to_string(&files(&out, "deps.hello.log")[0]).unwrap();
        assert!(log.contains("gcc -shared"), "the build's log is kept: {log}");
        (value(&all, "command", "value"), value(&all, "command", "stamp"))
    };
    let first = measured("first", true);
    assert_eq!(first.0, 41.0);
    assert_eq!(measured("second", false), first, "nothing was built again");
    fs::write(deps.join("value.c"), "int value(void) { return 42; }\n").unwrap();
    let third = measured("third", true);
    assert_eq!(third.0, 42.0);
    assert_ne!(third.1, first.1);
    fs::write(deps.join("value.c"), "int value(void) { retrun 42; }\n").unwrap();
    let (out, code, said) = run_config(dir.path(), "fourth");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("building") && said.contains("retrun") && said.contains("failed.log"), "{said}");
    assert!(!out.exists(), "nothing was booted");
    assert!(!deps.join("hello").exists(), "the user's folder stays as it is");
}
