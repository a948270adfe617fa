//! Builds the built-in guest's image from the packages of `perfvt guest fetch`, in a cache of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use vm::guest::image::{Cache, ImageError, builtin, host_program, list, remove};

/// A cache in a temporary folder with the user's packages; `None`, said by name, where there are none.
fn cache(folder: &Path) -> Option<Cache> {
    let packages = Cache::from_env().ok()?.packages_dir().to_path_buf();
    if !packages.join("set").is_file() {
        testing::skip(format_args!("no packages in {}, `perfvt guest fetch` gets them", packages.display()));
        return None;
    }
    Some(Cache::at(folder).with_packages(packages))
}

fn files_of_initramfs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let archive = fs::read(path).unwrap();
    let mut rest = archive.as_slice();
    let mut files = BTreeMap::new();
    loop {
        let mut reader = cpio::newc::Reader::new(rest).unwrap();
        if reader.entry().is_trailer() {
            return files;
        }
        let name = reader.entry().name().to_owned();
        let mut content = Vec::new();
        reader.read_to_end(&mut content).unwrap();
        files.insert(name, content);
        rest = reader.finish().unwrap();
    }
}

#[test]
fn the_image_holds_a_kernel_the_tools_and_every_module_that_its_lists_name() {
    let folder = tempfile::tempdir().unwrap();
    let Some(cache) = cache(folder.path()) else {
        return;
    };
    let image = builtin(&cache).unwrap();

    let kernel = fs::read(&image.kernel).unwrap();
    let release = image.kernel_release.as_bytes();
    assert!(kernel.windows(release.len()).any(|window| window == release), "{}", image.kernel_release);
    for tool in ["kernel", "busybox", "netperf", "netserver", "iozone", "ethtool"] {
        assert!(image.packages.contains_key(tool), "{tool} has no version");
    }

    let files = files_of_initramfs(&image.initramfs);
    for name in ["init", "bin/busybox", "bin/sh", "sbin/perfvt-agent", "usr/bin/netperf", "etc/protocols"] {
        assert!(files.contains_key(name), "{name} is not in the initramfs");
    }
    for driver in ["virtio_pci", "virtio_console", "virtio_net"] {
        assert!(files.contains_key(&format!("etc/perfvt/modules/{driver}")), "no list for {driver}");
    }
    let lists = files.iter().filter(|(name, _)| name.starts_with("etc/perfvt/modules/"));
    for (list, text) in lists {
        for line in String::from_utf8_lossy(text).lines() {
            let (_, path) = line.split_once(' ').unwrap();
            assert!(
                path.starts_with("/tools/") || files.contains_key(path.trim_start_matches('/')),
                "{list}: {path}"
            );
        }
    }
    let magic =
        |disk: &Option<std::path::PathBuf>| fs::read(disk.as_ref().unwrap()).unwrap()[1024..1028].to_vec();
    assert_eq!(magic(&image.tools), [0xe2, 0xe1, 0xf5, 0xe0], "EROFS");
    assert!(image.foreign_tools.is_some_and(|disk| disk.ends_with("tools.ext4")));
    let libraries = files.keys().filter(|name| name.contains("/libc.so.6")).count();
    assert_eq!(libraries, 1, "netperf needs the C library exactly once");
}

#[test]
fn the_second_call_reads_nothing_and_a_damaged_image_is_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let Some(cache) = cache(folder.path()) else { return };
    let first = builtin(&cache).unwrap();
    // The best of several: this machine may be busy with other tests.
    let best = (0..10).map(|_| {
        let start = Instant::now();
        assert_eq!(builtin(&cache).unwrap(), first);
        start.elapsed()
    });
    assert!(best.min().unwrap() < Duration::from_millis(20));

    fs::write(&first.initramfs, "truncated").unwrap();
    assert_eq!(list(&cache).unwrap(), []);
    assert_eq!(builtin(&cache).unwrap(), first);
    assert!(fs::metadata(&first.initramfs).unwrap().len() > 1_000_000);
    assert_eq!(remove(&cache, "builtin").unwrap().image, first);
    assert!(!first.dir.exists());
}

#[test]
fn builders_at_the_same_time_get_the_same_image_and_leave_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let Some(cache) = cache(folder.path()) else { return };
    let images: Vec<_> = std::thread::scope(|scope| {
        let builders: Vec<_> = (0..3).map(|_| scope.spawn(|| builtin(&cache).unwrap())).collect();
        builders.into_iter().map(|builder| builder.join().unwrap()).collect()
    });
    assert!(images.iter().all(|image| *image == images[0]));
    let entries = fs::read_dir(cache.images_dir()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut visible: Vec<_> =
        entries.filter(|name| !name.to_string_lossy().starts_with(".builtin")).collect();
    visible.sort();
    let name = images[0].dir.file_name().unwrap().to_owned();
    assert_eq!(visible, [std::ffi::OsString::from(".lock"), name]);
}

#[test]
fn a_machine_without_packages_is_told_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path().join("cache")).with_host(folder.path());
    let error = builtin(&cache).unwrap_err();
    assert!(matches!(error, ImageError::Missing { .. }), "{error}");
    assert!(error.to_string().contains("`perfvt guest fetch` gets it"), "{error}");
    let error = host_program(&cache, "netperf").unwrap_err().to_string();
    assert!(error.contains("netperf") && error.contains("perfvt guest fetch"), "{error}");
}

/// The user's packages in a folder of their own, with links to those that stay as they are, and without one module of the
/// kernel. `None` where the kernel has that built in, or where nothing can be linked.
fn packages_without(module: &str, from: &Path, to: &Path) -> Option<()> {
    let is_module =
        |name: &str| name.strip_prefix(module).is_some_and(|end| end == ".ko" || end.starts_with(".ko."));
    let mut removed = 0;
    fs::copy(from.join("set"), to.join("set")).unwrap();
    let set = fs::read_to_string(to.join("set")).unwrap();
    for folder in set.lines().skip(1).filter_map(|line| line.split(' ').nth(2)) {
        if !folder.starts_with("linux-") {
            std::os::unix::fs::symlink(from.join(folder), to.join(folder)).unwrap();
            continue;
        }
        let copied =
            std::process::Command::new("cp").arg("-a").arg(from.join(folder)).arg(to).status().unwrap();
        assert!(copied.success());
        for entry in walkdir::WalkDir::new(to.join(folder)).into_iter().map(|entry| entry.unwrap()) {
            if entry.file_name().to_str().is_some_and(is_module) {
                fs::remove_file(entry.path()).unwrap();
                removed += 1;
            }
        }
    }
    (removed > 0).then_some(())
}

#[test]
fn a_kernel_without_erofs_gets_a_tools_disk_of_ext4_and_its_driver_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(cache) = cache(folder.path()) else { return };
    let packages = folder.path().join("without");
    fs::create_dir(&packages).unwrap();
    if packages_without("erofs", cache.packages_dir(), &packages).is_none() {
        return testing::skip("the kernel has erofs built in");
    }
    let image = builtin(&Cache::at(folder.path()).with_packages(packages)).unwrap();
    assert_eq!(image.tools, image.foreign_tools);
    let disk = fs::read(image.tools.unwrap()).unwrap();
    // The magic number of ext2 and its kin stands in the superblock, which begins at 1024.
    assert_eq!(disk[1080..1082], [0x53, 0xef]);
    let files = files_of_initramfs(&image.initramfs);
    assert!(!files.contains_key("etc/perfvt/modules/erofs"));
    let list = String::from_utf8_lossy(&files["etc/perfvt/modules/ext4"]).into_owned();
    assert!(list.contains("ext4 /lib/modules/ext4.ko") && !list.contains("/tools/"), "{list}");
    for line in list.lines() {
        let (_, path) = line.split_once(' ').unwrap();
        assert!(files.contains_key(path.trim_start_matches('/')), "{path}");
    }
}
