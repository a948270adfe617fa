#![allow(clippy::unwrap_used, clippy::print_stdout)]
//! What the collector costs: the wall time of a campaign of 12 boots and 4 cases without its measured windows, beside the
//! same boots with bare QEMU, from exec to power-off.
//!
//! `cargo bench -p perfvt-collect --bench overhead`. The cases run no tool, so that nothing but perfvt's own work is
//! left beside the windows: two environments, six blocks, everything written and synced. The bare boots have the same
//! kernel, initramfs and devices, run in the same order in between, and end as soon as their guest is ready.

#[path = "../tests/it/campaign_support/stub.rs"]
mod stub;

use collect::campaign::{Campaign, Hooks, Observer, plan::blocks};
use collect::config::Source;
use collect::config::select::select;
use collect::environment::{EnvironmentSpec, Ground, Stage};
use collect::lab::{Measured, window};
use collect::matrix::{Environment, environments};
use collect::testbed::Testbed;
use collect::workload::{self, Needs, Outcome, Value, Workload};
use model::journal::{Event, State};
use model::{Accel, CampaignFile, Case, EnvironmentPlan, Params, Rule};
use process::{Sink, Spec};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use stub::Stub;
use vm::guest::QEMU;
use vm::guest::argv::{BootFiles, build};
use vm::guest::image::{Cache, Image, builtin};
use vm::guest::network::Network;
use vm::host::topology::Topology;

const BOOTS: u32 = 6;
const CASES: usize = 4;
const WINDOW: Duration = Duration::from_millis(500);
/// At most this is wanted.
const BOUND: f64 = 1.2;

/// A workload that measures an idle guest.
static IDLE: Stub = Stub {
    seconds: WINDOW.as_secs_f64(),
    ..Stub::new(
        "idle",
        "seconds",
        |lab, _, _, raw| window(lab, WINDOW, WINDOW / 10)?.keep(raw),
        |_, raw| {
            let measured = Measured::read(raw)?;
            let values = vec![Value {
                metric: "seconds".into(),
                value: measured.window.len_ns as f64 * 1e-9,
                raw: None,
            }];
            Ok(Outcome { window: measured.window, values, series: Vec::new() })
        },
    )
};

struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: &Event, _: &State) {}
    fn stop(&mut self) -> Option<String> {
        None
    }
}

/// The guest's own initramfs, with an agent whose first deed is to power off: a later archive overrides an earlier one
/// (Linux: Documentation/driver-api/early-userspace/buffer-format.rst).
fn powers_off(image: &Image, dir: &Path) -> PathBuf {
    let mut bytes = std::fs::read(&image.initramfs).unwrap();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let script = b"#!/bin/sh\npoweroff -f\n";
    let entry = cpio::newc::Builder::new("sbin/perfvt-agent").mode(0o100_755).nlink(1).ino(1_000_000);
    let mut writer = entry.write(&mut bytes, script.len() as u32);
    writer.write_all(script).unwrap();
    writer.finish().unwrap();
    cpio::newc::trailer(&mut bytes).unwrap();
    let path = dir.join("initramfs.cpio");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Seconds from exec of a bare QEMU to its end.
fn bare(params: &Params, (cache, image): (&Cache, &Image), initramfs: &Path, dir: &Path) -> f64 {
    let (topology, needs) = (Topology::here().unwrap(), Needs::default());
    let ground =
        Ground { topology: &topology, cache, accel: Accel::Tcg, needs: &needs, allow_unpinned: true };
    let spec = EnvironmentSpec::of(params, &ground).unwrap();
    let network = Network::create(&spec.layout, 1, "bare").unwrap();
    let files = BootFiles {
        kernel: image.kernel.clone(),
        initramfs: initramfs.to_owned(),
        ..BootFiles::in_dirs(dir, dir)
    };
    let mut args = build(&spec.guests[0], &files, network.wiring(0));
    args.retain(|a| a != "-S");
    let started = Instant::now();
    let mut qemu = Spec::new(QEMU)
        .args(args)
        .namespace(network.namespace.as_ref())
        .stderr(Sink::Inherit)
        .start()
        .unwrap();
    // The guest waits for somebody to hear that it is ready.
    let _listener = (0..500).find_map(|_| {
        std::thread::sleep(Duration::from_millis(10));
        UnixStream::connect(dir.join("cmd")).ok()
    });
    let status = qemu.wait_until(Instant::now() + Duration::from_secs(60)).unwrap();
    assert!(status.success());
    started.elapsed().as_secs_f64()
}

/// An environment's parameters with one vCPU.
fn params(environment: &Environment) -> Params {
    let mut params = environment.params.clone();
    params.set("smp", "1", model::Origin::BuiltIn);
    params
}

fn main() {
    let cache = Cache::from_env().unwrap();
    let image = builtin(&cache).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let netperf = workload::find("netperf").unwrap();
    let sets = ["net=user", "numa_node=0", "confine=none"].map(String::from);
    let envs = ["virtio".to_owned(), "e1000:nic_model=e1000".to_owned()];
    let source = Source { workload: Some("netperf".into()), ..Source::default() };
    let (selected, _) = select(&source, &envs).unwrap();
    let planned = environments(netperf, &selected, None, &sets).unwrap();
    let file = CampaignFile {
        format: 1,
        perfvt: "0".into(),
        id: format!("overhead-{}", std::process::id()),
        created_unix_ns: 1,
        seed: 1,
        argv: vec![],
        workload: "idle".into(),
        scenario: "host_guest".into(),
        accel: "tcg".into(),
        network: "user".into(),
        allow_unpinned: true,
        machine: None,
        farm: None,
        exits: false,
        warnings: vec![],
        rule: Rule::Fixed { repeats: BOOTS },
        confirm: None,
        environments: planned
            .iter()
            .map(|e| {
                let params = params(e);
                let secrets = params.secrets().clone();
                EnvironmentPlan {
                    name: e.name.clone(),
                    params: params.stored(),
                    factors: vec![],
                    facts: Default::default(),
                    secrets,
                }
            })
            .collect(),
        cases: (0..CASES)
            .map(|i| Case {
                workload: "idle".into(),
                category: "IDLE".into(),
                keys: [("n", i.to_string())].into_iter().collect(),
            })
            .collect(),
        blocks: blocks(envs.len(), BOOTS, CASES, 1, true),
    };
    let out = dir.path().join("out");
    Campaign::create(&out, &file).unwrap();
    let initramfs = powers_off(&image, dir.path());
    let (stage, wrong) = Stage::of(&file, &cache).unwrap();
    assert!(wrong.is_empty(), "{wrong:?}");
    let mut testbed = Testbed::new(stage, Some(image.clone()), "overhead").unwrap();

    // Half of the bare boots before and half after, so that a drift of the host weighs on both alike.
    let bares = || -> f64 {
        planned
            .iter()
            .map(|e| {
                (0..BOOTS / 2)
                    .map(|_| bare(&params(e), (&cache, &image), &initramfs, dir.path()))
                    .sum::<f64>()
            })
            .sum()
    };
    let mut bare_seconds = bares();
    let begun = Instant::now();
    let find = |name: &str| (name == "idle").then_some(&IDLE as &dyn Workload);
    let mut campaign = Campaign::open_with(&out, "host", find).unwrap();
    let ended = campaign.run(&mut testbed, &mut Hooks::new(&mut Silent)).unwrap();
    let wall = begun.elapsed().as_secs_f64();
    bare_seconds += bares();
    let cells = f64::from(ended.valid);
    assert_eq!((ended.valid as usize, ended.invalid), (2 * BOOTS as usize * CASES, 0));
    let windows = cells * WINDOW.as_secs_f64();
    let ratio = (wall - windows) / bare_seconds;
    println!(
        "campaign of {} boots and {CASES} cases: {wall:.1} s, {windows:.1} s of them measured; the same boots with bare QEMU: \
         {bare_seconds:.1} s; ratio {ratio:.2} (at most {BOUND} is wanted)",
        2 * BOOTS
    );
}
