//! What can be told of kernels of the user's before anything boots.

use crate::environment::Place;
use vm::guest::image::{Found, OwnKernel};
use vm::guest::spec::Source;

/// The kernels of the user's that an environment's guests start with, each once.
pub(super) fn of(place: &Place) -> Vec<&OwnKernel> {
    let Place::Guests(spec) = place else { return Vec::new() };
    let mut kernels: Vec<&OwnKernel> = Vec::new();
    for guest in &spec.guests {
        match &guest.source {
            Source::Builtin(Some(kernel)) if !kernels.contains(&kernel) => kernels.push(kernel),
            _ => {}
        }
    }
    kernels
}

/// Warns of kernels without modules, which mostly do not come up, and of two environments whose kernels are one.
pub(super) fn warnings<'a>(environments: &[(&'a str, Vec<&'a OwnKernel>)]) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut seen: Vec<(&str, &OwnKernel, blake3::Hash)> = Vec::new();
    for (name, kernels) in environments {
        for kernel in kernels {
            // What is no kernel is told when its image is made.
            let Some(Found { release, modules, content }) = kernel.found() else { continue };
            if modules.is_none() {
                warnings.push(format!(
                    "{name}: no modules of the kernel {} were found beside it or on this host, so all its drivers have to be \
                     built in; kernel_modules=FOLDER names them",
                    edge::quoted(&release)
                ));
            }
            let twin = seen
                .iter()
                .find(|(other, twin, same)| other != name && *same == content && twin.file != kernel.file);
            if let Some((other, twin, _)) = twin {
                warnings.push(format!(
                    "{other} and {name} start the same kernel: {} and {} have the same content",
                    twin.file.display(),
                    kernel.file.display()
                ));
            }
            seen.push((name, kernel, content));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_kernel_without_modules_and_a_copy_of_the_other_kernel_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let kernel = |name: &str, content: &[u8]| {
            let file = dir.path().join(name);
            // An ELF file with the banner in which a vmlinux says its release.
            std::fs::write(&file, [&b"\x7fELFLinux version 9.9.9-x (me) "[..], content, &[0; 128]].concat())
                .unwrap();
            file
        };
        let (a, copy, b) = (kernel("a", b"1"), kernel("copy", b"1"), kernel("b", b"2"));
        let said = |sides: &[(&str, &Path)]| {
            let kernels = sides.iter().map(|(_, file)| OwnKernel { file: file.to_path_buf(), modules: None });
            let kernels: Vec<OwnKernel> = kernels.collect();
            let named: Vec<_> =
                sides.iter().zip(&kernels).map(|((name, _), kernel)| (*name, vec![kernel])).collect();
            warnings(&named)
        };
        let two = said(&[("old", &a), ("new", &b)]);
        assert_eq!(two.len(), 2, "{two:?}");
        assert!(two.iter().all(|w| w.contains("no modules of the kernel '9.9.9-x'")), "{two:?}");
        let same = said(&[("old", &a), ("new", &copy)]);
        assert!(same.iter().any(|w| w.starts_with("old and new start the same kernel")), "{same:?}");
        assert!(
            !said(&[("old", &a), ("new", &a)]).iter().any(|w| w.contains("same kernel")),
            "said by one key"
        );
    }
}
