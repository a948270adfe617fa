//! The backing chain of a guest's image: every file that QEMU reads for it, each named by the user.
//!
//! A qcow2 image names files that it builds upon, and QEMU opens what it names with the rights of whoever runs it. An image
//! may come from anybody, so each such file needs `image_backing`; that it lies beside the image means nothing. Nothing is
//! probed: a guest that writes to a raw disk writes the bytes by which another format would be known.

use formats::qcow2::{self, LONGEST};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Layers of a chain at most: what has more is a ring.
const DEEPEST: usize = 16;

/// How a disk image is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// QEMU's own format.
    Qcow2,
    /// The bytes of the disk, and nothing else.
    Raw,
}

impl Format {
    /// The name of QEMU's driver.
    pub fn word(self) -> &'static str {
        match self {
            Format::Qcow2 => "qcow2",
            Format::Raw => "raw",
        }
    }

    /// The format of a name.
    pub fn parse(word: &str) -> Option<Format> {
        [Format::Qcow2, Format::Raw].into_iter().find(|format| format.word() == word)
    }
}

/// One image of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its file.
    pub file: PathBuf,
    /// How it is read.
    pub format: Format,
    /// The file that holds its data, where that is another one. It is raw.
    pub data: Option<PathBuf>,
}

/// An image with all that it builds upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Bytes of the disk that the guest sees.
    pub size: u64,
    /// The image, and below it its backing files in order.
    pub layers: Vec<Layer>,
}

impl Chain {
    /// The chain of an image, which may read the files in `named` besides (their canonical names). Without a format it is
    /// qcow2, if it says so.
    ///
    /// # Errors
    /// A file that is not named, is not there, or of which nobody knows how to read it: what is wanted instead, to go after
    /// "want".
    pub fn of(image: &Path, format: Option<Format>, named: &[PathBuf]) -> Result<Chain, String> {
        let image = std::path::absolute(image).map_err(|e| unreadable(image, &e))?;
        let format = format.map_or_else(|| unsaid(&image), Ok)?;
        let mut chain = Chain { size: 0, layers: Vec::new() };
        let mut next = Some(Found { file: image.clone(), name: image, format });
        while let Some(found) = next.take() {
            if chain.layers.len() >= DEEPEST {
                return Err(format!(
                    "an image with fewer than {DEEPEST} backing files; it may build upon itself"
                ));
            }
            let (layer, size, below) = found.read(named)?;
            if chain.layers.is_empty() {
                chain.size = size;
            }
            chain.layers.push(layer);
            next = below;
        }
        Ok(chain)
    }

    /// The image itself and how it is read.
    pub fn image(&self) -> (&Path, Format) {
        let first = self.layers.first();
        first.map_or((Path::new(""), Format::Raw), |layer| (&layer.file, layer.format))
    }

    /// All files, the image first.
    pub fn files(&self) -> Vec<&Path> {
        self.layers
            .iter()
            .flat_map(|layer| [Some(layer.file.as_path()), layer.data.as_deref()])
            .flatten()
            .collect()
    }

    /// The same with files as people read them, by what they are.
    #[must_use]
    pub fn for_people(self) -> Chain {
        let named = |(depth, layer): (usize, Layer)| {
            let name = if depth == 0 { "disk".to_owned() } else { format!("backing{depth}") };
            let data = layer.data.map(|_| Path::new("IMAGE").join(format!("{name}-data")));
            Layer { file: Path::new("IMAGE").join(name), data, ..layer }
        };
        Chain { layers: self.layers.into_iter().enumerate().map(named).collect(), ..self }
    }
}

/// A file that is to be a layer.
struct Found {
    /// The file.
    file: PathBuf,
    /// What it is called by the image above, to which the names of its own are relative.
    name: PathBuf,
    format: Format,
}

impl Found {
    /// The layer, the bytes of its disk, and what lies below it.
    fn read(self, named: &[PathBuf]) -> Result<(Layer, u64, Option<Found>), String> {
        let Found { file, name, format } = self;
        if format == Format::Raw {
            let (_, size) = beginning(&file, 0)?;
            return Ok((Layer { file, format, data: None }, size, None));
        }
        let (bytes, _) = beginning(&file, LONGEST)?;
        let header = qcow2::parse(&bytes)
            .map_err(|e| format!("an image that can be read; {}: {e}", file.display()))?;
        let data = match header.data_file {
            Some(data) => Some(permitted(&name, "data file", &data, named)?.1),
            None => None,
        };
        let below = match header.backing {
            Some(backing) => {
                let (name, below) = permitted(&name, "backing file", &backing.file, named)?;
                let format = format_below(&file, &below, backing.format.as_deref())?;
                Some(Found { file: below, name, format })
            }
            None => None,
        };
        Ok((Layer { file, format, data }, header.size, below))
    }
}

/// The format of an image of which nobody says it. A file that calls itself qcow2 is that; any other is not taken for raw,
/// because a guest that writes to it may make it call itself qcow2 the next time.
fn unsaid(image: &Path) -> Result<Format, String> {
    let (bytes, _) = beginning(image, qcow2::MAGIC.len())?;
    if qcow2::is_qcow2(&bytes) {
        return Ok(Format::Qcow2);
    }
    Err(format!(
        "a qcow2 image, and this file does not begin as one; image_format=raw reads a raw disk, and {CONVERT}"
    ))
}

/// What to do about images of other formats.
pub const CONVERT: &str =
    "`qemu-img convert -f FORMAT -O qcow2 FILE NEW` makes a qcow2 image of one of another format";

/// The file that an image names, if the user names it, too: its name, and the file itself.
fn permitted(image: &Path, what: &str, name: &str, named: &[PathBuf]) -> Result<(PathBuf, PathBuf), String> {
    let says = format!("{} names the {what} {name:?}", image.display());
    // What QEMU takes for a protocol: a colon before any slash.
    if name.split('/').next().is_some_and(|first| first.contains(':')) {
        let way = "`qemu-img convert` makes an image that needs no other";
        return Err(format!("an image made of files of this host: {says}, which is none; {way}"));
    }
    let path = image.parent().unwrap_or(Path::new("")).join(name);
    match fs::canonicalize(&path) {
        Ok(known) if named.contains(&known) => Ok((path, known)),
        Ok(known) => Err(format!(
            "an image whose files are all named: {says}, and the guest could read it; \
             if it may, image_backing has to name {:?}",
            known.display().to_string()
        )),
        Err(error) => Err(format!("an image whose files are there: {says}: {error}")),
    }
}

/// The format that an image says its backing file to be of. It is not probed, as little as that of an image.
fn format_below(image: &Path, below: &Path, format: Option<&str>) -> Result<Format, String> {
    let (image, below) = (image.display(), below.display());
    let Some(format) = format else {
        return Err(format!(
            "an image that says of which format its backing file is; \
             `qemu-img rebase -u -F FORMAT -b {below} {image}` writes it into this one"
        ));
    };
    let known = Format::parse(format);
    known.ok_or_else(|| {
        format!("an image upon qcow2 and raw ones; {image} says that {below} is {format:?}; {CONVERT}")
    })
}

/// The beginning of a file, and its length.
fn beginning(file: &Path, most: usize) -> Result<(Vec<u8>, u64), String> {
    let read = || {
        let opened = edge::read::open(file)?;
        let length = opened.metadata()?.len();
        Ok((edge::read::head(file, most as u64)?, length))
    };
    read().map_err(|e| unreadable(file, &e))
}

fn unreadable(file: &Path, error: &io::Error) -> String {
    format!("an image that can be read; {}: {error}", file.display())
}

#[cfg(test)]
#[path = "../../../formats/testdata/qcow2/made.rs"]
pub(super) mod made;

#[cfg(test)]
mod tests {
    use super::made::{Made, above};
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with files, and the chain of the one called `top` when these are named.
    struct Images(tempfile::TempDir);

    impl Images {
        fn new(files: &[(&str, &[u8])]) -> Images {
            let dir = tempfile::tempdir().unwrap();
            for (name, content) in files {
                fs::write(dir.path().join(name), content).unwrap();
            }
            Images(dir)
        }

        fn at(&self, name: &str) -> PathBuf {
            fs::canonicalize(self.0.path()).unwrap().join(name)
        }

        fn chain(&self, format: Option<Format>, named: &[&str]) -> Result<Chain, String> {
            let named: Vec<PathBuf> = named.iter().map(|name| self.at(name)).collect();
            Chain::of(&self.at("top"), format, &named)
        }

        fn refused(&self, named: &[&str], text: &str) {
            let said = self.chain(None, named).unwrap_err();
            assert!(said.contains(text), "{said}");
        }
    }

    const PLAIN: Made<'static> = Made { backing: None, backing_format: None, data_file: None, features: 0 };

    #[test]
    fn a_backing_file_is_read_when_it_is_named_and_a_sibling_is_no_exception() {
        let images = Images::new(&[("top", &above("secret", "raw")), ("secret", b"secret")]);
        let path = images.at("secret");
        images.refused(&[], r#"top names the backing file "secret", and the guest could read it"#);
        images.refused(&["top"], &format!("image_backing has to name {:?}", path.display().to_string()));
        let chain = images.chain(None, &["secret"]).unwrap();
        assert_eq!((chain.size, chain.files()), (1 << 20, vec![images.at("top").as_path(), path.as_path()]));
        // The same file by another name, and by one that leads elsewhere since.
        symlink("secret", images.at("link")).unwrap();
        fs::write(images.at("top"), above(images.at("link").to_str().unwrap(), "raw")).unwrap();
        let chain = images.chain(None, &["secret"]).unwrap();
        assert_eq!(chain.layers[1].file, path, "what was checked is what is opened");
        images.refused(&["link"], "image_backing has to name");
    }

    #[test]
    fn every_layer_of_a_chain_is_named() {
        let (top, middle) = (above("middle", "qcow2"), above("base", "raw"));
        let images = Images::new(&[("top", &top), ("middle", &middle), ("base", b"x")]);
        images.refused(&["middle"], r#"middle names the backing file "base""#);
        images.refused(&["base"], r#"top names the backing file "middle""#);
        // In any order.
        let chain = images.chain(None, &["base", "middle"]).unwrap();
        let formats: Vec<_> = chain.layers.iter().map(|layer| layer.format.word()).collect();
        assert_eq!(formats, ["qcow2", "qcow2", "raw"]);
        fs::write(images.at("base"), above("top", "qcow2")).unwrap();
        fs::write(images.at("middle"), above("base", "qcow2")).unwrap();
        images.refused(&["base", "middle", "top"], "it may build upon itself");
    }

    #[test]
    fn a_data_file_is_named_as_well() {
        let made = Made { data_file: Some("data"), ..PLAIN };
        let images = Images::new(&[("top", &made.bytes()), ("data", b"x")]);
        images.refused(&[], r#"top names the data file "data""#);
        let chain = images.chain(None, &["data"]).unwrap();
        assert_eq!(chain.layers[0].data.as_deref(), Some(images.at("data").as_path()));
    }

    #[test]
    fn a_raw_disk_is_raw_whatever_a_guest_wrote_to_it_and_nothing_is_guessed() {
        let images = Images::new(&[("top", &above("/etc/shadow", "raw"))]);
        let chain = images.chain(Some(Format::Raw), &[]).unwrap();
        assert_eq!((chain.layers.len(), chain.size), (1, 512));
        images.refused(&[], "/etc/shadow");
        fs::write(images.at("top"), b"\xeb\x63\x90\0").unwrap();
        images.refused(&[], "image_format=raw reads a raw disk, and `qemu-img convert");
        assert!(
            images.chain(Some(Format::Qcow2), &[]).unwrap_err().contains("its qcow2 header is not there")
        );
        // A backing file as little as an image.
        let unsaid = Made { backing: Some("base"), ..PLAIN };
        fs::write(images.at("top"), unsaid.bytes()).unwrap();
        fs::write(images.at("base"), PLAIN.bytes()).unwrap();
        images.refused(&["base"], "`qemu-img rebase -u -F FORMAT -b ");
        fs::write(images.at("top"), above("base", "vmdk")).unwrap();
        images.refused(&["base"], r#"is "vmdk"; `qemu-img convert"#);
        // What a backing file says to be raw is not read as anything else.
        fs::write(images.at("top"), above("base", "raw")).unwrap();
        fs::write(images.at("base"), above("/etc/shadow", "raw")).unwrap();
        assert_eq!(images.chain(None, &["base"]).unwrap().layers.len(), 2);
    }

    #[test]
    fn what_is_no_file_of_this_host_is_refused() {
        for name in
            ["nbd://host/x", "json:{\"driver\":\"file\"}", "http://h/x", "fat:/etc", "file:/etc/passwd"]
        {
            let images = Images::new(&[("top", &above(name, "raw"))]);
            images.refused(&[], "which is none; `qemu-img convert` makes an image that needs no other");
        }
        let images = Images::new(&[("top", &above("away\u{1b}[31m", "raw"))]);
        images.refused(&[], r#"files are there: "#);
        images.refused(&[], r#"names the backing file "away\u{1b}[31m""#);
        fs::remove_file(images.at("top")).unwrap();
        fs::create_dir(images.at("top")).unwrap();
        images.refused(&[], "it is a directory, not a file");
        images.0.close().unwrap();
    }
}
