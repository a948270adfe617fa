//! Nothing but the way into the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    perfvt::main()
}
