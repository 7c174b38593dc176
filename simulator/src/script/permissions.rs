//! What security groups permit.

use std::fmt;

use ipnet::IpNet;

use super::{
    names::{Id, Kind},
    words::{Commas, Parsed, Words},
};

/// Permissions of one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Which way the traffic goes; each one of them has it.
    pub direction: Direction,
    /// The permissions, as one API call would carry them.
    pub list: Vec<Permission>,
}

/// Which way traffic goes, seen from the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the instance: `from`.
    Ingress,
    /// Out of the instance: `to`.
    Egress,
}

/// `tcp/443 from 0.0.0.0/0, sg-lb`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// What may pass.
    pub traffic: Traffic,
    /// From whom or to whom.
    pub peers: Vec<Peer>,
}

/// Protocol and ports of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// `all`
    All,
    /// `tcp/443`, `tcp/5000-5010`; `tcp` is every port
    Tcp(u16, u16),
    /// `udp/53`
    Udp(u16, u16),
    /// `icmp`, `icmp/8`, `icmp/8/0`: type and code, -1 for any
    Icmp(i16, i16),
    /// `icmpv6`, likewise
    Icmpv6(i16, i16),
    /// `ip/47`
    Protocol(u8),
}

/// The other side of a permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Addresses, as written: EC2 cuts off host bits, its records do not.
    Cidr(IpNet),
    /// A security group.
    Group(Id),
    /// A prefix list.
    PrefixList(Id),
}

impl Permissions {
    /// The ids that they name.
    pub(super) fn ids(&self) -> impl Iterator<Item = &Id> {
        let peers = self.list.iter().flat_map(|permission| &permission.peers);
        peers.filter_map(|peer| match peer {
            Peer::Group(id) | Peer::PrefixList(id) => Some(id),
            Peer::Cidr(_) => None,
        })
    }

    /// Reads `tcp/443 from 0.0.0.0/0; tcp/80 from sg-lb`.
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let (direction, first) = Permission::take(words)?;
        let mut list = vec![first];
        while words.semicolon() {
            let (next, permission) = Permission::take(words)?;
            if next != direction {
                return Err("`from` and `to` do not mix: write one line for each direction".to_owned());
            }
            list.push(permission);
        }
        Ok(Self { direction, list })
    }
}

impl Permission {
    fn take(words: &mut Words) -> Parsed<(Direction, Self)> {
        let traffic = words.value("traffic such as `tcp/443`, `udp/5000-5010`, `icmp/8`, `ip/47` or `all`")?;
        let direction = if words.keyword("to") {
            Direction::Egress
        } else {
            words.expect("from")?;
            Direction::Ingress
        };
        let peers = words.list("a CIDR, group or prefix list")?;
        let peers = peers.iter().map(|peer| Peer::read(peer)).collect::<Parsed<_>>()?;
        Ok((direction, Self { traffic, peers }))
    }
}

impl Peer {
    fn read(text: &str) -> Parsed<Self> {
        let wrong = || format!("`{text}` is neither a CIDR nor the id of a group (`sg-…`) or prefix list (`pl-…`)");
        match Id::parse(text) {
            Some(id) if id.kind() == Kind::Group => Ok(Self::Group(id)),
            Some(id) if id.kind() == Kind::PrefixList => Ok(Self::PrefixList(id)),
            Some(_) => Err(wrong()),
            None => text.parse().map(Self::Cidr).map_err(|_| wrong()),
        }
    }
}

impl std::str::FromStr for Traffic {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (protocol, rest) = text.split_once('/').map_or((text, None), |(protocol, rest)| (protocol, Some(rest)));
        let ports = || rest.map_or(Some((0, u16::MAX)), range).ok_or(());
        let kinds = || rest.map_or(Some((-1, -1)), kind_and_code).ok_or(());
        match (protocol, rest) {
            ("all", None) => Ok(Self::All),
            ("tcp", _) => ports().map(|(first, last)| Self::Tcp(first, last)),
            ("udp", _) => ports().map(|(first, last)| Self::Udp(first, last)),
            ("icmp", _) => kinds().map(|(kind, code)| Self::Icmp(kind, code)),
            ("icmpv6", _) => kinds().map(|(kind, code)| Self::Icmpv6(kind, code)),
            ("ip", Some(number)) => number.parse().map(Self::Protocol).map_err(|_| ()),
            _ => Err(()),
        }
    }
}

/// `80` or `5000-5010`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// `8` or `8/0`.
fn kind_and_code(text: &str) -> Option<(i16, i16)> {
    let (kind, code) = text.split_once('/').unwrap_or((text, "-1"));
    let (kind, code) = (kind.parse().ok()?, code.parse().ok()?);
    ((-1..=255).contains(&kind) && (-1..=255).contains(&code)).then_some((kind, code))
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.direction {
            Direction::Ingress => "from",
            Direction::Egress => "to",
        };
        for (n, Permission { traffic, peers }) in self.list.iter().enumerate() {
            write!(f, "{}{traffic} {word} {}", if n == 0 { "" } else { "; " }, Commas(peers))?;
        }
        Ok(())
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, first, last) = match *self {
            Self::All => return f.write_str("all"),
            Self::Protocol(number) => return write!(f, "ip/{number}"),
            Self::Icmp(kind, code) => return write!(f, "icmp{}", Icmp(kind, code)),
            Self::Icmpv6(kind, code) => return write!(f, "icmpv6{}", Icmp(kind, code)),
            Self::Tcp(first, last) => ("tcp", first, last),
            Self::Udp(first, last) => ("udp", first, last),
        };
        match (first, last) {
            (0, u16::MAX) => f.write_str(protocol),
            (port, same) if port == same => write!(f, "{protocol}/{port}"),
            (first, last) => write!(f, "{protocol}/{first}-{last}"),
        }
    }
}

struct Icmp(i16, i16);

impl fmt::Display for Icmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(-1, -1) => Ok(()),
            Self(kind, -1) => write!(f, "/{kind}"),
            Self(kind, code) => write!(f, "/{kind}/{code}"),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(cidr) => cidr.fmt(f),
            Self::Group(id) | Self::PrefixList(id) => id.fmt(f),
        }
    }
}
