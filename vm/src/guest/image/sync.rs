//! Images of a mirror: a folder, or a web server, that has `images.json` ([`super::catalogue`]) and beside it a folder for
//! each image. What came half stays, and goes on from there.

use super::build::{lock, set_readable};
use super::catalogue::{self, Listed, Sum, parse, renew, sum};
use super::error::ImageError;
use super::store::{Cache, Manifest, load};
use edge::write::Appending;
use process::Spec;
use process::deadlines::BUILD;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of one image at most.
const LARGEST: u64 = 1 << 38;
/// Bytes of a list.
const LONGEST: u64 = 16 << 20;

/// Where images come from.
enum Mirror {
    Folder(PathBuf),
    Web(String),
}

impl Mirror {
    fn of(from: &str) -> Result<Mirror, ImageError> {
        let is_web = from.starts_with("http://") || from.starts_with("https://");
        match is_web && from.chars().all(|c| c.is_ascii_graphic()) {
            true => Ok(Mirror::Web(from.trim_end_matches('/').to_owned())),
            false if Path::new(from).is_dir() => Ok(Mirror::Folder(from.into())),
            false => Err(ImageError::format(
                Path::new(from),
                "a mirror of images",
                "it is neither a folder nor an address (http://, https://)",
            )),
        }
    }

    /// Brings a file to its end, from where it stands.
    fn fetch(&self, name: &str, to: &Path, most: u64) -> Result<(), ImageError> {
        match self {
            Mirror::Folder(folder) => {
                let from = folder.join(name);
                go_on(&from, to, most).map_err(|error| ImageError::io("copying", &from, error))
            }
            Mirror::Web(base) => {
                let spec = Spec::new("curl").args(["--fail", "--silent", "--show-error", "--globoff"]);
                let spec = spec.args(["--proto", "=http,https", "--retry", "3", "--continue-at", "-"]);
                let spec = spec.args(["--max-filesize", &most.to_string(), "--output"]).arg(to);
                let told = process::run(spec.arg("--").arg(format!("{base}/{name}")), BUILD);
                told.map(drop).map_err(|error| ImageError::Mirror(Box::new(error)))
            }
        }
    }
}

/// Bytes that are made durable together.
const PIECE: u64 = 16 << 20;

fn go_on(from: &Path, to: &Path, most: u64) -> io::Result<()> {
    let mut source = edge::read::open(from)?;
    let there = fs::metadata(to).map_or(0, |metadata| metadata.len());
    source.seek(SeekFrom::Start(there))?;
    let mut source = source.take(most.saturating_sub(there));
    let mut target = Appending::open(to, there)?;
    loop {
        let mut piece = Vec::new();
        if (&mut source).take(PIECE).read_to_end(&mut piece)? == 0 {
            return Ok(());
        }
        target.append(&piece)?;
    }
}

/// Fetches what a mirror has and the cache has not, of these names and flavours, or all. Each image is told to `say`. Gives how
/// many came.
///
/// # Errors
/// No mirror, or a file of it that is not what its list says.
pub fn sync(
    cache: &Cache,
    from: &str,
    names: &[String],
    say: &mut dyn FnMut(&str),
) -> Result<usize, ImageError> {
    let mirror = Mirror::of(from)?;
    let passing = cache.root().join("sync");
    edge::write::create_directory(&passing)
        .map_err(|error| ImageError::io("creating folder", &passing, error))?;
    // One at a time: two would write into the same files.
    let _alone = lock(&passing.join(".lock"))?;
    let list = passing.join(catalogue::FILE);
    forget(&list)?;
    mirror.fetch(catalogue::FILE, &list, LONGEST)?;
    let bytes = edge::read(&list, LONGEST).map_err(|error| ImageError::io("reading", &list, error))?;
    let listed = parse(&bytes, Path::new(from))?;
    let is_wanted = |image: &&Listed| {
        names.is_empty() || names.iter().any(|name| *name == image.name || *name == image.flavour)
    };
    let wanted: Vec<&Listed> = listed.iter().filter(is_wanted).collect();
    let has = |name: &&String| wanted.iter().any(|image| image.name == **name || image.flavour == **name);
    if let Some(name) = names.iter().find(|name| !has(name)) {
        let what = format!("it lists no image {}", edge::quoted(name));
        return Err(ImageError::format(Path::new(from), "a mirror of images", what));
    }
    let mut came = 0;
    for image in wanted {
        if load(&cache.images_dir().join(&image.name)).is_some() {
            continue;
        }
        say(&format!("{} {} ({})", image.name, image.serial, size(image)));
        fetch_image(&mirror, image, &passing.join(&image.name), cache)?;
        came += 1;
    }
    Ok(came)
}

fn size(image: &Listed) -> String {
    let bytes = image.files.values().fold(0, |all: u64, file| all.saturating_add(file.bytes));
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// Fetches an image's files, holds each against its sum, and gives the folder its name among images.
fn fetch_image(mirror: &Mirror, image: &Listed, dir: &Path, cache: &Cache) -> Result<(), ImageError> {
    let all = image.files.values().try_fold(0u64, |all, file| all.checked_add(file.bytes));
    if all.is_none_or(|all| all > LARGEST) {
        let what = format!("{} is larger than {LARGEST} bytes", image.name);
        return Err(ImageError::format(Path::new(catalogue::FILE), "a list of images", what));
    }
    edge::write::create_directory(dir).map_err(|error| ImageError::io("creating folder", dir, error))?;
    let manifest = Sum { bytes: edge::read::CONFIG, sha256: image.sha256.clone() };
    for (name, wanted) in image.files.iter().chain([(&Manifest::FILE.to_owned(), &manifest)]) {
        let path = dir.join(name);
        let is_whole =
            |path: &Path| sum(path).is_ok_and(|(_, found)| found.eq_ignore_ascii_case(&wanted.sha256));
        if !is_whole(&path) {
            // What is as long as it may become and is something else is no beginning of it.
            let there = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            if there >= wanted.bytes || name == Manifest::FILE {
                forget(&path)?;
            }
            mirror.fetch(&format!("{}/{name}", image.name), &path, wanted.bytes)?;
            if !is_whole(&path) {
                // Going on from what is wrong would never end well.
                forget(&path)?;
                let what = "its SHA-256 is not the one of the list; it is fetched anew the next time";
                return Err(ImageError::format(&path, "a file of a mirror", what));
            }
        }
        let mode = if name == "key" { 0o600 } else { 0o444 };
        edge::write::set_mode(&path, mode)
            .map_err(|error| ImageError::io("setting the mode of", &path, error))?;
    }
    if load(dir).is_none() {
        let what = "its manifest is of another perfvt, or names files that are not in it";
        return Err(ImageError::format(dir, "an image", what));
    }
    publish(image, dir, cache)
}

fn publish(image: &Listed, dir: &Path, cache: &Cache) -> Result<(), ImageError> {
    let images = cache.images_dir();
    edge::write::create_directory(&images)
        .map_err(|error| ImageError::io("creating folder", &images, error))?;
    let _lock = lock(&images.join(".lock"))?;
    let published = images.join(&image.name);
    set_readable(dir)?;
    edge::write::sync_files(dir).map_err(|error| ImageError::io("syncing", dir, error))?;
    edge::write::rename_new(dir, &published)
        .map_err(|error| ImageError::io("publishing image", &published, error))?;
    renew(cache, std::slice::from_ref(image))
}

/// Begins a file anew.
fn forget(path: &Path) -> Result<(), ImageError> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let begun = edge::write::set_mode(path, 0o600).and_then(|()| edge::write::create(path));
    begun.map(drop).map_err(|error| ImageError::io("writing", path, error))
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::tests::store;
    use super::super::store::stored;
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    const DISK: &[u8] = b"the bytes of a disk";

    /// A folder with a mirror of one image, and an empty cache.
    fn mirror() -> (tempfile::TempDir, PathBuf, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let there = Cache::at(folder.path().join("there"));
        store(&there, "mine-00", DISK, 0);
        renew(&there, &[]).unwrap();
        let here = Cache::at(folder.path().join("here"));
        (folder, there.images_dir(), here)
    }

    fn synced(cache: &Cache, from: &str, names: &[&str]) -> Result<usize, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        sync(cache, from, &names, &mut |_| {}).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_folder_lists_comes_once_and_goes_on_where_it_stopped() {
        let (_folder, there, here) = mirror();
        let from = there.to_str().unwrap();
        let half = here.root().join("sync/mine-00");
        fs::create_dir_all(&half).unwrap();
        fs::write(half.join("disk.qcow2"), &DISK[..7]).unwrap();
        assert_eq!(synced(&here, from, &[]), Ok(1));
        assert_eq!(fs::read(stored(&here, "mine").unwrap().image.disk.unwrap()).unwrap(), DISK);
        assert_eq!(catalogue::catalogue(&here).len(), 1);
        assert_eq!(synced(&here, from, &["mine"]), Ok(0));
        let said = synced(&here, from, &["other"]).unwrap_err();
        assert!(said.contains("it lists no image 'other'"), "{said}");
        let said = synced(&here, "/no/such/place", &[]).unwrap_err();
        assert!(said.contains("neither a folder nor an address"), "{said}");
    }

    #[test]
    fn what_is_not_as_the_list_says_is_no_image_and_comes_when_it_is_mended() {
        let (_folder, there, here) = mirror();
        let disk = there.join("mine-00/disk.qcow2");
        fs::write(&disk, b"the bytes of a d!sk").unwrap();
        let said = synced(&here, there.to_str().unwrap(), &[]).unwrap_err();
        assert!(said.contains("its SHA-256 is not the one of the list"), "{said}");
        assert!(stored(&here, "mine").is_none());
        fs::write(&disk, DISK).unwrap();
        assert_eq!(synced(&here, there.to_str().unwrap(), &[]), Ok(1));
    }

    /// Serves files of a folder, from where a client wants them, and notes what was asked for.
    fn server(folder: PathBuf) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let path = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or("/").to_owned();
                let rest: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                let from = rest.iter().find_map(|line| line.strip_prefix("Range: bytes=")?.strip_suffix('-'));
                let body = fs::read(folder.join(path.trim_start_matches('/'))).unwrap_or_default();
                let start: usize = from.and_then(|from| from.parse().ok()).unwrap_or(0).min(body.len());
                noted.lock().unwrap().push(format!("{path} {start}"));
                let range = format!("Content-Range: bytes {start}-{}/{}\r\n", body.len() - 1, body.len());
                let head = if start > 0 { ("206 Partial Content", range) } else { ("200 OK", String::new()) };
                let text = format!(
                    "HTTP/1.1 {}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
                    head.0,
                    head.1,
                    body.len() - start
                );
                let _ =
                    (&stream).write_all(text.as_bytes()).and_then(|()| (&stream).write_all(&body[start..]));
            }
        });
        (at, asked)
    }

    #[test]
    fn a_web_server_is_a_mirror_and_is_asked_for_the_rest_alone() {
        if process::run(Spec::new("curl").arg("--version"), BUILD).is_err() {
            return testing::skip("curl is missing");
        }
        let (_folder, there, here) = mirror();
        let (at, asked) = server(there);
        let half = here.root().join("sync/mine-00");
        fs::create_dir_all(&half).unwrap();
        fs::write(half.join("disk.qcow2"), &DISK[..7]).unwrap();
        assert_eq!(synced(&here, &at, &[]), Ok(1));
        assert!(asked.lock().unwrap().contains(&"/mine-00/disk.qcow2 7".to_owned()), "{asked:?}");
        assert_eq!(fs::read(stored(&here, "mine").unwrap().image.disk.unwrap()).unwrap(), DISK);
    }
}
