//! Any bytes as an exported configuration.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drawbridge_fuzz::configuration(bytes));
