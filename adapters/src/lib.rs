//! Where Drawbridge meets the two outside worlds: AWS, and the firewall.

<<<<<<< HEAD
pub mod aws;
pub mod envelope;
pub mod offline;
=======
pub mod panos;
>>>>>>> adapters-panos
pub mod secret;
