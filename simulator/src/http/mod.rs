//! Thin shells over the models: sockets, and nothing else.

pub mod aws;
pub mod panos;
pub mod tls;
