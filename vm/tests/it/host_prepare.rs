//! Preparing a host and undoing it, on a host that is laid out in a folder, with a systemctl that keeps its units in files.

use edge::fault::{Plan, begin};
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use vm::host::prepare::{Host, Options, Outcome, Report, prepare, restore, standing};

const FILES: [(&str, &str); 16] = [
    ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n"),
    ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "schedutil\n"),
    ("sys/devices/system/cpu/cpu10/cpufreq/scaling_governor", "performance\n"),
    ("sys/devices/system/cpu/intel_pstate/no_turbo", "0\n"),
    ("sys/kernel/mm/ksm/run", "1\n"),
    ("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"),
    ("sys/kernel/mm/transparent_hugepage/defrag", "always defer [madvise] never\n"),
    ("proc/sys/kernel/numa_balancing", "1\n"),
    ("proc/sys/kernel/nmi_watchdog", "1\n"),
    ("proc/sys/kernel/watchdog", "1\n"),
    ("proc/sys/vm/swappiness", "60\n"),
    ("proc/sys/vm/drop_caches", "0\n"),
    ("proc/sys/net/ipv4/conf/all/arp_filter", "0\n"),
    ("proc/sys/net/ipv4/conf/default/arp_filter", "0\n"),
    ("proc/sys/net/ipv4/conf/all/arp_ignore", "0\n"),
    ("proc/sys/kernel/random/boot_id", "first-boot\n"),
];

/// `show`, `start` and `stop` as systemd answers them; a unit is a file that says whether it is active.
const SYSTEMCTL: &str = r#"#!/bin/sh
units=$(dirname "$0")/../units
case $1 in
show) [ -f "$units/$4" ] && { echo LoadState=loaded; echo "ActiveState=$(cat "$units/$4")"; } || echo LoadState=not-found ;;
start) echo active > "$units/$3" ;;
stop) [ "$(cat "$units/$3.stuck" 2>/dev/null)" ] || echo inactive > "$units/$3" ;;
esac
"#;

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir_in(testing::in_memory()).unwrap();
    for (path, text) in FILES {
        put(root.path(), path, text);
    }
    fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
    put(root.path(), "units/irqbalance.service", "active\n");
    put(root.path(), "units/cron.service", "inactive\n");
    put(root.path(), "bin/systemctl", SYSTEMCTL);
    fs::set_permissions(root.path().join("bin/systemctl"), fs::Permissions::from_mode(0o755)).unwrap();
    root
}

fn value(root: &Path, path: &str) -> String {
    let text = fs::read_to_string(root.join(path)).unwrap();
    // A file keeps what was written; a switch of the kernel would put brackets around it.
    let word =
        text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or(text.as_str(), |(w, _)| w);
    word.trim().to_owned()
}

/// Every value of the host, services included.
fn values(root: &Path) -> Vec<String> {
    let files = FILES.iter().map(|(path, _)| *path).filter(|path| !path.ends_with("drop_caches"));
    files.chain(["units/irqbalance.service", "units/cron.service"]).map(|path| value(root, path)).collect()
}

fn outcome<'a>(report: &'a Report, what: &str) -> &'a Outcome {
    &report
        .lines
        .iter()
        .find(|l| l.what.ends_with(what))
        .unwrap_or_else(|| panic!("{what} in {report}"))
        .outcome
}

#[test]
fn everything_is_turned_read_back_and_turned_back_and_the_journal_goes() {
    let root = machine();
    let (host, before) = (Host::under(root.path()), values(root.path()));
    let report = prepare(&host, &Options::default(), false).unwrap();
    assert!(!report.failed(), "{report}");
    let changed = |old: &str, new: &str| Outcome::Changed { old: old.into(), new: new.into() };
    assert_eq!(outcome(&report, "cpu0/cpufreq/scaling_governor"), &changed("powersave", "performance"));
    assert_eq!(
        outcome(&report, "cpu10/cpufreq/scaling_governor"),
        &Outcome::Already { value: "performance".into() }
    );
    assert_eq!(outcome(&report, "transparent_hugepage/enabled"), &changed("always", "madvise"));
    assert_eq!(outcome(&report, "irqbalance.service"), &changed("active", "inactive"));
    assert_eq!(value(root.path(), "units/irqbalance.service"), "inactive");
    assert_eq!(value(root.path(), "proc/sys/vm/drop_caches"), "3");
    let said = report.to_string();
    assert!(said.contains("bridge         : not here: there is no /proc/sys/net/bridge/"), "{said}");
    assert_eq!(standing(&host).unwrap().len(), 1);

    let again = prepare(&host, &Options::default(), false).unwrap();
    assert_eq!(again.changed(), 0, "what is prepared is not prepared again: {again}");
    let undone = restore(&host, None).unwrap();
    assert!(!undone.failed(), "{undone}");
    assert_eq!(undone.changed(), report.changed());
    assert_eq!(values(root.path()), before);
    assert!(!host.journal().exists());
    assert_eq!(restore(&host, None).unwrap(), Report::default(), "restoring twice changes nothing");
}

#[test]
fn a_dry_run_changes_nothing_and_writes_nothing() {
    let root = machine();
    let (host, before) = (Host::under(root.path()), values(root.path()));
    let report = prepare(&host, &Options::default(), true).unwrap();
    assert!(report.changed() > 8, "{report}");
    assert_eq!(values(root.path()), before);
    assert!(!root.path().join("var").exists());
}

#[test]
fn what_somebody_else_changed_since_is_left_to_them() {
    let root = machine();
    let host = Host::under(root.path());
    prepare(&host, &Options::default(), false).unwrap();
    put(root.path(), "proc/sys/vm/swappiness", "30\n");
    let report = restore(&host, None).unwrap();
    let left = Outcome::Foreign { written: "1".into(), found: "30".into() };
    assert_eq!(outcome(&report, "swappiness"), &left);
    assert_eq!(value(root.path(), "proc/sys/vm/swappiness"), "30");
    assert_eq!(value(root.path(), "proc/sys/kernel/watchdog"), "1");
    assert!(!host.journal().exists());
}

#[test]
fn after_a_reboot_nothing_is_written_and_the_journal_is_cleared() {
    let root = machine();
    let host = Host::under(root.path());
    prepare(&host, &Options::default(), false).unwrap();
    put(root.path(), "proc/sys/kernel/random/boot_id", "second-boot\n");
    // The new boot's own configuration happens to say what perfvt said.
    put(root.path(), "proc/sys/vm/swappiness", "1\n");
    let report = restore(&host, None).unwrap();
    assert_eq!((report.changed(), report.failed()), (0, false), "{report}");
    assert_eq!(value(root.path(), "proc/sys/vm/swappiness"), "1");
    assert!(!host.journal().exists());
}

#[test]
fn a_session_undoes_its_own_changes_only() {
    let root = machine();
    let host = Host::under(root.path());
    let only = |knob: &str| Options { only: vec![knob.into()], ..Options::default() };
    prepare(&host, &only("ksm"), false).unwrap();
    let second = prepare(&host, &only("swappiness"), false).unwrap();
    restore(&host, Some(&second.session)).unwrap();
    assert_eq!(value(root.path(), "proc/sys/vm/swappiness"), "60");
    assert_eq!(value(root.path(), "sys/kernel/mm/ksm/run"), "0");
    restore(&host, None).unwrap();
    assert_eq!(value(root.path(), "sys/kernel/mm/ksm/run"), "1");
}

#[test]
fn what_cannot_be_done_is_reported_and_is_not_in_the_journal() {
    let root = machine();
    let host = Host::under(root.path());
    put(root.path(), "units/irqbalance.service.stuck", "yes");
    // A directory in the place of a file can be read by nobody.
    fs::remove_file(root.path().join("sys/kernel/mm/ksm/run")).unwrap();
    fs::create_dir(root.path().join("sys/kernel/mm/ksm/run")).unwrap();
    let report = prepare(&host, &Options::default(), false).unwrap();
    assert!(report.failed());
    assert!(matches!(outcome(&report, "irqbalance.service"), Outcome::Failed { .. }), "{report}");
    assert!(matches!(outcome(&report, "ksm/run"), Outcome::Failed { .. }), "{report}");
    let session = &standing(&host).unwrap()[0];
    assert!(session.changes.iter().all(|c| c.knob != "ksm" && c.knob != "services"), "{session:?}");
    let wrong =
        prepare(&host, &Options { without: vec!["turbos".into()], ..Options::default() }, false).unwrap_err();
    assert!(wrong.to_string().starts_with("unknown knob 'turbos'; known: services, governor"), "{wrong}");
}

#[test]
fn huge_pages_that_the_kernel_could_not_all_reserve_are_given_back() {
    let root = machine();
    let path = "sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages";
    put(root.path(), path, "0\n");
    let host = Host::under(root.path());
    let options = Options {
        only: vec!["hugepages".into()],
        hugepages: vec!["512@1".parse().unwrap()],
        ..Options::default()
    };
    assert_eq!(prepare(&host, &options, false).unwrap().changed(), 1);
    // The kernel found fewer.
    put(root.path(), path, "300\n");
    let report = restore(&host, None).unwrap();
    assert_eq!(outcome(&report, "nr_hugepages"), &Outcome::Changed { old: "300".into(), new: "0".into() });
    let elsewhere = Options { hugepages: vec!["1@7".parse().unwrap()], ..options };
    let said = prepare(&host, &elsewhere, false).unwrap().to_string();
    assert!(said.contains("not here: there is no /sys/devices/system/node/node7/"), "{said}");
}

/// This test again, in a process that is killed in the middle of preparing: a value that can be opened but whose
/// opening never ends (a pipe that nobody reads) stops it there.
#[test]
fn a_perfvt_that_was_killed_while_it_prepared_leaves_a_journal_that_tells_the_way_back() {
    if let Ok(root) = std::env::var("PERFVT_TEST_PREPARE") {
        prepare(&Host::under(Path::new(&root)), &Options::default(), false).unwrap();
        return;
    }
    let root = machine();
    let before = values(root.path());
    // A full pipe blocks its writer: after it nothing is changed any more.
    let blocked = root.path().join("proc/sys/vm/drop_caches");
    fs::remove_file(&blocked).unwrap();
    assert!(Command::new("mkfifo").arg(&blocked).status().unwrap().success());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "host_prepare::a_perfvt_that_was_killed_while_it_prepared_leaves_a_journal_that_tells_the_way_back",
        ])
        .env("PERFVT_TEST_PREPARE", root.path())
        .spawn()
        .unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while value(root.path(), "proc/sys/net/ipv4/conf/all/arp_ignore") != "1" {
        assert!(std::time::Instant::now() < until, "it never came to the last knob");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ne!(values(root.path()), before);
    let report = restore(&Host::under(root.path()), None).unwrap();
    assert!(!report.failed(), "{report}");
    assert_eq!(values(root.path()), before);
}

#[test]
fn a_kill_at_any_change_is_undone() {
    let root = machine();
    let (host, before) = (Host::under(root.path()), values(root.path()));
    prepare(&host, &Options::default(), false).unwrap();
    let journal = fs::read(host.journal()).unwrap();
    let session = standing(&host).unwrap().remove(0);
    let done = values(root.path());
    for killed_after in 0..=session.changes.len() {
        // As after a kill: the journal knows all changes, the first few have been made.
        fs::write(host.journal(), &journal).unwrap();
        for (index, change) in session.changes.iter().enumerate() {
            let value = if index < killed_after { &change.new } else { &change.old };
            let path = match &change.target {
                vm::host::prepare::Target::File(path) => path.strip_prefix("/").unwrap().to_owned(),
                vm::host::prepare::Target::Service(unit) => Path::new("units").join(unit),
            };
            put(root.path(), path.to_str().unwrap(), value);
        }
        let report = restore(&host, None).unwrap();
        assert_eq!((report.failed(), report.changed()), (false, killed_after), "{report}");
        assert_eq!(values(root.path()), before);
    }
    assert_ne!(done, before);
}

#[test]
fn a_journal_of_a_newer_perfvt_is_refused_and_nothing_is_changed() {
    let root = machine();
    let (host, before) = (Host::under(root.path()), values(root.path()));
    put(root.path(), "var/lib/perfvt/host-changes.json", r#"{"format": 99, "sessions": []}"#);
    for error in [restore(&host, None).unwrap_err(), prepare(&host, &Options::default(), false).unwrap_err()]
    {
        assert!(error.to_string().contains("format 99 is newer"), "{error}");
    }
    assert_eq!(values(root.path()), before);
}

/// Every operation of the disk fails once while a host is prepared, and while that is undone: what was changed stands in the
/// journal, and a later restore brings everything back.
#[test]
fn a_disk_that_fails_at_any_operation_leaves_the_way_back() {
    // Each service that is looked at is a process.
    let options = Options { services: Some(vec!["irqbalance.service".into()]), ..Options::default() };
    let counted = machine();
    let guard = begin(Plan::none(), &[]);
    prepare(&Host::under(counted.path()), &options, false).unwrap();
    let preparing = guard.end().operations;
    let guard = begin(Plan::none(), &[]);
    restore(&Host::under(counted.path()), None).unwrap();
    let undoing = guard.end().operations;
    assert!(preparing > 30 && undoing > 20, "{preparing} {undoing}");
    let errnos = [Errno::NOSPC, Errno::IO, Errno::DQUOT, Errno::ROFS];
    for nth in 1..=preparing + undoing {
        // Every other one stays broken, like a disk that stays full.
        let from_there = nth % 2 == 0;
        let root = machine();
        let (host, before) = (Host::under(root.path()), values(root.path()));
        let while_undoing = nth > preparing;
        if while_undoing {
            prepare(&host, &options, false).unwrap();
        }
        let at = if while_undoing { nth - preparing } else { nth };
        let guard = begin(Plan { nth: at, errno: errnos[nth as usize % 4], from_there }, &[]);
        let told = if while_undoing { restore(&host, None) } else { prepare(&host, &options, false) };
        let seen = guard.end();
        let when =
            format!("operation {at}, undoing {while_undoing}, from there {from_there}, {:?}", seen.broken);
        assert!(seen.broken.is_some(), "{when}");
        if let Err(error) = &told {
            assert!(error.to_string().contains("var/lib/perfvt"), "{when}: {error}");
        }
        restore(&host, None).unwrap_or_else(|e| panic!("{when}: {e}"));
        assert_eq!(values(root.path()), before, "{when}");
    }
}

#[test]
fn a_journal_that_names_other_files_than_knobs_is_refused_and_none_is_written() {
    let root = machine();
    put(root.path(), "etc/passwd", "new");
    for (target, what) in
        [("/etc/passwd", "file"), ("/sys/../etc/passwd", "file"), ("/proc/1/mem", "file"), ("-x", "service")]
    {
        let journal = format!(
            r#"{{"format": 1, "sessions": [{{"id": "x", "host_boot": "first-boot", "unix_ns": 1, "pid": 1,
            "changes": [{{"knob": "thp", "target": {{"{what}": "{target}"}}, "old": "old", "new": "new", "partly": false}}]}}]}}"#
        );
        put(root.path(), "var/lib/perfvt/host-changes.json", &journal);
        let error = restore(&Host::under(root.path()), None).unwrap_err().to_string();
        assert!(error.contains("nothing that perfvt changes"), "{error}");
        assert_eq!(value(root.path(), "etc/passwd"), "new");
    }
}
