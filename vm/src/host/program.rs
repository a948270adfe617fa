//! Programs of this host by their names.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// QEMU's usual name.
pub const QEMU: &str = "qemu-system-x86_64";

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

/// Where RHEL and its kin keep QEMU, outside of everybody's PATH.
const LIBEXEC: &str = "usr/libexec/qemu-kvm";

/// The QEMU that is meant where nobody names one: the usual name where a folder of the PATH has it, else the file that RHEL
/// installs below `root`, else the usual name, which whoever starts it tells to be missing.
pub fn qemu(path: &str, root: &Path) -> String {
    let other = root.join(LIBEXEC);
    if is_in(QEMU, path) || !is_program(&other) { QEMU.to_owned() } else { other.display().to_string() }
}

/// The same on this host.
pub fn qemu_here() -> String {
    qemu(&std::env::var("PATH").unwrap_or_default(), Path::new("/"))
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
    fn qemu_is_rhels_where_the_path_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let (bin, libexec) = (dir.path().join("bin"), dir.path().join("usr/libexec"));
        let path = bin.display().to_string();
        let put = |file: &Path| {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "#!/bin/sh\n").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        };
        assert_eq!(qemu(&path, dir.path()), QEMU);
        put(&libexec.join("qemu-kvm"));
        assert_eq!(qemu(&path, dir.path()), libexec.join("qemu-kvm").display().to_string());
        put(&bin.join(QEMU));
        assert_eq!(qemu(&path, dir.path()), QEMU);
    }

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
