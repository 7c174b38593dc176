//! The firewall: what it has, and what is written to it, over the XML API of PAN-OS.

pub mod text;
pub mod xml;
pub mod xpath;
