//! Which file the keys of existing configurations name as the image of a guest: `image_name` with `image_format`, as
//! avocado-vt reads them. What comes out stands in `image` and `image_format`, with the line of `image_name`.

use crate::parameters::without_objects;
use crate::parse::{CACHED, NO_DEVICE, has_topology, machines};
use edge::text::cut;
use model::{Origin, Param, Params, ParamsError};
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use vm::scenario::Scenario;

/// The image by its path.
pub const IMAGE: &str = "image";
/// The image by its path without the end that says its format.
pub const NAME: &str = "image_name";
/// How it is read.
pub const FORMAT: &str = "image_format";
/// Whether `image_name` is a whole path, and raw.
pub const RAW: &str = "image_raw_device";
/// The one folder in which `image_name` is looked for.
pub const FOLDER: &str = "images_base_dir";
/// Keys that are gone when the image is known.
const GONE: [&str; 3] = [NAME, RAW, FOLDER];

/// avocado-vt's data directories, in which it looks for images: `$AVOCADO_DATA/avocado-vt`, the user's and the system's.
pub fn data_directories() -> Vec<PathBuf> {
    let of = |name: &str, rest: &str| {
        let path = std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        path.map(|path| path.join(rest))
    };
    let own = [of("AVOCADO_DATA", "avocado-vt"), of("HOME", "avocado/data/avocado-vt")];
    own.into_iter().flatten().chain([PathBuf::from("/var/lib/avocado/data/avocado-vt")]).collect()
}

/// What parameters are meant for: all guests, or one of them.
pub(super) fn suffixes(params: &Params) -> Vec<String> {
    let listed = if has_topology(params) { machines(params) } else { Ok(Vec::new()) };
    // What is wrong with the list is told where the machines are described.
    let listed = listed.ok().filter(|listed| !listed.is_empty());
    let guests = listed.unwrap_or_else(|| Scenario::GuestGuest.guests().to_vec());
    std::iter::once(String::new()).chain(guests.into_iter().map(|guest| format!("_{guest}"))).collect()
}

/// The parameters as the guest sees them that a suffix is of. An image or a format that is said of it alone is what counts:
/// what the other key says of all guests is none of its.
pub(super) fn view(params: &Params, suffix: &str) -> Params {
    let Some(guest) = suffix.strip_prefix('_') else { return params.clone() };
    let mut own = params.object_params(guest);
    let special = |key: &str| given(params, &format!("{key}{suffix}")).is_some();
    for (one, other) in [(IMAGE, NAME), (FORMAT, RAW)] {
        match (special(one), special(other)) {
            (true, false) => own.set(other, "", Origin::BuiltIn),
            (false, true) => own.set(one, "", Origin::BuiltIn),
            _ => {}
        }
    }
    own
}

/// A parameter that says something.
pub(super) fn given<'a>(params: &'a Params, key: &str) -> Option<&'a Param> {
    params.param(key).filter(|param| !param.value.trim().is_empty())
}

/// Who wins where two keys say the same thing: a flag, then a file.
pub(super) fn rank(param: &Param) -> u8 {
    match param.origin {
        Origin::BuiltIn => 0,
        Origin::File { .. } => 1,
        Origin::Flag(_) => 2,
    }
}

/// Whether an image is named, by any key.
pub(super) fn names_an_image(params: &Params, suffix: &str) -> bool {
    [IMAGE, NAME].iter().any(|key| given(params, &format!("{key}{suffix}")).is_some())
}

/// The parameter that names the image of a guest with these parameters, which are its own.
///
/// # Errors
/// Two that name two files.
pub(super) fn naming<'a>(own: &'a Params, folders: &[PathBuf]) -> Result<Option<&'a Param>, ParamsError> {
    let (image, name) = match (given(own, IMAGE), given(own, NAME)) {
        (Some(image), Some(name)) => (image, name),
        (one, other) => return Ok(one.or(other)),
    };
    if rank(image) != rank(name) {
        return Ok(Some(if rank(image) > rank(name) { image } else { name }));
    }
    if same_file(&path_of(image), &look(own, folders)?.file) {
        return Ok(Some(image));
    }
    let wanted = format!("nothing else than image, which names {} ({})", cut(&image.value), image.origin);
    Err(own.wrong(NAME, &wanted))
}

/// The file that a guest with these parameters boots from, as far as they say; `None` when they name none.
///
/// # Errors
/// One that is not there, or not the only one.
pub(super) fn file_of(own: &Params, folders: &[PathBuf]) -> Result<Option<PathBuf>, ParamsError> {
    Ok(match naming(own, folders)? {
        Some(param) if param.key == NAME => Some(look(own, folders)?.file),
        Some(param) => Some(path_of(param)),
        None => None,
    })
}

/// Whether two paths lead to one file.
pub(super) fn same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    one == other || real(one).is_some_and(|path| Some(path) == real(other))
}

/// Puts the file that `image_name` means in the place of the keys that name it.
///
/// # Errors
/// An image that is not there, or not the only one; keys that name two.
pub fn settle(params: &mut Params, folders: &[PathBuf]) -> Result<(), ParamsError> {
    let mut found = Vec::new();
    for suffix in suffixes(params) {
        let set = |key: &&str| params.param(&format!("{key}{suffix}")).is_some();
        if !suffix.is_empty() && ![IMAGE, NAME, FORMAT, RAW, FOLDER].iter().any(set) {
            continue;
        }
        let own = view(params, &suffix);
        let Some(param) = naming(&own, folders)?.cloned() else { continue };
        let (file, format) = if param.key == NAME {
            let found = look(&own, folders)?;
            (found.file.display().to_string(), found.format)
        } else {
            let format = if is_raw(&own)? { Some("raw") } else { None };
            (param.value.clone(), format)
        };
        found.push(Param::new(format!("{IMAGE}{suffix}"), file, param.origin.clone()));
        if let Some(format) = format.filter(|_| given(&own, FORMAT).is_none()) {
            found.push(Param::new(format!("{FORMAT}{suffix}"), format, param.origin));
        }
    }
    found.into_iter().for_each(|param| params.put(param));
    *params = params.iter().filter(|param| !GONE.contains(&without_objects(&param.key))).cloned().collect();
    Ok(())
}

/// A file that was looked for.
#[derive(Debug)]
pub(super) struct Found {
    /// Where it is.
    pub file: PathBuf,
    /// Its format, if its name or a key says it.
    pub format: Option<&'static str>,
}

/// The file that `image_name` means.
///
/// # Errors
/// None, or several.
pub(super) fn look(own: &Params, folders: &[PathBuf]) -> Result<Found, ParamsError> {
    let name = given(own, NAME).ok_or_else(|| ParamsError::Missing { key: NAME.into() })?;
    let text = name.value.trim();
    if text.starts_with(CACHED) {
        return Ok(Found { file: text.into(), format: None });
    }
    let files: Vec<(String, Option<&'static str>)> = match given(own, FORMAT).map(|param| param.value.trim())
    {
        _ if is_raw(own)? => vec![(text.to_owned(), Some("raw"))],
        Some(format) => vec![(format!("{text}.{format}"), None)],
        None => vec![(format!("{text}.qcow2"), Some("qcow2")), (text.to_owned(), None)],
    };
    let places: Vec<PathBuf> = match given(own, FOLDER) {
        Some(folder) => vec![path_of(folder)],
        None => std::iter::once(folder_of(&name.origin)).chain(folders.iter().cloned()).collect(),
    };
    let mut looked: Vec<PathBuf> = Vec::new();
    let mut found: Vec<Found> = Vec::new();
    for (place, (file, format)) in places.iter().flat_map(|place| files.iter().map(move |file| (place, file)))
    {
        let path = absolute(&place.join(file));
        if looked.contains(&path) {
            continue;
        }
        if fs::metadata(&path).is_ok_and(|m| m.file_type().is_block_device()) {
            return Err(own.wrong(NAME, NO_DEVICE));
        }
        if path.is_file() && !found.iter().any(|known| same_file(&known.file, &path)) {
            found.push(Found { file: path.clone(), format: *format });
        }
        looked.push(path);
    }
    let shown = |paths: &mut dyn Iterator<Item = &Path>| {
        paths.map(|path| cut(&path.to_string_lossy())).collect::<Vec<_>>().join(", ")
    };
    let several = found.len() > 1;
    let all = shown(&mut found.iter().map(|found| found.file.as_path()));
    match found.pop() {
        Some(one) if !several => Ok(one),
        Some(_) => Err(own.wrong(NAME, &format!("one image, and there are {all}; image = PATH says which"))),
        None => {
            let looked = shown(&mut looked.iter().map(PathBuf::as_path));
            Err(own.wrong(
                NAME,
                &format!(
                    "an image that is there, and there is none of {looked}; image = PATH names one anywhere"
                ),
            ))
        }
    }
}

/// Whether `image_raw_device` says that the image is raw. A format that is set over it, as a flag is over a file, is what
/// counts.
fn is_raw(own: &Params) -> Result<bool, ParamsError> {
    let Some(raw) = given(own, RAW).filter(|_| own.switch(RAW) != Ok(false)) else { return Ok(false) };
    own.switch(RAW)?;
    match given(own, FORMAT) {
        Some(format) if rank(format) > rank(raw) => Ok(false),
        Some(format) if format.value.trim() != "raw" => {
            let format = format!("{} ({})", cut(format.value.trim()), format.origin);
            Err(own.wrong(RAW, &format!("no, because image_format is {format}")))
        }
        _ => Ok(true),
    }
}

/// The folder that relative paths of a place are relative to.
fn folder_of(origin: &Origin) -> PathBuf {
    match origin {
        Origin::File { path, .. } => path.parent().unwrap_or(Path::new("")).to_owned(),
        _ => PathBuf::new(),
    }
}

/// The path that a parameter means.
pub(super) fn path_of(param: &Param) -> PathBuf {
    let text = param.value.trim();
    if text.starts_with(CACHED) { text.into() } else { absolute(&folder_of(&param.origin).join(text)) }
}

/// Only an unreadable working folder keeps a path as it is; then looking for the file says so.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a configuration's folder and a data directory, and images in them.
    fn place(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, *file).unwrap();
        }
        dir
    }

    fn settled(dir: &Path, keys: &[(&str, &str)]) -> Result<Params, String> {
        let mut params = Params::new();
        for (line, (key, value)) in (1..).zip(keys) {
            let origin = match key.strip_prefix("--") {
                Some(_) => Origin::Flag("--set".into()),
                None => Origin::File { path: dir.join("cfg/t.cfg"), line },
            };
            let value = value.replace("DIR", &dir.display().to_string());
            params.set(key.trim_start_matches("--"), value, origin);
        }
        let shown = |e: ParamsError| e.to_string().replace(&dir.display().to_string(), "DIR");
        settle(&mut params, &[dir.join("data")]).map_err(shown)?;
        Ok(params)
    }

    /// `image`, `image_format` and where they were set, without the folder.
    fn image(dir: &Path, keys: &[(&str, &str)]) -> Result<(String, String), String> {
        let params = settled(dir, keys)?;
        assert!(GONE.iter().all(|key| params.param(key).is_none()));
        let image = params.get(IMAGE).unwrap_or_default().replace(&dir.display().to_string(), "DIR");
        Ok((image, params.get(FORMAT).unwrap_or_default().to_owned()))
    }

    fn ok(image: &str, format: &str) -> Result<(String, String), String> {
        Ok((image.to_owned(), format.to_owned()))
    }

    #[test]
    fn a_name_is_looked_for_beside_its_file_and_in_the_data_directory() {
        let dir =
            place(&["cfg/images/a.qcow2", "data/images/b.qcow2", "data/c.raw", "data/d", "other/e.qcow2"]);
        let image = |keys: &[(&str, &str)]| image(dir.path(), keys);
        assert_eq!(image(&[(NAME, "images/a")]), ok("DIR/cfg/images/a.qcow2", "qcow2"));
        assert_eq!(image(&[(NAME, "images/b")]), ok("DIR/data/images/b.qcow2", "qcow2"));
        assert_eq!(image(&[(NAME, "c"), (FORMAT, "raw")]), ok("DIR/data/c.raw", "raw"));
        assert_eq!(image(&[(NAME, "d")]), ok("DIR/data/d", ""));
        assert_eq!(image(&[(NAME, "d"), (RAW, "yes")]), ok("DIR/data/d", "raw"));
        assert_eq!(image(&[(NAME, "DIR/other/e")]), ok("DIR/other/e.qcow2", "qcow2"));
        assert_eq!(image(&[(NAME, "e"), (FOLDER, "../other")]), ok("DIR/cfg/../other/e.qcow2", "qcow2"));
        assert_eq!(image(&[(NAME, "perfvt:debian")]), ok("perfvt:debian", ""));
    }

    #[test]
    fn what_is_not_there_or_not_the_only_one_is_refused_by_name() {
        let dir = place(&["cfg/a.qcow2", "data/a.qcow2", "data/b", "data/b.qcow2", "data/c.qcow2"]);
        let error = |keys: &[(&str, &str)]| image(dir.path(), keys).unwrap_err();
        let away = error(&[("mem", "1"), (NAME, "images/foo")]);
        assert_eq!(
            away,
            "parameter 'image_name' is 'images/foo' (DIR/cfg/t.cfg:2), want an image that is there, and there is none of \
             DIR/cfg/images/foo.qcow2, DIR/cfg/images/foo, DIR/data/images/foo.qcow2, DIR/data/images/foo; image = PATH \
             names one anywhere"
        );
        assert!(
            error(&[(NAME, "a")]).contains("one image, and there are DIR/cfg/a.qcow2, DIR/data/a.qcow2;")
        );
        assert!(
            error(&[(NAME, "b")]).contains("there are DIR/data/b.qcow2, DIR/data/b; image = PATH says which")
        );
        assert!(error(&[(NAME, "c"), (FORMAT, "raw")]).contains("none of DIR/cfg/c.raw, DIR/data/c.raw"));
        assert!(error(&[(NAME, "c"), (FOLDER, "DIR/cfg")]).contains("none of DIR/cfg/c.qcow2, DIR/cfg/c;"));
        let raw = error(&[(NAME, "b"), (RAW, "yes"), (FORMAT, "qcow2")]);
        assert!(raw.contains("want no, because image_format is qcow2 (DIR/cfg/t.cfg:3)"), "{raw}");
        fs::hard_link(dir.path().join("cfg/a.qcow2"), dir.path().join("cfg/l.qcow2")).unwrap();
        let two = error(&[(NAME, "c"), (IMAGE, "a.qcow2")]);
        assert!(two.contains("want nothing else than image, which names a.qcow2 (DIR/cfg/t.cfg:2)"), "{two}");
    }

    #[test]
    fn a_flag_wins_over_a_file_and_one_guest_may_have_another_image() {
        let dir = place(&["cfg/a.qcow2", "cfg/b.qcow2", "cfg/b.raw"]);
        let image = |keys: &[(&str, &str)]| image(dir.path(), keys);
        assert_eq!(image(&[(NAME, "a"), ("--image", "DIR/cfg/b.qcow2")]), ok("DIR/cfg/b.qcow2", ""));
        assert_eq!(
            image(&[(IMAGE, "b.qcow2"), ("--image_name", "DIR/cfg/a")]),
            ok("DIR/cfg/a.qcow2", "qcow2")
        );
        assert_eq!(image(&[(IMAGE, "a.qcow2"), (NAME, "a")]), ok("a.qcow2", ""));
        let over = [(RAW, "yes"), ("--image_name", "DIR/cfg/b"), ("--image_format", "raw")];
        assert_eq!(image(&over), ok("DIR/cfg/b.raw", "raw"));
        let params = settled(dir.path(), &[(NAME, "b"), ("image_format_vm2", "raw")]).unwrap();
        let of = |key: &str| params.get(key).map(|v| v.rsplit('/').next().unwrap().to_owned());
        assert_eq!((of("image").as_deref(), of("image_vm2").as_deref()), (Some("b.qcow2"), Some("b.raw")));
        let params = settled(dir.path(), &[(IMAGE, "a.qcow2"), ("image_name_vm2", "b")]).unwrap();
        assert!(params.get("image_vm2").unwrap().ends_with("cfg/b.qcow2"));
        let params = settled(dir.path(), &[(NAME, "a"), ("image_vm2", "b.raw"), ("image_format_vm2", "raw")]);
        assert_eq!(params.unwrap().get("image_vm2"), Some("b.raw"));
        let over = [("--image", "DIR/cfg/a.qcow2"), ("--image_raw_device", "yes")];
        let own = [("image_name_vm2", "b"), ("image_format_vm2", "raw")];
        let params = settled(dir.path(), &[&over[..], &own].concat()).unwrap();
        assert!(params.get("image_vm2").unwrap().ends_with("cfg/b.raw"));
    }
}
