//! Thin shells that serve the models over sockets.

pub mod aws;
