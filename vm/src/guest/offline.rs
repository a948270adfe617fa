//! The disks of a guest that nobody talks to: one with its job, which is a tar archive and no more, and one for its results
//! ([`formats::output`]).
//!
//! ```text
//!   job ──> disk perfvt.job ──> guest (vm/guest/offline): unpacks it, does it, packs what came out ──> disk perfvt.out ──> results
//!                                  └─ marks, a byte each (channel::Mark): ready, begin, end, done
//! ```

use formats::output::{self, Files, OutputError};
use process::{PrivateFolder, private_folder_in};
use std::io;
use std::path::{Path, PathBuf};
use tar::{Builder, Header};

/// The file of a job with the path of the program that does it.
pub const PROGRAM: &str = "program";

/// The smallest disk with a job: Linux looks for tables of partitions within it, and complains of a disk that ends before.
const SMALLEST: usize = 64 << 10;

/// The disks of one boot; they are gone with this.
#[derive(Debug)]
pub struct OfflineDisks {
    job: PathBuf,
    output: PathBuf,
    _folder: PrivateFolder,
}

impl OfflineDisks {
    /// Writes the disk with these files of a job, and an empty one of so many bytes, in a private folder of their own in `dir`.
    ///
    /// # Errors
    /// No room in the folder, or a name that no archive has.
    pub fn make(files: &[(String, Vec<u8>)], size: u64, dir: &Path) -> io::Result<OfflineDisks> {
        let folder = private_folder_in(dir)?;
        let (job, output) = (folder.path().join("job.tar"), folder.path().join("output.img"));
        edge::write::write(&job, archive(files)?)?;
        edge::write::create(&output)?.set_len(size)?;
        Ok(OfflineDisks { job, output, _folder: folder })
    }

    /// Where the job is.
    pub fn job(&self) -> &Path {
        &self.job
    }

    /// Where the results go.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// What the guest has written.
    ///
    /// # Errors
    /// It cannot be read, or is not whole.
    pub fn results(&self) -> Result<Files, OutputError> {
        output::read(edge::read::open_disk(&self.output).map_err(OutputError::Cut)?)
    }
}

fn archive(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, content.as_slice())?;
    }
    let mut disk = tar.into_inner()?;
    disk.resize(disk.len().max(SMALLEST), 0);
    Ok(disk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use process::deadlines::HOST_ANSWER;
    use process::{Spec, run};

    #[test]
    fn what_programs_of_guests_write_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let pack = "cd \"$1\" && sha256sum -- * > ../S && mv ../S SHA256SUMS && \
                    tar c -f - $(ls | grep -v -x SHA256SUMS) SHA256SUMS";
        for (name, tool) in [("gnu", ""), ("busybox", "busybox")] {
            if !tool.is_empty() && run(Spec::new(tool).arg("--help"), HOST_ANSWER).is_err() {
                testing::skip("busybox is missing; `make setup-test` gets it");
                continue;
            }
            let out = dir.path().join(name);
            std::fs::create_dir(&out).unwrap();
            std::fs::write(out.join("fio.json"), "{}").unwrap();
            std::fs::write(out.join("empty"), "").unwrap();
            let of = |applet: &str| format!("{applet}() {{ command {tool} {applet} \"$@\"; }}\n");
            let script = format!("{}{}{}", of("tar"), of("sha256sum"), pack);
            let done = Spec::new("sh").args(["-c", &script, "sh"]).arg(&out);
            let packed = run(done, HOST_ANSWER).unwrap();
            let files = output::read(packed.as_slice()).unwrap();
            let names: Vec<&String> = files.keys().collect();
            assert_eq!(names, ["empty", "fio.json"], "{name}");
            assert_eq!(files["fio.json"], b"{}", "{name}");
        }
    }

    #[test]
    fn a_job_is_an_archive_of_whole_sectors_and_an_untouched_output_disk_holds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let files = [(PROGRAM.to_owned(), b"/x\n".to_vec()), ("files/0/it's".to_owned(), vec![1; 700])];
        let disks = OfflineDisks::make(&files, 1 << 20, dir.path()).unwrap();
        let bytes = std::fs::read(disks.job()).unwrap();
        assert_eq!(bytes.len(), SMALLEST);
        let mut tar = tar::Archive::new(bytes.as_slice());
        let names: Vec<_> =
            tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned()).collect();
        assert_eq!(names, [Path::new(PROGRAM), Path::new("files/0/it's")]);
        assert_eq!(std::fs::metadata(disks.output()).unwrap().len(), 1 << 20);
        assert!(matches!(disks.results(), Err(OutputError::Empty)));
        let away = disks.job().to_owned();
        drop(disks);
        assert!(!away.exists());
    }
}
