//! See `core/tests/checks/hosts_and_ids.rs`.
#![no_main]

#[allow(dead_code)]
#[path = "../../tests/checks/mod.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::hosts_and_ids::check(data));
