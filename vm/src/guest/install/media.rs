//! What an installer gets beside its media: answers to what it would ask, and the ways to them.

use super::super::image::archive_of;
use super::super::seed::{Label, Seed};
use super::{InstallError, Recipe};
use edge::Secret;
use process::{PrivateFolder, private_folder};
use std::path::{Path, PathBuf};

/// An initial RAM disk is no larger.
const LARGEST_INITRD: u64 = 1 << 30;
/// Where another archive may begin behind an initial RAM disk (Linux: Documentation/driver-api/early-userspace/buffer-format.rst).
const BOUNDARY: usize = 512;

/// Where an installer finds its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswersBy {
    /// In its initial RAM disk, behind which they are packed.
    Initrd,
    /// On a disk of cloud-init's data source NoCloud.
    Cidata,
    /// On a disk with the label OEMDRV.
    Oemdrv,
    /// On a floppy disk.
    Floppy,
}

impl AnswersBy {
    /// Their words.
    pub const WORDS: [&'static str; 4] = ["initrd", "cidata", "oemdrv", "floppy"];

    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            AnswersBy::Initrd => "initrd",
            AnswersBy::Cidata => "cidata",
            AnswersBy::Oemdrv => "oemdrv",
            AnswersBy::Floppy => "floppy",
        }
    }

    /// By its word.
    pub fn parse(word: &str) -> Option<AnswersBy> {
        [AnswersBy::Initrd, AnswersBy::Cidata, AnswersBy::Oemdrv, AnswersBy::Floppy]
            .into_iter()
            .find(|by| by.word() == word)
    }
}

/// The answers, which may hold passwords.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Where they go.
    pub by: AnswersBy,
    /// What the file is called there.
    pub name: String,
    /// The file.
    pub text: Secret,
}

impl Answers {
    /// Those of a template, whose own name says what they are called where the way to them does not.
    pub fn new(by: AnswersBy, template: &str, text: Secret) -> Answers {
        let end = template.rsplit_once('.').map_or("", |(_, end)| end);
        let name = match (by, end) {
            (_, "xml") => "Autounattend.xml",
            (AnswersBy::Cidata, _) => "user-data",
            (AnswersBy::Oemdrv, _) | (_, "ks") => "ks.cfg",
            (AnswersBy::Initrd | AnswersBy::Floppy, _) => "preseed.cfg",
        };
        Answers { by, name: name.to_owned(), text }
    }
}

/// Files of one installation, which are gone with this.
pub(super) struct Media {
    /// The initial RAM disk, with the answers where they are there.
    pub(super) initrd: Option<PathBuf>,
    /// The disk with the answers.
    pub(super) seed: Option<PathBuf>,
    _folder: PrivateFolder,
}

impl Media {
    pub(super) fn make(recipe: &Recipe) -> Result<Media, InstallError> {
        let folder = private_folder()
            .map_err(|source| InstallError::io("creating a folder in", &std::env::temp_dir(), source))?;
        let (mut initrd, mut seed) = (recipe.initrd.clone(), None);
        let put = |name: &str, bytes: Vec<u8>| {
            let path = folder.path().join(name);
            let written = edge::write::write_private(&path, &bytes);
            written.map(|()| path.clone()).map_err(|source| InstallError::io("writing", &path, source))
        };
        if let Some(answers) = &recipe.answers {
            let text = answers.text.reveal().as_bytes().to_vec();
            match (label(answers.by), &recipe.initrd) {
                (None, Some(plain)) => initrd = Some(put("initrd", behind(plain, &answers.name, &text)?)?),
                (None, None) => {}
                (Some(label), _) => {
                    let mut files = vec![(answers.name.clone(), text)];
                    if label == Label::Cidata {
                        // Without it there is no data source.
                        let told = format!("instance-id: perfvt-install-{}\n", recipe.name);
                        files.push(("meta-data".to_owned(), told.into_bytes()));
                    }
                    seed = Some(put("answers.img", Seed { label, files }.image()?)?);
                }
            }
        }
        Ok(Media { initrd, seed, _folder: folder })
    }
}

fn label(by: AnswersBy) -> Option<Label> {
    match by {
        AnswersBy::Initrd => None,
        AnswersBy::Cidata => Some(Label::Cidata),
        AnswersBy::Oemdrv => Some(Label::Oemdrv),
        AnswersBy::Floppy => Some(Label::Floppy),
    }
}

/// An initial RAM disk with one more file at its top.
fn behind(initrd: &Path, name: &str, text: &[u8]) -> Result<Vec<u8>, InstallError> {
    let mut all =
        edge::read(initrd, LARGEST_INITRD).map_err(|source| InstallError::io("reading", initrd, source))?;
    all.resize(all.len().next_multiple_of(BOUNDARY), 0);
    all.extend(archive_of(name, text).map_err(|source| InstallError::io("packing", initrd, source))?);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_called_as_their_installer_looks_for_them() {
        let name = |by, template: &str| Answers::new(by, template, Secret::default()).name;
        assert_eq!(name(AnswersBy::Initrd, "debian.preseed"), "preseed.cfg");
        assert_eq!(name(AnswersBy::Initrd, "fedora.ks"), "ks.cfg");
        assert_eq!(name(AnswersBy::Oemdrv, "x"), "ks.cfg");
        assert_eq!(name(AnswersBy::Cidata, "ubuntu.yaml"), "user-data");
        assert_eq!(name(AnswersBy::Floppy, "win.xml"), "Autounattend.xml");
        assert_eq!(name(AnswersBy::Floppy, "x.cfg"), "preseed.cfg");
    }

    #[test]
    fn answers_behind_an_initrd_begin_where_the_kernel_looks_for_another_archive() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("initrd");
        std::fs::write(&plain, [7; 700]).unwrap();
        let all = behind(&plain, "preseed.cfg", b"d-i x\n").unwrap();
        assert_eq!(all.get(..700), Some(&[7; 700][..]));
        let entry = cpio::newc::Reader::new(all.get(1024..).unwrap()).unwrap();
        assert_eq!((entry.entry().name(), entry.entry().mode() & 0o777), ("preseed.cfg", 0o600));
    }
}
