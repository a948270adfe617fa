//! Building what stands in a folder `deps/NAME` in the guest itself, with the compiler and the libraries of its image.
//!
//! The sources are on the disk; each boot begins from a fresh layer, so it is built once in each, as soon as the guest takes
//! commands and before anything is measured.

use super::BroughtError;
use super::step::Step;
use crate::parameters::BUILD_ON;
use crate::parse::image;
use edge::quoted;
use model::{Params, ParamsError};
use process::deadlines::BUILD;
use std::path::{Path, PathBuf};
use vm::guest::channel::Status;
use vm::guest::machine::Machine;

/// Its words.
pub(crate) const PLACES: [&str; 2] = ["host", "guest"];
/// Where copies are built in guests: on the disk of the image, for which room was made.
const ROOT: &str = "/var/tmp/perfvt-deps";
/// The most of a log that is told, in bytes.
const LOG: &str = "500000";
/// Copies the folder `$1` to `$2`, with an empty log beside it.
const COPY: &str = r#"mkdir -p "$2" && cp -R "$1/." "$2" && : >"$2.log""#;
/// Runs a command in the folder `$1`; what it says goes to the log `$2`.
const RUN: &str = r#"
cd "$1" || exit
log=$2
shift 2
command -v "$1" >/dev/null || { echo "there is no $1 in the guest" >&2; exit 127; }
exec env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL "$@" >>"$log" 2>&1
"#;

/// Whether folders are built in guests with these parameters.
pub(crate) fn is_asked(params: &Params) -> bool {
    params.get(BUILD_ON).is_some_and(|place| place.trim() == "guest")
}

/// Refuses what cannot be, when the campaign is planned.
///
/// # Errors
/// Another word, or the built-in guest, which has no compiler.
pub(crate) fn check(params: &Params) -> Result<(), ParamsError> {
    if params.get(BUILD_ON).is_none() {
        return Ok(());
    }
    let asked = params.choice(BUILD_ON, &PLACES)? == "guest";
    if asked && image(params).is_none() {
        return Err(
            params.wrong(BUILD_ON, "host, because the built-in guest has no compiler; an image may have one")
        );
    }
    Ok(())
}

/// A folder that guests build.
#[derive(Clone, Debug)]
pub(super) struct InGuest {
    /// The folder's name.
    pub(super) name: String,
    /// The folder of this host.
    pub(super) folder: PathBuf,
    /// Its sources in the guest.
    sources: String,
    /// The copy in which it is built.
    copy: String,
    /// How.
    step: Step,
    /// What the user's key names within.
    wanted: PathBuf,
}

impl InGuest {
    /// The folder of this host whose sources are at a path of the guest, and what is wanted of it.
    pub(super) fn new(folder: &Path, step: Step, sources: String, wanted: &Path) -> InGuest {
        let place = sources.rsplit('/').next().unwrap_or_default();
        InGuest {
            name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            folder: folder.to_owned(),
            copy: format!("{ROOT}/{place}"),
            step,
            sources,
            wanted: wanted.to_owned(),
        }
    }

    /// The full path in the guest of what is wanted, without a slash behind it where the folder itself is meant.
    pub(super) fn path(&self) -> String {
        let path: PathBuf = Path::new(&self.copy).components().chain(self.wanted.components()).collect();
        path.display().to_string()
    }

    /// Builds it, and gives the log.
    ///
    /// # Errors
    /// There is no such program, it fails, or it makes nothing of the name that is wanted.
    pub(super) fn make(&self, guest: &mut Machine) -> Result<String, BroughtError> {
        let failed = |how: String, log: &str| {
            let tail = log.trim_end().lines().rev().take(20).map(|line| quoted(line).to_string());
            let tail = tail.collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
            BroughtError::InGuest { folder: self.folder.clone(), how, tail }
        };
        let broken = |error: vm::guest::machine::GuestError| failed(error.to_string(), "");
        let soon = guest.soon();
        let copy = guest.exec(&["/bin/sh", "-c", COPY, "perfvt-copy", &self.sources, &self.copy], BUILD);
        let copy = copy.map_err(broken)?;
        if copy.status != Status::Exit(0) {
            let said = String::from_utf8_lossy(&copy.stderr).trim().to_owned();
            return Err(failed(format!("copying it ended with {}", copy.status), &said));
        }
        let (place, log) = (self.place(), format!("{}.log", self.copy));
        for command in &self.step.commands {
            let mut words = vec!["/bin/sh", "-c", RUN, "perfvt-build", &place, &log];
            words.extend(command.iter().map(String::as_str));
            let reply = guest.exec(&words, BUILD).map_err(broken)?;
            if reply.status != Status::Exit(0) {
                let said = String::from_utf8_lossy(&reply.stderr).trim().to_owned();
                let log = self.log(guest).map_err(broken)?;
                let how = format!("{} ended with {}", self.step.shown(command), reply.status);
                return Err(failed(how, &format!("{said}\n{log}")));
            }
        }
        let log = self.log(guest).map_err(broken)?;
        let there = guest.exec(&["test", "-e", &self.path()], soon).map_err(broken)?;
        if there.status != Status::Exit(0) {
            return Err(failed(format!("its {} made no {}", self.step.by, self.wanted.display()), &log));
        }
        Ok(log)
    }

    /// Where its commands run.
    fn place(&self) -> String {
        let place: PathBuf =
            Path::new(&self.copy).components().chain(self.step.directory.components()).collect();
        place.display().to_string()
    }

    /// The end of what they said.
    fn log(&self, guest: &mut Machine) -> Result<String, vm::guest::machine::GuestError> {
        let soon = guest.soon();
        let log = guest.exec(&["tail", "-c", LOG, &format!("{}.log", self.copy)], soon)?;
        Ok(String::from_utf8_lossy(&log.stdout).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Origin;

    #[test]
    fn a_path_in_the_folder_is_one_in_the_copy() {
        let of = |wanted: &str| {
            let step = Step { directory: "src".into(), commands: vec![vec!["make".into()]], by: "Makefile" };
            let made =
                InGuest::new(Path::new("/x/deps/tool"), step, "/brought/tool-1a".into(), Path::new(wanted));
            assert_eq!(made.place(), "/var/tmp/perfvt-deps/tool-1a/src");
            made.path()
        };
        assert_eq!(of("src/tool"), "/var/tmp/perfvt-deps/tool-1a/src/tool");
        assert_eq!(of(""), "/var/tmp/perfvt-deps/tool-1a");
    }

    #[test]
    fn the_built_in_guest_builds_nothing() {
        let with = |set: &[(&str, &str)]| {
            let mut params = Params::new();
            for (key, value) in set {
                params.set(*key, *value, Origin::Flag("--set".into()));
            }
            check(&params).map(|()| is_asked(&params))
        };
        assert_eq!(with(&[]), Ok(false));
        assert_eq!(with(&[("build_on", "host")]), Ok(false));
        assert_eq!(with(&[("build_on", "guest"), ("image", "x.qcow2")]), Ok(true));
        assert!(with(&[("build_on", "guest")]).unwrap_err().to_string().contains("no compiler"));
        assert!(
            with(&[("build_on", "moon"), ("image", "x")]).unwrap_err().to_string().contains("host, guest")
        );
    }
}
