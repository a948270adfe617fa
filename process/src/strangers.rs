//! Descriptors that this process was started with, beside the three that each has. Whoever started it may have forgotten to close
//! them (a lock, a pipe of a batch system), and they are nobody else's business.

use rustix::io::{FdFlags, fcntl_setfd};
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::sync::OnceLock;

/// Their numbers. What perfvt opens itself is closed when another program runs, and is none of these.
pub(super) fn inherited() -> &'static [RawFd] {
    static FOUND: OnceLock<Vec<RawFd>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(|number| *number > 2 && stays_open(*number)).collect()
    })
}

/// Whether a descriptor survives the start of another program (proc(5), fdinfo: the flags are octal).
fn stays_open(number: RawFd) -> bool {
    const CLOSES: u32 = 0o2_000_000;
    let told = edge::read::kernel(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
    let flags =
        told.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
    flags.is_some_and(|flags| flags & CLOSES == 0)
}

/// Closes them when the calling process becomes another program. Only for a child between fork and exec.
#[allow(unsafe_code)]
pub(super) fn shut_out(numbers: &[RawFd]) -> io::Result<()> {
    for number in numbers {
        // SAFETY: it is used for this call alone; where it has been closed meanwhile, the kernel says so.
        let file = unsafe { BorrowedFd::borrow_raw(*number) };
        match fcntl_setfd(file, FdFlags::CLOEXEC) {
            Err(rustix::io::Errno::BADF) => {}
            other => other?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Inherited, Rules, Spec, run};
    use super::*;
    use std::os::fd::AsRawFd;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::Duration;

    /// The whole test runs in a child, which was handed a descriptor.
    #[test]
    fn a_confined_child_gets_no_descriptor_that_perfvt_was_started_with() {
        let is_child = std::env::args().any(|word| word == "--exact");
        let rules = match Rules::new(&["/", "/proc"].map(PathBuf::from), &[]) {
            Ok(rules) => Arc::new(rules),
            Err(reason) => return testing::skip(reason),
        };
        if is_child {
            assert!(inherited().contains(&300), "{:?}", inherited());
            let listed = |spec: Spec| {
                let listed = run(spec.args(["-l", "/proc/self/fd"]), Duration::from_secs(5)).unwrap();
                String::from_utf8(listed).unwrap()
            };
            assert!(listed(Spec::new("ls")).contains(" 300 -> "), "the test can fail");
            let kept = listed(Spec::new("ls").rules(Some(&rules)));
            assert!(!kept.contains(" 300 -> "), "{kept}");
            return;
        }
        let file = tempfile::tempfile().unwrap();
        assert!(file.as_raw_fd() > 2);
        let again = Spec::new(std::env::current_exe().unwrap()).args([
            "--exact",
            "strangers::tests::a_confined_child_gets_no_descriptor_that_perfvt_was_started_with",
        ]);
        // A number that nothing else has in the child.
        let out = run(again.inherit(vec![Inherited::new(file, 300)]), Duration::from_secs(30));
        let out = String::from_utf8(out.unwrap_or_else(|e| panic!("{e}"))).unwrap();
        assert!(out.contains("1 passed"), "{out}");
    }
}
