//! A system that its own installer installs, from media and a file of answers, onto a fresh disk, which becomes an image of the cache.
//!
//! ```text
//!   Recipe ──> hash of all inputs ──> there is an image of them: nothing boots
//!                │
//!                ├─ media (answers beside the initrd, or on a FAT disk) ──> argv ──> QEMU ──> it powers off by itself ──> store
//!                └─ phases (what its console says) ──> phases.jsonl
//! ```
//!
//! The installer is no guest: nobody enters it, and nothing of it is measured.

mod argv;
mod boot;
mod error;
mod media;
mod phases;
mod restarts;

pub use error::{InstallError, Unfinished};
pub use media::{Answers, AnswersBy};
pub use phases::{Phases, Reached};

use super::confine::Confine;
use super::hardware::Hardware;
use super::identity::identity;
use super::image::{Cache, ImageError, StoredImage, installed, keep_installed, lock_for_install};
use super::qemu_img::QemuImg;
use boot::Place;
use media::Media;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A part of the hash of inputs: another way of installing is another result.
const FORMAT: &str = "perfvt install 1";
/// Logs of the newest installation of each name, in the cache.
const LOGS: &str = "installs";

/// All that an installation is made of.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// What the image is called.
    pub name: String,
    /// The file that says all this, for people.
    pub from: String,
    /// The installer's kernel; without one the firmware starts the medium.
    pub kernel: Option<PathBuf>,
    /// The kernel's initial RAM disk.
    pub initrd: Option<PathBuf>,
    /// A medium, as a CD-ROM.
    pub iso: Option<PathBuf>,
    /// A second one, with drivers.
    pub drivers: Option<PathBuf>,
    /// What the kernel is told.
    pub command_line: String,
    /// What the installer would ask for.
    pub answers: Option<Answers>,
    /// Bytes of the disk.
    pub size: u64,
    /// The machine.
    pub hardware: Hardware,
    /// QEMU's program.
    pub qemu: String,
    /// What makes its disk.
    pub qemu_img: QemuImg,
    /// How QEMU is confined.
    pub confine: Confine,
    /// What its console is looked through for.
    pub phases: Phases,
    /// How often it may restart in between.
    pub restarts: u32,
    /// How long all of it may take.
    pub deadline: Duration,
}

/// An installed system.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Its image.
    pub image: StoredImage,
    /// It was there, made of the same inputs: nothing booted.
    pub was_there: bool,
    /// Where `console.log` and `phases.jsonl` are.
    pub logs: PathBuf,
}

/// Installs a system, or finds the one that was made of the same inputs. Phases are handed to `say` as they are reached.
///
/// # Errors
/// A name that an imported image has; files that are not there; an installer that fails, restarts instead of powering off, or
/// takes too long.
pub fn install(
    recipe: &Recipe,
    cache: &Cache,
    say: &mut dyn FnMut(&Reached),
) -> Result<Installed, InstallError> {
    let inputs = recipe.inputs(cache)?;
    let logs = cache.root().join(LOGS).join(&recipe.name);
    // Whoever comes second waits, and finds the image of the first.
    let _lock = lock_for_install(cache, &recipe.name, &logs)?;
    if let Some(image) = installed(cache, &recipe.name, &inputs)? {
        let logs = image.image.dir.clone();
        return Ok(Installed { image, was_there: true, logs });
    }
    let place = Place::new(cache, recipe, &logs)?;
    let media = Media::make(recipe)?;
    boot::run(recipe, &media, &place, say)?;
    let image = keep_installed(cache, (&recipe.name, &recipe.from), &inputs, (place.image(), &logs))?;
    let logs = image.image.dir.clone();
    Ok(Installed { image, was_there: false, logs })
}

impl Recipe {
    /// A hash of all that makes the disk what it becomes, as far as this host knows it: not of what the installer fetches.
    fn inputs(&self, cache: &Cache) -> Result<String, InstallError> {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        let Hardware { machine, cpu_model, smp, mem_mib, .. } = &self.hardware;
        let (size, smp, mem) = (self.size.to_string(), smp.to_string(), mem_mib.to_string());
        for part in [FORMAT, &self.command_line, machine, cpu_model, &size, &smp, &mem] {
            field(part.as_bytes());
        }
        for nic in &self.hardware.nics {
            field(nic.model.as_bytes());
        }
        for file in [&self.kernel, &self.initrd, &self.iso, &self.drivers] {
            field(file.as_deref().map(|file| hash(cache, file)).transpose()?.unwrap_or_default().as_bytes());
        }
        if let Some(answers) = &self.answers {
            field(answers.by.word().as_bytes());
            field(answers.name.as_bytes());
            field(answers.text.reveal().as_bytes());
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

fn hash(cache: &Cache, file: &Path) -> Result<String, InstallError> {
    identity(cache, &[file]).map_err(|source| InstallError::io("reading", file, source))
}

impl From<ImageError> for InstallError {
    fn from(error: ImageError) -> InstallError {
        InstallError::Image(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edge::Secret;
    use model::Accel;

    fn recipe(dir: &Path) -> Recipe {
        let file = |name: &str| {
            std::fs::write(dir.join(name), name).unwrap();
            Some(dir.join(name))
        };
        Recipe {
            name: "mine".into(),
            from: "mine.cfg".into(),
            kernel: file("kernel"),
            initrd: file("initrd"),
            iso: None,
            drivers: None,
            command_line: "console=ttyS0".into(),
            answers: Some(Answers::new(AnswersBy::Initrd, "x.cfg", Secret::new("a"))),
            size: 1 << 20,
            hardware: Hardware::plain(Accel::Tcg),
            qemu: "/bin/false".into(),
            qemu_img: QemuImg::default(),
            confine: Confine::None,
            phases: Phases::none(),
            restarts: 0,
            deadline: Duration::from_secs(1),
        }
    }

    #[test]
    fn whatever_the_disk_is_made_of_changes_the_hash_and_how_long_it_may_take_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let inputs = |change: &dyn Fn(&mut Recipe)| {
            let mut recipe = recipe(dir.path());
            change(&mut recipe);
            recipe.inputs(&cache).unwrap()
        };
        let plain = inputs(&|_| {});
        assert_eq!(plain, inputs(&|recipe| recipe.deadline = Duration::from_secs(9)));
        let changes: [&dyn Fn(&mut Recipe); 8] = [
            &|recipe| recipe.size += 1,
            &|recipe| recipe.command_line.push('x'),
            &|recipe| recipe.hardware.mem_mib += 1,
            &|recipe| recipe.hardware.smp += 1,
            &|recipe| recipe.iso = recipe.kernel.clone(),
            &|recipe| recipe.drivers = recipe.kernel.clone(),
            &|recipe| recipe.initrd = None,
            &|recipe| {
                recipe.answers = Some(Answers::new(AnswersBy::Initrd, "x.cfg", Secret::new("b")));
            },
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert_ne!(plain, inputs(change), "change {number}");
        }
        std::fs::write(dir.path().join("kernel"), "another one").unwrap();
        let mut again = recipe(dir.path());
        std::fs::write(dir.path().join("kernel"), "another one").unwrap();
        again.deadline = Duration::ZERO;
        assert_ne!(plain, again.inputs(&cache).unwrap());
    }

    #[test]
    fn a_qemu_that_ends_at_once_leaves_no_image_and_says_where_the_log_is() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::at(dir.path().join("cache"));
        let error = match install(&recipe(dir.path()), &cache, &mut |_| {}) {
            Err(InstallError::Process(process::ProcessError::Start { .. })) => {
                return testing::skip("qemu-img is missing; `make setup` gets it");
            }
            other => other.unwrap_err().to_string(),
        };
        assert!(
            error.contains("QEMU ended with status 1") && error.contains("installs/mine/console.log"),
            "{error}"
        );
        assert!(super::super::image::list(&cache).unwrap().is_empty());
    }
}
