//! What the core promises, tried from outside.
#![cfg(test)]

mod plan;
mod sample;
