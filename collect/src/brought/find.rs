//! Where on this host what the user brings is found.

use super::build::{self, BuildError};
use super::in_guest::InGuest;
use super::step;
use super::{BroughtError, Item, MOUNT, Way, Wish, in_windows};
use std::path::{Path, PathBuf};
use vm::guest::image::{Cache, host_program};
use vm::guest::os::Os;
use vm::host::fingerprint::hash_file;

pub(super) fn hash_of(path: &Path) -> Result<String, BroughtError> {
    hash_file(path).ok_or_else(|| BroughtError::Io {
        doing: "reading",
        path: path.to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    })
}

/// Something for Windows guests.
pub(super) fn find_windows(wish: &Wish) -> Result<Item, BroughtError> {
    let (key, value, host) = (wish.key, wish.value.clone(), PathBuf::from(&wish.value));
    if in_windows(&value) {
        let guest = value.clone();
        return Ok(Item {
            key,
            value,
            guest,
            hash: String::new(),
            host,
            way: Way::There,
            made: None,
            log: None,
        });
    }
    let guest = Os::Windows.in_home(&host.file_name().unwrap_or_default().to_string_lossy());
    Ok(Item { key, value, guest, hash: hash_of(&host)?, host, way: Way::Put, made: None, log: None })
}

pub(super) fn find(cache: &Cache, wish: &Wish) -> Result<Item, BroughtError> {
    if wish.os == Os::Windows {
        return find_windows(wish);
    }
    let path = PathBuf::from(&wish.value);
    if let Some(folder) = build::recipe(&path) {
        return find_built(cache, wish, folder, &path);
    }
    let host = if wish.value.is_empty() {
        let found = host_program(cache, wish.program).map_err(|_| BroughtError::Missing {
            program: wish.program,
            key: wish.key,
            packages: cache.packages_dir().display().to_string(),
        })?;
        found.path
    } else {
        path
    };
    let hash = hash_of(&host)?;
    let name = host.file_name().unwrap_or_default().to_string_lossy();
    let guest = format!("{MOUNT}/{}/{name}", place(&host));
    let way = Way::Disk((place(&host), host.clone()));
    Ok(Item { key: wish.key, value: wish.value.clone(), guest, hash, host, way, made: None, log: None })
}

/// Something in a folder that is built, or the folder itself.
pub(super) fn find_built(
    cache: &Cache,
    wish: &Wish,
    folder: &Path,
    path: &Path,
) -> Result<Item, BroughtError> {
    let within = path.strip_prefix(folder).unwrap_or(Path::new(""));
    let built = wish.on_host.then(|| build::build(cache, folder)).transpose().map_err(Box::new)?;
    let hash = match &built {
        Some(built) => built.hash.clone(),
        None => build::hash_of(folder).map_err(Box::new)?,
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let short = hash.get(..8).unwrap_or_default();
    // Sources and what was built of them are two folders on the disk.
    let place = if wish.in_guest { format!("{name}-src-{short}") } else { format!("{name}-{short}") };
    let on_disk = Path::new(MOUNT).join(&place);
    let step = step::of(folder).map_err(|error| Box::new(BuildError::from(error)))?;
    let made = wish.in_guest.then(|| InGuest::new(folder, step, on_disk.display().to_string(), within));
    let host = match &built {
        Some(built) => built.made(folder, within).map_err(Box::new)?,
        None => path.to_owned(),
    };
    // Without a slash behind it where the folder itself is meant.
    let of_disk =
        || on_disk.components().chain(within.components()).collect::<PathBuf>().display().to_string();
    let files = match (&made, &built) {
        (None, Some(built)) => built.files.clone(),
        _ => folder.to_owned(),
    };
    Ok(Item {
        key: wish.key,
        value: wish.value.clone(),
        guest: made.as_ref().map_or_else(of_disk, InGuest::path),
        hash,
        host,
        way: Way::Disk((place, files)),
        made,
        log: built.map(|built| (format!("deps.{name}.log"), built.log)),
    })
}

/// The folder of a file on the disk: files of one name in two folders of this host stay apart.
pub(super) fn place(host: &Path) -> String {
    let hash = blake3::hash(host.as_os_str().as_encoded_bytes()).to_hex();
    let name = host.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}-{}", hash.get(..8).unwrap_or_default())
}
