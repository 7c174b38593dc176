//! The firewall: what it has, and what is written to it, over the XML API of PAN-OS.

mod clock;
mod jobs;
mod journal;
mod objects;
pub mod read;
pub mod request;
mod resolve;
pub mod response;
mod rules;
mod status;
mod text;
pub mod transaction;
pub mod xml;
pub mod xpath;
