//! Any bytes as what the function is invoked with.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drawbridge_fuzz::envelope(bytes));
