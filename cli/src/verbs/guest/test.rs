//! `perfvt guest test`: a drive of one machine with an image.

use crate::Error;
use crate::args::{Drive, ImageTest};
use crate::verbs::drive::drive;
use std::io::Write;
use std::path::Path;
use vm::guest::image::{Cache, stored};

/// Memory that a whole system needs, in MB; a key of the user's wins.
const MEMORY: &str = "mem=1024";

/// Boots an image and does what a script says.
pub(super) fn test(
    cache: &Cache,
    args: &ImageTest,
    command: Vec<String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Error> {
    let drives = Drive {
        dry_run: false,
        allow_write_device: Vec::new(),
        config: None,
        script: Some(args.script.clone()),
        only: Vec::new(),
        no: Vec::new(),
        guest: None,
        sets: booting(cache, &args.image).into_iter().chain(args.sets.iter().cloned()).collect(),
        accel: args.accel,
        out: args.out.clone(),
        needles: Vec::new(),
        attach: None,
        keep_going: args.keep_going,
        junit: args.junit.clone(),
        json: false,
    };
    drive(&drives, command, out, err)
}

/// The keys that boot what is asked for: a file where there is one, an image of the cache, else a guest that is defined.
fn booting(cache: &Cache, asked: &str) -> Vec<String> {
    if Path::new(asked).is_file() {
        return vec![format!("image={asked}"), MEMORY.to_owned()];
    }
    match stored(cache, asked).map(|stored| stored.image.disk.is_some()) {
        Some(true) => vec![format!("image=perfvt:{asked}"), MEMORY.to_owned()],
        _ => vec![format!("guest={asked}")],
    }
}
