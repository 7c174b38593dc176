//! The firewall: what it has, and what is written to it, over the XML API of PAN-OS.
//!
//! ```text
//!   Command ── request, transaction ──►  Transport  ──► Answer ── response ──► Failure
//!                                       (https, or               └─ status, jobs, journal ─┐
//!                                        a model in memory)      └─ read: rules, nat … ────┴─► Firewall
//! ```
//!
//! Everything but [`https`] and [`tls`] is pure, or generic over the transport: no other module knows of sockets. Readers
//! walk [`xml::Node`]s, so that they take the bytes of an answer and a tree in memory alike.

pub mod applications;
pub mod checkup;
pub mod client;
mod clock;
pub mod cursor;
pub mod exported;
pub mod https;
mod jobs;
mod journal;
pub mod locks;
mod nat;
mod objects;
mod observe;
mod pair;
pub mod read;
pub mod request;
mod resolve;
pub mod response;
mod rules;
mod status;
mod text;
pub mod tls;
pub mod transaction;
mod unclear;
pub mod xml;
pub mod xpath;
