//! `perfvt guest install`: from a file of keys to what an installer is given.
//!
//! ```text
//!   FILE.cfg, flags ──> keys (one table) ──> Recipe          answers = TEMPLATE ──> ${..} filled in ──> Answers
//! ```
//!
//! These keys describe an installation, and no guest: a campaign knows none of them.

mod template;

use crate::config::Shipped;
use crate::matrix::{MatrixError, assignment};
use cartesian::{CartesianError, Loader, Options};
use edge::text::cut;
use edge::{Secret, quoted};
use formats::perf_conf::closest;
use model::secret_keys::masked;
use model::{Accel, Origin, Param, Params, ParamsError, bytes};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vm::guest::confine::strongest;
use vm::guest::hardware::{Display, Hardware};
use vm::guest::install::{Answers, AnswersBy, Phases, Recipe};
use vm::guest::qemu_img::{QEMU_IMG, QemuImg};
use vm::host::program::{self, qemu_here};

/// A key of an installation.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key.
    pub key: &'static str,
    /// What it is when nobody sets it; empty for nothing.
    pub default: &'static str,
    /// What it says, for people.
    pub what: &'static str,
}

const fn key(key: &'static str, default: &'static str, what: &'static str) -> Key {
    Key { key, default, what }
}

/// All of them.
pub const KEYS: [Key; 23] = [
    key("install_name", "", "what the image is called: perfvt:NAME; without it the name of the variant"),
    key("install_kernel", "", "the installer's kernel; without one the medium's own loader starts"),
    key("install_initrd", "", "its initial RAM disk"),
    key("install_iso", "", "the installer's medium, as a CD-ROM"),
    key("install_params", "console=ttyS0", "what install_kernel is told"),
    key("answers", "", "the template of the file of answers"),
    key("answers_by", "", "how the installer gets them: initrd, cidata, oemdrv or floppy"),
    key("drivers_iso", "", "a second CD-ROM, with drivers"),
    key("size", "8G", "of the disk"),
    key("mem", "1024", "MiB of memory"),
    key("smp", "1", "vCPUs"),
    key("display", "none", "vga: a screen, which Windows wants"),
    key("restarts", "0", "how often the installer may restart before it powers off"),
    key("deadline", "7200", "seconds that all of it may take"),
    key("phases", "", "debian, anaconda, subiquity, none, or a file of lines NAME = REGULAR EXPRESSION"),
    key("password_hash", "", "${password_hash} in the template, as `openssl passwd -6` makes it"),
    key("password_hash_file", "", "the file that holds it"),
    key("ssh_key", "", "the file of a public key: ${ssh_key}"),
    key("proxy", "", "${proxy}"),
    key("proxy_file", "", "the file that holds it"),
    key("machine", "pc", "QEMU's machine: pc or q35"),
    key("qemu_binary", "", "QEMU's program; without it the one of this host"),
    key("qemu_img_binary", QEMU_IMG, "the program that makes the disk"),
];

/// Keys that name a file, relative to the file that says them.
const FILES: [&str; 8] = [
    "install_kernel",
    "install_initrd",
    "install_iso",
    "answers",
    "drivers_iso",
    "password_hash_file",
    "ssh_key",
    "proxy_file",
];
/// The key of the image's name. In the language itself `name` is that of the variant.
const NAME: &str = "install_name";
/// A disk is no larger.
const LARGEST: u64 = 1 << 40;

/// A file that describes no installation.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file itself.
    #[error(transparent)]
    Cartesian(#[from] CartesianError),
    /// A line that does nothing.
    #[error("{0}")]
    Warning(String),
    /// A value.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// A flag.
    #[error(transparent)]
    Flag(#[from] MatrixError),
    /// A key that is none.
    #[error(
        "{origin}: an installation has no key {}{}; `perfvt help install-guests` has them all",
        quoted(key),
        meant(similar)
    )]
    Unknown {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// One that was probably meant.
        similar: Option<&'static str>,
    },
    /// Not one variant.
    #[error("{}: {found}, and one installation is wanted; --only takes one", cut(&file.to_string_lossy()))]
    Variants {
        /// The file.
        file: PathBuf,
        /// What there is.
        found: &'static str,
    },
    /// A template.
    #[error("{}:{line}: {why}", cut(&file.to_string_lossy()))]
    Template {
        /// The file.
        file: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

fn meant(similar: &Option<&'static str>) -> String {
    similar.map(|similar| format!(", did you mean {similar}?")).unwrap_or_default()
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The file of keys.
    pub file: PathBuf,
    /// What the image is called, where the command line says so.
    pub name: Option<String>,
    /// Filters.
    pub only: Vec<String>,
    /// `KEY=VALUE`.
    pub sets: Vec<String>,
}

/// What a file and flags describe.
///
/// # Errors
/// No file, another number of variants than one, an unknown key, a value that makes no sense, or a template with a variable that
/// is not known.
pub fn recipe(asked: &Asked, accel: Accel) -> Result<Recipe, RecipeError> {
    let params = params(asked)?;
    let name = params.text(NAME)?.trim().to_owned();
    if name.is_empty() {
        return Err(params.wrong(NAME, "what the image is to be called, here or by --name").into());
    }
    let file = |key: &str| match params.text(key)?.trim() {
        "" => Ok(None),
        path if Path::new(path).is_file() => Ok(Some(PathBuf::from(path))),
        _ => Err(params.wrong(key, "a file that is there")),
    };
    let [kernel, initrd, iso, drivers] =
        ["install_kernel", "install_initrd", "install_iso", "drivers_iso"].map(file);
    let (kernel, initrd, iso, drivers) = (kernel?, initrd?, iso?, drivers?);
    if kernel.is_none() && iso.is_none() {
        return Err(params.wrong("install_kernel", "a kernel, or an install_iso whose loader starts").into());
    }
    if initrd.is_some() && kernel.is_none() {
        return Err(params.wrong("install_initrd", "an install_kernel beside it").into());
    }
    let answers = answers(&params, &name, initrd.is_some())?;
    let size = bytes(params.text("size")?).filter(|size| *size >= 1 << 20 && *size <= LARGEST);
    let qemu = match params.text("qemu_binary")?.trim() {
        "" => qemu_here(),
        own => own.to_owned(),
    };
    let hardware = Hardware {
        machine: params.choice("machine", &["pc", "q35"])?.to_owned(),
        smp: params.number("smp", 1usize, "a number of vCPUs, 1 or more")?,
        mem_mib: params.number("mem", 64u64, "MiB, 64 or more")?,
        display: Display::parse(params.choice("display", &["none", "vga"])?).unwrap_or_default(),
        ..Hardware::plain(accel)
    };
    let is_floppy = answers.as_ref().is_some_and(|answers| answers.by == AnswersBy::Floppy);
    if is_floppy && hardware.machine != "pc" {
        return Err(params.wrong("machine", "pc, which has a floppy drive").into());
    }
    Ok(Recipe {
        name,
        from: asked.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        kernel,
        initrd,
        iso,
        drivers,
        command_line: params.text("install_params")?.to_owned(),
        phases: phases(&params, answers.as_ref())?,
        answers,
        size: size.ok_or_else(|| params.wrong("size", "1M to 1T, such as 8G"))?,
        qemu_img: qemu_img(&params)?,
        confine: strongest(&qemu, accel, false, None).0,
        qemu,
        hardware,
        restarts: params.number("restarts", 0u32, "a number of restarts")?,
        deadline: Duration::from_secs(params.number("deadline", 1u64, "seconds, 1 or more")?),
    })
}

/// What makes the disk, once it is there.
fn qemu_img(params: &Params) -> Result<QemuImg, ParamsError> {
    let by = QemuImg::named(params.text("qemu_img_binary")?);
    let path = std::env::var("PATH").unwrap_or_default();
    let wanted =
        |why: String| params.wrong("qemu_img_binary", &format!("a program that can be started: {why}"));
    program::check(by.program(), &path).map_err(wanted)?;
    Ok(by)
}

/// The keys of the one variant that is left.
fn params(asked: &Asked) -> Result<Params, RecipeError> {
    let files = Shipped::default();
    let mut loader = Loader::with_files(Options::default(), &files);
    loader.file(&asked.file)?;
    for filter in &asked.only {
        loader.text("--only", &format!("only {filter}"))?;
    }
    let config = loader.finish();
    if let Some(warning) = config.warnings().first() {
        return Err(RecipeError::Warning(warning.to_string()));
    }
    let mut expansion = config.expand();
    let mut all = Params::new();
    for known in KEYS {
        all.set(known.key, known.default, Origin::BuiltIn);
    }
    let wrong = |found| RecipeError::Variants { file: asked.file.clone(), found };
    {
        let dict = expansion.next_dict()?.ok_or_else(|| wrong("no variant is left"))?;
        all.set(NAME, dict.named.shortname, Origin::File { path: asked.file.clone(), line: 1 });
        for entry in dict.iter() {
            let origin = Origin::File { path: entry.file.to_owned(), line: entry.line };
            put(&mut all, entry.key, entry.value, origin)?;
        }
    }
    if expansion.next_dict()?.is_some() {
        return Err(wrong("several variants are left"));
    }
    for set in &asked.sets {
        let flag = masked(&format!("--set {set}"));
        let (key, value) = assignment(set, &flag)?;
        put(&mut all, key, value, Origin::Flag(flag.clone()))?;
    }
    if let Some(name) = &asked.name {
        all.set(NAME, name.as_str(), Origin::Flag(format!("--name {name}")));
    }
    Ok(all)
}

/// Sets a key that there is, a file by its full path.
fn put(all: &mut Params, key: &str, value: &str, origin: Origin) -> Result<(), RecipeError> {
    if KEYS.iter().all(|known| known.key != key) {
        return Err(RecipeError::Unknown {
            origin: origin.to_string(),
            key: key.to_owned(),
            similar: closest(key, KEYS.iter().map(|known| known.key)),
        });
    }
    let mut value = value.to_owned();
    if FILES.contains(&key) && !value.trim().is_empty() {
        let base = match &origin {
            Origin::File { path, .. } => edge::write::parent(path),
            _ => Path::new(""),
        };
        // Only an unreadable working folder keeps a path as it is; then looking for the file says so.
        if let Ok(full) = std::path::absolute(base.join(value.trim())) {
            value = full.display().to_string();
        }
    }
    all.put(Param::new(key, value, origin));
    Ok(())
}

/// The file of answers, filled in.
fn answers(params: &Params, name: &str, has_initrd: bool) -> Result<Option<Answers>, RecipeError> {
    let template = params.text("answers")?.trim();
    let by = params.text("answers_by")?.trim();
    if template.is_empty() {
        return match by {
            "" => Ok(None),
            _ => Err(params.wrong("answers_by", "a template in answers beside it").into()),
        };
    }
    let by = AnswersBy::parse(by).ok_or_else(|| params.wrong("answers_by", &AnswersBy::WORDS.join(", ")))?;
    if by == AnswersBy::Initrd && !has_initrd {
        return Err(params.wrong("answers_by", "an install_initrd beside it, or another way").into());
    }
    let text = edge::read_text(template, edge::read::CONFIG)
        .map_err(|error| params.wrong("answers", &format!("a file of text that can be read ({error})")))?;
    let ssh_key = match params.text("ssh_key")?.trim() {
        "" => None,
        path => {
            let text = edge::read_text(path, edge::read::CONFIG).ok();
            let line = text
                .as_deref()
                .map(str::trim)
                .filter(|text| text.starts_with("ssh-") || text.starts_with("ecdsa-"));
            let line = line.filter(|text| text.lines().count() == 1).map(str::to_owned);
            Some(line.ok_or_else(|| params.wrong("ssh_key", "the file of one public key"))?)
        }
    };
    let known: BTreeMap<&str, Option<Secret>> = [
        ("name", Some(Secret::new(name))),
        ("password_hash", secret(params, "password_hash")?),
        ("ssh_key", ssh_key.map(Secret::new)),
        ("proxy", secret(params, "proxy")?),
    ]
    .into();
    let filled = template::fill(&text, &known).map_err(|(line, why)| RecipeError::Template {
        file: PathBuf::from(template),
        line,
        why,
    })?;
    Ok(Some(Answers::new(by, template, Secret::new(filled))))
}

/// A secret of one line.
fn secret(params: &Params, key: &str) -> Result<Option<Secret>, ParamsError> {
    let Some(secret) = params.secret(key)?.filter(|secret| !secret.is_empty()) else { return Ok(None) };
    match secret.reveal().lines().count() {
        1 => Ok(Some(secret)),
        _ => Err(params.wrong(key, "one line")),
    }
}

/// What the console is looked through for.
fn phases(params: &Params, answers: Option<&Answers>) -> Result<Phases, RecipeError> {
    let asked = params.text("phases")?.trim();
    let usual = answers.map_or("none", |answers| match answers.by {
        AnswersBy::Initrd => "debian",
        AnswersBy::Cidata => "subiquity",
        AnswersBy::Oemdrv => "anaconda",
        AnswersBy::Floppy => "none",
    });
    let word = if asked.is_empty() { usual } else { asked };
    if let Some(phases) = Phases::of(word) {
        return Ok(phases);
    }
    let base = match params.param("phases").map(|param| &param.origin) {
        Some(Origin::File { path, .. }) => edge::write::parent(path),
        _ => Path::new(""),
    };
    let path = base.join(word);
    let wrong =
        |why: String| params.wrong("phases", &format!("{}, or a file ({why})", Phases::WORDS.join(", ")));
    let text = edge::read_text(&path, edge::read::CONFIG).map_err(|error| wrong(error.to_string()))?;
    Ok(Phases::parse(&text).map_err(|why| wrong(format!("{}, {why}", path.display())))?)
}

#[cfg(test)]
mod tests;
