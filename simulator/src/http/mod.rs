//! Thin shells over the models: sockets, and nothing else.

pub mod panos;
pub mod tls;
