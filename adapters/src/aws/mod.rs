//! AWS: what it says happened (CloudTrail), and what it has (EC2).

pub mod cloudtrail;
pub mod described;
pub mod inventory;
mod traffic;
