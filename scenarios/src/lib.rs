//! Stories about Drawbridge, told against a simulated cloud and firewall.
//!
//! ```text
//!     *.scenario ──► Script ──► World (simulator)
//!                                 ▲        ▲
//!                     by wire:    │HTTP    │HTTP       the real adapters, the AWS SDK, gzip and all
//!                     direct:     │call    │call       the core against the models, no sockets
//!                                 └── Stage ── drawbridge::driver ── drawbridge_core::Run
//! ```
//!
//! Both ways give the same transcript, to the letter.

pub mod direct;
pub mod expect;
mod judge;
pub mod lab;
pub mod replay;
mod settings;
mod settled;
pub mod stage;
pub mod swarm;
mod table;
pub mod wire;
