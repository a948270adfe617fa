//! One line for people, whatever is being drawn on the terminal.

use edge::text::visible_lines;
use indicatif::ProgressBar;
use std::io::Write;
use std::path::Path;

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

/// Why a file that the user named was not written: a folder that is not there has its way out.
pub fn unwritten(path: &Path, error: &std::io::Error) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists());
    let way_out = folder.map_or(String::new(), |folder| {
        format!("; there is no folder {0}, make it first: mkdir -p {0}", folder.display())
    });
    format!("writing {}: {error}{way_out}", path.display())
}
