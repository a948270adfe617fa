//! Commands that are waited for.

use super::error::ProcessError;
use super::spawn::{Sink, Spec};
use std::time::Duration;

/// Runs a command to its end and gives its standard output; any other end than status 0 is an error. What it leaves
/// running in its process group is killed.
pub fn run(spec: Spec, deadline: Duration) -> Result<Vec<u8>, ProcessError> {
    spec.stdout(Sink::Capture).stderr(Sink::Capture).start()?.finish(deadline).into_output(deadline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, Signal, kill_process};
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::time::Instant;

    #[test]
    fn a_child_that_does_not_end_is_killed_at_its_deadline() {
        let start = Instant::now();
        let error = run(Spec::new("sleep").arg("100"), Duration::from_millis(100)).unwrap_err();
        assert!(matches!(error, ProcessError::Deadline { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn output_that_is_cut_off_is_never_taken_for_all_of_it() {
        let large = Spec::new("head").args(["-c", "70000000", "/dev/zero"]);
        let error = run(large, Duration::from_secs(30)).unwrap_err();
        assert_eq!(error.to_string(), "head -c 70000000 /dev/zero wrote more than 64 MiB of output");
    }

    #[test]
    fn a_child_that_was_ended_from_outside_is_told_from_one_that_perfvt_ended() {
        let end = |from_here: bool| {
            let mut running = Spec::new("sleep").arg("1000").start().unwrap();
            if from_here {
                running.signal(Signal::TERM);
            } else {
                kill_process(Pid::from_raw(running.pid() as i32).unwrap(), Signal::TERM).unwrap();
            }
            running.wait_until(Instant::now() + Duration::from_secs(4)).unwrap();
            running.was_signalled()
        };
        assert!(end(true) && !end(false));
        assert!(super::super::struck_within(Duration::from_secs(4)));
    }

    #[test]
    fn a_failing_child_is_quoted() {
        let error = run(Spec::new("ls").arg("/nonexistent-for-perfvt"), Duration::from_secs(5)).unwrap_err();
        assert!(error.to_string().contains("nonexistent-for-perfvt"), "{error}");
    }

    #[test]
    fn a_dropped_child_is_gone_with_its_own_children() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let shell =
            Spec::new("sh").args(["-c", "sleep 1000 & echo $!; sleep 1000"]).stdout(Sink::File(file.clone()));
        let running = shell.start().unwrap();
        let grandchild = printed_pid(&file);
        assert!(Path::new(&format!("/proc/{grandchild}")).exists());
        drop(running);
        assert!(goes(&grandchild));
    }

    /// The process id that a shell printed to a file, once it is there.
    fn printed_pid(file: &Path) -> String {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if text.ends_with('\n') {
                return text.trim().to_owned();
            }
            assert!(Instant::now() < deadline, "nothing was printed");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether a process is gone, or soon is. Nobody waits for an orphan at once in every container: a zombie is gone
    /// enough.
    fn goes(pid: &str) -> bool {
        let deadline = Instant::now() + Duration::from_secs(5);
        let gone = || {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
        };
        while !gone() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        gone()
    }

    #[test]
    fn what_a_child_that_has_ended_left_running_is_killed_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let mut running = Spec::new("sh")
            .args(["-c", "sleep 1000 & echo $!; exit 3"])
            .stdout(Sink::File(file.clone()))
            .start()
            .unwrap();
        let status = running.wait_until(Instant::now() + Duration::from_secs(5)).unwrap();
        assert_eq!(status.code(), Some(3));
        let grandchild = printed_pid(&file);
        assert!(Path::new(&format!("/proc/{grandchild}")).exists());
        running.kill();
        assert!(goes(&grandchild));
        assert_eq!(running.ended().and_then(|s| s.code()), Some(3));
    }

    #[test]
    fn a_signal_is_told_as_the_end_of_a_child() {
        let mut running = Spec::new("sleep").arg("1000").start().unwrap();
        running.signal(Signal::TERM);
        let status = running.wait_until(Instant::now() + Duration::from_secs(5)).unwrap();
        assert_eq!((status.code(), status.signal()), (None, Some(15)));
    }

    #[test]
    fn a_pipe_held_open_by_a_process_that_left_the_group_does_not_hold_up_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let start = Instant::now();
        let escape = "setsid sh -c 'echo $$ >\"$0\"; exec sleep 8' \"$0\" & while [ ! -s \"$0\" ]; do :; done; echo out";
        let out = run(Spec::new("sh").args(["-c", escape]).arg(&file), Duration::from_secs(6)).unwrap();
        assert_eq!(out, b"out\n");
        assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
        let escaped: i32 = printed_pid(&file).parse().unwrap();
        kill_process(Pid::from_raw(escaped).unwrap(), Signal::KILL).unwrap();
    }
}
