//! Programs of this host by their names.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Why a program cannot be started: a name is looked for in the folders of a PATH, everything else is a file.
///
/// # Errors
/// It is not there, or is none.
pub fn check(program: &str, path: &str) -> Result<(), String> {
    if !program.contains('/') {
        return if is_in(program, path) { Ok(()) } else { Err("no folder of PATH has it".into()) };
    }
    match fs::metadata(program) {
        Err(error) => Err(error.to_string()),
        Ok(_) if is_program(Path::new(program)) => Ok(()),
        Ok(known) if known.is_file() => Err("the file may not be executed".into()),
        Ok(_) => Err("it is no file".into()),
    }
}

/// Whether one of these folders, separated by colons, has a program.
pub fn is_in(program: &str, path: &str) -> bool {
    path.split(':').filter(|dir| !dir.is_empty()).any(|dir| is_program(&Path::new(dir).join(program)))
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_any_folder_and_a_text_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("text");
        fs::write(&text, "").unwrap();
        let path = format!("/nonexistent::{}:/bin:/usr/bin", dir.path().display());
        assert!(is_in("sh", &path) && !is_in("text", &path) && !is_in("sh", ""));
        assert_eq!((check("sh", &path), check("/bin/sh", "")), (Ok(()), Ok(())));
        let wrong = |program: &Path| check(&program.display().to_string(), &path).unwrap_err();
        assert_eq!(wrong(&text), "the file may not be executed");
        assert_eq!(wrong(dir.path()), "it is no file");
        assert!(wrong(&dir.path().join("away")).starts_with("No such file"));
        assert_eq!(check("text", &path), Err("no folder of PATH has it".into()));
    }
}
