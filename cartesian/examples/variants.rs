//! Prints the names of a configuration's variants: `cargo run -p perfvt-cartesian --example variants -- tests.cfg`.

// An example prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use cartesian::{Config, Options};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("give a configuration, such as tests.cfg")?;
    let config = Config::load(Path::new(&path), Options::default())?;
    for warning in config.warnings() {
        eprintln!("warning: {warning}");
    }
    let mut expansion = config.expand();
    while let Some(variant) = expansion.next_name()? {
        println!("{}", variant.name);
    }
    for culprit in expansion.emptied_by() {
        eprintln!("no variant is left: {culprit}");
    }
    Ok(())
}
