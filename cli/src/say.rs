//! One line for people, whatever is being drawn on the terminal.

use edge::text::visible_lines;
use indicatif::ProgressBar;
use std::io::Write;

/// One line on standard error. Progress that nobody can read is no reason to stop measuring.
#[allow(clippy::disallowed_methods)] // The one place beside the sink of `run`.
pub fn print(bar: Option<&ProgressBar>, text: &str) {
    // The bar draws on the terminal itself, so that what guests and tools said is made visible here.
    let text = visible_lines(text);
    match bar {
        Some(bar) => bar.println(text),
        None => drop(writeln!(std::io::stderr(), "{text}")),
    }
}
