//! `perfvt guest extract`.

use super::carry::{chain, qemu_img};
use crate::Error;
use crate::args::ImageArg;
use std::io::Write;
use std::path::Path;
use vm::guest::image::{self, Cache};

/// Takes files out of an image, and names them.
pub(super) fn extract(
    cache: &Cache,
    asked: &ImageArg,
    what: (bool, &[String]),
    to: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Error> {
    let (kernel, paths) = what;
    if !kernel && paths.is_empty() {
        return Err(
            "nothing is asked for: --kernel takes the newest kernel and its initrd, a PATH what it names"
                .into(),
        );
    }
    let done = image::extract(&chain(cache, asked)?, what, to, &qemu_img(&asked.qemu_img)?)?;
    for taken in &done.taken {
        writeln!(out, "{}  {} bytes", edge::visible(&taken.file.display().to_string()), taken.bytes)?;
    }
    if let Some(first) = done.left.first() {
        let count = done.left.len();
        writeln!(err, "left out: {count} links, devices and the like, such as {}", edge::quoted(first))?;
    }
    Ok(())
}
