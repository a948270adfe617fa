//! Kernels of the user's in the built-in guest, and what they are told.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::{apart, beside, files, output, packages_for, text};

/// A file of this kind below a folder of the unpacked packages.
fn packaged(below: &str, begins: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")))?;
    let packages = fs::read_dir(cache.join("perfvt/packages")).ok()?.flatten();
    let all =
        packages.flat_map(|package| fs::read_dir(package.path().join(below)).into_iter().flatten().flatten());
    all.map(|entry| entry.path()).find(|path| path.file_name().unwrap().to_string_lossy().starts_with(begins))
}

#[test]
fn two_environments_may_differ_in_the_kernel_or_in_what_it_is_told() {
    let Some(_guard) = beside() else { return };
    let (Some(kernel), Some(modules)) = (packaged("boot", "vmlinuz-"), packaged("lib/modules", "")) else {
        testing::skip("no kernel among the packages of `make setup`");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    // As a build leaves it: no modules are beside it.
    let mut content = fs::read(&kernel).unwrap();
    // What stands behind its end makes it another file, and no other kernel.
    content.push(0);
    fs::write(dir.path().join("bzImage"), content).unwrap();
    // The image of this kernel goes with the test.
    let cache = dir.path().join("cache");
    packages_for(&cache);
    let own = format!("own:kernel=bzImage,kernel_modules={}", modules.parent().unwrap().display());
    let mut run = apart();
    run.current_dir(dir.path()).env("XDG_CACHE_HOME", &cache);
    run.args(["run", "command", "--wait", "--repeat", "1", "--allow-unpinned", "--out", "out"]);
    run.args(["--set", "command=cat /proc/cmdline", "--env", "base", "--env", &own]);
    let run = output(run.args(["--env", "told:kernel_params=mitigations=off quietly"]));
    assert!(run.status.success(), "{}{}", text(&run.stdout), text(&run.stderr));
    let out = dir.path().join("out");
    let facts = |environment: &str| {
        let run = fs::read_to_string(out.join(environment).join("run.json")).unwrap();
        serde_json::from_str::<Value>(&run).unwrap()
    };
    let (base, own, told) = (facts("base"), facts("own"), facts("told"));
    assert_eq!(base["fingerprint"]["guest.kernel"], own["fingerprint"]["guest.kernel"]);
    assert_eq!(base["fingerprint"]["guest.image"], told["fingerprint"]["guest.image"]);
    let version = own["fingerprint"]["guest.package.kernel"].as_str().unwrap();
    assert!(
        version.contains("(file ") && version != base["fingerprint"]["guest.package.kernel"],
        "{version}"
    );
    assert_eq!(own["params"]["kernel"].as_str().unwrap(), dir.path().join("bzImage").to_str().unwrap());
    let line =
        |environment: &str| fs::read_to_string(&files(&out.join(environment), "command.txt")[0]).unwrap();
    assert!(line("told").trim_end().ends_with(" mitigations=off quietly"), "{}", line("told"));
    assert!(!line("base").contains("mitigations"), "{}", line("base"));
    let compared =
        output(apart().arg("compare").arg(out.join("base")).arg(out.join("told")).args(["--format", "json"]));
    let compared: Value = serde_json::from_slice(&compared.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", text(&compared.stderr)));
    let differs = compared["differences"].as_array().unwrap_or_else(|| panic!("{compared}"));
    let of = |name: &str| {
        differs.iter().find(|d| d["name"] == name).unwrap_or_else(|| panic!("{differs:?}"))["class"].clone()
    };
    assert_eq!(of("param.kernel_params"), "intended");
    assert_eq!(of("guest.kernel.cmdline"), "intended");
}

#[test]
fn a_kernel_that_is_none_or_lacks_its_modules_is_refused_before_anything_boots() {
    let Some(_guard) = beside() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("text"), "no kernel").unwrap();
    let refused = |sets: &[&str]| {
        let mut run = apart();
        run.current_dir(dir.path()).args([
            "run",
            "boot",
            "--repeat",
            "1",
            "--allow-unpinned",
            "--out",
            "out",
        ]);
        for set in sets {
            run.args(["--set", set]);
        }
        let run = output(&mut run);
        assert_eq!(run.status.code(), Some(2), "{}", text(&run.stderr));
        assert!(!dir.path().join("out").exists());
        text(&run.stderr)
    };
    assert!(refused(&["kernel=away"]).contains("want a file that is there"));
    assert!(refused(&["kernel=text"]).contains("does not say its release"));
    if let Some(kernel) = packaged("boot", "vmlinuz-") {
        let said = refused(&[&format!("kernel={}", kernel.display()), "kernel_modules=."]);
        assert!(said.contains("it has no lib/modules/"), "{said}");
    }
}

#[test]
fn a_kernel_without_the_drivers_of_the_guest_is_told_and_is_no_panic_of_that_kernel() {
    let Some(_guard) = beside() else { return };
    let Some(kernel) = packaged("boot", "vmlinuz-") else {
        testing::skip("no kernel among the packages of `make setup`");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    // A copy far from its modules.
    fs::copy(&kernel, dir.path().join("bzImage")).unwrap();
    let cache = dir.path().join("cache");
    packages_for(&cache);
    let mut run = apart();
    run.current_dir(dir.path()).env("XDG_CACHE_HOME", &cache);
    let run = output(run.args(["guest", "shell", "--set", "kernel=bzImage", "--", "true"]));
    let said = text(&run.stderr);
    assert!(said.contains("could not be set up") && said.contains("the kernel has no virtio_pci"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
