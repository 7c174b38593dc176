//! Being laid.

pub mod panos;
