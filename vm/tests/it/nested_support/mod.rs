//! A host that is a guest under emulation. It mounts this machine's own files read-only, so that a test and QEMU run in it,
//! and reports on its console. Each test file uses a part of it.
#![allow(dead_code)]

use process::{Sink, Spec, private_folder, run};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vm::guest::image::{Cache, Image, builtin};

/// Names the test that runs in the host of this file's making.
const INSIDE: &str = "PERFVT_TEST_NESTED";
/// What stands before a line of the report.
pub const MARK: &str = "nested-report:";
pub const QEMU: &str = "qemu-system-x86_64";

/// Process 1 of the outer guest: its drivers, this machine's files, and then this test's second half. Nothing is put over
/// /tmp, where the test program may be.
const INIT: &str = r#"#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec > /dev/ttyS0 2>&1
while read -r _ file; do insmod "$file"; done < /etc/perfvt/modules/virtio_pci
for file in @MODULES@; do insmod "$file"; done
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=262144 host /mnt
mount -t debugfs debugfs /sys/kernel/debug
for one in proc sys dev; do mount --rbind /$one /mnt/$one; done
mount -t tmpfs run /mnt/run
mkdir /mnt/run/tmp /mnt/run/state
mount -t 9p -o trans=virtio,version=9p2000.L,cache=none,msize=262144 state /mnt/run/state 2> /dev/null
ip link set lo up
export XDG_CACHE_HOME=@CACHES@ TMPDIR=/run/tmp PERFVT_TEST_NESTED=@NAME@
# Where the root is not that of all mounts nobody may make a user namespace (user_namespaces(7)).
unshare -m sh -c 'cd /mnt && mount --move . / && exec chroot . "$@"' sh @TEST@ --exact @NAME@ --nocapture
echo "status $?"
case $(cat /mnt/run/state/next 2> /dev/null) in
kexec) chroot /mnt kexec --exec --no-ifdown --no-sync ;;
reboot) reboot -f ;;
esac
poweroff -f
"#;

/// Whether this is that host, and the test of this name the one that it was made for.
pub fn is_inside(test: &str) -> bool {
    std::env::var_os(INSIDE).is_some_and(|name| name == test)
}

/// A host of two nodes with two CPUs and 512 MiB each.
pub struct Host {
    /// QEMU's name of its CPUs.
    pub cpu: &'static str,
    /// Modules that it loads, in this order, beside those that mount this machine's files.
    pub modules: &'static [&'static str],
}

/// How long a host may take. It is there for one that hangs: alone it takes about a minute, and beside other
/// tests several.
const LIMIT: Duration = Duration::from_secs(900);

/// A host whose KVM is real: its CPU, emulated, has AMD's SVM.
pub const WITH_KVM: Host = Host { cpu: "max", modules: &["irqbypass.ko", "kvm.ko", "ccp.ko", "kvm-amd.ko"] };

/// Modules that mount another machine's files: those that every kernel has, and those that older ones have in a file of
/// their own (a module that is built in has no file).
const MOUNTING: [(&str, bool); 5] = [
    ("netfs.ko", false),
    ("fscache.ko", false),
    ("9pnet.ko", false),
    ("9pnet_virtio.ko", true),
    ("9p.ko", true),
];

impl Host {
    /// Runs the test of this name in it and gives what the console said; a sentence when this machine cannot.
    pub fn run(&self, test: &str) -> Result<String, String> {
        self.run_with(test, &|_, _| vec!["-no-reboot".to_owned()])
    }

    /// The same with a folder that the host sees at /run/state and may write to. The word in its file `next` says what comes when the test
    /// has ended: `kexec`, `reboot`, else nothing. `make` is given the folder, the kernel and the initramfs.
    pub fn run_again(&self, test: &str, make: &dyn Fn(&Path, &Path, &Path)) -> Result<String, String> {
        let state = private_folder().unwrap();
        let shared = format!("local,id=fs1,path={},security_model=none", state.path().display());
        self.run_with(test, &|kernel, initrd| {
            make(state.path(), kernel, initrd);
            let device = "virtio-9p-pci,fsdev=fs1,mount_tag=state";
            ["-fsdev", &shared, "-device", device].map(str::to_owned).into()
        })
    }

    /// `more`: words of QEMU, by the kernel and the initramfs.
    fn run_with(&self, test: &str, more: &dyn Fn(&Path, &Path) -> Vec<String>) -> Result<String, String> {
        if !testing::guests_are_wanted() {
            return Err("PERFVT_NO_GUESTS is set: no guest is booted".to_owned());
        }
        let _turn = testing::alone();
        let cache = Cache::from_env().map_err(|e| e.to_string())?;
        let image = builtin(&cache)
            .map_err(|_| "the parts of the guest are missing; `make setup` gets them".to_owned())?;
        run(Spec::new(QEMU).arg("--version"), Duration::from_secs(20))
            .map_err(|_| "there is no QEMU".to_owned())?;
        let modules = self.modules(&cache, &image)?;
        let folder = private_folder().unwrap();
        let initrd = folder.path().join("initramfs");
        fs::write(&initrd, initramfs(&image.initramfs, &files(test, &cache, &modules))).unwrap();
        let console = folder.path().join("console");
        let mut outer = self
            .qemu(&image, &initrd)
            .args(more(&image.kernel, &initrd))
            .arg("-serial")
            .arg(format!("file:{}", console.display()))
            .stderr(Sink::File(folder.path().join("stderr")))
            .start()
            .unwrap();
        let status = outer.wait_until(Instant::now() + LIMIT);
        let said = String::from_utf8_lossy(&fs::read(&console).unwrap_or_default()).into_owned();
        assert!(status.is_some(), "it did not end: {said}; {}", outer.stderr_tail());
        assert!(reported(&said, "done").is_some(), "{said}; {}", outer.stderr_tail());
        Ok(said)
    }

    fn qemu(&self, image: &Image, initrd: &Path) -> Spec {
        let node = |id: u32, cpus: &str| {
            [
                "-object".to_owned(),
                format!("memory-backend-ram,id=m{id},size=512M"),
                "-numa".to_owned(),
                format!("node,nodeid={id},memdev=m{id},cpus={cpus}"),
            ]
        };
        // It goes before others: a CPU of it that waits for a turn while its timer rings goes round between its timer and its guest,
        // for minutes beside ten busy processes ("soft lockup"). nice(1) warns where it may not, and goes on.
        Spec::new("nice")
            .args(["-n", "-15", QEMU])
            .args(["-nodefaults", "-no-user-config", "-display", "none"])
            .args(["-accel", "tcg,thread=multi", "-cpu", self.cpu])
            .args(["-machine", "pc", "-smp", "4", "-m", "1024M"])
            .args(node(0, "0-1"))
            .args(node(1, "2-3"))
            .args(["-fsdev", "local,id=fs0,path=/,security_model=none,readonly=on,multidevs=remap"])
            .args(["-device", "virtio-9p-pci,fsdev=fs0,mount_tag=host", "-kernel"])
            .arg(&image.kernel)
            .arg("-initrd")
            .arg(initrd)
            .args(["-append", "console=ttyS0 panic=-1 quiet cryptomgr.notests no_timer_check"])
    }

    /// The files of the modules, in the order in which they are loaded.
    fn modules(&self, cache: &Cache, image: &Image) -> Result<Vec<PathBuf>, String> {
        let all = modules_of(cache, &image.kernel_release);
        let named = |name: &str| all.iter().find(|p| p.file_name().is_some_and(|f| f == name)).cloned();
        let mut found = Vec::new();
        for (name, needed) in MOUNTING.into_iter().chain(self.modules.iter().map(|name| (*name, true))) {
            match named(name) {
                Some(path) => found.push(path),
                None if needed => return Err(format!("this kernel has no plain {name}")),
                None => {}
            }
        }
        Ok(found)
    }
}

/// The cache of the machine around this host, as it is but with room for locks, in `folder`, which is then what
/// `XDG_CACHE_HOME` may say.
pub fn cache_inside(folder: &Path) -> Cache {
    let (around, root) = (Cache::from_env().unwrap(), folder.join("perfvt"));
    let cache = Cache::at(&root);
    fs::create_dir_all(cache.images_dir()).unwrap();
    symlink(around.packages_dir(), cache.packages_dir()).unwrap();
    let entries = fs::read_dir(around.images_dir()).unwrap().flatten();
    for image in entries.filter(|entry| entry.path().is_dir()) {
        symlink(image.path(), cache.images_dir().join(image.file_name())).unwrap();
    }
    cache
}

/// What the report says that begins like this.
pub fn reported<'a>(said: &'a str, wanted: &str) -> Option<&'a str> {
    said.lines().find_map(|l| Some(l.split_once(MARK)?.1.trim()).filter(|r| r.starts_with(wanted)))
}

/// All modules of a kernel that are there, out of packages or installed.
fn modules_of(cache: &Cache, release: &str) -> Vec<PathBuf> {
    let packages = fs::read_dir(cache.packages_dir()).into_iter().flatten().flatten().map(|e| e.path());
    let mut all = Vec::new();
    for root in packages.chain([PathBuf::from("/")]) {
        for folder in [root.join("lib/modules"), root.join("usr/lib/modules")] {
            let files = walkdir::WalkDir::new(folder.join(release)).into_iter().flatten();
            all.extend(files.map(walkdir::DirEntry::into_path));
        }
    }
    all
}

/// Process 1 and the modules, for the initramfs.
fn files(test: &str, cache: &Cache, modules: &[PathBuf]) -> Vec<(String, u32, Vec<u8>)> {
    let name = |path: &PathBuf| format!("nested/{}", path.file_name().unwrap().to_str().unwrap());
    let listed: Vec<String> = modules.iter().map(|m| format!("/{}", name(m))).collect();
    let program = std::env::current_exe().unwrap();
    let init = INIT
        .replace("@MODULES@", &listed.join(" "))
        .replace("@TEST@", program.to_str().unwrap())
        .replace("@CACHES@", cache.root().parent().unwrap().to_str().unwrap())
        .replace("@NAME@", test);
    let mut files =
        vec![("init".to_owned(), 0o100_755, init.into_bytes()), ("nested".to_owned(), 0o040_755, Vec::new())];
    files.extend(modules.iter().map(|m| (name(m), 0o100_644, fs::read(m).unwrap())));
    files
}

/// The built-in guest's files with others on top: archives of the same kind follow one another.
fn initramfs(builtin: &Path, files: &[(String, u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = fs::read(builtin).unwrap();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    for (inode, (name, mode, content)) in (1u32..).zip(files) {
        let entry = cpio::newc::Builder::new(name).ino(inode).nlink(1).mode(*mode);
        let mut writer = entry.write(bytes, u32::try_from(content.len()).unwrap());
        std::io::Write::write_all(&mut writer, content).unwrap();
        bytes = writer.finish().unwrap();
    }
    cpio::newc::trailer(bytes).unwrap()
}
