//! Any bytes as what the AWS CLI prints.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drawbridge_fuzz::inventory(bytes));
