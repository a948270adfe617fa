#![no_main]

#[path = "../laws/qcow2.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| law::holds(data));
