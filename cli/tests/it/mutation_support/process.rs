//! perfvt as a process of its own, which may use 1 GB of memory and 5 s.
//!
//! Time is counted twice: 5 s of a CPU, which holds on a busy machine too, and a deadline for whoever waits for something
//! that never comes. Nothing that perfvt could start is found: PATH names an empty folder.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Address space, in KiB.
const MEMORY_KIB: u32 = 1 << 20;
const CPU_SECONDS: u32 = 5;
const DEADLINE: Duration = Duration::from_secs(10);
/// Largest file that may be written, in blocks of 512 bytes: 64 MiB.
const FILE_BLOCKS: u32 = 1 << 17;

/// How a command line ended.
pub struct Ran {
    /// Nothing when it was killed for having missed the deadline.
    pub status: Option<ExitStatus>,
    pub out: Vec<u8>,
    pub err: Vec<u8>,
}

impl Ran {
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    pub fn err_text(&self) -> String {
        String::from_utf8_lossy(&self.err).into_owned()
    }
}

/// Runs perfvt in the folder `place`, with a home, a cache and a temporary folder below `sandbox`.
pub fn perfvt(sandbox: &Path, place: &Path, words: &[OsString]) -> Ran {
    let (out, err) = (sandbox.join("stdout"), sandbox.join("stderr"));
    let mut child = command(sandbox, words)
        .current_dir(place)
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let status = wait(&mut child);
    Ran { status, out: fs::read(&out).unwrap(), err: fs::read(&err).unwrap() }
}

/// The shell sets the limits and becomes perfvt.
fn command(sandbox: &Path, words: &[OsString]) -> Command {
    let limits = format!(
        "ulimit -v {MEMORY_KIB}; ulimit -t {CPU_SECONDS}; ulimit -f {FILE_BLOCKS}; ulimit -c 0; exec \"$0\" \"$@\""
    );
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &limits, env!("CARGO_BIN_EXE_perfvt")]).args(words).env_clear();
    for (key, folder) in [
        ("HOME", "home"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_CONFIG_HOME", "place/config"),
        ("XDG_RUNTIME_DIR", "tmp"),
        ("TMPDIR", "tmp"),
        ("PATH", "nothing"),
    ] {
        command.env(key, sandbox.join(folder));
    }
    // The user's configuration is an input, and may be anything.
    for folder in ["home", "cache", "tmp", "nothing"] {
        fs::create_dir_all(sandbox.join(folder)).unwrap();
    }
    // Threads have stacks, and arenas of their own: the limit is about what perfvt needs, not about this machine's CPUs.
    command.envs([("RAYON_NUM_THREADS", "2"), ("POLARS_MAX_THREADS", "2"), ("MALLOC_ARENA_MAX", "2")]);
    command.envs([("COLUMNS", "120"), ("RUST_BACKTRACE", "0")]);
    command
}

fn wait(child: &mut Child) -> Option<ExitStatus> {
    let until = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
