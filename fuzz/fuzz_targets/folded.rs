#![no_main]

#[path = "../laws/tools.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| law::folded(data));
