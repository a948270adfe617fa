//! A folder of a provider that is read as a configuration: its fragments, files that begin with `- name:`, are the variants
//! of one block.

use super::beneath;
use cartesian::{Disk, Files};
use std::io;
use std::path::Path;

/// Names that a note shows.
const SHOWN: usize = 5;

/// The configuration that a folder stands for, and what there is to say of the files that are no part of it. `name` is what
/// the folder is called in configurations.
///
/// # Errors
/// When a file cannot be read, or none is a fragment.
pub fn text(name: &Path, root: &Path, inside: &Path, limit: u64) -> io::Result<(String, Option<String>)> {
    let folder = beneath::within(inside).ok_or_else(|| io::Error::other("it leads out of its folder"))?;
    let mut files = Disk.names(&root.join(&folder));
    files.retain(|file| Path::new(file).extension().is_some_and(|ending| ending == "cfg"));
    files.sort();
    let name = name.to_string_lossy();
    let name = name.trim_end_matches('/');
    let (mut text, mut others) = (String::from("variants:\n"), Vec::new());
    for file in &files {
        let path = inside.join(file);
        let said = beneath::read(root, &path, limit)
            .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", edge::quoted(file))))?;
        // A name that a line of a configuration cannot hold is not written into one.
        let plain = file.trim() == file && !file.contains(char::is_control);
        if plain && is_fragment(&String::from_utf8_lossy(&said)) {
            text.push_str(&format!("    include {name}/{file}\n"));
        } else {
            others.push(edge::quoted(file).to_string());
        }
    }
    if others.len() == files.len() {
        let why = "it is a folder, and none of its .cfg files begins with '- name:'; name one of its files";
        return Err(io::Error::other(why));
    }
    Ok((text, passed_over(name, others)))
}

fn passed_over(folder: &str, mut others: Vec<String>) -> Option<String> {
    let more = others.len().saturating_sub(SHOWN);
    others.truncate(SHOWN);
    if more > 0 {
        others.push(format!("and {more} more"));
    }
    let names = others.join(", ");
    (!others.is_empty())
        .then(|| format!("{folder}: passed over {names}: no fragments (their first line is not '- name:')"))
}

/// Whether the first line that says anything is a variant's.
fn is_fragment(text: &str) -> bool {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("//"));
    first.is_some_and(|line| line.starts_with('-'))
}
