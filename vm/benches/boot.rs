#![allow(clippy::unwrap_used, clippy::print_stdout)]
//! Boot to ready of the built-in guest beside a bare busybox initramfs, in the same QEMU with the same devices, in turn.
//!
//! `cargo bench -p perfvt-vm --bench boot`. The first argument that is a number says how many pairs (default 7).

use model::Accel;
use process::{Sink, Spec};
use std::path::Path;
use std::time::{Duration, Instant};
use vm::guest::QEMU;
use vm::guest::argv::{BootFiles, build};
use vm::guest::hardware::Nic;
use vm::guest::image::{Cache, bare_initramfs, builtin};
use vm::guest::machine::{BootSpec, Files, Machine};
use vm::guest::network::{Kind, Layout, Network};
use vm::guest::spec::GuestSpec;

fn guest(nic: &str) -> GuestSpec {
    let mut guest = GuestSpec::plain(Accel::Tcg);
    guest.hardware.nics = vec![Nic { model: nic.into(), ..Nic::plain() }];
    guest
}

/// Seconds from exec until the bare guest says READY on its serial console.
fn bare(nic: &str, files: &BootFiles, network: &Network) -> f64 {
    // Nobody needs to pin the threads of this one.
    let args = build(&guest(nic), files, network.wiring(0)).into_iter().filter(|a| a != "-S");
    let _ = std::fs::remove_file(&files.serial);
    let started = Instant::now();
    let _qemu = Spec::new(QEMU).args(args).stderr(Sink::Inherit).start().unwrap();
    while !std::fs::read_to_string(&files.serial).unwrap_or_default().contains("READY") {
        assert!(started.elapsed() < Duration::from_secs(120), "the bare guest does not get ready");
        std::thread::sleep(Duration::from_millis(2));
    }
    started.elapsed().as_secs_f64()
}

fn full(nic: &str, image: &vm::guest::image::Image, network: &Network, dir: &Path) -> f64 {
    let machine = Machine::boot(&BootSpec {
        guest: &guest(nic),
        network,
        index: 0,
        files: Files::of_image(image),
        log_dir: dir,
        forensics: &dir.join("forensics"),
        deadlines: vm::deadlines::Deadlines::usual(model::Accel::Tcg),
        deadline: Duration::from_secs(120),
    })
    .unwrap();
    let seconds = machine.boot_seconds;
    machine.quit();
    seconds
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let pairs = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(7usize);
    let cache = Cache::from_env().unwrap();
    let image = builtin(&cache).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let bare_archive = dir.path().join("bare.cpio");
    std::fs::write(&bare_archive, bare_initramfs(&cache).unwrap()).unwrap();
    let files = BootFiles {
        kernel: image.kernel.clone(),
        initramfs: bare_archive,
        ..BootFiles::in_dirs(dir.path(), dir.path())
    };
    for nic in ["virtio_net", "e1000"] {
        let network = Network::create(&Layout::simple(Kind::User), 1, "bench").unwrap();
        let (mut bares, mut fulls, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..pairs {
            let (b, f) = (bare(nic, &files, &network), full(nic, &image, &network, dir.path()));
            bares.push(b);
            fulls.push(f);
            ratios.push(f / b);
        }
        println!(
            "{nic}: bare {:.2} s, built-in guest {:.2} s, ratio {:.2} (medians of {pairs} pairs; at most 1.5 is wanted)",
            median(&mut bares),
            median(&mut fulls),
            median(&mut ratios)
        );
    }
}
