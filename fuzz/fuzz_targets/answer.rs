//! Any bytes as what the firewall answers.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drawbridge_fuzz::answer(bytes));
