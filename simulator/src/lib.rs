//! A fake PAN-OS XML API and a fake AWS, with one virtual clock between them.
//!
//! ```text
//!     script ──────► World { clock, firewall, cloud, faults }        models: a request and a time in, an answer out
//!                          │           │
//!                 http::panos       http::aws                         thin shells: sockets, nothing else
//! ```
//!
//! The models are built on XML trees and plain records and know nothing of Drawbridge, so that they can disagree with it.

pub mod clock;
pub mod cloud;
pub mod faults;
pub mod firewall;
pub mod http;
pub mod script;
pub mod serve;
pub mod world;
pub mod xml;
