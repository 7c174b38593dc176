//! The firewall: what it has, and what is written to it, over the XML API of PAN-OS.

mod objects;
pub mod read;
mod resolve;
mod rules;
mod text;
pub mod xml;
pub mod xpath;
