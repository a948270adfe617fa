//! Mutations of a file as a whole: it is gone, something else, or somewhere else.

use super::content;
use crate::mutation_support::dice::Dice;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

pub fn delete(_: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Removes what is there and puts something else in its place.
fn instead(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)?
    } else {
        fs::remove_file(path)?
    }
    make(path)
}

pub fn folder(_: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    instead(path, |path| fs::create_dir(path))
}

pub fn fifo(_: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    instead(path, |path| Ok(mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0)?))
}

pub fn symlink_loop(_: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    instead(path, |path| symlink(path, path))
}

pub fn dev_zero(_: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    instead(path, |path| symlink("/dev/zero", path))
}

pub fn dangling(_: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    instead(path, |path| symlink("gone", path))
}

/// No block of the disk is used.
pub fn sparse(_: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    instead(path, |path| File::create(path)?.set_len(2 << 30))
}

/// Root reads it all the same.
pub fn unreadable(_: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o000))
}

/// The same content under a second name.
pub fn duplicate(dice: &mut Dice, path: &Path, _: &[PathBuf]) -> io::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let second = if dice.one_in(2) { format!("1{name}") } else { name.replacen('.', ".1.", 1) };
    let content = content(path)?;
    fs::write(path.with_file_name(second), content)
}

fn other<'a>(dice: &mut Dice, path: &Path, others: &'a [PathBuf]) -> Option<&'a PathBuf> {
    let others: Vec<&PathBuf> = others.iter().filter(|other| *other != path).collect();
    if others.is_empty() { None } else { Some(*dice.pick(&others)) }
}

pub fn other_content(dice: &mut Dice, path: &Path, others: &[PathBuf]) -> io::Result<()> {
    let Some(other) = other(dice, path, others) else { return Ok(()) };
    let content = content(other)?;
    instead(path, |path| fs::write(path, content))
}

pub fn link_to_other(dice: &mut Dice, path: &Path, others: &[PathBuf]) -> io::Result<()> {
    let Some(other) = other(dice, path, others) else { return Ok(()) };
    instead(path, |path| symlink(other, path))
}
