#![no_main]

#[path = "../laws/foreign.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| law::github_bench(data));
