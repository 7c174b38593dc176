//! Where Drawbridge meets the two outside worlds: AWS, and the firewall.

pub mod aws;
pub mod envelope;
pub mod offline;
pub mod panos;
pub mod secret;
pub mod settings;
