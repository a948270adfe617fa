#![no_main]

#[path = "../laws/perf_conf.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| law::holds(data));
