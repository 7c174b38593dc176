//! "Already allowed" is a proof, not a probe: is every packet of an atom matched by a certain allow above the bottom rule?
//!
//! ```text
//!     columns      what a rule's columns say, as sets: exactly, or at most
//!     index        which of many rules meet or hold an atom (edges: one dimension; bits: sets of rules)
//!     proof        cuts what no single rule holds, until rules hold the pieces or a piece is bare
//!     below        how far allows from the bottom rule down count
//!     cover        puts these together: allowed by which rules, or a packet that is not
//!     possible     which of many rules may match, for what is named beside an answer
//!     overrides    denies above the bottom rule, for the report
//!     first_match  one packet's way through the rules
//! ```
//!
//! The question is about boxes (addresses × peers × ports); applications and protocol only filter. Denies do not enter above
//! the bottom rule: our rule would stand below them and cannot change their verdict.

mod below;
mod bits;
mod columns;
mod cover;
mod edges;
mod first_match;
mod index;
mod overrides;
mod possible;
mod proof;
mod question;

use std::{fmt, sync::Arc};

use self::columns::wanted_ports;
use crate::{
    address::{Address, AddressRange},
    change::Direction,
    id::{AppName, RuleName},
    range::Range,
    service::L4,
};

pub use self::{
    cover::Cover,
    first_match::{Doubtful, Matches, May, Why, first_match},
    overrides::Overrides,
};

/// One packet, as evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Which way.
    pub direction: Direction,
    /// The instance's address.
    pub local: Address,
    /// The address on the internet.
    pub peer: Address,
    /// Protocol and port.
    pub l4: L4,
    /// The application, or any.
    pub app: Option<AppName>,
}

impl Packet {
    /// Source and destination.
    fn ends(&self) -> (Address, Address) {
        turned(self.direction, self.local, self.peer)
    }
}

/// `198.51.100.7 -> 10.0.1.10 tcp 22 (ssh)`.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, self.ends(), self.l4, self.app.as_ref())
    }
}

/// Packets, as a box: every address of one side with every address and port of the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packets {
    /// Which way.
    pub direction: Direction,
    /// The instance's side.
    pub local: AddressRange,
    /// The internet's side.
    pub peer: AddressRange,
    /// Protocol and ports.
    pub l4: L4,
    /// The application, or any.
    pub app: Option<AppName>,
}

impl Packets {
    /// The first of them.
    pub fn first(&self) -> Packet {
        let first_port = Range::single(wanted_ports(self.l4).first());
        Packet {
            direction: self.direction,
            local: self.local.first(),
            peer: self.peer.first(),
            l4: self.l4.with_ports(first_port),
            app: self.app.clone(),
        }
    }
}

/// `203.0.113.0/24 -> 10.0.1.10 tcp 8080-8090 (ssh)`.
impl fmt::Display for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, turned(self.direction, self.local, self.peer), self.l4, self.app.as_ref())
    }
}

/// Local and peer as source and destination.
fn turned<T>(direction: Direction, local: T, peer: T) -> (T, T) {
    match direction {
        Direction::Ingress => (peer, local),
        Direction::Egress => (local, peer),
    }
}

fn write_line<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    (source, destination): (T, T),
    l4: L4,
    app: Option<&AppName>,
) -> fmt::Result {
    write!(f, "{source} -> {destination} {l4}")?;
    match app {
        Some(app) => write!(f, " ({app})"),
        None => Ok(()),
    }
}

/// The answer for one atom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every packet is allowed.
    Allowed(Evidence),
    /// This packet, among others, is not.
    Gap(Packet),
}

/// Rules that are enough to allow every packet of an atom. Cheap to keep: atoms with the same rules share the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    rules: Arc<[RuleName]>,
    needs_new: bool,
}

impl Evidence {
    /// Rules of the configuration, and kept ones of ours, in the order of evaluation.
    pub fn rules(&self) -> &[RuleName] {
        &self.rules
    }

    /// Whether it takes rules of ours as well that are not written yet.
    pub fn needs_new_rules(&self) -> bool {
        self.needs_new
    }
}

/// `web in` and `web out`: names in backticks.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.rules.iter().map(|name| format!("`{name}`"));
        let all: Vec<_> = named.chain(self.needs_new.then(|| "a new rule".to_owned())).collect();
        match all.split_last() {
            Some((last, [])) => f.write_str(last),
            Some((last, others)) => write!(f, "{} and {last}", others.join(", ")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
