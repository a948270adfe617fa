//! Workloads about the hypervisor itself: kvm-unit-tests and QEMU's iotests out of a tree, many guests at once, the state of a guest.

use crate::nested_support::{MARK, WITH_KVM, cache_inside, is_inside, reported};
use crate::support::quick::{near, raw, reasons, run, try_to_run, value};
use crate::support::{apart, beside, files, has_guests, measurements, output, perfvt, text};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A program of 32 bits that QEMU boots by itself (the multiboot header, with an ELF header around it). It writes a text to the first
/// serial port, and ends QEMU by isa-debug-exit with this code.
fn flat(text: &str, code: u8) -> Vec<u8> {
    const BASE: u32 = 0x10_0000;
    const HEADER: u32 = 12;
    const CODE: u32 = 24;
    let magic = 0x1BAD_B002u32;
    let mut body: Vec<u8> =
        [magic, 0, 0u32.wrapping_sub(magic)].into_iter().flat_map(u32::to_le_bytes).collect();
    body.push(0xbe); // mov esi, the text behind the code
    body.extend((BASE + HEADER + CODE).to_le_bytes());
    body.extend([0xac, 0x84, 0xc0, 0x74, 0x07]); // lodsb; test al, al; jz behind the loop
    body.extend([0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf4]); // mov dx, 3f8h; out dx, al; jmp to lodsb
    body.extend([0xb0, code, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd]); // mov al, code; out f4h, al; hlt; jmp to hlt
    assert_eq!(body.len() as u32, HEADER + CODE);
    body.extend(text.bytes().chain([0]));
    let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    // A program for the 386 with one segment, which lies behind both headers.
    file.extend([2u16, 3].into_iter().flat_map(u16::to_le_bytes));
    file.extend([1, BASE + HEADER, 52, 0, 0].into_iter().flat_map(u32::to_le_bytes));
    file.extend([52u16, 32, 1, 0, 0, 0].into_iter().flat_map(u16::to_le_bytes));
    let length = body.len() as u32;
    file.extend([1, 84, BASE, BASE, length, length, 7, 4].into_iter().flat_map(u32::to_le_bytes));
    file.extend(body);
    file
}

/// A tree in the shape of kvm-unit-tests that was built, with tests of its own.
fn tree(root: &Path) {
    let x86 = root.join("x86");
    fs::create_dir_all(&x86).unwrap();
    for (name, text, code) in [
        ("exits", "enabling apic\ncpuid 2417\ninl_from_kernel 9120\nipi (skipped)\n", 0),
        (
            "clock",
            "PASS: clock: it goes on\nFAIL: clock: it stood still\nSUMMARY: 2 tests, 1 unexpected failures\n",
            1,
        ),
        ("none", "SKIP: none of it is here\nSUMMARY: 1 tests, 1 skipped\n", 38),
    ] {
        fs::write(x86.join(format!("{name}.flat")), flat(text, code)).unwrap();
    }
    let config = "[exits]\nfile = exits.flat\nextra_params = -append 'cpuid ipi'\ngroups = vmexit\n[clock]\nfile = clock.flat\nsmp = 2\n\
                  [none]\nfile = none.flat\ntest_args = \"a b\"\n[elsewhere]\nfile = none.flat\narch = i386\n\
                  [refused]\nfile = none.flat\nextra_params = -device no-such-device\n";
    fs::write(x86.join("unittests.cfg"), config).unwrap();
}

#[test]
fn a_flat_file_tells_its_cycles_and_one_that_fails_is_a_failure() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tree");
    tree(&root);
    let kut = format!("kut={}", root.display());
    let (out, code, said) = try_to_run(dir.path(), "kvm-unit-tests", &[&kut, "kut_group=all", "noise=warn"]);
    assert_ne!(code, 0, "a test failed: {said}");
    let all = measurements(&out);
    let of = |test: &str, metric: &str| value(&all, &format!("test={test}"), metric);
    assert_eq!((of("exits", "pass"), of("exits", "cycles.cpuid")), (1.0, 2417.0), "{said}");
    assert_eq!(of("exits", "cycles.inl_from_kernel"), 9120.0);
    assert!(of("exits", "elapsed_s") > 0.0);
    assert_eq!((of("none", "pass"), of("elsewhere", "pass")), (0.0, 0.0));
    let why = reasons(&out);
    assert!(why.contains("the test failed: 'FAIL: clock: it stood still'"), "{why}");
    assert!(why.contains("before the test wrote anything") && why.contains("no-such-device"), "{why}");
    assert!(raw(&out, "elsewhere", "skipped.txt").contains("for i386 alone"));
    assert!(raw(&out, "none", "tool.argv").ends_with("-append\na b"));
}

#[test]
fn a_tree_comes_out_of_a_repository_and_is_built_first() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tests");
    tree(&root);
    // What is not there before it was built.
    fs::rename(root.join("x86/exits.flat"), root.join("exits.in")).unwrap();
    let configure = "#!/bin/sh\necho \"SUFFIX=$1\" > config.mak\n";
    fs::write(root.join("configure"), configure).unwrap();
    fs::set_permissions(root.join("configure"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.join("Makefile"), "include config.mak\nall:\n\tcp exits.in x86/exits$(SUFFIX)\n").unwrap();
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let done = std::process::Command::new("git").arg("-C").arg(&root).args(identity).args(args).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !(git(&["init", "-q"]) && git(&["add", "-A", "-f"]) && git(&["commit", "-q", "-m", "one"])) {
        testing::skip("git is missing; `make setup` gets it");
        return;
    }
    let source = format!("source={}", root.display());
    let out = run(dir.path(), "kvm-unit-tests", &[&source, "kut_configure=.flat", "noise=warn"]);
    let all = measurements(&out);
    assert_eq!(value(&all, "test=exits", "cycles.cpuid"), 2417.0);
}

#[test]
fn iotests_are_run_one_by_one_with_their_times() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("iotests");
    fs::create_dir_all(&root).unwrap();
    for (name, groups) in [("001", "rw quick"), ("002", "rw quick"), ("003", "rw quick"), ("004", "rw")] {
        fs::write(root.join(name), format!("#!/bin/sh\n# group: {groups}\n")).unwrap();
    }
    // In the place of the real one, which needs a QEMU that was built: it prints what that prints.
    let check = "#!/bin/sh\n[ -d \"$TEST_DIR\" ] && [ \"$1\" = -raw ] || exit 9\ncase $2 in\n\
        001) echo '001      pass       [12:00:01] [12:00:02]   0.5s'; echo 'Passed all 1 iotests';;\n\
        002) echo '002      not run    [12:00:01] [12:00:02]    ...  not here'; echo 'Not run: 002'; echo 'Passed all 0 iotests';;\n\
        *) echo \"$2      fail       [12:00:01] [12:00:02]   0.5s   output mismatch (see $2.out.bad)\"; echo 'Failed 1 of 1 iotests'; exit 1;;\nesac\n";
    fs::write(root.join("check"), check).unwrap();
    fs::set_permissions(root.join("check"), fs::Permissions::from_mode(0o755)).unwrap();
    let iotests = format!("iotests={}", root.display());
    let (out, code, said) =
        try_to_run(dir.path(), "qemu-iotests", &[&iotests, "iotests_format=raw", "noise=warn"]);
    assert_ne!(code, 0, "{said}");
    let all = measurements(&out);
    assert_eq!((value(&all, "test=001", "pass"), value(&all, "test=001", "test_s")), (1.0, 0.5), "{said}");
    assert_eq!(value(&all, "test=002", "pass"), 0.0);
    let why = reasons(&out);
    assert!(why.contains("the test failed: 'output mismatch (see 003.out.bad)'"), "{why}");
}

#[test]
fn one_guest_and_two_at_once_are_measured_by_their_number() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out =
        run(dir.path(), "density", &["numa_node=0", "smp=1", "mem=256", "l=1", "settle=0", "noise=warn"]);
    let all = measurements(&out);
    for guests in ["guests=1", "guests=2"] {
        let of = |metric: &str| value(&all, guests, metric);
        let fairness = of("fairness");
        assert!(of("ready_s") > 0.1 && fairness > 0.3 && fairness <= 1.0 + 1e-9, "{guests}: {fairness}");
        assert!(of("load_CPUs") > 0.01 && (0.0..=100.0).contains(&of("idle_CPU")), "{guests}");
        let memory = of("pss_MiB");
        assert!((30.0..1000.0).contains(&memory) && of("rss_MiB") >= memory, "{guests}: {memory}");
    }
    let lines = |file: &PathBuf| fs::read_to_string(file).unwrap().lines().count();
    let mut work: Vec<usize> = files(&out, "work.txt").iter().map(lines).collect();
    work.sort_unstable();
    assert_eq!(work, [1, 2], "a line of each guest");
}

#[test]
fn the_state_of_a_guest_is_saved_and_gone_on_from() {
    let Some(_guard) = beside() else { return };
    let dir = tempfile::tempdir().unwrap();
    let out = run(dir.path(), "snapshot", &["disk_dir=.", "disk_aio=threads", "numa_node=0", "noise=warn"]);
    let all = measurements(&out);
    let of = |filled: &str, metric: &str| value(&all, &format!("filled={filled}"), metric);
    for filled in ["0", "16"] {
        assert!(of(filled, "save_ms") > 1.0 && of(filled, "load_ms") > 1.0);
        assert!(of(filled, "resume_ms") >= of(filled, "load_ms"));
    }
    // Random bytes are in the state as they are; some of their pages held something else before.
    let more = of("16", "state_MiB") - of("0", "state_MiB");
    assert!(more > 4.0, "{more} MiB more");
    near("resume", of("0", "resume_ms"), of("0", "load_ms"), 20.0);
}

#[test]
fn a_tree_that_was_not_built_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let x86 = dir.path().join("x86");
    fs::create_dir_all(&x86).unwrap();
    fs::write(x86.join("unittests.cfg"), "[a]\nfile = a.flat\ngroups = vmexit\n").unwrap();
    let mut command = apart();
    command
        .args(["run", "kvm-unit-tests", "--dry-run", "--set"])
        .arg(format!("kut={}", dir.path().display()));
    let told = output(&mut command);
    assert!(!told.status.success());
    assert!(text(&told.stderr).contains("./configure and make"), "{}", text(&told.stderr));
}

/// The second half, which does nothing on an ordinary machine.
#[test]
fn inside_of_a_host_with_kvm() {
    if !is_inside("hypervisor::inside_of_a_host_with_kvm") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    cache_inside(dir.path());
    let (root, out) = (dir.path().join("tree"), dir.path().join("X"));
    tree(&root);
    let mut run = perfvt();
    run.args([
        "run",
        "kvm-unit-tests",
        "--accel",
        "kvm",
        "--repeat",
        "1",
        "--noise",
        "off",
        "--allow-unpinned",
    ]);
    run.args(["--set", &format!("kut={}", root.display()), "--out"]).arg(&out);
    let told = output(run.env("XDG_CACHE_HOME", dir.path()));
    assert!(told.status.success(), "{}{}", text(&told.stdout), text(&told.stderr));
    let cycles = value(&measurements(&out), "test=exits", "cycles.cpuid");
    let file = fs::read_to_string(&files(&out, "run.json")[0]).unwrap();
    let run: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!((cycles, &run["accel"]), (2417.0, &"kvm".into()));
    println!("{MARK}values: {cycles} cycles as the flat file writes them, under {}", run["accel"]);
    println!("{MARK}done");
}

#[test]
#[ignore = "soak: an emulated host takes the machine for itself"]
fn a_flat_file_runs_where_kvm_executes() {
    // The host that is made for it waits for its own turn.
    if !has_guests() {
        return;
    }
    match WITH_KVM.run("hypervisor::inside_of_a_host_with_kvm") {
        Ok(said) => eprintln!("{}", reported(&said, "values").unwrap()),
        Err(why) => testing::skip(why),
    }
}
