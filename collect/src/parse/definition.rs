//! A guest of the user's: what its parameters say of the image that it boots from and of the way into it.

use super::cdrom::{CDROMS, cdroms};
use super::cloud_init::{self, CLOUD_INIT, TOLD, cloud_init};
use super::{CACHED, given, image, os};
use edge::Secret;
use model::{Origin, Param, Params, ParamsError};
use regex::Regex;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use vm::guest::backing::{CONVERT, Chain, Format};
use vm::guest::channel::serial::{Login, PROMPT};
use vm::guest::definition::{Definition, SSH_PORT};
use vm::guest::image::{Cache, OwnKernel, StoredImage, stored};
use vm::guest::seed::CloudInit;
use vm::guest::way::Way;

/// What every Linux kernel that perfvt starts is told.
const KERNEL_COMMAND_LINE: &str = "console=ttyS0 panic=-1 quiet";

/// The guest that parameters describe; `None` for the built-in one.
///
/// # Errors
/// An image or a file that is not there, a way into the guest that it has not, or parameters without an image.
pub fn definition(params: &Params, cache: &Cache) -> Result<Option<Definition>, ParamsError> {
    let Some(image) = image(params) else { return without_image(params).map(|()| None) };
    let cached = cached(params, image, cache)?;
    let file = |key: &str, of_cache: Option<&PathBuf>| match given(params, key) {
        None => Ok(of_cache.cloned()),
        Some(path) if Path::new(path).is_file() => Ok(Some(PathBuf::from(path))),
        Some(path) => Err(params.wrong(key, &wanted(Path::new(path), "a file"))),
    };
    let of_cache = cached.as_ref().map(|stored| &stored.image);
    let chain = match of_cache {
        Some(image) => of_the_cache(params, image.disk.as_deref())?,
        None => chain(params, Path::new(image))?,
    };
    // One that was imported has a loader of its own.
    let built = of_cache.filter(|image| image.imported.is_none());
    let kernel = file("kernel", built.map(|image| &image.kernel))?;
    let initrd = file("initrd", built.map(|image| &image.initramfs))?;
    if initrd.is_some() && kernel.is_none() {
        return Err(params.wrong("initrd", "a kernel beside it"));
    }
    if kernel.is_none() && params.param("kernel_params").is_some_and(asked) {
        return Err(
            params.wrong("kernel_params", "a kernel beside it: what the image's boot loader says is its own")
        );
    }
    let firmware = file("firmware", None)?;
    if firmware.is_some() && kernel.is_some() {
        let wanted = "an image without a kernel beside it: QEMU starts that one, and the firmware nothing";
        return Err(params.wrong("firmware", wanted));
    }
    let told = cloud_init::is_told(params, os(params)?)?;
    let way = cloud_init::way(params, told)?;
    let root = built.map_or("", |_| "root=LABEL=perfvt rw cryptomgr.notests");
    let words = [KERNEL_COMMAND_LINE, root].join(" ");
    let mut definition = Definition {
        lock: of_cache.map_or_else(|| PathBuf::from(image), |image| image.dir.clone()),
        chain,
        kernel,
        initrd,
        firmware,
        command_line: words.trim_end().to_owned(),
        way,
        os: os(params)?,
        login: login(params, way)?,
        shell_port: match given(params, "shell_port") {
            Some(_) => params.number("shell_port", 1, "a port, 1 to 65535")?,
            None => SSH_PORT,
        },
        key: file("key", of_cache.and_then(|image| image.key.as_ref()))?,
        cloud_init: None,
        cdroms: cdroms(params)?,
    };
    check(&definition, params, told)?;
    if told {
        let login = way.is_ssh().then_some((definition.login.user.as_str(), definition.key.as_deref()));
        let alone = way.is_offline();
        definition.cloud_init = Some(CloudInit { alone, ..cloud_init(params, login)? });
    }
    Ok(Some(definition))
}

fn check(definition: &Definition, params: &Params, told: bool) -> Result<(), ParamsError> {
    let os = definition.os;
    if !definition.way.enters(os) {
        let all = Way::WORDS.into_iter().filter(|word| Way::parse(word).is_some_and(|way| way.enters(os)));
        let wanted = format!("{}, because guest_os is {}", all.collect::<Vec<_>>().join(" or "), os.word());
        return Err(params.wrong("channel", &wanted));
    }
    // cloud-init puts one into the guest that is made for its boot.
    if definition.way.is_ssh() && definition.key.is_none() && !told {
        let wanted = if params.get("password").is_none_or(str::is_empty) {
            "with channel=ssh the file of a private key whose public half is in the guest's authorized_keys"
        } else {
            "with channel=ssh the file of a private key, because ssh takes no password from a program: \
             ssh-copy-id puts a key into the guest, channel=serial logs in with a password"
        };
        return Err(params.wrong("key", wanted));
    }
    Ok(())
}

/// Whether somebody asks for a value on the command line. In a file that was written for other programs it may stand beside
/// guests that are not used.
fn asked(param: &Param) -> bool {
    !param.value.trim().is_empty() && matches!(param.origin, Origin::Flag(_))
}

/// The kernel with which the built-in guest starts; `None` for its own, and for guests with an image.
///
/// # Errors
/// A file or folder that is not there.
pub fn own_kernel(params: &Params) -> Result<Option<OwnKernel>, ParamsError> {
    if image(params).is_some() {
        return Ok(None);
    }
    let Some(file) = given(params, "kernel").map(PathBuf::from) else { return Ok(None) };
    if !file.is_file() {
        return Err(params.wrong("kernel", &wanted(&file, "a file")));
    }
    let modules = given(params, "kernel_modules").map(PathBuf::from);
    if modules.as_ref().is_some_and(|dir| !dir.is_dir()) {
        return Err(
            params.wrong("kernel_modules", "a folder that is there, such as make modules_install has filled")
        );
    }
    Ok(Some(OwnKernel { file, modules }))
}

/// Keys that mean nothing to the built-in guest.
fn without_image(params: &Params) -> Result<(), ParamsError> {
    if params.get("guest_os") == Some("windows") {
        return Err(params.wrong("guest_os", "linux, or an image beside it: the built-in guest is a Linux"));
    }
    let asked = |key: &&str| params.param(key).is_some_and(asked);
    if params.get(CLOUD_INIT) == Some("yes") && asked(&CLOUD_INIT) {
        return Err(params.wrong(CLOUD_INIT, "an image beside it: the built-in guest has no cloud-init"));
    }
    let others = ["initrd", "firmware", "key", "image_format", "image_backing", CDROMS];
    match others.into_iter().chain(TOLD).find(asked) {
        Some(key) => Err(params.wrong(key, "an image beside it: the built-in guest has none of that")),
        None => Ok(()),
    }
}

/// The image in the cache that `perfvt:NAME` means; `None` for a file, which must be there.
fn cached(params: &Params, image: &str, cache: &Cache) -> Result<Option<StoredImage>, ParamsError> {
    match image.strip_prefix(CACHED) {
        Some(flavour) => match stored(cache, flavour) {
            Some(found) => Ok(Some(found)),
            None => {
                let wanted = format!("an image that is there; `perfvt guest build {flavour}` makes this one");
                Err(params.wrong("image", &wanted))
            }
        },
        None if Path::new(image).is_file() => Ok(None),
        None => Err(params.wrong("image", &wanted(Path::new(image), "an image file (qcow2 or raw)"))),
    }
}

/// Why a device is no image.
pub const NO_DEVICE: &str = "an image file: a device can have no hash that says what was measured; `qemu-img convert -f raw -O \
                             qcow2 DEVICE FILE` makes a file of it";

/// What is wanted instead of something that is no file, or is not there.
fn wanted(path: &Path, what: &str) -> String {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => format!("{what} that is there"),
        Err(error) => format!("{what} that can be looked at ({error})"),
        Ok(known) if known.is_dir() => format!("{what}, not a folder"),
        Ok(known) if known.file_type().is_block_device() => NO_DEVICE.to_owned(),
        Ok(_) => format!("{what}, not a device, a pipe or a socket"),
    }
}

/// An image file with all that it builds upon.
fn chain(params: &Params, image: &Path) -> Result<Chain, ParamsError> {
    let format = match given(params, "image_format") {
        None => None,
        Some(word) => {
            let wrong = || params.wrong("image_format", &format!("qcow2 or raw; {CONVERT}"));
            Some(Format::parse(word).ok_or_else(wrong)?)
        }
    };
    let named = match given(params, "image_backing") {
        None => Vec::new(),
        Some(_) => params.words("image_backing")?,
    };
    let named: Result<Vec<PathBuf>, _> = named.iter().map(std::fs::canonicalize).collect();
    let named = named.map_err(|e| params.wrong("image_backing", &format!("files that are there ({e})")))?;
    Chain::of(image, format, &named).map_err(|wanted| params.wrong("image", &wanted))
}

/// The disk of an image in the cache, which perfvt made.
fn of_the_cache(params: &Params, disk: Option<&Path>) -> Result<Chain, ParamsError> {
    if given(params, "image_format").is_some_and(|format| format != Format::Qcow2.word()) {
        return Err(params.wrong("image_format", "qcow2, which images in the cache are"));
    }
    let disk = disk.ok_or_else(|| params.wrong("image", "an image with a disk of its own"))?;
    Chain::of(disk, Some(Format::Qcow2), &[]).map_err(|wanted| params.wrong("image", &wanted))
}

fn login(params: &Params, way: Way) -> Result<Login, ParamsError> {
    let prompt = given(params, "prompt").unwrap_or(PROMPT);
    let prompt =
        Regex::new(prompt).map_err(|e| params.wrong("prompt", &format!("a regular expression ({e})")))?;
    Ok(Login {
        user: given(params, "user").unwrap_or("root").to_owned(),
        // Only the console asks for it: who enters otherwise needs none, and none may be there any more.
        password: match way.asks_password() {
            true => params.secret("password")?.unwrap_or_default(),
            false => Secret::default(),
        },
        prompt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::guest;
    use crate::parse::made;
    use vm::guest::os::Os;

    fn defined(set: &[(&str, &str)]) -> Result<Option<Definition>, ParamsError> {
        let mut params = Params::new();
        for known in guest() {
            if let Some(default) = known.default {
                params.set(known.key, default, Origin::BuiltIn);
            }
        }
        for (key, value) in set {
            params.set(*key, *value, Origin::Flag("--set".into()));
        }
        let dir = tempfile::tempdir().unwrap();
        definition(&params, &Cache::at(dir.path()))
    }

    #[test]
    fn a_guest_without_an_image_is_the_built_in_one_and_takes_a_kernel_but_no_ram_disk() {
        assert!(defined(&[]).unwrap().is_none());
        let error = defined(&[("initrd", "/boot/initrd.img")]).unwrap_err().to_string();
        assert!(error.contains("an image beside it"), "{error}");
        let kernel = |key: &str, origin: Origin| {
            let mut params = Params::new();
            params.set(key, "/nonexistent/bzImage", origin);
            own_kernel(&params)
        };
        let of_file = Origin::File { path: "/x/other.cfg".into(), line: 1 };
        let error = kernel("kernel", of_file).unwrap_err().to_string();
        assert!(error.contains("(/x/other.cfg:1), want a file that is there"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut params = Params::new();
        params.set("kernel", file.path().display().to_string(), Origin::BuiltIn);
        assert_eq!(own_kernel(&params).unwrap().unwrap().file, file.path());
        params.set("kernel_modules", "/nonexistent", Origin::BuiltIn);
        assert!(own_kernel(&params).unwrap_err().to_string().contains("modules_install"));
    }

    #[test]
    fn an_image_has_a_way_into_it_that_it_can_have() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let image = file.path().to_str().unwrap();
        let defined = |set: &[(&str, &str)]| defined(&[&[("image_format", "raw")], set].concat());
        let plain = defined(&[("image", image)]).unwrap().unwrap();
        assert_eq!((plain.way, plain.os, plain.kernel), (Way::Agent, Os::Linux, None));
        let own = [("image", image), ("kernel", image), ("kernel_params", "root=/dev/vda1  ro")];
        let own = defined(&own).unwrap().unwrap();
        assert_eq!(own.command_line, "console=ttyS0 panic=-1 quiet");
        assert!(
            defined(&[("image", image), ("kernel_params", "ro")])
                .unwrap_err()
                .to_string()
                .contains("a kernel beside it")
        );
        let error =
            |set: &[(&str, &str)]| defined(&[&[("image", image)], set].concat()).unwrap_err().to_string();
        assert!(error(&[("channel", "ssh")]).contains("authorized_keys"));
        assert!(error(&[("channel", "ssh"), ("password", "x")]).contains("ssh-copy-id"));
        // cloud-init brings one that each boot makes.
        let cloud = [("image", image), ("channel", "ssh"), ("cloud_init", "yes"), ("user", "me")];
        let cloud = defined(&cloud).unwrap().unwrap();
        assert!(cloud.key.is_none());
        let login = cloud.cloud_init.unwrap().login.unwrap();
        assert_eq!((login.user.as_str(), login.key), ("me", None));
        assert!(error(&[("channel", "telnet")]).contains("one of agent, none, perfvt, screen, serial, ssh"));
        assert!(error(&[("channel", "serial"), ("guest_os", "windows")]).contains("guest_os is windows"));
        assert!(error(&[("initrd", image)]).contains("a kernel beside it"));
        assert!(error(&[("firmware", "/away.fd")]).contains("a file that is there"));
        assert!(error(&[("firmware", image), ("kernel", image)]).contains("QEMU starts that one"));
        let own = defined(&[("image", image), ("firmware", image)]).unwrap().unwrap();
        assert_eq!(own.firmware.as_deref(), Some(file.path()));
        assert!(error(&[("prompt", "[")]).contains("a regular expression"));
        let away = defined(&[("image", "/away.qcow2")]).unwrap_err().to_string();
        assert!(away.contains("(qcow2 or raw) that is there"), "{away}");
        assert!(error(&[("firmware", "/")]).ends_with("want a file, not a folder"));
        let odd = |path: &str| defined(&[("image", path)]).unwrap_err().to_string();
        assert!(odd("/").ends_with("want an image file (qcow2 or raw), not a folder"), "{}", odd("/"));
        assert!(odd("/dev/null").ends_with(", not a device, a pipe or a socket"), "{}", odd("/dev/null"));
        let devices = std::fs::read_dir("/dev").unwrap().map(|entry| entry.unwrap().path());
        match devices
            .into_iter()
            .find(|p| std::fs::metadata(p).is_ok_and(|m| m.file_type().is_block_device()))
        {
            Some(device) => {
                assert!(odd(device.to_str().unwrap()).contains("a device can have no hash"), "{device:?}")
            }
            None => testing::skip("no block device is in /dev"),
        }
        let unbuilt = defined(&[("image", "perfvt:debian")]).unwrap_err().to_string();
        assert!(unbuilt.contains("`perfvt guest build debian` makes this one"), "{unbuilt}");
    }

    #[test]
    fn an_image_reads_the_files_that_are_named_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let (image, below) = (dir.path().join("x.qcow2"), dir.path().join("two words"));
        std::fs::write(&image, made::above("two words", "raw")).unwrap();
        std::fs::write(&below, "secret").unwrap();
        let image = image.to_str().unwrap();
        let error =
            |set: &[(&str, &str)]| defined(&[&[("image", image)], set].concat()).unwrap_err().to_string();
        assert!(
            error(&[]).contains("x.qcow2' (--set), want an image whose files are all named: "),
            "{}",
            error(&[])
        );
        assert!(error(&[("image_backing", "/away")]).contains("want files that are there"));
        assert!(error(&[("image_format", "vmdk")]).contains("qcow2 or raw; `qemu-img convert"));
        let quoted = format!("'{}'", below.display());
        let named = defined(&[("image", image), ("image_backing", &quoted)]).unwrap().unwrap();
        assert_eq!(named.chain.layers.len(), 2);
        let raw = defined(&[("image", image), ("image_format", "raw")]).unwrap().unwrap();
        assert_eq!(raw.chain.layers.len(), 1);
        let alone = defined(&[("image_backing", image)]).unwrap_err().to_string();
        assert!(alone.contains("an image beside it"), "{alone}");
    }
}
