//! A window around a real guest: perfvt stays out of it.

use crate::lab_support;

use collect::lab::window;
use lab_support::{boot, own_cpus_during};
use model::Accel;
use std::time::Duration;
use vm::guest::image::Cache;

#[test]
fn no_thread_of_perfvt_is_on_a_vcpus_cpu_in_a_window() {
    if !testing::may_boot() {
        return;
    }
    let _turn = testing::alone();
    let folder = tempfile::tempdir().unwrap();
    let booted = Cache::from_env().map_err(|e| e.to_string());
    let mut booted = match booted.and_then(|cache| boot(&cache, Accel::Tcg, folder.path())) {
        Ok(booted) => booted,
        Err(why) => {
            return testing::skip(why);
        }
    };
    let (own, measured) = own_cpus_during(|| {
        window(&mut *booted.lab, Duration::from_secs(2), Duration::from_millis(100)).unwrap()
    });
    assert!(measured.samples.len() >= 10);
    for vcpu in booted.lab.watched().vcpus {
        let cpu = vcpu.cpu.unwrap().0;
        assert!(
            !own.is_empty() && !own.contains(&cpu),
            "perfvt was on CPUs {own:?}, {} is on {cpu}",
            vcpu.name
        );
        eprintln!("perfvt was on CPUs {own:?}, {} is on {cpu}", vcpu.name);
    }
    let told = model::ids::parse_cpu_list(&booted.facts.0["placement.perfvt"]).unwrap();
    assert!(own.iter().all(|cpu| told.iter().any(|told| told.0 == *cpu)), "{told:?}");
    booted.lab.end(None);
}
