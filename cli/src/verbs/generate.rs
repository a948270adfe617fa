//! `perfvt completions` and `perfvt man`: generated from the command line's own description.

use crate::args::Args;
use crate::{DONE, Error};
use clap::CommandFactory;
use std::io::Write;
use std::path::Path;

/// Completions for a shell.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn Write) -> Result<u8, Error> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "perfvt", &mut text);
    out.write_all(&text)?;
    Ok(DONE)
}

/// The main manual page, or a folder of all of them.
pub fn man(dir: Option<&Path>, out: &mut dyn Write) -> Result<u8, Error> {
    match dir {
        Some(dir) => {
            edge::write::create_directory(dir).map_err(|e| format!("creating {}: {e}", dir.display()))?;
            clap_mangen::generate_to(Args::command(), dir)
                .map_err(|e| format!("writing manual pages to {}: {e}", dir.display()))?;
        }
        None => clap_mangen::Man::new(Args::command()).render(out)?,
    }
    Ok(DONE)
}
