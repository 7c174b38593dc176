//! What the core promises, tried from outside.

mod plan;
mod sample;
