//! What the core promises, tried from outside.
#![cfg(test)]

mod generate;
mod once;
mod oracle;
mod plan;
mod proof;
mod properties;
mod run;
mod sample;
mod tidy;
mod toy;
