//! What a rule lets through besides addresses: applications, protocol and ports.

use std::{collections::BTreeSet, fmt};

use crate::{id::AppName, range::Range};

/// Applications, as a rule lists them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Apps {
    /// Whatever the application is.
    Any,
    /// One of these. A permission that names two ("all ICMP") is allowed when each of them is.
    Named(BTreeSet<AppName>),
}

impl fmt::Display for Apps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Named(names) => {
                for (index, name) in names.iter().enumerate() {
                    write!(f, "{}{name}", if index == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

/// Protocol and ports. Types of ICMP are told apart by application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum L4 {
    /// Every protocol.
    Any,
    /// TCP to these destination ports.
    Tcp(Range<u16>),
    /// UDP to these destination ports.
    Udp(Range<u16>),
    /// Another protocol, by its IANA number.
    Ip(u8),
}

impl L4 {
    /// Whether every packet of `other` is one of these.
    pub fn contains(self, other: Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Tcp(ours), Self::Tcp(theirs)) | (Self::Udp(ours), Self::Udp(theirs)) => ours.contains(theirs),
            (Self::Ip(ours), Self::Ip(theirs)) => ours == theirs,
            (Self::Tcp(_) | Self::Udp(_) | Self::Ip(_), _) => false,
        }
    }

    /// The packets that are in both.
    pub fn intersection(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, narrower) | (narrower, Self::Any) => Some(narrower),
            (Self::Tcp(ours), Self::Tcp(theirs)) => ours.intersection(theirs).map(Self::Tcp),
            (Self::Udp(ours), Self::Udp(theirs)) => ours.intersection(theirs).map(Self::Udp),
            (Self::Ip(ours), Self::Ip(theirs)) if ours == theirs => Some(self),
            (Self::Tcp(_) | Self::Udp(_) | Self::Ip(_), _) => None,
        }
    }

    /// The same protocol with these ports, if it has ports.
    #[must_use]
    pub(crate) fn with_ports(self, ports: Range<u16>) -> Self {
        match self {
            Self::Tcp(_) => Self::Tcp(ports),
            Self::Udp(_) => Self::Udp(ports),
            Self::Any | Self::Ip(_) => self,
        }
    }

    /// Whether some packet is one of both.
    pub fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Tcp(ours), Self::Tcp(theirs)) | (Self::Udp(ours), Self::Udp(theirs)) => ours.meets(theirs),
            (Self::Ip(ours), Self::Ip(theirs)) => ours == theirs,
            (Self::Tcp(_) | Self::Udp(_) | Self::Ip(_), _) => false,
        }
    }
}

/// `any`, `tcp 443`, `udp 5000-5010`, `protocol 47`.
impl fmt::Display for L4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Tcp(ports) => write!(f, "tcp {ports}"),
            Self::Udp(ports) => write!(f, "udp {ports}"),
            Self::Ip(number) => write!(f, "protocol {number}"),
        }
    }
}

/// What one rule of ours lets through: some applications on one protocol and range of ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// The protocol and ports. First, so that services sort by port.
    pub l4: L4,
    /// The applications.
    pub apps: Apps,
}

impl Service {
    /// Whether everything that `other` lets through is let through by this.
    pub fn contains(&self, other: &Self) -> bool {
        let apps = match (&self.apps, &other.apps) {
            (Apps::Any, _) => true,
            (Apps::Named(ours), Apps::Named(theirs)) => theirs.is_subset(ours),
            (Apps::Named(_), Apps::Any) => false,
        };
        apps && self.l4.contains(other.l4)
    }

    /// Whether whoever wants this admits the other. Of ports whatever the application: those of a port are all admitted by whoever
    /// admits the port. Where there are none, the applications are all that tells.
    pub(crate) fn admits(&self, other: &Self) -> bool {
        match other.l4 {
            L4::Tcp(_) | L4::Udp(_) => self.l4.contains(other.l4),
            L4::Ip(_) | L4::Any => self.contains(other),
        }
    }

    /// What both let through.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let apps = match (&self.apps, &other.apps) {
            (Apps::Any, narrower) | (narrower, Apps::Any) => narrower.clone(),
            (Apps::Named(ours), Apps::Named(theirs)) => Apps::Named(ours.intersection(theirs).cloned().collect()),
        };
        let is_empty = matches!(&apps, Apps::Named(names) if names.is_empty());
        let l4 = self.l4.intersection(other.l4)?;
        (!is_empty).then_some(Self { l4, apps })
    }
}

/// `ssl on tcp 443`.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.apps, self.l4) {
            (Apps::Any, L4::Any) => f.write_str("any"),
            (Apps::Any, l4) => l4.fmt(f),
            (apps, l4) => write!(f, "{apps} on {l4}"),
        }
    }
}
