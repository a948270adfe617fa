//! What a plan's guests are, a sentence each: which image, what runs in it, and how it is entered.

use crate::config::names::guest_name;
use edge::quoted;
use model::Params;
use vm::guest::disk::{At, Disk};
use vm::guest::image::{Found, OwnKernel};
use vm::guest::spec::{GuestSpec, Source};

/// One sentence for a guest with these parameters, which are its own and tell where its image comes from.
pub(super) fn of(spec: &GuestSpec, own: &Params) -> String {
    format!("{}: {}, {}{}", spec.name, guest_name(own), source(spec, own), disks(spec))
}

/// Its data disks, where they are more than one file that QEMU opens.
fn disks(spec: &GuestSpec) -> String {
    let all = &spec.disks.data;
    let one = |disk: &Disk| {
        let what =
            disk.at.describe().unwrap_or_else(|| format!("a {} file in {}", disk.format, disk.dir.display()));
        let untried = matches!(&disk.at, At::Remote(remote) if remote.is_untried());
        let untried = if untried { ", of whose kind perfvt has tried none" } else { "" };
        format!(
            "; disk{} (serial {}): {} MiB, {}{untried}",
            disk.number,
            disk.serial(),
            disk.size >> 20,
            quoted(&what)
        )
    };
    let plain = all.len() < 2 && all.iter().all(|disk| disk.at == At::File);
    if plain { String::new() } else { all.iter().map(one).collect() }
}

/// Which kernel a guest boots, in a few words.
pub(super) fn kernel(spec: &GuestSpec) -> String {
    match &spec.source {
        Source::Own(definition) => match &definition.kernel {
            Some(file) => file.display().to_string(),
            None => "the image's".to_owned(),
        },
        Source::Builtin(None) => "perfvt's own".to_owned(),
        Source::Builtin(Some(kernel)) => {
            let release = kernel.found().map(|found| format!(" ({})", quoted(&found.release)));
            format!("{}{}", kernel.file.display(), release.unwrap_or_default())
        }
    }
}

fn source(spec: &GuestSpec, own: &Params) -> String {
    let definition = match &spec.source {
        Source::Own(definition) => definition,
        Source::Builtin(kernel) => {
            let kernel = kernel.as_ref().map(own_kernel);
            let way = spec.way().map(|way| way.sentence("root", 0));
            let way = way.unwrap_or_else(|| "by perfvt's agent".to_owned());
            return format!("perfvt's own image{}, linux, entered {way}", kernel.unwrap_or_default());
        }
    };
    let (file, format) = definition.chain.image();
    let origin = own.param("image").map(|param| format!(" ({})", param.origin)).unwrap_or_default();
    let os = definition.os.word();
    let user = &definition.login.user;
    let way = definition.way.sentence(user, definition.shell_port);
    let other = own.get("shell_client").map(str::trim).filter(|client| !client.is_empty());
    let unused = other
        .filter(|_| !definition.way.is_ssh())
        .map(|client| format!(" (channel says so, not shell_client = {client})"));
    let (image, format) = (file.display(), format.word());
    let cdroms: String = definition
        .cdroms
        .iter()
        .map(|cdrom| format!(", {} in {}", quoted(&cdrom.file.display().to_string()), cdrom.name))
        .collect();
    let proxies = definition.cloud_init.as_ref().is_some_and(|told| !told.proxies.is_empty());
    let proxies = if proxies { ", proxies for cloud-init" } else { "" };
    format!(
        "image {image}{origin}, {format}, {os}, entered {way}{}{cdroms}{proxies}",
        unused.unwrap_or_default()
    )
}

/// What everybody is to know of a guest into which more than perfvt can log in.
pub(super) fn debug_user(spec: &GuestSpec) -> Option<String> {
    let user = spec.own()?.cloud_init.as_ref()?.debug_user.as_ref()?;
    Some(format!(
        "{} is open to people: debug_user {user} logs in with a password that the boot's serial.log shows, and may become root",
        spec.name
    ))
}

/// The kernel of the user's in perfvt's own guest.
fn own_kernel(kernel: &OwnKernel) -> String {
    let file = kernel.file.display();
    match kernel.found() {
        None => format!(" with the kernel {file}"),
        Some(Found { release, modules: Some(modules), .. }) => {
            format!(" with the kernel {file} ({}, modules of {})", quoted(&release), modules.display())
        }
        Some(Found { release, modules: None, .. }) => {
            format!(" with the kernel {file} ({}, without modules)", quoted(&release))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::guest;
    use crate::parse::{definition, own_kernel};
    use model::{Accel, Origin};
    use vm::guest::image::Cache;

    #[test]
    fn a_guest_is_described_by_its_image_its_system_and_the_way_in() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let image = file.path().to_str().unwrap();
        let cache = Cache::at(file.path().with_extension("cache"));
        let said = |keys: &[(&str, &str)]| {
            let mut params = Params::new();
            for known in guest() {
                params.set(known.key, known.default.unwrap_or_default(), Origin::BuiltIn);
            }
            keys.iter().for_each(|(key, value)| {
                params.set(*key, *value, Origin::File { path: "t.cfg".into(), line: 7 });
            });
            let source_of = match definition(&params, &cache).unwrap() {
                Some(definition) => Source::Own(Box::new(definition)),
                None => Source::Builtin(own_kernel(&params).unwrap()),
            };
            source(&GuestSpec { source: source_of, ..GuestSpec::plain(Accel::Tcg) }, &params)
        };
        assert_eq!(said(&[]), "perfvt's own image, linux, entered by perfvt's agent");
        let own = format!("perfvt's own image with the kernel {image}, linux, entered by perfvt's agent");
        assert_eq!(said(&[("kernel", image)]), own);
        let raw = [("image", image), ("image_format", "raw")];
        let with = |more: &[(&str, &str)]| said(&[&raw, more].concat());
        let begins = format!("image {image} (t.cfg:7), raw, ");
        assert_eq!(with(&[]), format!("{begins}linux, entered by the QEMU guest agent"));
        let ssh = [("channel", "ssh"), ("key", image), ("shell_port", "2222"), ("user", "me")];
        assert_eq!(with(&ssh), format!("{begins}linux, entered by ssh as me at port 2222"));
        assert_eq!(with(&[("channel", "serial")]), format!("{begins}linux, entered on its console as root"));
        let windows = [("guest_os", "windows"), ("shell_client", "nc")];
        let unused = " (channel says so, not shell_client = nc)";
        assert_eq!(with(&windows), format!("{begins}windows, entered by the QEMU guest agent{unused}"));
    }
}
