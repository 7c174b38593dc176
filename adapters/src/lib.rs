//! Where Drawbridge meets the two outside worlds: AWS, and the firewall.

pub mod panos;
pub mod secret;
