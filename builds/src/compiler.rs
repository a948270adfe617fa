//! Which compiler is here: a build is its, too.

use process::deadlines::HOST_ANSWER;
use process::{Spec, run};

/// The first lines of what the compilers and the linker that recipes use say of themselves; those that are not here are none.
pub(crate) fn versions(programs: &[&str]) -> Vec<String> {
    let first = |program: &&str| {
        let told = run(Spec::new("env").args(["LC_ALL=C", program, "--version"]), HOST_ANSWER).ok()?;
        let text = String::from_utf8_lossy(&told).into_owned();
        Some(format!("{program}: {}", text.lines().next()?.trim()))
    };
    programs.iter().filter_map(first).collect()
}
