//! The command lines of recipes, which are the same for every commit.

use builds::{Kernel, Layout, Place, Qemu, Recipe, Script};
use std::path::Path;

fn place() -> Place<'static> {
    Place { source: Path::new("/c/source"), build: Path::new("/c/build"), out: Path::new("/c/out"), jobs: 8 }
}

fn lines(recipe: &Recipe) -> Vec<String> {
    recipe.steps(&place()).unwrap().iter().map(|step| step.argv.join(" ")).collect()
}

#[test]
fn qemu_is_one_emulator_with_no_commits_name_in_it_and_nothing_fetched() {
    let recipe = Recipe::Qemu(Qemu::of("x86_64"));
    assert_eq!(
        lines(&recipe),
        [
            "/c/source/configure --target-list=x86_64-softmmu --prefix=/opt/perfvt-qemu --with-pkgversion=perfvt \
             --disable-docs --disable-werror --disable-user --disable-tools --disable-download \
             --extra-cflags=-ffile-prefix-map=/c/source=. -ffile-prefix-map=/c/build=.",
            "make -j8",
            "make install DESTDIR=/c/out",
        ]
    );
    assert_eq!(recipe.product(), Path::new("opt/perfvt-qemu/bin/qemu-system-x86_64"));
    let aligned = Recipe::Qemu(Qemu { layout: Layout::Aligned, ..Qemu::of("x86_64") });
    assert!(lines(&aligned)[0].ends_with("-falign-functions=64"));
    assert_ne!(aligned, recipe);
}

#[test]
fn a_qemu_that_does_not_know_the_option_is_told_in_its_own_words_to_fetch_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let source = Place { source: dir.path(), ..place() };
    let line = |configure: &str| {
        std::fs::write(dir.path().join("configure"), configure).unwrap();
        Recipe::Qemu(Qemu::of("x86_64")).steps(&source).unwrap()[0].argv.join(" ")
    };
    let old = line("  --with-git-submodules=*)\n");
    assert!(old.contains("--with-git-submodules=ignore") && !old.contains("--disable-download"), "{old}");
    let new = line("  --with-git-submodules=*)\n  --disable-download) download=disabled\n");
    assert!(new.contains("--disable-download") && !new.contains("git-submodules"), "{new}");
}

#[test]
fn a_kernel_is_configured_for_guests_and_knows_no_day_and_no_builder() {
    let recipe = Recipe::Kernel(Kernel::of("x86_64"));
    let all = lines(&recipe);
    assert_eq!(all[0], "make -C /c/source O=/c/build ARCH=x86_64 defconfig");
    assert_eq!(
        all[1],
        "/c/source/scripts/kconfig/merge_config.sh -m -O /c/build /c/build/.config /c/build/perfvt.config"
    );
    assert_eq!(all[2], "make -C /c/source O=/c/build ARCH=x86_64 olddefconfig");
    assert_eq!(all[3], "make -C /c/source O=/c/build ARCH=x86_64 -j8 all");
    assert!(all[4].ends_with("INSTALL_MOD_PATH=/c/out INSTALL_MOD_STRIP=1 modules_install"));
    assert_eq!(all[5], "install -D -m0644 /c/build/arch/x86/boot/bzImage /c/out/boot/vmlinuz");
    let step = &recipe.steps(&place()).unwrap()[3];
    for name in ["KBUILD_BUILD_TIMESTAMP", "KBUILD_BUILD_USER", "KBUILD_BUILD_HOST", "LOCALVERSION"] {
        assert!(step.environment.contains_key(name), "{name}");
    }
}

#[test]
fn folders_that_make_cannot_build_in_and_products_elsewhere_are_refused() {
    let odd = Place { build: Path::new("/c/my build"), ..place() };
    let error = Recipe::Qemu(Qemu::of("x86_64")).steps(&odd).unwrap_err().to_string();
    assert!(error.contains("make cannot build in /c/my build; set XDG_CACHE_HOME"), "{error}");
    for product in ["", "/bin/tool", "../tool", "a/../../b"] {
        let error = Script::of(Path::new("/bin/sh"), Path::new(product)).unwrap_err().to_string();
        assert!(error.contains("is no file below what the script makes"), "{product}: {error}");
    }
}
