#![no_main]

#[path = "../laws/proc.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| law::smaps(data));
