//! From the name of a guest to its parameters. What a definition names is what boots, or nothing does: the built-in guest
//! is there for those who name no other one.

use super::guests::{self, Guest, GuestError, Two};
use super::named::{self, IMAGE, NAME, given, names_an_image, suffixes, view};
use super::names::{carries, is_windows, labels};
use super::{entrance, keys, shipped};
use crate::parameters::{BUILTIN, GUEST_NAME, guest};
use crate::parse::{BUILTIN_IMAGE, image};
use cartesian::Dormant;
use edge::text::cut;
use model::{Origin, Param, Params};
use std::path::PathBuf;

/// Where guests and their images are looked for.
#[derive(Clone, Debug)]
pub struct Places {
    /// Files of definitions.
    pub files: Vec<PathBuf>,
    /// Folders of images, beside that of the file that names one.
    pub folders: Vec<PathBuf>,
}

impl Places {
    /// Those of this user.
    pub fn from_env() -> Places {
        Places { files: guests::files(), folders: named::data_directories() }
    }
}

/// What a configuration says of guests beside parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Of<'a> {
    /// The name of its variant.
    pub variant: &'a str,
    /// A line that names a guest, and to which no variant can come.
    pub dormant: Option<&'a Dormant>,
}

/// Keys that say what a guest is. One of them that a guest's definition does not set is not taken from another guest's.
const IDENTITY: [&str; 30] = [
    IMAGE,
    NAME,
    named::FORMAT,
    named::RAW,
    named::FOLDER,
    "image_backing",
    "cdroms",
    "kernel",
    "kernel_modules",
    "kernel_params",
    "initrd",
    "firmware",
    "cloud_init",
    "user_data_file",
    "network_config",
    "first_boot",
    "proxy",
    "proxy_file",
    "debug_user",
    "channel",
    "guest_os",
    "user",
    "password",
    "password_file",
    "prompt",
    "shell_client",
    "shell_port",
    "file_transfer_client",
    "file_transfer_port",
    "key",
];

/// Takes the keys of the guests that parameters name, beneath everything but defaults, and settles which image each boots
/// from and how it is entered.
///
/// # Errors
/// A guest that nobody defines; an image that is not there; keys that name two guests, or a guest without its image.
pub fn define(
    params: &mut Params,
    canonical: &dyn Fn(&str) -> Option<String>,
    places: &Places,
    of: Of<'_>,
) -> Result<(), GuestError> {
    for suffix in suffixes(params) {
        let key = format!("{GUEST_NAME}{suffix}");
        let found = match params.param(&key).filter(|param| is_asked(param)).cloned() {
            Some(asked) => found(params, &asked, &suffix, canonical, places, of)?,
            None => None,
        };
        let name = found.as_ref().map_or(of.variant, |guest| guest.full.as_str());
        if labels(name).any(is_windows) && names_an_image(params, &suffix) {
            say_windows(params, &suffix);
        }
    }
    named::settle(params, &places.folders)?;
    entrance::settle(params)?;
    suffixes(params).into_iter().try_for_each(|suffix| has_its_image(params, &suffix, of))
}

/// The definition of the guest that a parameter names, with its keys taken; `None` when the configuration itself is it.
fn found(
    params: &mut Params,
    asked: &Param,
    suffix: &str,
    canonical: &dyn Fn(&str) -> Option<String>,
    places: &Places,
    of: Of<'_>,
) -> Result<Option<Guest>, GuestError> {
    let name = asked.value.trim();
    let own = carries(of.variant, name)
        || matches!(asked.origin, Origin::File { .. }) && names_an_image(params, suffix);
    let guest = match guests::find(&places.files, name, &asked.origin.to_string()) {
        Err(GuestError::Unknown { .. } | GuestError::Dormant { .. }) if own => return Ok(None),
        found => found?,
    };
    let theirs = keys::normal(guest.params.iter().cloned().collect(), canonical).params;
    of_two(params, asked, suffix, &guest, &theirs, places)?;
    take(params, asked, suffix, &theirs);
    Ok(Some(guest))
}

/// Refuses a configuration that names another image than the guest that is asked for. A flag may.
fn of_two(
    params: &Params,
    asked: &Param,
    suffix: &str,
    guest: &Guest,
    theirs: &Params,
    places: &Places,
) -> Result<(), GuestError> {
    let named = [IMAGE, NAME].into_iter().find_map(|key| given(params, &format!("{key}{suffix}")));
    let Some(ours) = named.filter(|param| matches!(param.origin, Origin::File { .. })) else { return Ok(()) };
    let their = [IMAGE, NAME].into_iter().find_map(|key| given(theirs, key));
    let same = match their {
        None => guest.name != BUILTIN,
        Some(_) => {
            let file = |own: &Params| named::file_of(own, &places.folders).ok().flatten();
            let (ours, theirs) = (file(&view(params, suffix)), file(theirs));
            ours.zip(theirs).is_some_and(|(one, other)| named::same_file(&one, &other))
        }
    };
    if same {
        return Ok(());
    }
    Err(GuestError::from(Box::new(Two {
        asked: asked.origin.to_string(),
        guest: guest.name.clone(),
        image: their.map_or(BUILTIN_IMAGE.to_owned(), |param| cut(&param.value)),
        origin: their.map_or(shipped::GUESTS.to_owned(), |param| param.origin.to_string()),
        other: cut(&ours.value),
        other_origin: ours.origin.to_string(),
    })))
}

/// Takes the keys of a definition where nobody else sets them.
fn take(params: &mut Params, asked: &Param, suffix: &str, theirs: &Params) {
    let set = |params: &Params, key: &str| params.param(key).is_some_and(|p| p.origin != Origin::BuiltIn);
    let named = names_an_image(params, suffix);
    let is_name = |key: &str| [IMAGE, NAME].contains(&key);
    for param in theirs.iter().filter(|param| param.key != GUEST_NAME && !(named && is_name(&param.key))) {
        let key = format!("{}{suffix}", param.key);
        let identity = IDENTITY.contains(&param.key.as_str());
        // What one guest alone is wins over what is said of all.
        if !set(params, &key) && (identity || suffix.is_empty() || !set(params, &param.key)) {
            params.put(param.renamed(key));
        }
    }
    for key in IDENTITY.into_iter().filter(|key| !suffix.is_empty() && theirs.param(key).is_none()) {
        let own = format!("{key}{suffix}");
        if params.param(key).is_some() && !set(params, &own) && !(named && is_name(key)) {
            let default = guest().find(|known| known.key == key).and_then(|known| known.default);
            params.set(own, default.unwrap_or_default(), asked.origin.clone());
        }
    }
}

/// Refuses a guest that is named and has no image, and the built-in one where a line names another that nobody is.
fn has_its_image(params: &Params, suffix: &str, of: Of<'_>) -> Result<(), GuestError> {
    let own = view(params, suffix);
    if image(&own).is_some() || own.get(IMAGE).map(str::trim) == Some(BUILTIN_IMAGE) {
        return Ok(());
    }
    let key = format!("{GUEST_NAME}{suffix}");
    if let Some(asked) = own.param(&key).or(own.param(GUEST_NAME)).filter(|param| is_asked(param))
        && asked.value.trim() != BUILTIN
        && given(&own, "kernel").is_none()
    {
        let wanted = "a guest that says what it boots from, by image, image_name or kernel; image = perfvt:builtin is perfvt's own guest";
        return Err(own.wrong(&asked.key.clone(), wanted).into());
    }
    let key = format!("{IMAGE}{suffix}");
    if !suffix.is_empty() && params.param(&key).is_some() && image(params).is_some() && !is_builtin(&own) {
        return Err(params.wrong(&key, "an image; perfvt:builtin is that of perfvt's own guest").into());
    }
    match of.dormant.filter(|_| own.param(GUEST_NAME).is_none_or(|param| !is_asked(param))) {
        Some(dormant) => Err(GuestError::dormant(dormant)),
        None => Ok(()),
    }
}

/// Whether the built-in guest is asked for by its name.
fn is_builtin(own: &Params) -> bool {
    own.param(GUEST_NAME).is_some_and(|param| is_asked(param) && param.value.trim() == BUILTIN)
}

/// Whether somebody names a guest: perfvt's own files do not, where they name the built-in one.
fn is_asked(param: &Param) -> bool {
    let own = matches!(&param.origin, Origin::File { path, .. } if shipped::is_own(path));
    param.origin != Origin::BuiltIn
        && !param.value.trim().is_empty()
        && !(own && param.value.trim() == BUILTIN)
}

/// Says that a guest is a Windows, unless something else says what it is.
fn say_windows(params: &mut Params, suffix: &str) {
    const OS: &str = "guest_os";
    let own = view(params, suffix);
    if own.param(OS).is_none_or(|param| param.origin == Origin::BuiltIn)
        && let Some(named) = [IMAGE, NAME].iter().find_map(|key| given(&own, key))
    {
        params.set(format!("{OS}{suffix}"), "windows", named.origin.clone());
    }
}
