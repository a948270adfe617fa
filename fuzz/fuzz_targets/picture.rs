#![no_main]

#[path = "../laws/screen.rs"]
mod law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| law::picture(data));
