//! A kernel of the host for one boot: loaded beside the one that runs, and begun by kexec(8) when the host reboots. Nothing on a
//! disk changes, so a kernel that panics leaves the host to its firmware and the kernel that it boots by itself.

use crate::copy::{sum_of, sum_of_file};
use model::store::StoreError;
use process::deadlines::HOST_WORK;
use process::{ProcessError, Spec, run};
use std::path::{Path, PathBuf};

/// The word of a kernel's command line that says which one perfvt had booted. Kernels pass over words with a dot that no module
/// claims, and do not hand them on (Documentation/admin-guide/kernel-parameters.rst).
const WORD: &str = "perfvt.host_kernel=";
/// Digits of a mark.
const DIGITS: usize = 16;
/// How an uncompressed kernel, a vmlinux, begins (elf(5)).
const ELF: &[u8] = b"\x7fELF";
/// A kernel that panics reboots after so many seconds, where its command line does not say otherwise.
const PANIC: &str = "panic=10";

/// A kernel that cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// Its file.
    #[error("host_kernel: {0}")]
    File(#[from] StoreError),
    /// kexec.
    #[error(
        "loading {path} for one boot of the host: {source}; it takes root, the program kexec (apt-get install kexec-tools), and a kernel that lets another one be loaded (sysctl kernel.kexec_load_disabled=0)", path = path.display()
    )]
    Load {
        /// The kernel.
        path: PathBuf,
        /// Why not.
        source: ProcessError,
    },
}

/// What tells a kernel from others: the first digits of its file's BLAKE3; with an initial RAM disk, of the text of both sums with a
/// space between them. One that does not boot for want of its disk is another kernel when that is mended.
///
/// # Errors
/// A file cannot be read.
pub fn mark(kernel: &Path) -> Result<String, StoreError> {
    let mut sum = sum_of_file(kernel)?;
    if let Some(initrd) = initrd(kernel) {
        sum = sum_of(format!("{sum} {}", sum_of_file(&initrd)?).as_bytes());
    }
    Ok(sum.chars().take(DIGITS).collect())
}

/// The mark of the kernel that runs, by its command line; absent for one that the host booted by itself.
pub fn running(command_line: &str) -> Option<String> {
    command_line.split_whitespace().rev().find_map(|word| word.strip_prefix(WORD)).map(str::to_owned)
}

/// The command line of a kernel for one boot: that of the running one, without what its boot loader added.
fn command_line(of_running: &str, mark: &str) -> String {
    let kept = of_running.split_whitespace().filter(|word| {
        !word.starts_with("BOOT_IMAGE=") && !word.starts_with("initrd=") && !word.starts_with(WORD)
    });
    let mut words: Vec<&str> = kept.collect();
    if !words.iter().any(|word| word.starts_with("panic=")) {
        words.push(PANIC);
    }
    format!("{} {WORD}{mark}", words.join(" "))
}

/// The initial RAM disk that belongs to a kernel, where one lies beside it: `initrd.img-6.1.0` of `vmlinuz-6.1.0` (Debian),
/// `initramfs-6.1.0.img` (Fedora), `vmlinuz-6.1.0.initrd`.
fn initrd(kernel: &Path) -> Option<PathBuf> {
    let name = kernel.file_name()?.to_str()?;
    let version = name.split_once('-').map(|(_, version)| version);
    let beside = version.map(|v| [format!("initrd.img-{v}"), format!("initramfs-{v}.img")]);
    let names = beside.into_iter().flatten().chain([format!("{name}.initrd")]);
    names.map(|name| kernel.with_file_name(name)).find(|path| path.is_file())
}

/// Loads a kernel for the next boot. Nothing is booted.
///
/// # Errors
/// It cannot be loaded.
pub fn load(kernel: &Path, mark: &str, of_running: &str) -> Result<(), KernelError> {
    let mut spec = Spec::new("kexec").arg("--load").arg(kernel);
    spec = spec.arg(format!("--command-line={}", command_line(of_running, mark)));
    // kexec takes an ELF file for any program, unless it is told that it is a Linux (kexec(8), x86).
    if edge::read::head(kernel, 4).is_ok_and(|head| head == ELF) {
        spec = spec.arg("--args-linux");
    }
    if let Some(initrd) = initrd(kernel) {
        let mut word = std::ffi::OsString::from("--initrd=");
        word.push(initrd);
        spec = spec.arg(word);
    }
    let failed = |source| KernelError::Load { path: kernel.to_owned(), source };
    run(spec, HOST_WORK).map(|_| ()).map_err(failed)
}

/// Takes back what was loaded: the next boot is the host's own.
///
/// # Errors
/// kexec cannot.
pub fn unload() -> Result<(), KernelError> {
    let failed = |source| KernelError::Load { path: PathBuf::from("nothing"), source };
    run(Spec::new("kexec").arg("--unload"), HOST_WORK).map(|_| ()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_for_one_boot_says_so_in_its_command_line_and_the_next_one_takes_it_back() {
        let own = "BOOT_IMAGE=/boot/vmlinuz-6.1 root=/dev/sda1 quiet";
        assert_eq!(running(own), None);
        let once = command_line(own, "00112233aabbccdd");
        assert_eq!(once, "root=/dev/sda1 quiet panic=10 perfvt.host_kernel=00112233aabbccdd");
        assert_eq!(running(&once).as_deref(), Some("00112233aabbccdd"));
        let again = command_line(&once.replace("panic=10", "panic=3"), "ff");
        assert_eq!(again, "root=/dev/sda1 quiet panic=3 perfvt.host_kernel=ff");
    }

    #[test]
    fn the_initial_ram_disk_beside_a_kernel_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            std::fs::write(dir.path().join(name), name).unwrap();
            dir.path().join(name)
        };
        let kernel = file("vmlinuz-6.1.0-9-amd64");
        assert_eq!(initrd(&kernel), None);
        let fedora = file("initramfs-6.1.0-9-amd64.img");
        assert_eq!(initrd(&kernel), Some(fedora));
        let debian = file("initrd.img-6.1.0-9-amd64");
        assert_eq!(initrd(&kernel), Some(debian.clone()));
        let with = mark(&kernel).unwrap();
        assert_eq!(with.len(), 16);
        std::fs::write(&debian, "mended").unwrap();
        assert_ne!(mark(&kernel).unwrap(), with, "another disk is another kernel");
        assert_ne!(mark(&kernel).unwrap(), mark(&file("bzImage")).unwrap());
    }
}
