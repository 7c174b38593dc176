//! What becomes of a packet, as the firewall itself tells it.

use std::{fmt, net::IpAddr};

use super::{RuleRow, World, rows};
use crate::xml::Element;

/// A packet. What it does not say matches every rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The zone that it comes from.
    pub from: String,
    /// The zone that it goes to.
    pub to: String,
    /// Its sender.
    pub source: IpAddr,
    /// Its receiver.
    pub destination: IpAddr,
    /// Its IANA protocol number.
    pub protocol: u8,
    /// Its destination port.
    pub port: Option<u16>,
    /// What it is found to be.
    pub application: Option<String>,
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, source, destination, protocol, .. } = self;
        write!(f, "{from}:{source} -> {to}:{destination} protocol {protocol}")?;
        if let Some(port) = self.port {
            write!(f, " port {port}")?;
        }
        self.application.as_ref().map_or(Ok(()), |application| write!(f, " ({application})"))
    }
}

impl World {
    /// Lets a packet come, which the rule counts that it meets; nothing if a default rule decides.
    pub fn send(&mut self, packet: &Packet) -> Option<RuleRow> {
        let met = self.decided_by(packet)?;
        let now = self.now();
        self.firewall.count_hit("vsys1", &met.name, now);
        Some(met)
    }

    /// The first rule of the running configuration that a packet meets; nothing if a default rule decides.
    pub fn decided_by(&mut self, packet: &Packet) -> Option<RuleRow> {
        let Packet { from, to, source, destination, protocol, .. } = packet;
        let query = Element::new("security-policy-match").with_all([
            Element::text("from", from),
            Element::text("to", to),
            Element::text("source", source.to_string()),
            Element::text("destination", destination.to_string()),
            Element::text("protocol", protocol.to_string()),
        ]);
        let port = packet.port.map(|port| Element::text("destination-port", port.to_string()));
        let application = packet.application.as_ref().map(|application| Element::text("application", application));
        let query = query.with_all(port.into_iter().chain(application));
        let now = self.now();
        let met = self.firewall.first_match("vsys1", &query, now)?;
        let is_met = |rule: &&Element| rule.attribute("name") == Some(&met);
        self.running_rules().find(is_met).map(rows::row)
    }
}
