//! Any bytes as what the firewall answers, question after question.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drawbridge_fuzz::conversation(bytes));
