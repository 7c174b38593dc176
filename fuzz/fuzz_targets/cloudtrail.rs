//! Any bytes as a log file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drawbridge_fuzz::cloudtrail(bytes));
