//! Tests that cannot run here say so, in one way, and are counted. Those that need the host for themselves wait for one another.
//!
//! A test that lacks a part of the machine calls [`skip`] and returns. The harness calls that a pass and swallows what it
//! printed; so each skip is also a line of the file that `PERFVT_SKIPS` names, which `make test` shows at its end. With
//! `PERFVT_NO_SKIP=1` a skip fails the test, unless [`EXPECTED`] names it for a machine that lacks the same.

#![allow(clippy::panic, clippy::print_stderr, clippy::disallowed_methods)]

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Tests that may be skipped where `PERFVT_NO_SKIP` is set: what the machine lacks, the test's name, or how it begins, and
/// why that cannot be helped by installing something.
pub const EXPECTED: &[(Lack, &str, &str)] = &[
    (Lack::OrdinaryUser, "discover::a_directory_that_may_not_be_read", "root may read every directory"),
    (Lack::Root, "macvtap::", "macvtaps need root"),
    (Lack::Root, "outside::", "bridges and links between namespaces need root"),
    (Lack::Root, "scenarios::guests_are_plugged_into_bridges", "bridges need root"),
    (Lack::Root, "ends::another_user_is_kept_off", "only root can be two users"),
    (Lack::Root, "farm::three_hosts", "hosts of namespaces need root"),
    (Lack::Root, "farm_boots::", "hosts of namespaces need root"),
    (Lack::Root, "guests::an_ordinary_user_can_do_it_all", "the tests themselves run as one"),
    (Lack::Root, "images::a_user_without_further_ids", "only root can become such a user"),
    (Lack::Root, "ssh::", "another user's network is root's to enter"),
    (Lack::Root, "host::", "the host's settings are root's"),
    (Lack::Root, "disks::a_file_of_a_server_of_nfs", "rpcbind registers for root alone"),
    (Lack::Foreign, "reference::", "avocado-vt's parser is another project's"),
    (Lack::Foreign, "right_guest::the_guests_of_avocado_vt", "avocado-vt's guests are another project's"),
    (Lack::Foreign, "decisions::forks::", "measurements of others, without a licence to carry them"),
    (Lack::Foreign, "session_pages::go", "measurements of others, without a licence to carry them"),
    (Lack::Foreign, "browser::axe", "axe-core comes by npm, which is not asked for"),
    (Lack::Foreign, "site::axe", "axe-core comes by npm, which is not asked for"),
    (Lack::Foreign, "timeline_browser::axe", "axe-core comes by npm, which is not asked for"),
    (Lack::Hardware, "guests::an_ordinary_user_can_do_it_all", "/dev/net/tun may be closed to other users"),
    (Lack::Hardware, "scenarios::a_guest_lives_in_huge_pages", "memory may be too full or too scattered"),
    (Lack::Hardware, "profiles::a_real_perf", "a host may keep its users from perf (perf_event_paranoid)"),
    (Lack::Hardware, "lab::window::threads::", "a host may be too busy for a measurement of its own threads"),
];

/// What a machine can lack that `make setup-test` cannot install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Being root.
    Root,
    /// Being somebody else than root.
    OrdinaryUser,
    /// Files of other projects that are not perfvt's to give away, and are found by a variable of the environment.
    Foreign,
    /// CPUs, memory or devices.
    Hardware,
}

impl Lack {
    /// Whether this machine lacks it.
    fn is_here(self) -> bool {
        let root =
            std::fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0);
        match self {
            Lack::Root => !root,
            Lack::OrdinaryUser => root,
            Lack::Foreign | Lack::Hardware => true,
        }
    }
}

/// The right to use this host, held until it is dropped. Tests of all crates share two CPUs.
#[derive(Debug)]
pub struct Turn(#[allow(dead_code)] File);

/// What is locked (flock(2)): a file that every clone has.
fn shared_file() -> File {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    File::open(path).unwrap_or_else(|error| panic!("opening {path}: {error}"))
}

/// The right to measure on this host while no other test measures or is busy.
///
/// # Panics
/// The lock cannot be taken.
pub fn alone() -> Turn {
    let file = shared_file();
    file.lock().unwrap_or_else(|error| panic!("waiting for a turn: {error}"));
    Turn(file)
}

/// The right to boot guests, or to keep a CPU busy for seconds, beside others that do so: not while a test is [`alone`].
///
/// # Panics
/// The lock cannot be taken.
pub fn busy() -> Turn {
    let file = shared_file();
    file.lock_shared().unwrap_or_else(|error| panic!("waiting for a turn: {error}"));
    Turn(file)
}

/// What [`no_square`] allows.
const FAR: Duration = Duration::from_secs(60);

/// Does work that takes seconds in a debug build, and whose size the caller has chosen such that looking at everything again for
/// each part of it takes many minutes. It guards against that alone: a busy machine is far from the limit, and how fast the
/// work is is for the benches to say.
///
/// # Panics
/// The work took more than a minute.
pub fn no_square<T>(work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = work();
    let took = begun.elapsed();
    assert!(took < FAR, "it took {took:?}, as if everything were looked at again for each part of it");
    done
}

/// Where a test keeps what it writes thousands of times: in memory where there is such a place, since as many fsyncs take
/// minutes on a disk.
pub fn in_memory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// Says that the test that calls it cannot run here.
///
/// # Panics
/// With `PERFVT_NO_SKIP=1`, unless the skip is one of those in [`EXPECTED`].
#[track_caller]
pub fn skip(reason: impl Display) {
    let thread = std::thread::current();
    // The harness gives threads the names of their tests; with one thread there is but the place.
    let place = Location::caller().to_string();
    let test = thread.name().filter(|name| *name != "main").unwrap_or(&place);
    let line = format!("skipped {test}: {reason}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("PERFVT_SKIPS") {
        // One write for each line: tests run beside one another.
        let added = OpenOptions::new().create(true).append(true).open(&path);
        let written = added.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        if let Err(error) = written {
            panic!("writing {}: {error}", path.display());
        }
    }
    if std::env::var_os("PERFVT_NO_SKIP").is_some_and(|value| value == "1") && !is_expected(test) {
        panic!("{line}; PERFVT_NO_SKIP is set, and testing::EXPECTED does not name it for this machine");
    }
}

/// Whether tests may boot guests: not in `make quick`, which sets `PERFVT_NO_GUESTS=1`.
pub fn guests_are_wanted() -> bool {
    std::env::var_os("PERFVT_NO_GUESTS").is_none_or(|value| value != "1")
}

/// The same, and says so where it may not.
#[track_caller]
pub fn may_boot() -> bool {
    let may = guests_are_wanted();
    if !may {
        skip("PERFVT_NO_GUESTS is set: no guest is booted");
    }
    may
}

fn is_expected(test: &str) -> bool {
    EXPECTED.iter().any(|(lack, name, _)| test.starts_with(name) && lack.is_here())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What the other test runs in a process of its own.
    #[test]
    fn one_that_is_skipped_when_it_is_asked_to() {
        if std::env::var_os("PERFVT_TEST_SKIP").is_some() {
            skip("it is asked to");
        }
    }

    #[test]
    fn a_skip_is_counted_and_fails_where_none_is_allowed() {
        let name = "tests::one_that_is_skipped_when_it_is_asked_to";
        let lines = std::env::temp_dir().join(format!("perfvt-skips-{}", std::process::id()));
        let run = |strict: &str| {
            let mut test = Command::new(std::env::current_exe().expect("this program"));
            test.args(["--exact", name, "--test-threads", "2"]).env("PERFVT_TEST_SKIP", "1");
            test.env("PERFVT_SKIPS", &lines).env("PERFVT_NO_SKIP", strict);
            test.output().expect("this program").status.success()
        };
        let passed = (run("0"), run("1"));
        let told = std::fs::read_to_string(&lines).expect("the lines");
        std::fs::remove_file(&lines).expect("the lines");
        assert_eq!(passed, (true, false), "{told}");
        assert_eq!(told, format!("skipped {name}: it is asked to\n").repeat(2));
    }

    #[test]
    fn skips_are_expected_by_what_the_machine_lacks() {
        let root = Lack::OrdinaryUser.is_here();
        assert_ne!(root, Lack::Root.is_here());
        assert_eq!(is_expected("discover::a_directory_that_may_not_be_read_is_a_problem_and_no_end"), root);
        assert!(is_expected("reference::made_up_configurations_expand_alike") && !is_expected("reference"));
        assert!(EXPECTED.iter().all(|(_, name, why)| !name.is_empty() && !why.is_empty()));
    }
}
