//! Kernels of a host as a factor on a real kernel: the host is a guest under emulation, which boots by kexec what is loaded, and its own
//! kernel when that one panics.

use crate::nested_support;
use crate::support;

use farm::boots::{Boots, Here, Need, Step};
use farm::kernel::{load, mark, running};
use nested_support::{Host, MARK, is_inside};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use support::has_guests;
use vm::host::fingerprint::boot_id;

const INSIDE: &str = "host_kernels::inside_of_a_host_that_boots_kernels";
const STATE: &str = "/run/state";
/// Two blocks in their random order; `bad` panics.
const NEEDS: [(u32, &str, Option<&str>); 6] = [
    (1, "head", Some("vmlinuz-good")),
    (1, "bad", Some("vmlinuz-bad")),
    (1, "base", None),
    (2, "base", None),
    (2, "head", Some("vmlinuz-good")),
    (2, "bad", Some("vmlinuz-bad")),
];

/// What one boot does: as a shard, with a word instead of a measurement. Gives what comes next.
fn one_boot(state: &Path, boots: &mut Boots, here: &Here, line: &str) -> &'static str {
    let done = state.join("done");
    let mut settled = fs::read_to_string(&done).unwrap_or_default();
    for (block, environment, file) in NEEDS {
        if settled.lines().any(|line| line.starts_with(&format!("{block} {environment} "))) {
            continue;
        }
        let kernel = file.map(|name| state.join(name));
        let kernel_mark = kernel.as_deref().map(mark).transpose().unwrap();
        let need = Need { block, environment: environment.to_owned(), kernel: kernel_mark };
        match boots.step(&need, here) {
            Step::Boot => {
                boots.ask(&need, here);
                let (Some(kernel), Some(mark)) = (&kernel, &need.kernel) else { return "reboot" };
                load(kernel, mark, line).unwrap();
                return "kexec";
            }
            step => {
                settled += &format!("{block} {environment} {step:?} {}\n", here.boot);
                fs::write(&done, &settled).unwrap();
            }
        }
    }
    "done"
}

/// The second half, which does nothing on an ordinary machine.
#[test]
fn inside_of_a_host_that_boots_kernels() {
    if !is_inside(INSIDE) {
        return;
    }
    let state = Path::new(STATE);
    let line = fs::read_to_string("/proc/cmdline").unwrap();
    let here = Here { boot: boot_id(Path::new("/")), kernel: running(&line) };
    println!("{MARK}boot {} {:?}", here.boot, here.kernel);
    let file = state.join("boots.json");
    let mut boots: Boots =
        fs::read(&file).map_or_else(|_| Boots::default(), |text| serde_json::from_slice(&text).unwrap());
    let next = one_boot(state, &mut boots, &here, &line);
    fs::write(&file, serde_json::to_vec(&boots).unwrap()).unwrap();
    fs::write(state.join("next"), next).unwrap();
    if next == "done" {
        for line in fs::read_to_string(state.join("done")).unwrap().lines() {
            println!("{MARK}settled {line}");
        }
        println!("{MARK}done");
    }
}

#[test]
#[ignore = "soak: an emulated host boots seven times"]
fn a_host_boots_each_environments_kernel_and_its_own_behind_one_that_panics() {
    if !has_guests() {
        return;
    }
    if !Path::new("/usr/sbin/kexec").exists() {
        return testing::skip("there is no kexec; the package kexec-tools has it");
    }
    let make = |state: &Path, kernel: &Path, initrd: &Path| {
        fs::copy(kernel, state.join("vmlinuz-good")).unwrap();
        fs::copy(initrd, state.join("vmlinuz-good.initrd")).unwrap();
        // The same kernel, which finds no process 1; one byte more makes it another file.
        let mut bytes = fs::read(kernel).unwrap();
        bytes.push(0);
        fs::write(state.join("vmlinuz-bad"), bytes).unwrap();
        fs::write(state.join("vmlinuz-bad.initrd"), b"nothing").unwrap();
    };
    let host = Host { cpu: "max", modules: &[] };
    let said = match host.run_again(INSIDE, &make) {
        Ok(said) => said,
        Err(why) => return testing::skip(why),
    };
    let report: Vec<&str> = said.lines().filter_map(|line| Some(line.split_once(MARK)?.1.trim())).collect();
    println!("{report:#?}");
    let settled = |step: &str| -> Vec<Vec<&str>> {
        let lines = report.iter().filter(|line| line.starts_with("settled ") && line.contains(step));
        lines.map(|line| line.split(' ').collect()).collect()
    };
    let (gone, dead) = (settled(" Go "), settled(" NoKernel "));
    assert_eq!((gone.len(), dead.len()), (4, 2), "four boots for two environments; one does not boot");
    let boots: BTreeSet<&str> = gone.iter().map(|words| words[4]).collect();
    assert_eq!(boots.len(), 4, "a boot of the host each");
    assert!(dead.iter().all(|words| words[2] == "bad"));
    assert!(said.contains("Kernel panic"), "{said}");
}
