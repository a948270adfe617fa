//! `perfvt guest export` and `perfvt guest import`.

use crate::Error;
use crate::args::ImageArg;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use vm::guest::backing::{Chain, Format};
use vm::guest::image::{self, Cache, named};
use vm::guest::qemu_img::QemuImg;
use vm::host::program;

/// The program that makes images, once it is there.
pub(super) fn qemu_img(program: &str) -> Result<QemuImg, Error> {
    let by = QemuImg::named(program);
    program::check(by.program(), &std::env::var("PATH").unwrap_or_default()).map_err(|why| {
        Error::from(format!(
            "--qemu-img {}: want a program that can be started: {why}; the package qemu-utils has qemu-img",
            edge::quoted(program)
        ))
    })?;
    Ok(by)
}

/// The chain of an image that is asked for: a file where there is one, else one in the cache.
pub(super) fn chain(cache: &Cache, asked: &ImageArg) -> Result<Chain, Error> {
    let file = Path::new(&asked.image);
    let wrong = |wanted: String| {
        Error::from(format!("reading the image {}: want {wanted}", edge::quoted(&asked.image)))
    };
    if file.is_file() {
        let known = |path: &PathBuf| {
            fs::canonicalize(path).map_err(|error| wrong(format!("{} to be there ({error})", path.display())))
        };
        let backing = asked.backing.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        let format = asked.format.as_deref().and_then(Format::parse);
        return Chain::of(file, format, &backing).map_err(|wanted| wrong(flags(&wanted)));
    }
    if asked.image.contains('/') {
        return Err(wrong("a file that is there".into()));
    }
    let stored = named(cache, &asked.image)?;
    let disk =
        stored.image.disk.ok_or_else(|| wrong(format!("an image with a disk; {} has none", stored.name)))?;
    Chain::of(&disk, Some(Format::Qcow2), &[]).map_err(wrong)
}

/// What is wanted of an image, with the flags of these verbs instead of keys.
fn flags(wanted: &str) -> String {
    wanted
        .replace("image_format=raw", "--format raw")
        .replace("image_backing has to name", "--backing has to name")
}

/// Writes an image to a new file.
pub(super) fn export(
    cache: &Cache,
    asked: &ImageArg,
    to: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Error> {
    let chain = chain(cache, asked)?;
    let built = !Path::new(&asked.image).is_file() && named(cache, &asked.image)?.image.imported.is_none();
    let bytes = image::export(&chain, to, &qemu_img(&asked.qemu_img)?)?;
    writeln!(out, "{}  {} MB", to.display(), bytes.div_ceil(1_000_000))?;
    if built {
        writeln!(
            err,
            "its disk has no boot loader: kernel and initrd lie in its /boot, and whoever starts it names them"
        )?;
    }
    Ok(())
}

/// Takes an image into the cache.
pub(super) fn import(
    cache: &Cache,
    (file, name): (&Path, &str),
    by: &str,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let stored = image::import(file, name, cache, &qemu_img(by)?)?;
    writeln!(out, "{}  {} MB; image=perfvt:{name} boots it", stored.name, stored.bytes.div_ceil(1_000_000))?;
    Ok(())
}
