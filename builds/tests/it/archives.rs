//! Tarballs as sources and packages as builds, by the distribution's own programs; and those that want to be elsewhere.

use crate::repository::Made;
use builds::{Asked, Progress, Recipe, Script, Status, Store, Wanted, build, is_package, unpacked};
use process::deadlines::HOST_WORK;
use process::{Spec, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

fn program(argv: &[&str], folder: &Path) -> bool {
    run(Spec::new(argv[0]).args(&argv[1..]).in_folder(folder), HOST_WORK).is_ok()
}

struct Yard {
    dir: tempfile::TempDir,
    store: Store,
}

impl Yard {
    fn new() -> Yard {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("cache")).unwrap();
        Yard { dir, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn recipe(&self) -> Recipe {
        let text = "#!/bin/sh\nset -e\nmkdir -p \"$PERFVT_OUT/bin\"\ncat tool part/more > \"$PERFVT_OUT/bin/tool\"\n\
            echo CONFIG_SPEED=$(wc -c < tool) > \"$PERFVT_CONFIG\"\n";
        let script = self.file("build.sh", text);
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Recipe::Script(Script::of(&script, Path::new("bin/tool")).unwrap())
    }

    /// A tar of one entry, whatever it is called.
    fn tar(&self, kind: EntryType, name: &str, target: &str) -> PathBuf {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(0);
        header.set_cksum();
        let mut tar = Builder::new(Vec::new());
        tar.append(&header, std::io::empty()).unwrap();
        let path = self.path("hostile.tar");
        fs::write(&path, tar.into_inner().unwrap()).unwrap();
        path
    }
}

#[test]
fn a_tarball_is_built_as_a_commit_is_and_the_same_files_are_one_build() {
    if Made::new().is_none() {
        return;
    }
    let yard = Yard::new();
    yard.file("tool-1.0/tool", "one\r\n");
    yard.file("tool-1.0/part/more", "and more\n");
    // Attributes and ignored files of the sources change nothing of them.
    yard.file("tool-1.0/.gitattributes", "* text=auto eol=lf\n");
    yard.file("tool-1.0/.gitignore", "part\n");
    std::os::unix::fs::symlink("tool", yard.path("tool-1.0/link")).unwrap();
    assert!(program(&["tar", "-czf", "tool-1.0.tar.gz", "tool-1.0"], yard.dir.path()));
    let recipe = yard.recipe();
    let built = |file: &str| {
        let (repository, commit) = yard.store.tarball(&yard.path(file)).unwrap();
        let (repository, commit, recipe) = (&repository, &commit, &recipe);
        let asked = Asked { repository, commit, patch: None, recipe, jobs: 1, retry: false };
        build(&yard.store, &asked, &mut |_| {}).unwrap()
    };
    let first = built("tool-1.0.tar.gz");
    assert_eq!(fs::read_to_string(first.product().unwrap()).unwrap(), "one\r\nand more\n", "{first:?}");
    assert_eq!(
        (first.commit.as_str(), first.sources.as_slice()),
        ("", ["tool-1.0.tar.gz".to_owned()].as_slice())
    );
    assert_eq!(first.configuration().unwrap().unwrap(), "CONFIG_SPEED=5\n");
    // Nor do those that git would carry out when it writes files.
    yard.file("tool-1.0/.gitattributes", "* eol=crlf ident text\n");
    yard.file("tool-1.0/tool", "$Id$\n");
    assert!(program(&["tar", "-czf", "marked.tar.gz", "tool-1.0"], yard.dir.path()));
    assert_eq!(fs::read_to_string(built("marked.tar.gz").product().unwrap()).unwrap(), "$Id$\nand more\n");
    yard.file("tool-1.0/.gitattributes", "* text=auto eol=lf\n");
    yard.file("tool-1.0/tool", "one\r\n");
    // Packed in another way, under another name: the same tree.
    assert!(program(&["tar", "-cJf", "other.tar.xz", "tool-1.0"], yard.dir.path()));
    assert_eq!(built("other.tar.xz").key, first.key);
    yard.file("tool-1.0/tool", "two two\n");
    assert!(program(&["tar", "-cf", "tool-1.1.tar", "tool-1.0"], yard.dir.path()));
    let second = built("tool-1.1.tar");
    assert_ne!((second.key, second.config), (first.key, first.config));
}

#[test]
fn a_configuration_that_cannot_be_read_costs_no_build() {
    let Some(made) = Made::new() else { return };
    let yard = Yard::new();
    let text = "#!/bin/sh\nset -e\nmkdir -p \"$PERFVT_OUT\"\ncp tool \"$PERFVT_OUT/tool\"\n. ./tool\n";
    let script = yard.file("build.sh", text);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let recipe = Recipe::Script(Script::of(&script, Path::new("tool")).unwrap());
    let built = |tool: &str| {
        made.commit("tool", tool);
        let repository = made.open();
        let commit = repository.commit("HEAD").unwrap();
        let (repository, commit, recipe) = (&repository, &commit, &recipe);
        let asked = Asked { repository, commit, patch: None, recipe, jobs: 1, retry: false };
        let mut told = Vec::new();
        let record = build(&yard.store, &asked, &mut |one| told.push(one)).unwrap();
        assert_eq!(record.status, Status::Built);
        let why = told.into_iter().find_map(|one| match one {
            Progress::Unconfigured(why) => Some(why),
            _ => None,
        });
        (record.configuration().unwrap(), why)
    };
    let latin = "printf 'CONFIG_A=\\344\\nCONFIG_B=y\\n' > \"$PERFVT_CONFIG\"\n";
    assert_eq!(built(latin), (Some("CONFIG_A=\u{fffd}\nCONFIG_B=y\n".to_owned()), None));
    let (config, why) = built("truncate -s 17M \"$PERFVT_CONFIG\"\n");
    assert_eq!(config, None);
    assert!(why.as_deref().is_some_and(|why| why.starts_with("reading ")), "{why:?}");
}

#[test]
fn a_tarball_that_was_taken_in_stays_until_it_is_built() {
    if Made::new().is_none() {
        return;
    }
    let yard = Yard::new();
    yard.file("tool-1/tool", "one\n");
    yard.file("tool-1/part/more", "more\n");
    assert!(program(&["tar", "-cf", "tool.tar", "tool-1"], yard.dir.path()));
    let (repository, commit) = yard.store.tarball(&yard.path("tool.tar")).unwrap();
    // Two at once do not wait for one another.
    drop(yard.store.tarball(&yard.path("tool.tar")).unwrap());
    yard.store.trim(0, |_| false).unwrap();
    assert_eq!(repository.commit(&commit.id).unwrap(), commit);
    drop(repository);
    // A program that another test has just forked holds what was open here until it begins.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        yard.store.trim(0, |_| false).unwrap();
        let left = fs::read_dir(yard.store.root().join("lanes")).unwrap().count();
        if left == 0 {
            break;
        }
        assert!(std::time::Instant::now() < until, "{left} lanes are left");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn what_leads_out_of_an_archive_is_refused_and_nothing_of_it_is_taken() {
    let yard = Yard::new();
    let cases = [
        (EntryType::Regular, "../escaped", "", "leads out of it"),
        (EntryType::Regular, "a/../../escaped", "", "leads out of it"),
        (EntryType::Regular, "/tmp/escaped", "", "leads out of it"),
        (EntryType::Directory, "../escaped", "", "leads out of it"),
        (EntryType::Symlink, "link", "../../escaped", "is a link to ../../escaped"),
        (EntryType::Symlink, "a/link", "b/../../../escaped", "is a link to"),
        (EntryType::Link, "link", "/etc/passwd", "another name of a file out of it"),
        (EntryType::Char, "dev/null", "", "is a device"),
        (EntryType::Fifo, "pipe", "", "is a device"),
    ];
    for (kind, name, target, why) in cases {
        let file = yard.tar(kind, name, target);
        let of = [
            yard.store.tarball(&file).map(|_| ()),
            unpacked(&yard.store, &[file], &Wanted::Path("x".into())).map(|_| ()),
        ];
        for told in of {
            let told = told.unwrap_err().to_string();
            assert!(told.contains(why) && told.contains("hostile.tar"), "{name}: {told}");
        }
    }
    assert!(!yard.path("escaped").exists() && !yard.path("cache/escaped").exists());
    assert!(!yard.path("cache/builds/escaped").exists() && yard.store.all().is_empty());
}

#[test]
fn a_link_to_a_folder_elsewhere_cannot_be_written_through() {
    let yard = Yard::new();
    fs::create_dir(yard.path("elsewhere")).unwrap();
    // From the root of its system: into the folder of the build.
    let mut tar = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    tar.append_link(&mut header, "in", yard.path("elsewhere")).unwrap();
    let mut header = Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o755);
    tar.append_data(&mut header, "in/tool", b"x\n".as_slice()).unwrap();
    let file = yard.path("through.tar");
    fs::write(&file, tar.into_inner().unwrap()).unwrap();
    let _ = unpacked(&yard.store, &[file], &Wanted::Path("tool".into())).unwrap_err();
    assert_eq!(fs::read_dir(yard.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn a_link_behind_a_link_is_as_deep_as_its_folder_is_and_not_its_name() {
    let yard = Yard::new();
    let deep = ["q"; 20].join("/");
    let mut tar = Builder::new(Vec::new());
    let mut add = |kind: EntryType, name: &str, target: &str| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_size(0);
        match kind {
            EntryType::Symlink => tar.append_link(&mut header, name, target).unwrap(),
            _ => tar.append_data(&mut header, name, std::io::empty()).unwrap(),
        }
    };
    add(EntryType::Directory, "d", "");
    add(EntryType::Directory, &deep, "");
    add(EntryType::Symlink, &format!("{deep}/z"), &format!("{}d", "../".repeat(20)));
    add(EntryType::Symlink, &format!("{deep}/z/prod"), &format!("{}etc/hostname", "../".repeat(21)));
    let file = yard.path("deep.tar");
    fs::write(&file, tar.into_inner().unwrap()).unwrap();
    let told = unpacked(&yard.store, &[file], &Wanted::Path("d/prod".into())).unwrap_err().to_string();
    assert!(told.contains("is a link to ") && told.contains("out of it"), "{told}");
}

#[test]
fn a_product_is_found_however_its_path_begins_and_a_link_to_its_own_folder_is_taken() {
    let yard = Yard::new();
    yard.file("t/usr/bin/tool", "x\n");
    std::os::unix::fs::symlink(".", yard.path("t/usr/bin/X11")).unwrap();
    std::os::unix::fs::symlink("/", yard.path("t/self")).unwrap();
    assert!(program(&["tar", "-cf", "t.tar", "-C", "t", "."], yard.dir.path()));
    let of = |path: &str| unpacked(&yard.store, &[yard.path("t.tar")], &Wanted::Path(path.into()));
    let keys = ["usr/bin/tool", "/usr/bin/tool", "./usr/bin/tool"].map(|path| of(path).unwrap().key);
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let told = of("../tool").unwrap_err().to_string();
    assert!(told.contains("leads out of the packages"), "{told}");
}

#[test]
fn what_is_no_archive_and_a_tarball_with_a_repository_are_told() {
    if Made::new().is_none() {
        return;
    }
    let yard = Yard::new();
    let text = yard.file("text.tar", "not a tar\n");
    let told = yard.store.tarball(&text).unwrap_err().to_string();
    assert!(told.contains("it is no tarball"), "{told}");
    let cut = yard.file("cut.tar.gz", "\u{1f}");
    fs::write(&cut, [0x1f, 0x8b, 8, 0, 0, 0]).unwrap();
    let told = yard.store.tarball(&cut).unwrap_err().to_string();
    assert!(told.contains("cut.tar.gz: gzip: "), "{told}");
    yard.file("t/sub/.git/HEAD", "ref: x\n");
    yard.file("t/tool", "x\n");
    assert!(program(&["tar", "-cf", "t.tar", "t"], yard.dir.path()));
    let told = yard.store.tarball(&yard.path("t.tar")).unwrap_err().to_string();
    assert!(told.contains("it holds a git repository; unpack it"), "{told}");
}

#[test]
fn packages_are_a_build_and_links_of_their_system_stay_in_it() {
    let yard = Yard::new();
    let control =
        "Package: NAME\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: t\n";
    for (name, file, text) in [
        ("emulator", "usr/bin/qemu-system-x86_64", "program\n"),
        ("firmware", "usr/share/qemu/bios.bin", "bios\n"),
    ] {
        yard.file(&format!("{name}/DEBIAN/control"), &control.replace("NAME", name));
        yard.file(&format!("{name}/{file}"), text);
    }
    std::os::unix::fs::symlink("/usr/share/qemu/bios.bin", yard.path("firmware/usr/share/bios")).unwrap();
    let made = |name: &str| program(&["dpkg-deb", "-b", "--root-owner-group", name], yard.dir.path());
    if !made("emulator") || !made("firmware") {
        testing::skip("dpkg-deb is missing");
        return;
    }
    let files = [yard.path("emulator.deb"), yard.path("firmware.deb")];
    assert!(is_package(&files[0]).unwrap());
    let wanted = Wanted::Usual("x86_64".into());
    let record = unpacked(&yard.store, &files, &wanted).unwrap();
    assert_eq!((record.status.clone(), record.recipe.as_str()), (Status::Built, "package"));
    assert_eq!(fs::read_to_string(record.product().unwrap()).unwrap(), "program\n");
    assert_eq!(fs::read_to_string(record.files().join("usr/share/bios")).unwrap(), "bios\n");
    assert_eq!(unpacked(&yard.store, &files, &wanted).unwrap(), record);
    let told = unpacked(&yard.store, &files[1..], &wanted).unwrap_err().to_string();
    assert!(
        told.contains("hold no usr/bin/qemu-system-x86_64") && told.contains("usr/share/qemu/bios.bin"),
        "{told}"
    );
}

#[test]
fn a_package_of_rpm_is_a_build_too() {
    let yard = Yard::new();
    let spec = "Name: tool\nVersion: 1\nRelease: 1\nSummary: t\nLicense: t\nBuildArch: noarch\n%description\nt\n%install\n\
        mkdir -p %{buildroot}/usr/bin\necho tool > %{buildroot}/usr/bin/tool\nln %{buildroot}/usr/bin/tool %{buildroot}/usr/bin/same\n\
        ln -s tool %{buildroot}/usr/bin/link\n%files\n/usr/bin/*\n";
    yard.file("tool.spec", spec);
    let top = format!("_topdir {}", yard.path("top").display());
    if !program(&["rpmbuild", "-bb", "--quiet", "--define", &top, "tool.spec"], yard.dir.path()) {
        testing::skip("rpmbuild is missing or does not work here");
        return;
    }
    let file = yard.path("top/RPMS/noarch/tool-1-1.noarch.rpm");
    let record = unpacked(&yard.store, &[file], &Wanted::Path("usr/bin/same".into())).unwrap();
    assert_eq!(fs::read_to_string(record.product().unwrap()).unwrap(), "tool\n");
    assert_eq!(fs::read_to_string(record.files().join("usr/bin/link")).unwrap(), "tool\n");
}
