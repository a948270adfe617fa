//! Builds the built-in guest's image from the packages of `make setup`, in a cache of its own.

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
        testing::skip(format_args!("no packages in {}, run `make setup`", packages.display()));
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
    assert!(error.to_string().contains("run `make setup`"), "{error}");
    let error = host_program(&cache, "netperf").unwrap_err().to_string();
    assert!(error.contains("netperf") && error.contains("make setup"), "{error}");
}
