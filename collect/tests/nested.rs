#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, clippy::print_stdout)]
//! Placement on a host with two NUMA nodes: a guest under emulation is that host. It mounts this machine's own files
//! read-only, so that this very test and QEMU run in it, and reports on its console.

use collect::guest::image::{Cache, builtin};
use collect::guest::qmp::Qmp;
use collect::host::pin::{GuestRequest, Request, plan};
use collect::host::placement::{Placement, Threads, apply, observe, pin_thread};
use collect::host::topology::Topology;
use collect::process::{Running, Sink, Spec, private_folder, run};
use model::{CpuId, NodeId};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const INSIDE: &str = "PERFVT_TEST_NESTED";
const MARK: &str = "nested-report:";
const QEMU: &str = "qemu-system-x86_64";

/// Process 1 of the outer guest: its drivers, this machine's files, and then this test's second half.
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
for one in proc sys dev; do mount --bind /$one /mnt/$one; done
mount -t tmpfs tmp /mnt/tmp
mount -t tmpfs run /mnt/run
ip link set lo up
TMPDIR=/tmp PERFVT_TEST_NESTED=1 chroot /mnt @TEST@ --exact inside_of_a_host_with_two_nodes --nocapture
echo "status $?"
poweroff -f
"#;

/// A QEMU of one vCPU, paused, with an iothread; its memory bound to a node, or anywhere.
fn start_inner(folder: &Path, node: Option<NodeId>, cpus: &[CpuId]) -> (Running, Qmp) {
    let socket = folder.join(format!("qmp{}", node.map_or(9, |n| n.0)));
    let bound = node.map_or(String::new(), |n| format!(",host-nodes={n},policy=bind"));
    let process = Spec::new(QEMU)
        .args(["-S", "-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg,thread=multi"])
        .args(["-machine", "pc,memory-backend=mem0", "-m", "48M", "-object"])
        .arg(format!("memory-backend-ram,id=mem0,size=48M,prealloc=on{bound}"))
        .args(["-object", "iothread,id=iothread0", "-chardev"])
        .arg(format!("socket,id=qmp0,path={},server=on,wait=off", socket.display()))
        .args(["-mon", "chardev=qmp0,mode=control"])
        .cpus(cpus)
        .stderr(Sink::File(folder.join("stderr")))
        .start()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match Qmp::connect(&socket, Duration::from_secs(30)) {
            Ok(qmp) => return (process, qmp),
            Err(e) if Instant::now() > until => panic!("{e}: {}", process.stderr_tail()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn threads(qmp: &mut Qmp) -> Threads {
    Threads {
        vcpus: qmp.vcpu_threads().unwrap(),
        iothreads: qmp.iothread_threads().unwrap(),
        vhost: Vec::new(),
    }
}

/// The second half, which does nothing on an ordinary machine.
#[test]
fn inside_of_a_host_with_two_nodes() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let topology = Topology::here().unwrap();
    assert_eq!(topology.nodes.len(), 2, "{topology:?}");
    let guest = GuestRequest { vcpus: Some(1), iothreads: 1, mem_mib: 48, ..GuestRequest::new("vm1") };
    let plan = plan(&topology, &Request { guests: vec![guest], ..Request::default() }).unwrap();
    let pins = plan.guests[0].pins.clone().unwrap();
    let folder = private_folder().unwrap();
    let (process, mut qmp) = start_inner(folder.path(), pins.node(), &pins.emulator);
    let threads_of = threads(&mut qmp);
    apply(&pins, &threads_of).unwrap();
    let placement = observe(process.pid(), &threads_of);
    println!("{MARK}{}", serde_json::to_string(&placement).unwrap());
    assert_eq!(placement.violations(&pins), Vec::<String>::new(), "{placement:?}");
    // A thread that strays is found, and so is memory that nobody bound.
    pin_thread(threads_of.vcpus[0], &[CpuId(0)]).unwrap();
    let strayed = observe(process.pid(), &threads_of).violations(&pins);
    assert_eq!(strayed, ["vCPU 0 may run on CPUs 0, want 3"]);
    drop((process, qmp));
    let (process, mut qmp) = start_inner(folder.path(), None, &topology.nodes[0].cpus);
    let loose = observe(process.pid(), &threads(&mut qmp)).violations(&pins);
    assert!(
        loose.iter().any(|v| v.starts_with("guest memory has the policy default, want bind:1")),
        "{loose:?}"
    );
    println!("{MARK}done");
}

/// Modules that mount another machine's files, in the order in which they are loaded, where this kernel has them.
fn modules(cache: &Cache, release: &str) -> Option<Vec<PathBuf>> {
    let roots = [cache.packages_dir().to_owned(), PathBuf::from("/")];
    let mut all = Vec::new();
    for root in roots {
        let folders = match root.to_str() {
            Some("/") => vec![root],
            _ => fs::read_dir(root).ok()?.flatten().map(|e| e.path()).collect(),
        };
        for folder in folders.iter().flat_map(|f| [f.join("lib/modules"), f.join("usr/lib/modules")]) {
            for entry in walkdir::WalkDir::new(folder.join(release)).into_iter().flatten() {
                all.push(entry.into_path());
            }
        }
    }
    let find = |name: &str| all.iter().find(|p| p.file_name().is_some_and(|f| f == name)).cloned();
    // Older kernels keep a cache of their own for network file systems; a module that is built in has no file.
    let before = ["netfs.ko", "fscache.ko", "9pnet.ko"].iter().filter_map(|name| find(name));
    let mut found: Vec<PathBuf> = before.collect();
    found.extend([find("9pnet_virtio.ko")?, find("9p.ko")?]);
    Some(found)
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

#[test]
fn threads_and_memory_of_a_guest_sit_on_the_second_node_of_a_host_that_has_two() {
    let skip = |why: &str| eprintln!("skipped the nested test: {why}");
    let Ok(cache) = Cache::from_env() else { return skip("there is no cache") };
    let Ok(image) = builtin(&cache) else {
        return skip("the parts of the guest are missing; `make setup` gets them");
    };
    if run(Spec::new(QEMU).arg("--version"), Duration::from_secs(20)).is_err() {
        return skip("there is no QEMU");
    }
    let Some(modules) = modules(&cache, &image.kernel_release) else {
        return skip("this kernel has no plain 9p modules");
    };
    let folder = private_folder().unwrap();
    let name = |path: &PathBuf| format!("nested/{}", path.file_name().unwrap().to_str().unwrap());
    let listed: Vec<String> = modules.iter().map(|m| format!("/{}", name(m))).collect();
    let test = std::env::current_exe().unwrap();
    let init = INIT.replace("@MODULES@", &listed.join(" ")).replace("@TEST@", test.to_str().unwrap());
    let mut files =
        vec![("init".to_owned(), 0o100_755, init.into_bytes()), ("nested".to_owned(), 0o040_755, Vec::new())];
    files.extend(modules.iter().map(|m| (name(m), 0o100_644, fs::read(m).unwrap())));
    let initrd = folder.path().join("initramfs");
    fs::write(&initrd, initramfs(&image.initramfs, &files)).unwrap();
    let console = folder.path().join("console");
    let node = |id: u32, cpus: &str| {
        [
            "-object".to_owned(),
            format!("memory-backend-ram,id=m{id},size=512M"),
            "-numa".to_owned(),
            format!("node,nodeid={id},memdev=m{id},cpus={cpus}"),
        ]
    };
    let mut outer = Spec::new(QEMU)
        .args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
            "-accel",
            "tcg,thread=multi",
        ])
        .args(["-machine", "pc", "-smp", "4", "-m", "1024M"])
        .args(node(0, "0-1"))
        .args(node(1, "2-3"))
        .args(["-fsdev", "local,id=fs0,path=/,security_model=none,readonly=on,multidevs=remap"])
        .args(["-device", "virtio-9p-pci,fsdev=fs0,mount_tag=host", "-serial"])
        .arg(format!("file:{}", console.display()))
        .arg("-kernel")
        .arg(&image.kernel)
        .arg("-initrd")
        .arg(&initrd)
        .args(["-append", "console=ttyS0 panic=-1 quiet cryptomgr.notests"])
        .stderr(Sink::File(folder.path().join("stderr")))
        .start()
        .unwrap();
    let status = outer.wait_until(Instant::now() + Duration::from_secs(150));
    let said = fs::read_to_string(&console).unwrap_or_default();
    assert!(status.is_some(), "it did not end: {said}; {}", outer.stderr_tail());
    let report =
        |wanted: &str| said.lines().find_map(|l| l.split_once(MARK).filter(|(_, r)| r.starts_with(wanted)));
    assert!(report("done").is_some(), "{said}; {}", outer.stderr_tail());
    let placement: Placement = serde_json::from_str(report("{").unwrap().1.trim()).unwrap();
    assert_eq!(
        (placement.vcpus, placement.iothreads, placement.others),
        (vec!["3".into()], vec!["2".into()], vec!["2".into()])
    );
    assert_eq!(placement.memory_policy, "bind:1");
    assert_eq!(placement.memory_pages.keys().collect::<Vec<_>>(), [&1]);
    assert!(placement.memory_pages[&1] >= 48 * 256, "all 48 MiB are there");
}
